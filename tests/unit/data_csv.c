#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "core/data/csv.h"

static const struct text nulls[] = {{"NA", 2}, {"-", 1}, {"-999", 4}};

/* A schema from letters: i int, d decimal, r real, s text, t time, b bool, u duration. */
static struct schema *schema_of(const char *letters)
{
    static const char known[] = "bidrstu"; /* in the order of enum type */
    struct schema *s = schema_new();
    struct error e;
    char name[2] = "a";

    for (; *letters != 0; letters++, name[0]++)
        assert_true(schema_add(s, text_of(name), (enum type)(strchr(known, *letters) - known), &e));
    return s;
}

struct reading {
    struct schema *schema;
    struct csv_reader *reader;
    struct frame frame;
    struct csv_bad bad[64];
    unsigned bads;
};

static void reading_begin(struct reading *r, const char *letters, char delimiter)
{
    struct csv_column column[32];
    struct csv_layout l = {delimiter, (uint32_t)strlen(letters), column, nulls, 3};

    for (uint32_t i = 0; i < l.columns; i++)
        column[i] = (struct csv_column){(int)i, false};
    memset(r, 0, sizeof *r);
    r->schema = schema_of(letters);
    r->reader = csv_reader_new(&l, r->schema, 1);
    frame_init(&r->frame, r->schema, 4096, 16 << 20);
}

static void reading_end(struct reading *r)
{
    csv_reader_free(r->reader);
    frame_fini(&r->frame);
    schema_free(r->schema);
}

/* Gives the bytes in two parts, cut at `cut`; each part in memory of its own size, so that the
 * sanitizer sees a byte read too many. */
static void read_cut(struct reading *r, const char *bytes, size_t length, size_t cut)
{
    size_t at = 0, end = cut;

    for (;;) {
        size_t used, size = end - at;
        char *copy = mem_array(size, 1);
        struct csv_bad bad;
        enum csv_stop stop;

        memcpy(copy, bytes + at, size);
        stop = csv_read(r->reader, copy, size, end == length, &r->frame, &used, &bad);
        assert_true(used <= size);
        at += used;
        if (stop == CSV_BAD) {
            bad.value.bytes = NULL;
            assert_true(r->bads < 64);
            r->bad[r->bads++] = bad;
        }
        mem_free(copy);
        if (stop == CSV_FULL)
            return;
        if (stop == CSV_MORE && end == length)
            return;
        if (stop == CSV_MORE)
            end = length;
    }
}

static void read_all(struct reading *r, const char *letters, const char *bytes)
{
    reading_begin(r, letters, ',');
    read_cut(r, bytes, strlen(bytes), strlen(bytes));
}

static void assert_text(const struct reading *r, uint32_t column, uint32_t row, const char *wanted)
{
    const struct column *c = &r->frame.column[column];

    if (wanted == NULL) {
        assert_int_equal(c->null[row], 1);
        return;
    }
    assert_int_equal(c->null[row], 0);
    if (!text_is(c->text[row], wanted))
        fail_msg("\"%.*s\" is not \"%s\"", TEXT_ARG(c->text[row]), wanted);
}

static void quotes_and_line_ends_of_all_kinds(void **state)
{
    static const char bytes[] = "one,\"two, \"\"2\"\"\n2\"\r\n"
                                "\n\r\n"
                                "5\" pipe,\"\"\r"
                                "\"x\",-\n"
                                ",\"-\"\n"
                                "\xe0\xb8\x81,last";

    for (size_t cut = 0; cut <= sizeof bytes - 1; cut++) {
        struct reading r;

        reading_begin(&r, "ss", ',');
        read_cut(&r, bytes, sizeof bytes - 1, cut);
        assert_int_equal(r.bads, 0);
        assert_int_equal(r.frame.rows, 5);
        assert_text(&r, 0, 0, "one");
        assert_text(&r, 1, 0, "two, \"2\"\n2");
        assert_text(&r, 0, 1, "5\" pipe");
        assert_text(&r, 1, 1, NULL);
        assert_text(&r, 0, 2, "x");
        assert_text(&r, 1, 2, NULL);
        assert_text(&r, 0, 3, NULL);
        assert_text(&r, 1, 3, "-"); /* a quoted null word is a word */
        assert_text(&r, 1, 4, "last");
        reading_end(&r);
    }
}

static void cells_get_their_types(void **state)
{
    struct reading r;

    read_all(&r, "idrstbu",
             "1,57.16,-0.5,x,2018-04-01 00:00:31,true,7d\n"
             "-999, 5 ,1e3,NA,2018-04-01 23:59:59,N,-\n"
             "1e3,.5,0,,2018-04-02T00:00:00,0,90m\n"
             "12345678,12345678,12345678,12345678,2018-04-02 00:00:01.5,1,1s\n"
             "9223372036854775807,85.64999999999999,-0.0,y,2018-04-01 01:02:03,F,0s\n"
             "-7,-0.25,00.5,z,2018-04-01T01:02:03Z,T,1w");
    assert_int_equal(r.bads, 1); /* 00.5 */
    assert_int_equal(r.bad[0].fault, FAULT_LEADING_ZERO);
    assert_int_equal(r.bad[0].column, 2);
    assert_int_equal(r.frame.rows, 5);
    assert_int_equal(r.frame.column[0].null[1], 1);
    assert_int_equal(r.frame.column[0].integer[2], 1000);
    assert_int_equal(r.frame.column[0].integer[4], INT64_MAX);
    assert_int_equal(r.frame.column[1].integer[0], 57160000);
    assert_int_equal(r.frame.column[1].integer[1], 5 * DECIMAL_ONE);
    assert_int_equal(r.frame.column[1].integer[2], 500000);
    assert_int_equal(r.frame.column[1].integer[3], 12345678 * DECIMAL_ONE);
    assert_int_equal(r.frame.column[1].integer[4], 85650000); /* rounded, and told */
    assert_int_equal(csv_reader_rounded(r.reader), 1);
    assert_true(r.frame.column[2].real[0] == -0.5 && !signbit(r.frame.column[2].real[4]));
    assert_int_equal(r.frame.column[3].null[1], 1);
    assert_int_equal(r.frame.column[4].integer[1], INT64_C(1522627199) * US_PER_SECOND);
    assert_int_equal(r.frame.column[4].integer[3], INT64_C(1522627201500000));
    assert_int_equal(r.frame.column[4].integer[4], INT64_C(1522544523) * US_PER_SECOND);
    assert_int_equal(r.frame.column[5].integer[1], 0);
    assert_int_equal(r.frame.column[6].integer[2], 90 * 60 * US_PER_SECOND);
    assert_int_equal(r.frame.column[6].null[1], 1);
    reading_end(&r);
}

/* Every short number against the slow reader, at the end of the bytes too. */
static void the_short_ways_agree_with_the_long_one(void **state)
{
    static const char signs[] = "0123456789..--+e ";

    for (uint64_t i = 0; i < 60000; i++) {
        struct reading r;
        char cell[16];
        size_t length = 1 + i % 10;
        struct value v;
        enum fault fault[2];
        uint64_t h = hash_mix(i + 1);

        for (size_t k = 0; k < length; k++, h = hash_mix(h))
            cell[k] = signs[h % (i % 3 ? 11 : sizeof signs - 1)];
        cell[length] = 0;
        if (text_is(text_trim(text_of(cell)), "") ||
            cell_has_leading_zero(text_trim(text_of(cell))))
            continue;
        reading_begin(&r, i & 1 ? "d" : "i", ';');
        fault[0] = cell_parse(text_of(cell), &r.schema->fields[0], &v);
        read_cut(&r, cell, length, length);
        fault[1] = r.bads > 0 ? r.bad[0].fault : FAULT_NONE;
        if (text_is(text_trim(text_of(cell)), "-") || text_is(text_trim(text_of(cell)), "-999"))
            assert_int_equal(r.frame.column[0].null[0], 1);
        else if (fault[0] != fault[1] ||
                 (fault[0] == FAULT_NONE && r.frame.column[0].integer[0] != v.integer))
            fail_msg("\"%s\": %s, %s", cell, fault_text(fault[0]), fault_text(fault[1]));
        reading_end(&r);
    }
}

static void bad_records_are_told_and_passed_over(void **state)
{
    static const char bytes[] = "1,a\n"      /* line 1 */
                                "2\n"        /* too few */
                                "3,a,b\n"    /* too many */
                                "x,a\n"      /* type */
                                "1e999,a\n"  /* range */
                                "6,\"a\"b\n" /* text after a quote */
                                "7,\xff\n"   /* UTF-8 */
                                "8,a\0b\n"   /* NUL */
                                "9,\"two\nlines\"\n"
                                "1.5,a\n" /* line 11 */
                                "99999999999999999999,a\n"
                                "007,a\n"
                                "14,\"open\n" /* quote never closed */
                                "15,a";
    static const struct {
        enum fault fault;
        unsigned line, column;
    } wanted[] = {
        {FAULT_COLUMNS, 2, 0},       {FAULT_COLUMNS, 3, 0}, {FAULT_TYPE, 4, 0},
        {FAULT_RANGE, 5, 0},         {FAULT_QUOTE, 6, 0},   {FAULT_UTF8, 7, 1},
        {FAULT_NUL, 8, 1},           {FAULT_TYPE, 11, 0},   {FAULT_RANGE, 12, 0},
        {FAULT_LEADING_ZERO, 13, 0}, {FAULT_QUOTE, 14, 0},
    };
    enum { WANTED = sizeof wanted / sizeof wanted[0] };

    for (size_t cut = 0; cut <= sizeof bytes - 1; cut++) {
        struct reading r;

        reading_begin(&r, "is", ',');
        read_cut(&r, bytes, sizeof bytes - 1, cut);
        assert_int_equal(r.bads, WANTED);
        for (unsigned i = 0; i < WANTED; i++) {
            if (r.bad[i].fault != wanted[i].fault || r.bad[i].line != wanted[i].line ||
                r.bad[i].column != wanted[i].column)
                fail_msg("cut %zu: %s on line %u column %u", cut, fault_text(r.bad[i].fault),
                         (unsigned)r.bad[i].line, r.bad[i].column);
        }
        assert_int_equal(r.frame.rows, 3);
        assert_int_equal(r.frame.column[0].integer[2], 15);
        reading_end(&r);
    }
}

/* Feeds `count` times 64 KiB of 'x', then the tail; bytes wait in a buffer of at most 2 MiB. */
static void a_line_of_any_length_needs_bounded_memory(void **state)
{
    enum { PIECE = 64 << 10, PIECES = 320 };
    struct reading r;
    char *waiting = mem_array(4 << 20, 1);
    size_t held = 2, most = 0, used;
    struct csv_bad bad;

    reading_begin(&r, "s", ',');
    memcpy(waiting, "a\n", 2);
    for (int i = 0; i < PIECES; i++) {
        enum csv_stop stop;

        memset(waiting + held, 'x', PIECE);
        held += PIECE;
        while ((stop = csv_read(r.reader, waiting, held, false, &r.frame, &used, &bad)) ==
               CSV_BAD) {
            r.bad[r.bads++] = bad;
            held -= used;
            memmove(waiting, waiting + used, held);
        }
        held -= used;
        memmove(waiting, waiting + used, held);
        most = held > most ? held : most;
    }
    assert_true(most <= CSV_RECORD_MAX + PIECE);
    assert_int_equal(csv_read(r.reader, "x\nb\n", 4, true, &r.frame, &used, &bad), CSV_MORE);
    assert_int_equal(r.bads, 1);
    assert_int_equal(r.bad[0].fault, FAULT_RECORD_LONG);
    assert_int_equal(r.bad[0].line, 2);
    assert_int_equal(r.frame.rows, 2);
    assert_text(&r, 0, 1, "b");
    mem_free(waiting);
    reading_end(&r);
}

static void texts_have_a_limit(void **state)
{
    static char bytes[2 * TEXT_MAX + 8];
    struct reading r;

    memset(bytes, 'x', TEXT_MAX);
    bytes[TEXT_MAX] = '\n';
    memset(bytes + TEXT_MAX + 1, 'y', TEXT_MAX + 1);
    read_all(&r, "s", bytes);
    assert_int_equal(r.frame.rows, 1);
    assert_int_equal(r.frame.column[0].text[0].length, TEXT_MAX);
    assert_int_equal(r.bads, 1);
    assert_int_equal(r.bad[0].fault, FAULT_TEXT_LONG);
    reading_end(&r);
}

static void a_full_frame_loses_no_row(void **state)
{
    struct csv_column column = {0, false};
    struct csv_layout l = {',', 1, &column, NULL, 0};
    struct schema *s = schema_of("s");
    struct csv_reader *reader = csv_reader_new(&l, s, 1);
    struct frame f;
    struct csv_bad bad;
    char bytes[3000];
    size_t at = 0, used, length = 0;
    unsigned rows = 0;
    enum csv_stop stop;

    for (int i = 0; i < 300; i++)
        length += (size_t)sprintf(bytes + length, "row %03d\n", i);
    frame_init(&f, s, 7, 64);
    do {
        frame_clear(&f);
        stop = csv_read(reader, bytes + at, length - at, true, &f, &used, &bad);
        at += used;
        assert_int_not_equal(stop, CSV_BAD);
        for (uint32_t i = 0; i < f.rows; i++, rows++) {
            char wanted[16];

            sprintf(wanted, "row %03u", rows);
            assert_true(text_is(f.column[0].text[i], wanted));
        }
    } while (stop == CSV_FULL);
    assert_int_equal(rows, 300);
    frame_fini(&f);
    csv_reader_free(reader);
    schema_free(s);
}

/* An independent splitter, byte by byte, of well-formed records. */
static unsigned split_slowly(const char *p, size_t length, char cells[][64])
{
    unsigned count = 0;
    size_t at = 0, n = 0;
    bool quoted = false;

    if (length > 0 && p[0] == '"')
        quoted = ++at;
    for (; at < length; at++) {
        if (quoted && p[at] == '"' && at + 1 < length && p[at + 1] == '"')
            cells[count][n++] = p[at++];
        else if (quoted && p[at] == '"')
            quoted = false;
        else if (!quoted && p[at] == ',') {
            cells[count++][n] = 0;
            n = 0;
            if (at + 1 < length && p[at + 1] == '"')
                quoted = ++at;
        } else
            cells[count][n++] = p[at];
    }
    cells[count++][n] = 0;
    return count;
}

static void splitting_agrees_with_a_slow_splitter(void **state)
{
    static const char pieces[][6] = {"a", ",", "\"\"", "bc", ",,", "x", "dddd", "1.5", " "};
    struct arena arena;

    arena_init(&arena, 1 << 20);
    for (uint64_t i = 1; i < 20000; i++) {
        char line[512], cells[64][64];
        struct text got[64];
        struct csv_record record;
        size_t length = 0;
        uint64_t h = hash_mix(i);
        bool in_quotes = false;
        unsigned count;

        for (unsigned k = 0; k < 30; k++, h = hash_mix(h)) {
            const char *piece = pieces[h % 9];

            if (!in_quotes && (length == 0 || line[length - 1] == ',') && h >> 60 < 6) {
                line[length++] = '"';
                in_quotes = true;
            } else if (in_quotes && h >> 60 < 4) {
                length += (size_t)sprintf(line + length, "\",");
                in_quotes = false;
            } else if (in_quotes || piece[0] != '"') {
                length += (size_t)sprintf(line + length, "%s", piece);
            }
        }
        if (in_quotes)
            line[length++] = '"';
        count = split_slowly(line, length, cells);
        line[length] = '\n';
        arena_clear(&arena);
        record = csv_split(line, length + 1, false, ',', &arena, got, 64);
        assert_int_equal(record.fault, FAULT_NONE);
        assert_int_equal(record.used, length + 1);
        assert_int_equal(record.count, count);
        for (unsigned k = 0; k < count; k++) {
            if (!text_is(got[k], cells[k]))
                fail_msg("%.*s: cell %u", (int)length, line, k);
        }
    }
    arena_fini(&arena);
}

static void separators_and_commas_in_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t v; /* -1: refused */
    } cases[] = {
        {"1.234.567,89", 1234567890000},
        {"12,5", 12500000},
        {"1.234", 1234000000},
        {"1.23", -1},
        {"12.34.567", -1},
        {"1..234", -1},
        {".234", -1},
        {"1.2345", -1},
        {"-1.234,5", -1234500000},
        {"1.234,5.6", -1},
        {"1.234.", -1},
        {"1234.567", -1},
    };
    struct field f = {.type = TYPE_DECIMAL, .point = ',', .group = '.'};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value v = {.integer = -1};
        enum fault fault = cell_parse(text_of(cases[i].text), &f, &v);

        if (v.integer != cases[i].v || (fault == FAULT_NONE) != (cases[i].v != -1))
            fail_msg("%s: %lld", cases[i].text, (long long)v.integer);
    }
}

static void cells_are_written_so_that_they_read_back(void **state)
{
    static const char *const cells[] = {"plain", "a,b", "say \"x\"", "two\nlines", " blank ", ""};
    struct buffer b;
    struct text got[6];
    struct arena a;

    buffer_init(&b, 1 << 16);
    arena_init(&a, 1 << 16);
    for (int i = 0; i < 6; i++) {
        csv_add_cell(&b, text_of(cells[i]), ',');
        buffer_add_char(&b, i < 5 ? ',' : '\n');
    }
    assert_int_equal(csv_split(b.bytes, b.length, true, ',', &a, got, 6).count, 6);
    for (int i = 0; i < 6; i++)
        assert_true(text_is(got[i], cells[i]));
    buffer_fini(&b);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_and_line_ends_of_all_kinds),
        cmocka_unit_test(cells_get_their_types),
        cmocka_unit_test(the_short_ways_agree_with_the_long_one),
        cmocka_unit_test(bad_records_are_told_and_passed_over),
        cmocka_unit_test(a_line_of_any_length_needs_bounded_memory),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(a_full_frame_loses_no_row),
        cmocka_unit_test(splitting_agrees_with_a_slow_splitter),
        cmocka_unit_test(separators_and_commas_in_numbers),
        cmocka_unit_test(cells_are_written_so_that_they_read_back),
    };

    return RUN(tests);
}
