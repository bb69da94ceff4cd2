/* How the pure core uses several threads without owning any: the caller lends a pool. Tasks are
 * numbered 0..tasks-1 and may run in any order on any thread; results must not depend on either.
 * With a NULL pool the tasks run here, one after another. (The pool: shell/os/thread.h.) */
#ifndef ASSAY_BASE_WORKERS_H
#define ASSAY_BASE_WORKERS_H

#include <stddef.h>

struct workers {
    unsigned count; /* threads that may run tasks at once, this one included */
    void (*run)(void *pool, unsigned tasks, void (*task)(void *context, unsigned number),
                void *context);
    void *pool;
};

static inline unsigned workers_count(const struct workers *w)
{
    return w != NULL && w->run != NULL && w->count > 0 ? w->count : 1;
}

static inline void workers_run(const struct workers *w, unsigned tasks,
                               void (*task)(void *context, unsigned number), void *context)
{
    if (w != NULL && w->run != NULL && w->count > 1) {
        w->run(w->pool, tasks, task, context);
        return;
    }
    for (unsigned i = 0; i < tasks; i++)
        task(context, i);
}

#endif
