#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "core/base/number.h"
#include "shell/os/file.h"
#include "shell/source/source.h"

static char directory[] = "/tmp/assay-source-XXXXXX";

static int make_directory(void **state)
{
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static const char *put(const char *name, const char *bytes, size_t length)
{
    struct error e;
    const char *path = path_of(name);

    if (!file_write(path, bytes, length, 0644, &e))
        fail_msg("%s", e.text);
    return path;
}

static const char *put_text(const char *name, const char *text)
{
    return put(name, text, strlen(text));
}

/* Everything of a source in one frame. */
struct whole {
    struct source *source;
    struct frame frame;
    struct source_counts counts;
    struct error error;
    bool opened, good;
};

static void read_with(struct whole *w, const struct source_options *o, uint32_t capacity)
{
    struct frame part;

    memset(w, 0, sizeof *w);
    w->opened = source_open(o, &w->source, &w->error);
    if (!w->opened)
        return;
    frame_init(&w->frame, source_schema(w->source), 200000, 256 << 20);
    frame_init(&part, source_schema(w->source), capacity, 16 << 20);
    while ((w->good = source_read(w->source, &part, &w->error)) && part.rows > 0) {
        for (uint32_t i = 0; i < part.rows; i++)
            assert_true(frame_append(&w->frame, &part, i));
    }
    frame_fini(&part);
    source_counts(w->source, &w->counts);
}

static void read_path(struct whole *w, const char *path)
{
    struct source_options o;

    source_options_init(&o, path);
    read_with(w, &o, 1000);
}

static void end_whole(struct whole *w)
{
    if (w->opened)
        frame_fini(&w->frame);
    source_close(w->source);
}

static const struct field *field_of(const struct whole *w, const char *name)
{
    int index = schema_find(source_schema(w->source), text_of(name));

    assert_true(index >= 0);
    return &source_schema(w->source)->fields[index];
}

static void assert_open_fails(const char *path, const char *words)
{
    struct whole w;

    read_path(&w, path);
    if (w.opened && w.good)
        fail_msg("%s was read", path);
    if (strstr(w.error.text, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", w.error.text, words);
    end_whole(&w);
}

static void types_are_guessed(void **state)
{
    struct whole w;
    const struct schema *s;

    read_path(&w, put_text("types.csv",
                           "id,code,amount,lat,when,local,ts,ok,card,big,note,empty\n"
                           "1,007,5,0.123456789,2018-04-01 00:00:31,31/12/2018,1546300814,true,"
                           "4111111111111111,1e13,x,\n"
                           "2,010,5.25,1,2018-04-01,01/02/2018,1546300815,false,"
                           "41111111111111111111,2.5,NA,\n"));
    assert_true(w.opened && w.good);
    s = source_schema(w.source);
    assert_int_equal(s->count, 12);
    assert_int_equal(field_of(&w, "id")->type, TYPE_INT);
    assert_int_equal(field_of(&w, "code")->type, TYPE_TEXT);
    assert_int_equal(field_of(&w, "amount")->type, TYPE_DECIMAL);
    assert_int_equal(field_of(&w, "lat")->type, TYPE_REAL);
    assert_int_equal(field_of(&w, "when")->type, TYPE_TIME);
    assert_int_equal(field_of(&w, "local")->type, TYPE_TIME);
    assert_int_equal(field_of(&w, "local")->layout, TIME_DAY_FIRST);
    assert_int_equal(field_of(&w, "ts")->type, TYPE_TIME);
    assert_int_equal(field_of(&w, "ts")->layout, TIME_UNIX_S);
    assert_int_equal(field_of(&w, "ok")->type, TYPE_BOOL);
    assert_int_equal(field_of(&w, "card")->type, TYPE_TEXT);
    assert_int_equal(field_of(&w, "big")->type, TYPE_REAL);
    assert_int_equal(field_of(&w, "note")->type, TYPE_TEXT);
    assert_int_equal(field_of(&w, "empty")->type, TYPE_TEXT);
    assert_int_equal(w.frame.rows, 2);
    assert_int_equal(w.frame.column[10].null[1], 1);
    assert_non_null(strstr(source_note(w.source, 1), "leading zeros"));
    end_whole(&w);
}

static void delimiters_marks_and_headers_are_found(void **state)
{
    struct whole w;

    read_path(&w, put_text("semi.csv", "\xef\xbb\xbfid;amount;text\r\n1;1.234,56;a,b\r\n"
                                       "2;7,5;c,d\r\n"));
    assert_true(w.good);
    assert_int_equal(source_delimiter(w.source), ';');
    assert_string_equal(source_schema(w.source)->fields[0].name, "id");
    assert_int_equal(w.frame.column[1].integer[0], 1234560000);
    assert_int_equal(w.frame.column[1].integer[1], 7500000);
    end_whole(&w);
    read_path(&w, put_text("tab.tsv", "a\tb\n1\t\"1,234\"\n2\t5\n"));
    assert_true(w.good);
    assert_int_equal(w.frame.column[1].integer[0], 1234);
    end_whole(&w);
    read_path(&w, put_text("sep.csv", "sep=|\na|b;c\n1|2\n"));
    assert_true(w.good);
    assert_int_equal(source_delimiter(w.source), '|');
    end_whole(&w);
    read_path(&w, put_text("bare.csv", "1,2018-01-01,x\n2,2018-01-02,y\n"));
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 2);
    assert_string_equal(source_schema(w.source)->fields[2].name, "column_3");
    end_whole(&w);
    read_path(&w, put_text("index.csv", ",x\n0,a\n1,b\n"));
    assert_true(w.good);
    assert_string_equal(source_schema(w.source)->fields[0].name, "column_1");
    end_whole(&w);
    read_path(&w, put_text("one.csv", "name\n\"a\nb\"\n\nc"));
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 2);
    end_whole(&w);
}

static void the_user_may_say_types(void **state)
{
    struct source_field fields[] = {
        {.name = "code", .type = TYPE_INT},
        {.name = "day", .type = TYPE_TIME, .has_layout = true, .layout = TIME_MONTH_FIRST}};
    struct source_options o;
    struct whole w;

    source_options_init(&o, put_text("said.csv", "code,day\n007,01/02/2018\n010,02/03/2018\n"));
    o.fields = fields;
    o.field_count = 2;
    read_with(&w, &o, 10);
    assert_true(w.good);
    assert_int_equal(w.frame.column[0].integer[0], 7);
    assert_int_equal(civil_from_time(w.frame.column[1].integer[0]).month, 1);
    assert_string_equal(source_note(w.source, 0), "said in the settings");
    end_whole(&w);
    fields[1].name = "dya";
    read_with(&w, &o, 10);
    assert_false(w.opened);
    assert_non_null(strstr(w.error.text, "did you mean \"day\""));
    end_whole(&w);
}

static void files_that_cannot_be_read_say_why(void **state)
{
    assert_open_fails(path_of("absent.csv"), "no file matches");
    assert_open_fails(put_text("empty.csv", ""), "is empty");
    assert_open_fails(put_text("blank.csv", "\n \n"), "is empty");
    assert_open_fails(put_text("header.csv", "a,b\n"), "a header and no rows");
    assert_open_fails(put_text("twice.csv", "a,b,a\n1,2,3\n"), "appears twice");
    assert_open_fails(put_text("book.xlsx", "PK\x03\x04xxxxxxxx"), "save it as CSV");
    assert_open_fails(put("wide.csv",
                          "\xff\xfe"
                          "a\0,\0",
                          6),
                      "UTF-16");
    assert_open_fails(put("nul.csv", "a\0b,c\n1,2\n", 10), "NUL");
    assert_open_fails(put_text("cut.json", "[{\"a\":1},{\"a\":"), "cut short");
    assert_open_fails(put_text("comma.json", "[{\"a\":1} {\"a\":2}]"), "a comma was expected");
    assert_open_fails(put_text("trail.json", "[{\"a\":1},]"), "a value was expected");
    assert_open_fails(put_text("after.json", "[{\"a\":1}] {\"a\":2}"), "something follows");
    assert_open_fails(put_text("scalars.json", "[1,2]"), "none of the first 2 values");
    assert_open_fails(put("open.csv.gz", "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10), "cut short");
    assert_open_fails(put_text("bad.csv.zst", "\x28\xb5\x2f\xfdxxxxxxxxxxxxxxxx"), "zst");
}

static void bad_rows_are_kept_and_counted(void **state)
{
    struct source_options o;
    struct whole w;
    struct buffer text, rejects;
    struct error e;
    const char *path, *kept = path_of("rejects.csv");

    buffer_init(&text, 1 << 20);
    buffer_init(&rejects, 1 << 20);
    buffer_add_text(&text, "id,amount,name\n");
    for (int i = 1; i <= 2000; i++) {
        if (i == 1500)
            buffer_add_text(&text, "1500,abc,x\n1501,1e999,x\n1502,1\n1503,1,\"a\"b\n");
        else if (i == 1600)
            buffer_add(&text, "1600,1,a\0b\n", 11);
        else
            buffer_format(&text, "%d,%d.5,name\n", i, i);
    }
    path = put("rejects_in.csv", text.bytes, text.length);
    source_options_init(&o, path);
    o.rejects_path = kept;
    read_with(&w, &o, 64);
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 1998);
    assert_int_equal(w.counts.rejects, 5);
    assert_int_equal(w.counts.rows, 1998);
    assert_int_equal(w.counts.bytes_done, w.counts.bytes_total);
    assert_true(file_read(kept, &rejects, &e));
    assert_non_null(strstr(buffer_text(&rejects), "rejects_in.csv,1501,amount,abc,"));
    assert_non_null(strstr(buffer_text(&rejects), ",1502,amount,1e999,out of range\n"));
    assert_non_null(strstr(buffer_text(&rejects), ",1503,,\"1502,1\\x0a\","));
    assert_non_null(strstr(buffer_text(&rejects), ",name,a\\x00b,NUL byte\n"));
    end_whole(&w);
    o.reject_share = 0.002;
    read_with(&w, &o, 64);
    assert_true(w.opened);
    assert_false(w.good);
    assert_int_equal(w.error.kind, ERROR_INVALID);
    assert_non_null(strstr(w.error.text, "5 of 2003 rows"));
    assert_non_null(strstr(w.error.text, ":1501: column \"amount\" is \"abc\""));
    assert_non_null(strstr(w.error.text, kept));
    end_whole(&w);
    buffer_fini(&text);
    buffer_fini(&rejects);
}

static void packed_files_read_as_plain_ones(void **state)
{
    struct buffer text;
    struct whole plain, gz, zst;
    size_t bound, size;
    char *packed;
    gzFile out;
    char path[256];

    buffer_init(&text, 64 << 20);
    buffer_add_text(&text, "id,amount,name\n");
    for (int i = 0; i < 120000; i++)
        buffer_format(&text, "%d,%d.%02d,\"name, %d\"\n", i, i % 977, i % 100, i * 7);
    read_path(&plain, put("plain.csv", text.bytes, text.length));
    assert_true(plain.good);
    assert_int_equal(plain.frame.rows, 120000);

    snprintf(path, sizeof path, "%s", path_of("named_wrongly.csv"));
    out = gzopen(path, "wb"); /* two members */
    assert_int_equal(gzwrite(out, text.bytes, 1000003), 1000003);
    gzclose(out);
    out = gzopen(path, "ab");
    assert_true(gzwrite(out, text.bytes + 1000003, (unsigned)(text.length - 1000003)) > 0);
    gzclose(out);
    read_path(&gz, path);
    assert_true(gz.good);

    bound = ZSTD_compressBound(text.length);
    packed = mem_array(bound, 1);
    size = ZSTD_compress(packed, bound, text.bytes, text.length, 1);
    read_path(&zst, put("packed.csv.zst", packed, size));
    assert_true(zst.good);
    for (uint32_t c = 0; c < 3; c++) {
        for (uint32_t i = 0; i < 120000; i++) {
            struct value a = column_get(&plain.frame.column[c], i);
            struct value b = column_get(&gz.frame.column[c], i);
            struct value d = column_get(&zst.frame.column[c], i);

            if (!value_equal(&a, &b) || !value_equal(&a, &d))
                fail_msg("row %u column %u", i, c);
        }
    }
    end_whole(&plain);
    end_whole(&gz);
    end_whole(&zst);
    assert_open_fails(put("short.csv.zst", packed, size / 2), "cut short");
    mem_free(packed);
    buffer_fini(&text);
}

static void a_source_may_be_closed_before_its_end(void **state)
{
    struct source_options o;
    struct source *s;
    struct error e;

    source_options_init(&o, path_of("plain.csv"));
    for (int i = 0; i < 20; i++) {
        assert_true(source_open(&o, &s, &e));
        source_close(s);
    }
}

static void files_of_a_pattern_follow_each_other(void **state)
{
    struct source_options o;
    struct whole w;

    put_text("day-2.csv", "b,a\nx,3\ny,4\n"); /* another order of columns */
    put_text("day-1.csv", "a,b\n1,p\n2,q\n");
    put_text("day-0.csv", "a,b\n");
    source_options_init(&o, path_of("day-*.csv"));
    read_with(&w, &o, 3);
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(w.frame.column[0].integer[i], i + 1);
    assert_int_equal(w.counts.files, 3);
    end_whole(&w);
    put_text("day-3.csv", "a,c\n1,2\n");
    read_with(&w, &o, 3);
    assert_false(w.good);
    assert_non_null(strstr(w.error.text, "day-3.csv has the column \"c\", which"));
    assert_non_null(strstr(w.error.text, "day-1.csv"));
    end_whole(&w);
}

static void json_in_all_its_shapes(void **state)
{
    static const struct {
        const char *name, *text;
    } shapes[] = {
        {"lines.ndjson", "{\"id\":\"a\",\"amount\":5.25,\"card\":{\"country\":\"TH\"}}\n\n"
                         "{\"id\":\"b\",\"amount\":7,\"tags\":[1,2]}"},
        {"array.json", " [ {\"id\":\"a\",\"amount\":5.25,\"card\":{\"country\":\"TH\"}}\n,"
                       "{\"id\":\"b\",\"amount\":7,\"tags\":[1,2]} ] \n"},
        {"pretty.json",
         "{\n \"id\": \"a\",\n \"amount\": 5.25,\n \"card\": {\"country\":\"TH\"}\n}\n"
         "{\n \"id\": \"b\", \"amount\": 7, \"tags\": [1,2]\n}\n"},
    };

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct whole w;
        int amount, country, tags;

        read_path(&w, put_text(shapes[i].name, shapes[i].text));
        if (!w.good)
            fail_msg("%s: %s", shapes[i].name, w.error.text);
        assert_int_equal(w.frame.rows, 2);
        amount = schema_find(source_schema(w.source), text_of("amount"));
        country = schema_find(source_schema(w.source), text_of("card.country"));
        tags = schema_find(source_schema(w.source), text_of("tags"));
        assert_true(amount >= 0 && country >= 0 && tags >= 0);
        assert_int_equal(w.frame.column[amount].integer[0], 5250000);
        assert_int_equal(w.frame.column[amount].integer[1], 7000000);
        assert_true(text_is(w.frame.column[country].text[0], "TH"));
        assert_int_equal(w.frame.column[country].null[1], 1);
        assert_true(text_is(w.frame.column[tags].text[1], "[1,2]"));
        end_whole(&w);
    }
}

static void a_bad_line_of_ndjson_is_a_reject(void **state)
{
    struct source_options o;
    struct whole w;
    struct buffer text, rejects;
    struct error e;

    buffer_init(&text, 64 << 20);
    buffer_init(&rejects, 1 << 20);
    buffer_add_text(
        &text, "{\"n\":1}\n{\"n\":\n{\"n\":\"x\"}\n{\"n\":1,\"n\":2}\n{\"n\":\"\"}\n{\"n\":\"");
    for (int i = 0; i < 3 << 20; i++)
        buffer_add_char(&text, 'x');
    buffer_add_text(&text, "\"}\n{\"n\":6}\n");
    source_options_init(&o, put("bad.ndjson", text.bytes, text.length));
    o.rejects_path = path_of("json_rejects.csv");
    o.reject_share = 1;
    o.fields = &(struct source_field){.name = "n", .type = TYPE_INT};
    o.field_count = 1;
    read_with(&w, &o, 10);
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 3);
    assert_int_equal(w.frame.column[0].null[1], 1);
    assert_int_equal(w.frame.column[0].integer[2], 6);
    assert_int_equal(w.counts.rejects, 4);
    assert_true(file_read(o.rejects_path, &rejects, &e));
    assert_non_null(strstr(buffer_text(&rejects), "bad.ndjson,2,,"));
    assert_non_null(strstr(buffer_text(&rejects), "bad.ndjson,4,n,"));
    assert_non_null(strstr(buffer_text(&rejects), "bad.ndjson,6,,"));
    end_whole(&w);
    buffer_fini(&text);
    buffer_fini(&rejects);
}

/* Rows that lack one of the two required fields are rejects, in each format and shape. */
static void a_row_without_a_required_field_is_a_reject(void **state)
{
    static const char *const required[] = {"id", NULL, "at", "no such field"};
    static const struct {
        const char *name, *text, *first, *second;
    } files[] = {
        {"req.csv",
         "id,at,note\na,2024-01-01,\n,2024-01-02,x\nc,NA,x\nd,2024-01-04,x\n\"\",2024-01-05,x\n",
         "req.csv,3,id,,\"missing, and no row may be without it\"\n",
         "req.csv,4,at,,\"missing, and no row may be without it\"\n"},
        {"req.ndjson",
         "{\"id\":\"a\",\"at\":\"2024-01-01\",\"note\":null}\n{\"at\":\"2024-01-02\"}\n"
         "{\"id\":\"c\",\"at\":null}\n{\"id\":\"d\",\"at\":\"2024-01-04\"}\n"
         "{\"id\":\"e\",\"at\":\"\"}\n",
         "req.ndjson,2,id,", "req.ndjson,3,at,"},
        {"req.json",
         "[{\"id\":\"a\",\"at\":\"2024-01-01\"},\n{\"id\":null,\"at\":\"2024-01-02\"},\n"
         "{\"id\":\"c\"},\n{\"id\":\"d\",\"at\":\"2024-01-04\"},\n{\"at\":\"\"}]",
         "req.json,2,id,", "req.json,3,at,"},
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct source_options o;
        struct buffer rejects;
        struct whole w;
        struct error e;

        buffer_init(&rejects, 1 << 20);
        source_options_init(&o, put_text(files[i].name, files[i].text));
        o.rejects_path = path_of("required_rejects.csv");
        o.reject_share = 1;
        o.required = required;
        o.required_count = 4;
        read_with(&w, &o, 2);
        if (!w.good)
            fail_msg("%s", w.error.text);
        assert_int_equal(w.frame.rows, 2);
        assert_int_equal(w.counts.rejects, 3);
        assert_true(text_is(w.frame.column[0].text[1], "d"));
        assert_true(file_read(o.rejects_path, &rejects, &e));
        assert_non_null(strstr(buffer_text(&rejects), files[i].first));
        assert_non_null(strstr(buffer_text(&rejects), files[i].second));
        end_whole(&w);
        buffer_fini(&rejects);
    }
}

static void binary_leftovers_are_rounded_and_told(void **state)
{
    struct buffer text;
    struct whole w;

    buffer_init(&text, 1 << 20);
    buffer_add_text(&text, "amount\n");
    for (int i = 0; i < 12000; i++)
        buffer_add_text(&text, "5.25\n");
    buffer_add_text(&text, "85.64999999999999\n");
    read_path(&w, put("leftover.csv", text.bytes, text.length));
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 12001);
    assert_int_equal(w.frame.column[0].integer[12000], 85650000);
    assert_int_equal(w.counts.rounded, 1);
    end_whole(&w);
    buffer_fini(&text);
}

static void standard_input_is_a_source(void **state)
{
    int ends[2], saved = dup(0);
    struct whole w;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a,b\n1,2\n", 8), 8);
    close(ends[1]);
    dup2(ends[0], 0);
    read_path(&w, "-");
    dup2(saved, 0);
    close(saved);
    close(ends[0]);
    assert_true(w.good);
    assert_int_equal(w.frame.rows, 1);
    assert_int_equal(w.counts.bytes_total, 0);
    end_whole(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_guessed),
        cmocka_unit_test(delimiters_marks_and_headers_are_found),
        cmocka_unit_test(the_user_may_say_types),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(bad_rows_are_kept_and_counted),
        cmocka_unit_test(packed_files_read_as_plain_ones),
        cmocka_unit_test(a_source_may_be_closed_before_its_end),
        cmocka_unit_test(files_of_a_pattern_follow_each_other),
        cmocka_unit_test(json_in_all_its_shapes),
        cmocka_unit_test(a_bad_line_of_ndjson_is_a_reject),
        cmocka_unit_test(a_row_without_a_required_field_is_a_reject),
        cmocka_unit_test(binary_leftovers_are_rounded_and_told),
        cmocka_unit_test(standard_input_is_a_source),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
