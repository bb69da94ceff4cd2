/* A pool of parked threads.
 *
 * One job at a time. Its tasks are numbers, handed out by an atomic counter, so a slow task does
 * not hold up the others; the caller takes part. A worker may only join while the job is open; the
 * caller closes it when the numbers have run out and then waits for those who joined: so a worker
 * that wakes late finds nothing, and no worker ever sees the counter of another job.
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

struct pool {
    struct workers workers;
    pthread_mutex_t caller; /* held by the one whose job runs */
    pthread_mutex_t lock;   /* of all below but `next` */
    pthread_cond_t begun;
    pthread_cond_t left;
    uint64_t job; /* number of the newest job */
    bool is_open;
    bool is_stopping;
    unsigned inside; /* workers that joined and have not left */
    unsigned tasks;
    void (*task)(void *context, unsigned number);
    void *context;
    atomic_uint next;
    unsigned threads;
    pthread_t thread[];
};

static void take_tasks(struct pool *p, unsigned tasks, void (*task)(void *context, unsigned number),
                       void *context)
{
    for (;;) {
        unsigned number = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);

        if (number >= tasks)
            return;
        task(context, number);
    }
}

static void *worker_main(void *argument)
{
    struct pool *p = argument;
    uint64_t seen = 0;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->is_stopping && (p->job == seen || !p->is_open))
            pthread_cond_wait(&p->begun, &p->lock);
        if (p->is_stopping)
            break;
        seen = p->job;
        p->inside++;
        pthread_mutex_unlock(&p->lock);
        take_tasks(p, p->tasks, p->task, p->context);
        pthread_mutex_lock(&p->lock);
        if (--p->inside == 0)
            pthread_cond_signal(&p->left);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void run_shared(struct pool *p, unsigned tasks, void (*task)(void *context, unsigned number),
                       void *context)
{
    pthread_mutex_lock(&p->lock);
    p->tasks = tasks;
    p->task = task;
    p->context = context;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    p->job++;
    p->is_open = true;
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);

    take_tasks(p, tasks, task, context);

    pthread_mutex_lock(&p->lock);
    p->is_open = false;
    while (p->inside > 0)
        pthread_cond_wait(&p->left, &p->lock);
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
    run_shared(p, tasks, task, context);
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
    p->is_stopping = true;
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
