/* Each slip is a text that a word has or begins with, and what to write in its place. */
#include "config/slip.h"

struct slip {
    const char *text, *hint;
};

#define QUOTES "typographic quotes are letters here: write \" or '"

static const struct slip marks[] = {
    { "\u201c", QUOTES },
    { "\u201d", QUOTES },
    { "\u2018", QUOTES },
    { "\u2019", QUOTES },
    { "\u00a0", "a no-break space is a letter here: write a blank" },
    { "\u200b", "a blank without width is a letter here: take it out" },
    { "\ufeff", "a byte order mark is a letter here: take it out" },
    { "\u2013", "a dash is a letter here: write a hyphen" },
    { "\u2014", "a dash is a letter here: write a hyphen" },
    { NULL, NULL },
};

static const struct slip beginnings[] = {
    { "//", "a comment begins with #" },
    { "/*", "a comment begins with #" },
    { "--", "a comment begins with #" },
    { "if(", "a blank belongs between \"if\" and \"(\"" },
    { NULL, NULL },
};

static const struct slip words[] = {
    { "else", "there is no else: a map chooses, or a second if" },
    { "elsif", "there is no else: a map chooses, or a second if" },
    { "elseif", "there is no else: a map chooses, or a second if" },
    { NULL, NULL },
};

static const char *
mark_in(struct str word)
{
    for (const struct slip *each = marks; each->text; each++)
        if (memmem(word.p, word.n, each->text, strlen(each->text)))
            return each->hint;
    return NULL;
}

void
slip_hint(struct diags *d, struct diag *diag, const struct node *node)
{
    const char *hint = NULL;
    for (unsigned i = 0; i < node->n && hint == NULL && diag->hint.n == 0; i++)
        if (!node->words[i].quoted && node->words[i].text.n)
            hint = mark_in(node->words[i].text);
    if (hint)
        diag_hint(d, diag, "%s", hint);
}

bool
slip_ends_repetition(struct str word)
{
    size_t n = 0;
    while (n < word.n && (word.p[n] == ',' || (word.p[n] >= '0' && word.p[n] <= '9')))
        n++;
    return n && n < word.n && word.p[n] == '}';
}

const char *
slip_in_name(struct str name)
{
    for (const struct slip *each = beginnings; each->text; each++)
        if (str_starts(name, str_of(each->text)))
            return each->hint;
    for (const struct slip *each = words; each->text; each++)
        if (str_eq(name, str_of(each->text)))
            return each->hint;
    return slip_ends_repetition(name) ? "a word with braces, such as a{3}, stands in quotes" : NULL;
}
