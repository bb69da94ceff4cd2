/* Regular expressions: PCRE2's, compiled once, when the expression is.
 *
 * A pattern finds the first match anywhere in a text. It works by characters of UTF-8; \w, \d, \s
 * and [[:alpha:]] are those of ASCII. Refused, with the place in the pattern: what is no pattern,
 * over 32 groups, and what depends on the Unicode version of the library (\p, \P, \X, script runs),
 * so that the same plan means the same everywhere. There is no JIT compiler: it counts its steps
 * otherwise.
 *
 * A pattern is immutable and may be shared between threads; searches have a struct pattern_memory,
 * of one thread, that serves any pattern. */
#ifndef ASSAY_LANG_PATTERN_H
#define ASSAY_LANG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/text.h"

enum {
    PATTERN_GROUPS_MAX = 32,
    PATTERN_STEPS_MAX = 10000, /* from each place in a text, and levels of going back */
    PATTERN_HEAP_KIB = 16384,
    PATTERN_WORDS_MAX = 160,
};

struct pattern;
struct pattern_memory;

/* On failure NULL, the words and the byte in the pattern. */
struct pattern *pattern_new(struct text t, char words[PATTERN_WORDS_MAX], size_t *at);
void pattern_free(struct pattern *p); /* takes NULL */
struct text pattern_text(const struct pattern *p);

struct pattern_memory *pattern_memory_new(void);
void pattern_memory_free(struct pattern_memory *m); /* takes NULL */

enum pattern_result { PATTERN_NOT_FOUND, PATTERN_FOUND, PATTERN_GAVE_UP };

/* PATTERN_GAVE_UP where a limit was met, or the text is no UTF-8. *part: where there are groups the
 * first one's text (bytes NULL where it took no part in the match), else that of the whole match;
 * a view of the text. */
enum pattern_result pattern_find(const struct pattern *p, struct pattern_memory *m, struct text t,
                                 struct text *part);

#endif
