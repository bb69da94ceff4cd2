#include "tests/unit/test.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shell/os/clock.h"
#include "shell/os/digest.h"
#include "shell/os/thread.h"

enum { TASKS = 1000, JOBS = 2000, ITEMS = 20000 };

struct tally {
    atomic_uint runs[TASKS];
    const struct workers *workers;
};

static void count_task(void *context, unsigned number)
{
    struct tally *t = context;

    atomic_fetch_add(&t->runs[number], 1);
}

static void each_task_runs_once(void **state)
{
    static const unsigned threads[] = {0, 1, 2, 5};

    (void)state;
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        struct pool *p = pool_new(threads[i]);
        static struct tally t;

        memset(&t, 0, sizeof t);
        assert_int_equal(workers_count(pool_workers(p)), threads[i] > 1 ? threads[i] : 1);
        workers_run(pool_workers(p), TASKS, count_task, &t);
        for (unsigned n = 0; n < TASKS; n++)
            assert_int_equal(t.runs[n], 1);
        pool_free(p);
    }
    pool_free(NULL);
}

/* Short jobs one after another: a worker that wakes late must not run a task of the next job. */
static void jobs_do_not_mix(void **state)
{
    struct pool *p = pool_new(4);
    static struct tally t;

    (void)state;
    memset(&t, 0, sizeof t);
    for (unsigned job = 0; job < JOBS; job++) {
        unsigned tasks = job % 7;

        workers_run(pool_workers(p), tasks, count_task, &t);
        for (unsigned n = 0; n < TASKS; n++)
            assert_int_equal(atomic_exchange(&t.runs[n], 0), n < tasks);
    }
    pool_free(p);
}

static void nested_task(void *context, unsigned number)
{
    struct tally *t = context;

    (void)number;
    workers_run(t->workers, 10, count_task, t);
}

static void a_task_may_run_tasks(void **state)
{
    struct pool *p = pool_new(3);
    static struct tally t;

    (void)state;
    memset(&t, 0, sizeof t);
    t.workers = pool_workers(p);
    workers_run(t.workers, 50, nested_task, &t);
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(t.runs[n], 50);
    pool_free(p);
}

static void a_queue_keeps_order_and_limit(void **state)
{
    struct queue *q = queue_new(4);
    int items[5];
    void *got[8];

    (void)state;
    for (int round = 0; round < 3; round++) { /* over the end of the ring */
        for (int i = 0; i < 4; i++)
            assert_true(queue_put(q, &items[i]));
        assert_false(queue_put(q, &items[4]));
        assert_int_equal(queue_length(q), 4);
        assert_int_equal(queue_take(q, got, 3, 0), 3);
        assert_ptr_equal(got[0], &items[0]);
        assert_ptr_equal(got[2], &items[2]);
        assert_int_equal(queue_take(q, got, 8, -1), 1);
        assert_ptr_equal(got[0], &items[3]);
    }
    assert_int_equal(queue_take(q, got, 8, 0), 0);
    assert_int_equal(queue_take(q, got, 8, 1), 0);
    assert_true(queue_put(q, &items[1]));
    queue_close(q);
    assert_true(queue_is_closed(q));
    assert_false(queue_put(q, &items[2]));
    assert_int_equal(queue_take(q, got, 8, -1), 1);
    assert_int_equal(queue_take(q, got, 8, -1), 0);
    queue_free(q);
}

struct crossing {
    struct queue *queue;
    atomic_ulong sum;
    atomic_uint count;
};

static void *consume(void *argument)
{
    struct crossing *c = argument;
    void *got[16];
    uint32_t n;

    while ((n = queue_take(c->queue, got, 16, -1)) > 0) {
        for (uint32_t i = 0; i < n; i++)
            atomic_fetch_add(&c->sum, (unsigned long)(uintptr_t)got[i]);
        atomic_fetch_add(&c->count, n);
    }
    return NULL;
}

static void *produce(void *argument)
{
    struct crossing *c = argument;

    for (uintptr_t i = 1; i <= ITEMS; i++)
        while (!queue_put(c->queue, (void *)i)) // NOLINT(performance-no-int-to-ptr)
            clock_sleep_us(50);
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    struct crossing c = {.queue = queue_new(64)};
    pthread_t producers[2], consumers[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, &c), 0);
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &c), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(producers[i], NULL);
    queue_close(c.queue);
    for (int i = 0; i < 2; i++)
        pthread_join(consumers[i], NULL);
    assert_int_equal(c.count, 2 * ITEMS);
    assert_int_equal(c.sum, (unsigned long)ITEMS * (ITEMS + 1));
    queue_free(c.queue);
}

static void a_processor_is_there(void **state)
{
    (void)state;
    assert_in_range(cpu_count(), 1, 1 << 20);
}

/* FIPS 180-4 examples: "abc" and the empty message. */
static void sha256_is_sha256(void **state)
{
    struct digest *d = digest_new();
    uint8_t out[DIGEST_BYTES], peeked[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    (void)state;
    for (int round = 0; round < 2; round++) {
        digest_start(d);
        digest_peek(d, peeked);
        digest_hex(peeked, hex);
        assert_string_equal(hex,
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        digest_add(d, "a", 1);
        digest_peek(d, peeked);
        digest_add(d, "bc", 2);
        digest_finish(d, out);
        digest_hex(out, hex);
        assert_string_equal(hex,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    digest_bytes("abc", 3, peeked);
    assert_memory_equal(out, peeked, DIGEST_BYTES);
    digest_free(d);
    digest_free(NULL);
}

static void random_bytes_differ(void **state)
{
    uint8_t a[64] = {0}, b[64] = {0};

    (void)state;
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void time_goes_on(void **state)
{
    int64_t before = clock_monotonic_us();

    (void)state;
    clock_sleep_us(2000);
    clock_sleep_us(-1);
    assert_true(clock_monotonic_us() - before >= 2000);
    assert_true(clock_now_us() > INT64_C(1700000000000000));
}

/* What the one who started the service gave it is not taken away. */
static void *turn_prompt(void *context)
{
    int *nice_after = context;

    assert_int_equal(setpriority(PRIO_PROCESS, (id_t)gettid(), 7), 0);
    thread_prompt();
    *nice_after = getpriority(PRIO_PROCESS, (id_t)gettid());
    return NULL;
}

static void a_prompt_thread_keeps_its_niceness(void **state)
{
    pthread_t thread;
    int nice_after = -100;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, turn_prompt, &nice_after), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(nice_after, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_runs_once),
        cmocka_unit_test(jobs_do_not_mix),
        cmocka_unit_test(a_task_may_run_tasks),
        cmocka_unit_test(a_queue_keeps_order_and_limit),
        cmocka_unit_test(nothing_is_lost_between_threads),
        cmocka_unit_test(a_processor_is_there),
        cmocka_unit_test(a_prompt_thread_keeps_its_niceness),
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(time_goes_on),
    };

    return RUN(tests);
}
