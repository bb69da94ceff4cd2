#include "shell/log/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum {
    CHUNK_BYTES = 1 << 18, /* between two looks at `is_stopping`, and from sync to sync */
    PAUSE_SHARE = 2,       /* of the time that a chunk took, before the next */
    PAUSE_US_MAX = 20000,
};

struct ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int directory;
    size_t bytes;
    int fd; /* finished, or -1 */
    bool is_asked;
    bool is_stopping;
};

static bool is_stopping(struct ahead *a)
{
    bool stops;

    pthread_mutex_lock(&a->lock);
    stops = a->is_stopping;
    pthread_mutex_unlock(&a->lock);
    return stops;
}

/* The disk and the processor are the commits' for most of the time. */
static void pause_after(int64_t begun_us)
{
    int64_t pause_us = (clock_monotonic_us() - begun_us) * PAUSE_SHARE;

    clock_sleep_us(pause_us < PAUSE_US_MAX ? pause_us : PAUSE_US_MAX);
}

/* Chunk by chunk, each synced: the disk never gets a whole segment at once while commits wait. */
static int make(struct ahead *a)
{
    int fd = disk_create(a->directory, AHEAD_NAME);
    size_t done = 0;

    if (fd < 0)
        return -1;
    while (done < a->bytes && !is_stopping(a)) {
        size_t to = a->bytes - done < CHUNK_BYTES ? a->bytes : done + CHUNK_BYTES;
        int64_t begun_us = clock_monotonic_us();

        if (disk_extend(fd, done, to, true) != 0 || disk_sync(fd) != 0)
            break;
        done = to;
        pause_after(begun_us);
    }
    if (done == a->bytes)
        return fd;
    close(fd);
    if (disk_remove(a->directory, AHEAD_NAME) != 0) {
        /* Left over: the next one, or the next opening, writes over it. */
    }
    return -1;
}

static void *ahead_main(void *argument)
{
    struct ahead *a = argument;

    thread_name("assay-segment");
    thread_background();
    pthread_mutex_lock(&a->lock);
    for (;;) {
        int fd;

        while (!a->is_asked && !a->is_stopping)
            pthread_cond_wait(&a->changed, &a->lock);
        if (a->is_stopping)
            break;
        pthread_mutex_unlock(&a->lock);
        fd = make(a);
        pthread_mutex_lock(&a->lock);
        a->fd = fd;
        a->is_asked = false;
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

struct ahead *ahead_start(int directory, size_t segment_bytes)
{
    struct ahead *a = mem_alloc(sizeof *a);
    sigset_t all, before;
    int rc;

    a->directory = directory;
    a->bytes = segment_bytes;
    a->fd = -1;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&a->thread, NULL, ahead_main, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return a;
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
    return NULL;
}

void ahead_stop(struct ahead *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->is_stopping = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    if (a->fd >= 0) {
        close(a->fd);
        if (disk_remove(a->directory, AHEAD_NAME) != 0) {
            /* Left over: the next opening removes it. */
        }
    }
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

void ahead_ask(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    if (a->fd < 0 && !a->is_asked) {
        a->is_asked = true;
        pthread_cond_signal(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
}

int ahead_take(struct ahead *a, size_t *bytes)
{
    int fd;

    pthread_mutex_lock(&a->lock);
    fd = a->fd;
    a->fd = -1;
    *bytes = a->bytes;
    pthread_mutex_unlock(&a->lock);
    return fd;
}
