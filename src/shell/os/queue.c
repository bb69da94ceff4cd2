/* A ring under a mutex. A consumer takes all that waits at once, so at high rates the lock is
 * taken once per batch, and a producer only signals when somebody sleeps. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/thread.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    uint32_t capacity;
    uint32_t first; /* the oldest item */
    uint32_t length;
    uint32_t sleepers;
    bool is_closed;
    void *items[];
};

struct queue *queue_new(uint32_t capacity)
{
    struct queue *q;

    ASSERT(capacity > 0 && capacity <= QUEUE_CAPACITY_MAX);
    q = mem_alloc(sizeof *q + capacity * sizeof q->items[0]);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    q->capacity = capacity;
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    mem_free(q);
}

bool queue_put(struct queue *q, void *item)
{
    bool is_taken;

    pthread_mutex_lock(&q->lock);
    is_taken = !q->is_closed && q->length < q->capacity;
    if (is_taken) {
        q->items[(q->first + q->length) % q->capacity] = item;
        q->length++;
        if (q->sleepers > 0)
            pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return is_taken;
}

static struct timespec deadline_after(int timeout_ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += timeout_ms / 1000;
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* With the lock held: until there is an item, the queue is closed or the time is over. */
static void wait_filled(struct queue *q, int timeout_ms)
{
    struct timespec deadline = {0};
    int rc = 0;

    if (q->length > 0 || q->is_closed || timeout_ms == 0)
        return;
    if (timeout_ms > 0)
        deadline = deadline_after(timeout_ms);
    q->sleepers++;
    while (q->length == 0 && !q->is_closed && rc != ETIMEDOUT) {
        if (timeout_ms < 0)
            pthread_cond_wait(&q->filled, &q->lock);
        else
            rc = pthread_cond_clockwait(&q->filled, &q->lock, CLOCK_MONOTONIC, &deadline);
    }
    q->sleepers--;
}

uint32_t queue_take(struct queue *q, void **items, uint32_t max, int timeout_ms)
{
    uint32_t count;

    pthread_mutex_lock(&q->lock);
    wait_filled(q, timeout_ms);
    count = q->length < max ? q->length : max;
    for (uint32_t i = 0; i < count; i++)
        items[i] = q->items[(q->first + i) % q->capacity];
    q->first = (q->first + count) % q->capacity;
    q->length -= count;
    if (q->length > 0 && q->sleepers > 0)
        pthread_cond_signal(&q->filled); /* what is left is for another consumer */
    pthread_mutex_unlock(&q->lock);
    return count;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

bool queue_is_closed(struct queue *q)
{
    bool is_closed;

    pthread_mutex_lock(&q->lock);
    is_closed = q->is_closed;
    pthread_mutex_unlock(&q->lock);
    return is_closed;
}

uint32_t queue_length(struct queue *q)
{
    uint32_t length;

    pthread_mutex_lock(&q->lock);
    length = q->length;
    pthread_mutex_unlock(&q->lock);
    return length;
}
