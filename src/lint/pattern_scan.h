/* PCRE's pieces, as far as the questions about a pattern need them. Private to the lint room. */
#pragma once

#include "base/str.h"

enum kind { NOTHING, LITERAL, DOT, CLASS, OPEN, CLOSE, BAR, BEGIN, END, QUANTIFIER, FLAGS };

struct piece {
    enum kind kind;
    char c;         /* of a literal */
    bool lines;     /* of a class: has the line break */
    bool negated;   /* of a class: [^…] */
    bool wide;      /* of a class: has bytes that no label of a host has */
    bool captures;  /* of an opening bracket */
    bool look;      /* of an opening bracket: (?=, (?!, (?<=, (?<! */
    bool optional;  /* of a quantifier: may be none */
    bool unbounded; /* of a quantifier: may be any number, and given back */
};

/* The next piece; NOTHING at the end. */
struct piece pattern_next(struct str *rest);
bool is_letter(char c);
bool is_alnum(char c);
