/* The head of a CGI response (RFC 3875 6): field lines, ended by LF or CRLF, and no status line. */
#pragma once

#include "http/message.h"
#include "wire/h1.h"

/* Where the head ends: behind the first empty line. As h1_find_head_end. */
enum h1_outcome cgi_find_head_end(struct str in, size_t *scanned, size_t *head_size);

/* Parses a whole head as found above. Status gives the status; without it Location makes it 302,
 * else it is 200. A first line as HTTP has it is passed over, as nginx does. out->fields has its
 * arena; views point into head. FRAMING_STREAM: until the response ends. On H1_BAD *why says it in
 * a static string. */
enum h1_outcome cgi_parse_head(struct str head, unsigned most_fields, enum method to,
                               struct response_head *out, const char **why)
    __attribute__((warn_unused_result));
/* The same of a program that may begin with a status line as HTTP has it, which then goes over
 * Status: uwsgi, SCGI. */
enum h1_outcome cgi_parse_head_with_line(struct str head, unsigned most_fields, enum method to,
                                         struct response_head *out, const char **why)
    __attribute__((warn_unused_result));
