/* Text to tokens, one at a time. */
#ifndef ASSAY_LANG_LEX_H
#define ASSAY_LANG_LEX_H

#include "core/base/error.h"
#include "core/base/text.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,        /* letters, digits, '_' and anything past ASCII */
    TOKEN_QUOTED_NAME, /* `...`, a backtick inside written twice */
    TOKEN_NUMBER,
    TOKEN_DURATION,
    TOKEN_STRING, /* '...' or "...", the quote inside written twice */
    TOKEN_SYMBOL,
};

struct token {
    enum token_kind kind;
    struct text text; /* as written, quotes included */
};

/* The text being read and where its errors go. */
struct source {
    struct text text;
    struct error *e;
    bool is_grouped; /* aggregates are of groups: without by and windows */
};

/* "line:column: " and the words; always false. `at` points into the source (or to its end). */
bool lang_fail(const struct source *s, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);

/* The token at or after `from` (white space and "# comments" skipped). */
bool lex_next(const struct source *s, const char *from, struct token *t) MUST_USE;

bool token_is(const struct token *t, const char *word); /* a name or symbol, not quoted */

/* Whether a name needs no backticks. */
bool lex_is_name(struct text t);

#endif
