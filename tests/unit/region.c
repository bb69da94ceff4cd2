#include "tests/unit/test.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/velocity/region.h"

enum { CAPACITY = 1 << 20, PIECES = 4000 };

struct piece {
    region_ref ref;
    size_t bytes;
};

static uint64_t next(uint64_t *random)
{
    *random += 0x9e3779b97f4a7c15u;
    return hash_mix(*random);
}

static void classes_round_up_by_at_most_a_quarter(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 300000; bytes += bytes < 5000 ? 1 : 97) {
        size_t taken = region_class_bytes(bytes);

        assert_true(taken >= bytes && region_class_bytes(taken) == taken);
        assert_true(bytes < 64 ? taken - bytes < 16 : taken % 64 == 0);
        if (bytes > 256)
            assert_true((taken - bytes) * 4 <= bytes);
    }
    assert_true(region_class_bytes((size_t)1 << 36) == (size_t)1 << 36);
}

static void pieces_do_not_overlap(void **state)
{
    uint8_t *memory = mem_aligned(64, CAPACITY);
    struct piece *pieces = mem_array(PIECES, sizeof *pieces);
    struct region r;
    uint64_t random = 1, live, refused = 0;

    (void)state;
    region_init(&r, memory, CAPACITY, 7);
    live = region_header(&r)->live;
    for (int i = 0; i < 100000; i++) {
        struct piece *p = &pieces[next(&random) % PIECES];

        if (p->ref != 0) {
            uint8_t *at = region_at(&r, p->ref);

            for (size_t k = 0; k < p->bytes; k++)
                assert_int_equal(at[k], (uint8_t)p->ref);
            region_free(&r, p->ref, p->bytes);
            live -= region_class_bytes(p->bytes);
            p->ref = 0;
            continue;
        }
        p->bytes = 1 + next(&random) % (next(&random) % 8 ? 300 : 6000);
        p->ref = region_alloc(&r, p->bytes);
        refused += p->ref == 0;
        if (p->ref != 0) {
            uint8_t *at = region_at(&r, p->ref);

            if (p->bytes > 48)
                assert_int_equal((uintptr_t)at % 64, 0);
            assert_true(at + region_class_bytes(p->bytes) <= memory + CAPACITY);
            for (size_t k = 0; k < p->bytes; k++)
                assert_int_equal(at[k], 0);
            memset(at, (uint8_t)p->ref, p->bytes);
            live += region_class_bytes(p->bytes);
        }
        assert_int_equal(region_header(&r)->live, live);
    }
    assert_true(refused > 0); /* the region was full at times, so blocks were split */
    mem_free(pieces);
    mem_free(memory);
}

static void a_full_region_says_so(void **state)
{
    uint8_t *memory = mem_aligned(64, CAPACITY);
    struct region r;
    region_ref last = 0, ref;

    (void)state;
    region_init(&r, memory, CAPACITY, 7);
    assert_int_equal(region_alloc(&r, CAPACITY), 0);
    assert_int_equal(region_alloc(&r, SIZE_MAX / 2), 0);
    while ((ref = region_alloc(&r, 1024)) != 0)
        last = ref;
    assert_true(last != 0);
    region_free(&r, last, 1024);
    assert_true(region_alloc(&r, 100) != 0); /* from the block of 1024 */
    assert_true(region_alloc(&r, 100) != 0);
    mem_free(memory);
}

/* Whatever was there before, once all is freed it is one room again. */
static void what_is_free_joins(void **state)
{
    uint8_t *memory = mem_aligned(64, CAPACITY);
    struct piece *pieces = mem_array(PIECES, sizeof *pieces);
    struct region r;
    uint64_t random = 3;
    size_t most;
    region_ref ref;

    (void)state;
    region_init(&r, memory, CAPACITY, 7);
    most = CAPACITY - region_header(&r)->live;
    for (int i = 0; i < 100000; i++) {
        struct piece *p = &pieces[next(&random) % PIECES];

        if (p->ref != 0) {
            region_free(&r, p->ref, p->bytes);
            p->ref = 0;
        } else {
            p->bytes = 49 + next(&random) % (next(&random) % 8 ? 300 : 6000);
            p->ref = region_alloc(&r, p->bytes);
        }
    }
    for (int i = 0; i < PIECES; i++) {
        if (pieces[i].ref != 0)
            region_free(&r, pieces[i].ref, pieces[i].bytes);
    }
    while (region_class_bytes(most) > CAPACITY - region_header(&r)->live)
        most -= 64;
    ref = region_alloc(&r, most);
    assert_true(ref != 0);
    for (size_t i = 0; i < most; i++)
        assert_int_equal(((uint8_t *)region_at(&r, ref))[i], 0);
    mem_free(pieces);
    mem_free(memory);
}

/* Entities that grow together, each into a new block beside its old one: nearly all of the region
 * holds them before the first finds no room. */
static void growing_together_uses_the_region(void **state)
{
    uint8_t *memory = mem_aligned(64, 8 * CAPACITY);
    struct piece *pieces = mem_array(PIECES, sizeof *pieces);
    struct region r;
    size_t bytes = 64, left;
    bool is_full = false;

    (void)state;
    region_init(&r, memory, 8 * CAPACITY, 7);
    while (!is_full) {
        for (int i = 0; i < PIECES && !is_full; i++) {
            region_ref ref = region_alloc(&r, bytes);

            is_full = ref == 0;
            if (is_full)
                break;
            if (pieces[i].ref != 0)
                region_free(&r, pieces[i].ref, pieces[i].bytes);
            pieces[i] = (struct piece){ref, bytes};
        }
        bytes += bytes / 4 + 1;
    }
    left = 8 * CAPACITY - region_header(&r)->live;
    assert_true(left < 8 * CAPACITY / 4);
    mem_free(pieces);
    mem_free(memory);
}

/* Extents are 16 MiB; a block over several of them, and free neighbours on both sides of a border.
 */
static void blocks_over_extents(void **state)
{
    enum { LARGE = 100 << 20, BLOCK = 3 << 20, BLOCKS = 20 };
    uint8_t *memory = mem_aligned(64, (size_t)2 * LARGE);
    struct region r;
    region_ref ref[BLOCKS], all;
    size_t used;

    (void)state;
    region_init(&r, memory, (size_t)2 * LARGE, 7);
    for (int i = 0; i < BLOCKS; i++)
        ref[i] = region_alloc(&r, BLOCK);
    used = region_header(&r)->used;
    for (int i = 0; i < BLOCKS; i += 2)
        region_free(&r, ref[i], BLOCK);
    for (int i = 1; i < BLOCKS; i += 2)
        region_free(&r, ref[i], BLOCK);
    all = region_alloc(&r, 14 << 20); /* within what lies between two pages of tags */
    assert_true(all != 0 && region_header(&r)->used == used);
    region_free(&r, all, 14 << 20);
    all = region_alloc(&r, LARGE);
    assert_true(all != 0 && region_header(&r)->used > used);
    region_free(&r, all, LARGE);
    assert_true(region_alloc(&r, LARGE) == all);
    mem_free(memory);
}

static void only_whole_snapshots_open(void **state)
{
    uint8_t *memory = mem_aligned(64, CAPACITY), *copy = mem_aligned(64, CAPACITY);
    struct region r, again;
    struct error e;
    size_t used;
    region_ref ref;

    (void)state;
    region_init(&r, memory, CAPACITY, 7);
    ref = region_alloc(&r, 500);
    memset(region_at(&r, ref), 0x5a, 500);
    used = region_header(&r)->used;
    memcpy(copy, memory, used);
    assert_false(region_open(&again, copy, CAPACITY, used - 64, 7, &e));
    assert_false(region_open(&again, copy, CAPACITY, 8, 7, &e));
    assert_false(region_open(&again, copy, CAPACITY, used, 8, &e));
    assert_non_null(strstr(e.text, "rebuild"));
    assert_false(region_open(&again, copy, used - 64, used, 7, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    assert_true(region_open(&again, copy, CAPACITY / 2, used, 7, &e));
    assert_int_equal(((uint8_t *)region_at(&again, ref))[499], 0x5a);
    region_header(&again)->free_list[3] = UINT32_MAX;
    assert_false(region_open(&again, copy, CAPACITY, used, 7, &e));
    copy[0] ^= 1;
    assert_false(region_open(&again, copy, CAPACITY, used, 7, &e));
    mem_free(memory);
    mem_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_round_up_by_at_most_a_quarter),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_full_region_says_so),
        cmocka_unit_test(what_is_free_joins),
        cmocka_unit_test(growing_together_uses_the_region),
        cmocka_unit_test(blocks_over_extents),
        cmocka_unit_test(only_whole_snapshots_open),
    };

    return RUN(tests);
}
