/* A thread for what the worker does not wait for: one errand at a time.
 *
 * The worker gives an errand, looks now and then whether it is done, or waits for it. What the
 * errand reads and writes belongs to that thread from aside_start until aside_wait has returned or
 * aside_is_done has said true. Where the system gives no thread, aside_start runs the errand. */
#ifndef ASSAY_STREAM_ASIDE_H
#define ASSAY_STREAM_ASIDE_H

#include <stdbool.h>

struct aside;

/* `name`: at most 15 characters. A background one gives way to all others. */
struct aside *aside_new(const char *name, bool is_background);
void aside_free(struct aside *a); /* takes NULL; waits for the errand */
/* None is under way. */
void aside_start(struct aside *a, void (*errand)(void *context), void *context);
bool aside_is_done(struct aside *a); /* none is under way */
void aside_wait(struct aside *a);

#endif
