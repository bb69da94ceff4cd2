/* Reference tables, profiles, and the files below them. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "shell/os/file.h"
#include "shell/source/profile.h"
#include "shell/source/reference.h"
#include "shell/source/tally.h"

static char directory[] = "/tmp/assay-tables-XXXXXX";

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

static const char *put_text(const char *name, const char *text)
{
    static char path[256];
    struct error e;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (!file_write(path, text, strlen(text), 0600, &e))
        fail_msg("%s", e.text);
    return path;
}

static struct reference *load(const char *text, enum type key_type, const char *valid_from,
                              struct error *e)
{
    struct reference_options o = {.name = "customers",
                                  .key = "id",
                                  .key_type = key_type,
                                  .valid_from = valid_from,
                                  .memory_bytes = 64 << 20};
    struct reference *r = NULL;

    source_options_init(&o.source, put_text("table.csv", text));
    if (!reference_load(&o, &r, e))
        return NULL;
    return r;
}

static void a_row_is_found_by_its_key(void **state)
{
    struct error e;
    struct reference *r =
        load("id,balance,city\n7,1.5,A\n007,2.5,B\n,9,C\nx-1,3.5,\n", TYPE_TEXT, NULL, &e);
    struct value key = {.type = TYPE_TEXT, .text = text_of("007")};
    int64_t row;

    assert_non_null(r);
    assert_int_equal(reference_rows(r), 4);
    assert_int_equal(reference_rows_without_key(r), 1);
    row = reference_find(r, &key, 0);
    assert_int_equal(reference_get(r, row, 1).integer, 2500000);
    key.text = text_of("7");
    assert_int_equal(reference_get(r, reference_find(r, &key, 0), 1).integer, 1500000);
    key.text = text_of("8");
    assert_int_equal(reference_find(r, &key, 0), -1);
    key.is_null = true;
    assert_int_equal(reference_find(r, &key, 0), -1);
    reference_free(r);
}

static void two_rows_of_a_key_are_named(void **state)
{
    struct error e;

    assert_null(load("id,b\n1,x\n\n2,\"two\nlines\"\n3,y\n2,z\n", TYPE_INT, NULL, &e));
    assert_int_equal(e.kind, ERROR_INVALID);
    assert_non_null(strstr(e.text, "\"2\""));
    assert_non_null(strstr(e.text, "table.csv:4 and "));
    assert_non_null(strstr(e.text, "table.csv:7:"));
    assert_null(load("id,b\n1,x\n", TYPE_INT, "since", &e));
    assert_non_null(strstr(e.text, "valid_from: the table has no column \"since\""));
    assert_null(load("id,b\n1,x\n", TYPE_INT, "b", &e));
    assert_non_null(strstr(e.text, "not a time"));
}

static void the_row_of_the_time_is_taken(void **state)
{
    struct error e;
    struct reference *r = load("id,since,level\n"
                               "1,2020-01-02,two\n1,2020-01-01,one\n2,2020-01-01,other\n"
                               "1,2020-01-02,two again\n3,,ever\n",
                               TYPE_INT, "since", &e);
    struct value key = {.type = TYPE_INT, .integer = 1};
    const int64_t day = days_from_civil(2020, 1, 1) * US_PER_DAY;

    assert_non_null(r);
    assert_int_equal(reference_find(r, &key, day - 1), -1);
    assert_true(text_is(reference_get(r, reference_find(r, &key, day), 2).text, "one"));
    assert_true(
        text_is(reference_get(r, reference_find(r, &key, day + US_PER_DAY - 1), 2).text, "one"));
    assert_true(
        text_is(reference_get(r, reference_find(r, &key, day + US_PER_DAY), 2).text, "two again"));
    assert_true(text_is(reference_get(r, reference_find(r, &key, INT64_MAX), 2).text, "two again"));
    key.integer = 3;
    assert_true(text_is(reference_get(r, reference_find(r, &key, INT64_MIN), 2).text, "ever"));
    reference_free(r);
}

static void a_join_appends_columns(void **state)
{
    struct error e;
    struct reference *r =
        load("id,since,level\n1,2020-01-01,one\n2,2020-01-01,two\n", TYPE_INT, "since", &e);
    struct schema *s = schema_new();
    struct frame f;

    assert_true(schema_add(s, text_of("time"), TYPE_TIME, &e));
    assert_true(schema_add(s, text_of("customer"), TYPE_INT, &e));
    assert_true(reference_extend(r, s, &e));
    assert_int_equal(s->count, 3);
    assert_string_equal(s->fields[2].name, "customers.level");
    frame_init(&f, s, 4, 1 << 16);
    for (uint32_t i = 0; i < 3; i++) {
        f.column[0].integer[i] = days_from_civil(2020, 1, 1) * US_PER_DAY - (i == 2);
        f.column[1].integer[i] = i == 0 ? 2 : i == 1 ? 9 : 1;
    }
    f.rows = 3;
    reference_join(r, &f.column[1], &f.column[0], INT64_MAX, &f, 2, 0, 3);
    assert_true(text_is(f.column[2].text[0], "two"));
    assert_int_equal(f.column[2].null[1], 1); /* no such customer */
    assert_int_equal(f.column[2].null[2], 1); /* not yet */
    frame_fini(&f);
    schema_free(s);
    reference_free(r);
}

/* A frame keeps what was joined after its source is closed; the last file's row has no match. */
static void files_of_the_same_rows_are_joined(void **state)
{
    struct source_options o;
    struct source_counts counts;
    struct source *s;
    struct frame f;
    struct error e;
    char first[256], second[256];
    const char *joins[] = {second};

    snprintf(second, sizeof second, "%s",
             put_text("labels.csv", "id,kind,fraud\n3,web,0\n1,shop,1\n,lost,1\n"));
    snprintf(first, sizeof first, "%s", put_text("rows.csv", "id,amount\n1,2.5\n2,3.5\n3,4.5\n"));
    source_options_init(&o, first);
    o.joins = joins;
    o.join_count = 1;
    o.join_key = "id";
    assert_true(source_open(&o, &s, &e));
    assert_int_equal(source_schema(s)->count, 4);
    assert_string_equal(source_schema(s)->fields[2].name, "kind");
    assert_false(source_schema(s)->fields[2].is_looked_up);
    assert_string_equal(source_note(s, 3), "from labels.csv");
    frame_init(&f, source_schema(s), 8, 1 << 16);
    assert_true(source_read(s, &f, &e));
    source_counts(s, &counts);
    assert_int_equal(counts.unjoined, 1);
    source_close(s);
    assert_int_equal(f.rows, 3);
    assert_true(text_is(f.column[2].text[0], "shop"));
    assert_int_equal(f.column[2].null[1], 1);
    assert_true(text_is(f.column[2].text[2], "web"));
    assert_int_equal(f.column[3].integer[0], 1);
    frame_fini(&f);

    o.join_key = NULL;
    assert_false(source_open(&o, &s, &e));
    assert_non_null(strstr(e.text, "event.id"));
    o.join_key = "idd";
    assert_false(source_open(&o, &s, &e));
    assert_non_null(strstr(e.text, "did you mean \"id\""));
    o.join_key = "id";
    o.required = (const char *const[]){"kind"};
    o.required_count = 1;
    assert_false(source_open(&o, &s, &e));
    assert_non_null(strstr(e.text, "must be in the first file"));
    o.required_count = 0;
    put_text("labels.csv", "id,amount\n1,2\n"); /* a column that the first file has */
    assert_false(source_open(&o, &s, &e));
    assert_non_null(strstr(e.text, "labels.csv: field \"amount\" appears twice"));
    put_text("labels.csv", "id,kind\n1,a\n1,b\n");
    assert_false(source_open(&o, &s, &e));
    assert_non_null(strstr(e.text, "labels.csv:2 and "));
}

static void a_table_has_a_memory_limit(void **state)
{
    struct reference_options o = {
        .name = "t", .key = "id", .key_type = TYPE_INT, .memory_bytes = 1 << 20};
    struct reference *r;
    struct buffer text;
    struct error e;

    buffer_init(&text, 16 << 20);
    buffer_add_text(&text, "id,x\n");
    for (int i = 0; i < 100000; i++)
        buffer_format(&text, "%d,%d\n", i, i);
    source_options_init(&o.source, put_text("large.csv", buffer_text(&text)));
    assert_false(reference_load(&o, &r, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    o.memory_bytes = 64 << 20;
    assert_true(reference_load(&o, &r, &e));
    for (int64_t i = 0; i < 100000; i += 777) {
        struct value key = {.type = TYPE_INT, .integer = i};

        assert_int_equal(reference_get(r, reference_find(r, &key, 0), 1).integer, i);
    }
    reference_free(r);
    buffer_fini(&text);
}

static void distinct_values_are_counted(void **state)
{
    struct tally t;

    for (uint32_t n = 1; n <= 1000000; n *= 10) {
        double share;

        tally_init(&t, 10000);
        for (uint32_t i = 0; i < n; i++)
            tally_add(&t, hash_mix(i + 1), false);
        share = (double)tally_distinct(&t) / n;
        assert_true(n <= 10000 ? share == 1 : share > 0.95 && share < 1.05);
        assert_true(tally_is_unique(&t));
        for (uint32_t i = 0; i < n; i++)
            assert_false(tally_add(&t, hash_mix(i + 1), true));
        assert_false(tally_is_unique(&t));
        tally_fini(&t);
    }
}

static struct profile *profile_with(const char *text, struct profile_options options)
{
    struct source_options o;
    struct source *s;
    struct profile *p;
    struct error e;

    source_options_init(&o, put_text("profile.csv", text));
    if (!source_open(&o, &s, &e) || !profile_source(s, &options, &p, &e))
        fail_msg("%s", e.text);
    source_close(s);
    return p;
}

static struct profile *profile_of(const char *text)
{
    return profile_with(text, (struct profile_options){0});
}

static const char *name_of(const struct profile *p, const struct profile_guess *g)
{
    return g->field == FIELD_NONE ? "" : p->fields[g->field].name;
}

static void a_profile_knows_what_fields_are(void **state)
{
    struct buffer b;
    struct profile *p;
    const struct profile_guesses *g;

    buffer_init(&b, 16 << 20);
    buffer_add_text(&b, "row,tx_id,birth_date,tx_time,card_number,shop_id,Amount,country,"
                        "fraud_kind,resolved,Is_Fraud\n");
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t h = hash_mix(i + 1);
        bool fraud = h % 50 == 0;

        buffer_format(
            &b, "%d,T%06d,19%02d-01-01,2020-01-%02d %02d:%02d:%02d,%d,%d,%d.%02d,%s,%d,%s,%d\n",
            (int)i, (int)i, (int)(h % 90 + 10), (int)(i / 200 + 1), (int)(i / 10 % 24),
            (int)(h % 60), (int)(h / 60 % 60), 400000 + (int)(h % 700), (int)(h / 7 % 90),
            (int)(h % 500), (int)(h % 100), h & 1 ? "TH" : "ID", fraud ? (int)(h / 50 % 3 + 1) : 0,
            fraud ? "2020-02-01" : "", fraud);
    }
    p = profile_of(buffer_text(&b));
    g = profile_guess(p);
    assert_int_equal(p->rows, 5000);
    assert_string_equal(name_of(p, &g->id), "tx_id");
    assert_string_equal(name_of(p, &g->time), "tx_time");
    assert_string_equal(name_of(p, &g->label), "Is_Fraud");
    assert_string_equal(name_of(p, &g->amount), "Amount");
    assert_string_equal(g->positive, "1");
    assert_int_equal(g->entity_count, 2);
    assert_string_equal(g->entities[0].name, "card");
    assert_string_equal(g->entities[1].name, "merchant");
    assert_int_equal(g->leak_count, 2);
    assert_string_equal(name_of(p, &g->leaks[0]), "fraud_kind");
    assert_string_equal(name_of(p, &g->leaks[1]), "resolved");
    assert_int_equal(p->fields[0].distinct, 5000);
    assert_true(p->fields[0].is_unique && p->fields[0].is_distinct_exact);
    assert_true(p->fields[0].least == 0 && p->fields[0].most == 4999);
    assert_true(p->fields[0].mean == 2499.5);
    assert_int_equal(p->fields[7].distinct, 2);
    assert_int_equal(p->fields[7].top[0].count + p->fields[7].top[1].count, 5000);
    assert_int_equal(p->fields[9].nulls, 5000 - (int)p->fields[9].top[0].count);
    profile_free(p);
    buffer_fini(&b);
}

static void where_nothing_fits_it_says_so(void **state)
{
    struct profile *p = profile_of("label,x\n0,a\n1,b\n2,a\n");
    const struct profile_guesses *g = profile_guess(p);

    assert_int_equal(g->label.field, FIELD_NONE);  /* three values */
    assert_int_equal(g->id.field, FIELD_NONE + 1); /* a running number */
    assert_int_equal(g->time.field, FIELD_NONE);
    assert_int_equal(g->amount.field, FIELD_NONE);
    assert_int_equal(g->entity_count, 0);
    assert_true(strlen(g->time.reason) > 0);
    profile_free(p);
    p = profile_of("class\nlegit\nfraud\nlegit\n");
    assert_int_equal(profile_guess(p)->label.field, 0);
    assert_string_equal(profile_guess(p)->positive, "fraud");
    profile_free(p);
}

/* 30 days of 40 rows, every 10th row of the second half a fraud; 999 and 1970 for "not known". */
static struct profile *deep_profile(struct profile_options o)
{
    struct buffer b;
    struct profile *p;

    buffer_init(&b, 1 << 20);
    buffer_add_text(&b, "id,time,age,amount,seen,kind,bad\n");
    for (int i = 0; i < 1200; i++)
        buffer_format(&b, "a%d,2024-01-%02d 10:00:00,%d,%d.%02d,%s,%s,%s\n", i, i / 40 + 1,
                      i % 4 == 0 ? 999 : 20 + i % 60, i == 7 ? 90000 : i % 100, i % 97,
                      i % 300 == 0 ? "1970-01-01" : "2023-12-31", i % 6 == 0 ? "Unknown" : "web",
                      i % 50 == 49              ? ""
                      : i >= 600 && i % 10 == 0 ? "1"
                                                : "0");
    p = profile_with(buffer_text(&b), o);
    buffer_fini(&b);
    return p;
}

static void a_deep_profile_tells_how_values_are_spread(void **state)
{
    struct profile *p =
        deep_profile((struct profile_options){.label = "bad", .time = "time", .is_deep = true});
    const struct profile_field *age = &p->fields[2], *amount = &p->fields[3];
    uint64_t rows = 0;

    (void)state;
    assert_true(age->has_spread && age->spread.is_exact);
    assert_true(age->spread.quantile[PROFILE_QUANTILES - 1] == 999);
    assert_int_equal(age->suspect_count, 1);
    assert_string_equal(age->suspect[0].text, "999");
    assert_int_equal(age->suspect[0].count, 300);
    assert_int_equal(amount->spread.outliers, 1);
    assert_int_equal(amount->spread.bars, PROFILE_BARS);
    rows = amount->spread.below + amount->spread.above; /* the picture leaves the far one out */
    assert_true(amount->spread.above > 0 && amount->spread.high < 1000);
    for (uint32_t i = 0; i < amount->spread.bars; i++)
        rows += amount->spread.bar[i];
    assert_int_equal(rows, 1200);
    assert_string_equal(p->fields[4].suspect[0].text, "1970-01-01T00:00:00Z");
    assert_string_equal(p->fields[5].suspect[0].text, "Unknown");
    assert_int_equal(p->fields[5].suspect[0].count, 200);
    assert_false(p->fields[0].has_spread);
    profile_free(p);
}

static void a_deep_profile_counts_frauds_by_day(void **state)
{
    struct profile *p =
        deep_profile((struct profile_options){.label = "bad", .time = "time", .is_deep = true});

    (void)state;
    assert_int_equal(p->days, 30);
    assert_int_equal(p->day[0].day, 19723);
    assert_int_equal(p->day[0].rows, 40);
    assert_int_equal(p->day[0].positive, 0);
    assert_int_equal(p->day[29].positive, 4);
    assert_true(p->day[1].labelled == 39 && p->undated == 0);
    assert_int_equal(profile_guess(p)->label.field, 6);
    assert_true(profile_guess(p)->positive_share > 0.05);
    profile_free(p);
}

static void a_profile_names_a_field_that_is_not_there(void **state)
{
    const struct profile_options wrong = {.label = "amuont"}, no_time = {.time = "amount"};
    struct source_options o;
    struct source *s;
    struct profile *p;
    struct error e;

    (void)state;
    source_options_init(&o, put_text("few.csv", "amount,x\n1,2\n"));
    assert_true(source_open(&o, &s, &e));
    assert_false(profile_source(s, &wrong, &p, &e));
    assert_non_null(strstr(e.text, "did you mean \"amount\"?"));
    assert_false(profile_source(s, &no_time, &p, &e));
    assert_non_null(strstr(e.text, "is no time"));
    source_close(s);
}

static void files_are_written_whole(void **state)
{
    struct file_map map;
    struct buffer b;
    struct error e;
    struct stat st;
    char path[256];
    uint64_t space;

    snprintf(path, sizeof path, "%s/a/b//c", directory);
    assert_true(file_make_directories(path, 0700, &e));
    assert_true(file_make_directories(path, 0700, &e));
    snprintf(path, sizeof path, "%s/a/b/c/file", directory);
    assert_true(file_write(path, "old", 3, 0600, &e));
    assert_true(file_write(path, "newer", 5, 0640, &e));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    buffer_init(&b, 5);
    assert_true(file_read(path, &b, &e));
    assert_int_equal(b.length, 5);
    buffer_fini(&b);
    buffer_init(&b, 4);
    assert_false(file_read(path, &b, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    assert_int_equal(b.length, 0);
    buffer_fini(&b);
    assert_true(file_map(path, &map, &e));
    assert_memory_equal(map.bytes, "newer", 5);
    file_unmap(&map);
    assert_true(file_free_space(path, &space, &e));
    assert_true(space > 0);
    assert_false(file_make_directories(path, 0700, &e)); /* it is a file */
    assert_non_null(strstr(e.text, "not a directory"));
    assert_false(file_write("/nonexistent/x", "", 0, 0600, &e));
    assert_non_null(strstr(e.text, "/nonexistent/x"));
    buffer_init(&b, 4);
    assert_false(file_read(directory, &b, &e));
    assert_non_null(strstr(e.text, "is a directory"));
    buffer_fini(&b);
}

static void lists_are_in_order(void **state)
{
    struct file_list list;
    struct error e;
    char pattern[256];

    put_text("list-b", "");
    put_text("list-a", "");
    put_text("list-[x]", "");
    snprintf(pattern, sizeof pattern, "%s/list-*", directory);
    assert_true(file_list(pattern, &list, &e));
    assert_int_equal(list.count, 3);
    assert_non_null(strstr(list.path[0], "list-[x]"));
    assert_non_null(strstr(list.path[1], "list-a"));
    file_list_fini(&list);
    snprintf(pattern, sizeof pattern, "%s/list-[x]", directory); /* a name before a pattern */
    assert_true(file_list(pattern, &list, &e));
    assert_int_equal(list.count, 1);
    file_list_fini(&list);
    assert_false(file_list("/nonexistent/*", &list, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_found_by_its_key),
        cmocka_unit_test(two_rows_of_a_key_are_named),
        cmocka_unit_test(the_row_of_the_time_is_taken),
        cmocka_unit_test(a_join_appends_columns),
        cmocka_unit_test(files_of_the_same_rows_are_joined),
        cmocka_unit_test(a_table_has_a_memory_limit),
        cmocka_unit_test(distinct_values_are_counted),
        cmocka_unit_test(a_profile_knows_what_fields_are),
        cmocka_unit_test(where_nothing_fits_it_says_so),
        cmocka_unit_test(a_deep_profile_tells_how_values_are_spread),
        cmocka_unit_test(a_deep_profile_counts_frauds_by_day),
        cmocka_unit_test(a_profile_names_a_field_that_is_not_there),
        cmocka_unit_test(files_are_written_whole),
        cmocka_unit_test(lists_are_in_order),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
