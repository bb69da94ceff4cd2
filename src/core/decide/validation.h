/* Rules that refuse an event before it is taken: checks that its own fields must pass. What is
 * refused is in no log and no window, so they may read neither windows nor features.
 *
 * A check that is null neither holds nor fails: `amount > 0` says nothing of an event without an
 * amount (`amount is not null` does). Immutable; any number of threads, each with its own bench.
 */
#ifndef ASSAY_DECIDE_VALIDATION_H
#define ASSAY_DECIDE_VALIDATION_H

#include "core/lang/lang.h"

struct validation_rule {
    struct text name;
    struct text check; /* what must hold */
};

struct validation;
struct validation_bench; /* working memory of one thread */

/* The schema must outlive it. ERROR_INVALID: "validate.NAME.check: 1:14: expected ...". */
struct validation *validation_new(const struct schema *s, const struct validation_rule *rules,
                                  uint32_t count, struct error *e) MUST_USE;
void validation_free(struct validation *v); /* takes NULL */

struct validation_bench *validation_bench_new(const struct validation *v, uint32_t rows);
void validation_bench_free(struct validation_bench *b); /* takes NULL */

/* Looks at rows [first, first + rows) of the frame, at most the bench's; failed[i] becomes the
 * number of the first rule that row first + i fails, counted from 1, or 0. Returns how many fail.
 */
uint32_t validation_run(const struct validation *v, struct validation_bench *b,
                        const struct frame *f, uint32_t first, uint32_t rows, uint16_t *failed);

/* Of a rule, counted from 1: the first field that it reads, or FIELD_NONE, and words for who sent
 * the event. */
int validation_field(const struct validation *v, uint32_t rule);
/* Every field that some rule reads. */
void validation_fields(const struct validation *v, void (*visit)(void *context, int field),
                       void *context);
void validation_words(const struct validation *v, uint32_t rule, struct buffer *out);

#endif
