#include "shell/stream/aside.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/thread.h"

struct aside {
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    void (*errand)(void *context);
    void *context;
    bool is_stopping;
    const char *name;
    bool is_background, has_thread;
    _Atomic bool is_done;
};

static void *aside_main(void *context)
{
    struct aside *a = context;

    thread_name(a->name);
    if (a->is_background)
        thread_background();
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (a->errand == NULL && !a->is_stopping)
            pthread_cond_wait(&a->changed, &a->lock);
        if (a->errand == NULL)
            break;
        pthread_mutex_unlock(&a->lock);
        a->errand(a->context);
        pthread_mutex_lock(&a->lock);
        a->errand = NULL;
        atomic_store(&a->is_done, true);
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

struct aside *aside_new(const char *name, bool is_background)
{
    struct aside *a = mem_alloc(sizeof *a);
    sigset_t all, before;

    a->name = name;
    a->is_background = is_background;
    atomic_store(&a->is_done, true);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    a->has_thread = pthread_create(&a->thread, NULL, aside_main, a) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return a;
}

void aside_free(struct aside *a)
{
    if (a == NULL)
        return;
    if (a->has_thread) {
        pthread_mutex_lock(&a->lock);
        a->is_stopping = true;
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->thread, NULL);
    }
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

void aside_start(struct aside *a, void (*errand)(void *context), void *context)
{
    ASSERT(atomic_load(&a->is_done));
    if (!a->has_thread) {
        errand(context);
        return;
    }
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->is_done, false);
    a->errand = errand;
    a->context = context;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

bool aside_is_done(struct aside *a)
{
    return atomic_load(&a->is_done);
}

void aside_wait(struct aside *a)
{
    pthread_mutex_lock(&a->lock);
    while (!atomic_load(&a->is_done))
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
}
