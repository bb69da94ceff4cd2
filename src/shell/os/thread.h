/* Threads, bounded queues and a pool of workers: pthreads behind one header. */
#ifndef ASSAY_OS_THREAD_H
#define ASSAY_OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/workers.h"

/* The calling thread is one that no answer waits for: of a processor that others want too it has
 * a small share. */
void thread_background(void);
/* Said by it after each small piece of work (a row, a page, a frame: some tens of microseconds):
 * who waits for its processor goes first. Does nothing in other threads. */
void thread_give_way(void);
/* The calling thread is one that an answer waits for: woken, it takes the processor from others
 * that have it, and asks for it in small pieces. Its share of the processor is what it was. */
void thread_prompt(void);
/* What the system's tools (top -H, perf) call it; at most 15 characters. */
void thread_name(const char *name);
unsigned cpu_count(void); /* usable ones: affinity and cgroup quota respected, at least 1 */

enum { THREADS_MAX = 1024, QUEUE_CAPACITY_MAX = 1 << 20 };

/* A pool lends its threads to the core (base/workers.h). threads = 1 makes no thread; where the
 * system refuses one, the pool has fewer (workers_count). One job at a time: a task that runs tasks
 * itself, or a second caller, runs them on its own thread. */
struct pool;
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *p); /* takes NULL; no job may run */
const struct workers *pool_workers(struct pool *p);

/* A bounded queue of pointers, any number of producers, one or more consumers. Items still inside
 * when it is freed belong to the caller; after queue_close they can still be taken. */
struct queue;
struct queue *queue_new(uint32_t capacity);
void queue_free(struct queue *q);
bool queue_put(struct queue *q, void *item) MUST_USE; /* false: full or closed */
/* Up to `max` items; waits until there is one, at most timeout_ms (-1 = for ever). 0 on timeout or
 * when closed and empty. */
uint32_t queue_take(struct queue *q, void **items, uint32_t max, int timeout_ms);
void queue_close(struct queue *q);
bool queue_is_closed(struct queue *q);
uint32_t queue_length(struct queue *q);

#endif
