/* A pool of parked threads.
 *
 * One job at a time. Its tasks are numbers, handed out by an atomic counter, so a slow task does
 * not hold up the others; the caller takes part. A worker may only join while the job is open; the
 * caller closes it when the numbers have run out and then waits for those who joined: so a worker
 * that wakes late finds nothing, and no worker ever sees the counter of another job.
 *
 * Number of the job, whether it is open and how many are inside are one word. To wake a thread
 * takes as long as a small job, and jobs come in rows: so who waits looks at the word for a while
 * before it goes to sleep.
 *
 * Where a job runs already (a task that calls workers_run itself, or a second caller), the tasks
 * run on the calling thread: correct, without waiting, without deadlock.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/thread.h"

enum { LOOKS = 2000 }; /* before sleeping: some fifty microseconds */

#define INSIDE UINT64_C(0xffff) /* workers that joined and have not left */
#define OPEN   (UINT64_C(1) << 16)
#define JOB    (UINT64_C(1) << 17) /* and the bits above: the number of the newest job */

_Static_assert(THREADS_MAX < 0xffff, "workers can be counted");

struct pool {
    struct workers workers;
    pthread_mutex_t caller; /* held by the one whose job runs */
    _Atomic uint64_t state;
    atomic_uint next;
    unsigned tasks; /* of the job, while it is open or somebody is inside */
    void (*task)(void *context, unsigned number);
    void *context;
    pthread_mutex_t lock; /* for those who sleep */
    pthread_cond_t begun;
    pthread_cond_t left;
    atomic_uint sleepers;
    atomic_bool caller_sleeps;
    atomic_bool is_stopping;
    unsigned threads;
    pthread_t thread[];
};

static inline void look_again(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_tasks(struct pool *p)
{
    for (;;) {
        unsigned number = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);

        if (number >= p->tasks)
            return;
        p->task(p->context, number);
    }
}

/* True where there is a job that the worker does not know, and it is inside now. */
static bool join(struct pool *p, uint64_t *seen)
{
    uint64_t state = atomic_load(&p->state);

    while ((state & OPEN) != 0 && state / JOB != *seen) {
        if (!atomic_compare_exchange_weak(&p->state, &state, state + 1))
            continue;
        *seen = state / JOB;
        return true;
    }
    return false;
}

/* False where the pool stops. */
static bool await_job(struct pool *p, uint64_t *seen)
{
    bool joined = false;

    for (unsigned i = 0; i < LOOKS; i++) {
        if (join(p, seen))
            return true;
        look_again();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (!atomic_load(&p->is_stopping) && !(joined = join(p, seen)))
        pthread_cond_wait(&p->begun, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
    return joined;
}

static void leave(struct pool *p)
{
    uint64_t state = atomic_fetch_sub(&p->state, 1) - 1;

    if ((state & (INSIDE | OPEN)) != 0 || !atomic_load(&p->caller_sleeps))
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->left);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *argument)
{
    struct pool *p = argument;
    uint64_t seen = 0;

    while (await_job(p, &seen)) {
        take_tasks(p);
        leave(p);
    }
    return NULL;
}

static bool somebody_inside(struct pool *p)
{
    return (atomic_load(&p->state) & INSIDE) != 0;
}

/* No worker is inside: the one before was waited for. */
static void begin(struct pool *p, unsigned tasks, void (*task)(void *context, unsigned number),
                  void *context)
{
    uint64_t job = atomic_load(&p->state) / JOB + 1;

    p->tasks = tasks;
    p->task = task;
    p->context = context;
    atomic_store(&p->next, 0);
    atomic_store(&p->state, job * JOB | OPEN);
    if (atomic_load(&p->sleepers) == 0) /* who goes to sleep now looks at the state once more */
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
}

static void await_workers(struct pool *p)
{
    atomic_fetch_and(&p->state, ~OPEN);
    for (unsigned i = 0; i < LOOKS; i++) {
        if (!somebody_inside(p))
            return;
        look_again();
    }
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);
    while (somebody_inside(p))
        pthread_cond_wait(&p->left, &p->lock);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

static void pool_run(void *pool, unsigned tasks, void (*task)(void *context, unsigned number),
                     void *context)
{
    struct pool *p = pool;

    if (tasks < 2 || pthread_mutex_trylock(&p->caller) != 0) {
        for (unsigned i = 0; i < tasks; i++)
            task(context, i);
        return;
    }
    begin(p, tasks, task, context);
    take_tasks(p);
    await_workers(p);
    pthread_mutex_unlock(&p->caller);
}

/* Signals are for the main thread: a worker takes none. A thread that the system refuses to make
 * is done without; the tasks then run on fewer. */
static void start_threads(struct pool *p, unsigned wanted)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->threads < wanted && pthread_create(&p->thread[p->threads], NULL, worker_main, p) == 0)
        p->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *pool_new(unsigned threads)
{
    struct pool *p;
    unsigned wanted = threads > 1 ? threads - 1 : 0; /* the caller is the first */

    ASSERT(threads <= THREADS_MAX);
    p = mem_alloc(sizeof *p + wanted * sizeof p->thread[0]);
    pthread_mutex_init(&p->caller, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->left, NULL);
    start_threads(p, wanted);
    p->workers = (struct workers){.count = p->threads + 1, .run = pool_run, .pool = p};
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->is_stopping, true);
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->left);
    pthread_cond_destroy(&p->begun);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->caller);
    mem_free(p);
}

const struct workers *pool_workers(struct pool *p)
{
    return &p->workers;
}
