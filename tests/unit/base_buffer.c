/* A buffer that spills gives what one that keeps all would hold, and has the same limit. */
#include "tests/unit/test.h"

#include "core/base/buffer.h"
#include "core/base/random.h"

enum { PIECES = 3000, PIECE_MAX = 300, LARGE = 100000, MOST = 4 << 20 };

struct spilled {
    struct buffer all;
    unsigned times;
    size_t most;
};

static void take(void *context, const void *bytes, size_t length)
{
    struct spilled *s = context;

    buffer_add(&s->all, bytes, length);
    s->times++;
    s->most = length > s->most ? length : s->most;
}

static void fill(struct buffer *b)
{
    static char piece[LARGE];

    for (uint32_t i = 0; i < PIECES; i++) {
        size_t length = i == 1000 ? LARGE : random_at(4, 1, i) % PIECE_MAX;

        for (size_t k = 0; k < length; k++)
            piece[k] = (char)(i + k);
        buffer_add(b, piece, length);
        buffer_add_u32(b, i);
        buffer_format(b, "%u;", i);
    }
}

static void it_spills_what_it_would_hold(void **state)
{
    struct spilled s = {.times = 0};
    struct buffer plain, spilling;

    buffer_init(&plain, MOST);
    buffer_init(&s.all, MOST);
    buffer_init_spilling(&spilling, MOST, take, &s);
    fill(&plain);
    fill(&spilling);
    buffer_spill(&spilling);
    assert_false(spilling.overflow);
    assert_int_equal(s.all.length, plain.length);
    assert_memory_equal(s.all.bytes, plain.bytes, plain.length);
    assert_true(s.times > 10);
    assert_true(s.most < LARGE + (64 << 10)); /* it does not gather much more than one piece */
    buffer_fini(&plain);
    buffer_fini(&spilling);
    buffer_fini(&s.all);
}

static void its_limit_counts_what_was_spilled(void **state)
{
    struct spilled s = {.times = 0};
    struct buffer plain, spilling;
    size_t length;

    buffer_init(&plain, MOST);
    fill(&plain);
    length = plain.length;
    for (unsigned short_by = 0; short_by < 2; short_by++) {
        buffer_init(&s.all, MOST);
        buffer_init_spilling(&spilling, length + 1 - 2 * short_by, take, &s); /* a format's zero */
        fill(&spilling);
        buffer_spill(&spilling);
        assert_int_equal(spilling.overflow, short_by);
        buffer_fini(&spilling);
        buffer_fini(&s.all);
    }
    buffer_fini(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_spills_what_it_would_hold),
        cmocka_unit_test(its_limit_counts_what_was_spilled),
    };

    return RUN(tests);
}
