/* RFC 8259 7 */
#include "lint/json.h"

/* The bytes of the character that s begins with; 0 when it is none. */
static size_t
character(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : (c & 0xf0) == 0xe0    ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    unsigned char second = n > 1 ? (unsigned char)s.p[1] : 0;
    bool odd = (c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
               (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f);
    return odd ? 0 : n;
}

void
json_string(struct buf *b, struct str text)
{
    buf_byte(b, '"');
    while (text.n) {
        unsigned char c = (unsigned char)text.p[0];
        size_t n = character(text);
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < ' ')
            buf_printf(b, "\\u%04x", c);
        else if (n)
            buf_put(b, str_head(text, n));
        else
            buf_put(b, STR("\xef\xbf\xbd"));
        text = str_skip(text, n ? n : 1);
    }
    buf_byte(b, '"');
}
