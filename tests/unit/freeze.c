/* A frozen region read by one thread while another changes it, and the writers of the engine's own
 * state held to region_touch. */
#include "tests/unit/test.h"

#include <pthread.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/decide/ids.h"
#include "core/decide/waiting.h"
#include "shell/run/freeze.h"
#include "tests/unit/witness.h"

enum { BYTES = 5 * FREEZE_CHUNK + 12345 * 16, ROUNDS = 12, CHANGES = 200000 };

static uint64_t next(uint64_t *random)
{
    *random += 0x9e3779b97f4a7c15u;
    return hash_mix(*random);
}

struct reading {
    struct freeze *freeze;
    size_t bytes;
    uint8_t *out;
    bool ok;
};

static void *read_all(void *context)
{
    struct reading *r = context;

    r->ok = true;
    for (size_t at = 0; at < r->bytes && r->ok; at += FREEZE_CHUNK)
        r->ok = freeze_read(r->freeze, at >> FREEZE_CHUNK_LOG, r->out + at);
    freeze_over(r->freeze);
    return NULL;
}

static void change(struct region *r, uint64_t *random, int changes)
{
    for (int i = 0; i < changes; i++) {
        size_t bytes = 1 + next(random) % (next(random) % 64 ? 64 : 3000);
        size_t at = next(random) % (BYTES - bytes);

        region_touch(r, r->base + at, bytes);
        memset(r->base + at, (int)next(random), bytes);
    }
}

static void the_frozen_bytes_are_those_of_their_moment(void **state)
{
    uint8_t *memory = mem_aligned(64, BYTES + 4096), *image = mem_alloc(BYTES);
    uint8_t *out = mem_alloc(BYTES);
    struct region r = {.base = memory};
    uint64_t random = 3, copied = 0;

    (void)state;
    for (int log = 6; log <= 12; log += 3) {
        struct error e;
        struct freeze *f = freeze_new(BYTES + 4096, (unsigned)log, 64 << 20, &e);

        assert_non_null(f);
        for (int round = 0; round < ROUNDS; round++) {
            struct reading reading = {.freeze = f, .bytes = BYTES, .out = out};
            pthread_t thread;

            change(&r, &random, 1000);
            memcpy(image, memory, BYTES);
            freeze_prepare(f, round % 2 ? BYTES : 0);
            r.watch = freeze_begin(f, memory, BYTES);
            change(&r, &random, round * 50);
            assert_int_equal(pthread_create(&thread, NULL, read_all, &reading), 0);
            change(&r, &random, CHANGES / ROUNDS);
            pthread_join(thread, NULL);
            assert_true(reading.ok && freeze_is_over(f) && !freeze_was_given_up(f));
            assert_memory_equal(out, image, BYTES);
            change(&r, &random, 100); /* the engine has not yet seen that it is over */
            r.watch = NULL;
            assert_true(freeze_copied(f) <= BYTES + 4096);
            copied += freeze_copied(f);
            freeze_end(f);
        }
        freeze_free(f);
    }
    assert_true(copied > BYTES);
    mem_free(memory);
    mem_free(image);
    mem_free(out);
}

/* Beyond the limit the freeze is given up; the next one has all of the limit again. */
static void too_many_copies_give_it_up(void **state)
{
    enum { LIMIT = 64 << 10 };
    uint8_t *memory = mem_aligned(64, BYTES), *out = mem_alloc(FREEZE_CHUNK);
    struct region r = {.base = memory};
    struct error e;
    struct freeze *f = freeze_new(BYTES, 9, LIMIT, &e);

    (void)state;
    for (int over = 0; over < 2; over++) {
        freeze_prepare(f, BYTES);
        r.watch = freeze_begin(f, memory, BYTES);
        for (size_t at = 0; at < LIMIT + (over ? 0 : 512); at += 512) {
            assert_false(freeze_was_given_up(f));
            region_touch(&r, memory + at, 1);
        }
        region_touch(&r, memory, 1); /* copied already */
        assert_int_equal(freeze_was_given_up(f), !over);
        assert_int_equal(freeze_read(f, 0, out), over);
        assert_int_equal(freeze_is_over(f), !over);
        freeze_over(f);
        assert_true(freeze_is_over(f));
        assert_int_equal(freeze_was_given_up(f), !over);
        r.watch = NULL;
        assert_int_equal(freeze_copied(f), LIMIT);
        freeze_end(f);
        assert_false(freeze_is_over(f));
    }
    freeze_free(f);
    mem_free(memory);
    mem_free(out);
}

/* What lies past the frozen bytes, or is no byte at all, is nobody's business. */
static void what_is_not_frozen_is_not_copied(void **state)
{
    uint8_t *memory = mem_aligned(64, 8192);
    struct region r = {.base = memory};
    struct error e;
    struct freeze *f = freeze_new(8192, 9, 1 << 20, &e);

    (void)state;
    freeze_prepare(f, 0);
    r.watch = freeze_begin(f, memory, 1000);
    region_touch(&r, memory + 1000, 4000);
    region_touch(&r, memory, 0);
    assert_int_equal(freeze_copied(f), 0);
    region_touch(&r, memory + 990, 4000);
    assert_int_equal(freeze_copied(f), 512);
    freeze_over(f);
    freeze_end(f);
    freeze_free(f);
    mem_free(memory);
}

static void ids_and_waiting_labels_tell(void **state)
{
    enum { CAPACITY = 4 << 20, GROUPS = 3 };
    uint8_t *memory = mem_aligned(64, CAPACITY);
    struct waiting_label *label = mem_alloc(waiting_label_bytes(GROUPS));
    struct region r;
    struct waiting w;
    struct ids ids;
    uint64_t random = 9;
    size_t changed = 0;

    (void)state;
    memset(memory, 0, CAPACITY);
    region_init(&r, memory, CAPACITY, 1);
    ids_open(&ids, &r, 1, 3000, 1000);
    waiting_open(&w, &r, 2, GROUPS);
    for (int i = 0; i < 8000; i++) {
        struct id_entry id = {.token = {next(&random), next(&random)}, .seq = 1, .received_us = i};
        bool pushes = next(&random) % 5 < 3;
        struct witness witness;
        bool watched = i % 7 == 0;

        if (watched)
            witness_begin(&witness, &r);
        for (int k = 0; k < 3; k++) {
            id.token.low = next(&random);
            ids_add(&ids, &id);
        }
        label->effective_us = (int64_t)(next(&random) % 1000);
        if (pushes)
            assert_true(waiting_push(&w, label));
        else
            waiting_pop(&w);
        if (watched)
            changed += witness_end(&witness);
    }
    assert_true(ids_count(&ids) > 2000 && waiting_count(&w) > 500 && changed > 10000);
    mem_free(memory);
    mem_free(label);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frozen_bytes_are_those_of_their_moment),
        cmocka_unit_test(too_many_copies_give_it_up),
        cmocka_unit_test(what_is_not_frozen_is_not_copied),
        cmocka_unit_test(ids_and_waiting_labels_tell),
    };

    return RUN(tests);
}
