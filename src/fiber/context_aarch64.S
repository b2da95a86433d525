/* fiber/context.h for the AArch64 procedure call standard.
 *
 * Kept for the caller are x19 to x30 and the low halves of v8 to v15. */
        .text

        .globl context_switch
        .type context_switch, %function
        .p2align 4
context_switch:
        .cfi_startproc
        sub sp, sp, #160
        .cfi_def_cfa_offset 160
        stp x19, x20, [sp]
        stp x21, x22, [sp, #16]
        stp x23, x24, [sp, #32]
        stp x25, x26, [sp, #48]
        stp x27, x28, [sp, #64]
        stp x29, x30, [sp, #80]
        stp d8, d9, [sp, #96]
        stp d10, d11, [sp, #112]
        stp d12, d13, [sp, #128]
        stp d14, d15, [sp, #144]
        mov x9, sp
        str x9, [x0]
        mov sp, x1
        ldp x19, x20, [sp]
        ldp x21, x22, [sp, #16]
        ldp x23, x24, [sp, #32]
        ldp x25, x26, [sp, #48]
        ldp x27, x28, [sp, #64]
        ldp x29, x30, [sp, #80]
        ldp d8, d9, [sp, #96]
        ldp d10, d11, [sp, #112]
        ldp d12, d13, [sp, #128]
        ldp d14, d15, [sp, #144]
        add sp, sp, #160
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        .size context_switch, .-context_switch

/* (top x0, low x1, entry x2, arg x3): the frame that context_switch will load. */
        .globl context_make
        .type context_make, %function
        .p2align 4
context_make:
        .cfi_startproc
        and x0, x0, #-16
        sub x0, x0, #160
        adr x4, context_begin
        stp x2, x3, [x0]
        stp xzr, x4, [x0, #80]
        ret
        .cfi_endproc
        .size context_make, .-context_make

/* The first instructions on a new stack. x30 is undefined above: a backtrace ends here. */
        .type context_begin, %function
        .p2align 4
context_begin:
        .cfi_startproc
        .cfi_undefined x30
        mov x0, x20
        blr x19
        brk #0
        .cfi_endproc
        .size context_begin, .-context_begin

        .section .note.GNU-stack, "", %progbits
