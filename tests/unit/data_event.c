#include "tests/unit/test.h"

#include "core/base/hash.h"
#include "core/data/event.h"

static struct schema *all_types(void)
{
    struct schema *s = schema_new();
    struct error e;

    for (int i = 0; i < TYPES; i++)
        assert_true(schema_add(s, text_of(type_name((enum type)i)), (enum type)i, &e));
    return s;
}

static void fill(struct frame *f, uint64_t seed)
{
    for (int i = 0; i < TYPES; i++) {
        uint64_t h = hash_mix(seed * 16 + (uint64_t)i + 1);
        struct value v = {.type = (enum type)i, .is_null = h % 5 == 0};
        int64_t whole = (int64_t)(h >> (h % 60)) * (h & 1 ? -1 : 1);

        if (i == TYPE_TEXT)
            v.text = (struct text){"some text of any length", h % 24};
        else if (i == TYPE_REAL)
            v.real = (double)whole / 3;
        else
            v.integer = i == TYPE_BOOL   ? (int64_t)(h & 1)
                        : i == TYPE_TIME ? whole % TIME_MAX_US / 100
                                         : whole;
        column_set(&f->column[i], f->rows, &v);
    }
    f->rows++;
}

static void an_event_survives_as_bytes(void **state)
{
    struct schema *s = all_types();
    struct frame from, to;
    struct buffer b, again;
    struct reader r;
    struct error e;

    frame_init(&from, s, 500, 1 << 16);
    frame_init(&to, s, 500, 1 << 20);
    buffer_init(&b, 1 << 20);
    buffer_init(&again, 1 << 20);
    for (uint64_t i = 0; i < 500; i++) {
        fill(&from, i);
        event_encode(&b, s, &from, (uint32_t)i);
    }
    reader_init(&r, b.bytes, b.length);
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(event_decode(&r, s, &to, &e));
        event_encode(&again, s, &to, i);
        for (int k = 0; k < TYPES; k++) {
            struct value x = column_get(&from.column[k], i), y = column_get(&to.column[k], i);

            assert_true(value_equal(&x, &y));
        }
    }
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(b.length, again.length);
    assert_memory_equal(b.bytes, again.bytes, b.length);
    reader_init(&r, b.bytes, b.length);
    assert_false(event_decode(&r, s, &to, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    buffer_fini(&b);
    buffer_fini(&again);
    frame_fini(&from);
    frame_fini(&to);
    schema_free(s);
}

static void personal_fields_are_parted_and_put_back(void **state)
{
    struct schema *s = all_types();
    struct frame f;
    struct buffer whole, open, personal, again;
    struct reader r;
    struct error e;

    frame_init(&f, s, 4, 1 << 16);
    buffer_init(&whole, 1 << 16);
    buffer_init(&open, 1 << 16);
    buffer_init(&personal, 1 << 16);
    buffer_init(&again, 1 << 16);
    fill(&f, 3);
    s->fields[TYPE_TEXT].is_personal = true;
    s->fields[TYPE_INT].is_personal = true;
    f.column[TYPE_TEXT].text[0] = text_of("secret");
    f.column[TYPE_TEXT].null[0] = 0;
    f.column[TYPE_INT].null[0] = 1;
    event_encode(&whole, s, &f, 0);
    assert_true(event_split(s, (struct text){whole.bytes, whole.length}, &open, &personal));
    assert_null(memmem(open.bytes, open.length, "secret", 6));
    assert_non_null(memmem(personal.bytes, personal.length, "secret", 6));
    assert_int_equal(personal.length, 2 + 2 + 6); /* the null one is not there */
    reader_init(&r, open.bytes, open.length);
    assert_true(event_decode(&r, s, &f, &e));
    assert_int_equal(f.column[TYPE_TEXT].null[1], 1);
    assert_true(event_add_personal((struct text){personal.bytes, personal.length}, s, &f, &e));
    event_encode(&again, s, &f, 1);
    assert_int_equal(whole.length, again.length);
    assert_memory_equal(whole.bytes, again.bytes, whole.length);
    /* every cut of either is refused, or is a shorter list of fields */
    for (size_t i = 0; i < whole.length; i++) {
        buffer_clear(&open);
        buffer_clear(&again);
        assert_false(event_split(s, (struct text){whole.bytes, i}, &open, &again));
    }
    for (size_t i = 1; i < personal.length; i++)
        assert_false(event_add_personal((struct text){personal.bytes, i}, s, &f, &e));
    personal.bytes[0] = 77; /* a field that is none */
    assert_false(event_add_personal((struct text){personal.bytes, personal.length}, s, &f, &e));
    buffer_fini(&whole);
    buffer_fini(&open);
    buffer_fini(&personal);
    buffer_fini(&again);
    frame_fini(&f);
    schema_free(s);
}

/* Another looked-up value, or one field more behind, is the same event; another own value is not.
 */
static void looked_up_fields_are_not_the_senders(void **state)
{
    struct schema *s = all_types();
    uint32_t own = s->count;
    struct error e;
    struct buffer b[3];
    struct frame f;
    struct text part[3];

    assert_true(schema_add(s, text_of("t.x"), TYPE_TEXT, &e));
    s->fields[own].is_looked_up = true;
    frame_init(&f, s, 2, 1 << 16);
    fill(&f, 5);
    for (int i = 0; i < 3; i++) {
        struct value v = {.type = TYPE_TEXT, .text = text_of(i == 1 ? "other" : "one")};

        buffer_init(&b[i], 1 << 16);
        column_set(&f.column[own], 0, &v);
        if (i == 2)
            column_set(&f.column[TYPE_TEXT], 0, &v);
        event_encode(&b[i], s, &f, 0);
        part[i] = event_own_part(s, (struct text){b[i].bytes, b[i].length});
    }
    assert_int_equal(part[0].length, b[0].length - 2 - (1 + 1 + strlen("one")));
    assert_true(text_equal(part[0], part[1]));
    assert_false(text_equal(part[0], part[2]));
    for (size_t cut = 0; cut < b[0].length; cut++) /* damaged: nothing past the end is looked at */
        assert_true(event_own_part(s, (struct text){b[0].bytes, cut}).length <= cut);
    s->fields[own].is_looked_up = false;
    assert_int_equal(event_own_part(s, (struct text){b[0].bytes, b[0].length}).length,
                     b[0].length - 2);
    for (int i = 0; i < 3; i++)
        buffer_fini(&b[i]);
    frame_fini(&f);
    schema_free(s);
}

/* Cut anywhere, or with any byte changed, it is refused or is another good event; never a crash,
 * never a value out of range, and no row on failure. */
static void damage_is_seen_or_harmless(void **state)
{
    struct schema *s = all_types();
    struct frame f, to;
    struct buffer b;
    struct reader r;
    struct error e;

    frame_init(&f, s, 1, 1 << 16);
    frame_init(&to, s, 1, 1 << 20);
    buffer_init(&b, 1 << 16);
    fill(&f, 11);
    event_encode(&b, s, &f, 0);
    for (size_t cut = 0; cut < b.length; cut++) {
        char *part = mem_array(cut, 1);

        memcpy(part, b.bytes, cut);
        reader_init(&r, part, cut);
        assert_false(event_decode(&r, s, &to, &e));
        assert_int_equal(e.kind, ERROR_INVALID);
        assert_int_equal(to.rows, 0);
        mem_free(part);
    }
    for (size_t at = 0; at < b.length; at++) {
        for (int bit = 0; bit < 8; bit++) {
            b.bytes[at] ^= (char)(1 << bit);
            reader_init(&r, b.bytes, b.length);
            frame_clear(&to);
            if (event_decode(&r, s, &to, &e)) {
                struct value v = column_get(&to.column[TYPE_BOOL], 0);

                assert_true(v.integer == 0 || v.integer == 1);
            }
            b.bytes[at] ^= (char)(1 << bit);
        }
    }
    buffer_fini(&b);
    frame_fini(&f);
    frame_fini(&to);
    schema_free(s);
}

static void one_value_has_one_encoding(void **state)
{
    /* int 1 as the varint 0x82 0x00 instead of 0x02; -0.0; bool 2 */
    static const struct {
        enum type type;
        unsigned char bytes[12];
        size_t length;
    } bad[] = {
        {TYPE_INT, {1, 0, 1 + TYPE_INT, 0x82, 0}, 5},
        {TYPE_INT, {1, 0, 1 + TYPE_INT, 255, 255, 255, 255, 255, 255, 255, 255, 255}, 12},
        {TYPE_REAL, {1, 0, 1 + TYPE_REAL, 0, 0, 0, 0, 0, 0, 0, 0x80}, 11},
        {TYPE_REAL, {1, 0, 1 + TYPE_REAL, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, 11},
        {TYPE_BOOL, {1, 0, 1 + TYPE_BOOL, 4}, 4},
        {TYPE_TEXT, {1, 0, 1 + TYPE_TEXT, 1, 0xff}, 5},
        {TYPE_TEXT, {1, 0, 1 + TYPE_INT, 2}, 4},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct schema *s = schema_new();
        struct frame f;
        struct reader r;
        struct error e;

        assert_true(schema_add(s, text_of("x"), bad[i].type, &e));
        frame_init(&f, s, 1, 1 << 16);
        reader_init(&r, bad[i].bytes, bad[i].length);
        assert_false(event_decode(&r, s, &f, &e));
        frame_fini(&f);
        schema_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_survives_as_bytes),
        cmocka_unit_test(personal_fields_are_parted_and_put_back),
        cmocka_unit_test(looked_up_fields_are_not_the_senders),
        cmocka_unit_test(damage_is_seen_or_harmless),
        cmocka_unit_test(one_value_has_one_encoding),
    };

    return RUN(tests);
}
