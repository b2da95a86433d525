/* fiber/context.h for the System V ABI of x86-64.
 *
 * Kept for the caller are rbx, rbp and r12 to r15. The return is an indirect jump rather than `ret`:
 * the processor's return predictor would be wrong each time. */
        .text

        .globl context_switch
        .type context_switch, @function
        .p2align 4
context_switch:
        .cfi_startproc
        pushq %rbp
        .cfi_adjust_cfa_offset 8
        pushq %rbx
        .cfi_adjust_cfa_offset 8
        pushq %r12
        .cfi_adjust_cfa_offset 8
        pushq %r13
        .cfi_adjust_cfa_offset 8
        pushq %r14
        .cfi_adjust_cfa_offset 8
        pushq %r15
        .cfi_adjust_cfa_offset 8
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        popq %r15
        .cfi_adjust_cfa_offset -8
        popq %r14
        .cfi_adjust_cfa_offset -8
        popq %r13
        .cfi_adjust_cfa_offset -8
        popq %r12
        .cfi_adjust_cfa_offset -8
        popq %rbx
        .cfi_adjust_cfa_offset -8
        popq %rbp
        .cfi_adjust_cfa_offset -8
        popq %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmpq *%rcx
        .cfi_endproc
        .size context_switch, .-context_switch

/* (top rdi, low rsi, entry rdx, arg rcx): the frame that context_switch will pop. */
        .globl context_make
        .type context_make, @function
        .p2align 4
context_make:
        .cfi_startproc
        andq $-16, %rdi
        leaq context_begin(%rip), %rax
        movq %rax, -8(%rdi)
        movq $0, -16(%rdi)
        movq %rcx, -24(%rdi)
        movq %rdx, -32(%rdi)
        leaq -56(%rdi), %rax
        ret
        .cfi_endproc
        .size context_make, .-context_make

/* The first instructions on a new stack. rip is undefined above: a backtrace ends here. */
        .type context_begin, @function
        .p2align 4
context_begin:
        .cfi_startproc
        .cfi_undefined rip
        movq %rbx, %rdi
        callq *%r12
        ud2
        .cfi_endproc
        .size context_begin, .-context_begin

        .section .note.GNU-stack, "", @progbits
