#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/velocity/velocity.h"
#include "shell/link/postgres.h"
#include "shell/link/sqlite.h"
#include "shell/os/file.h"
#include "shell/run/plans.h"
#include "shell/run/shard_key.h"
#include "shell/stream/filter.h"
#include "shell/stream/intake.h"
#include "shell/stream/sink.h"

/* One suite for each kind of sink that keeps rows itself; the table where ASSAY_TEST_POSTGRES is
 * the URL of a database whose table public.assay_sink may be dropped (tests/system/test_stream.py
 * runs this so). And the parts of the stream that need no broker. */

static const char settings_text[] = "entities: {customer: customer, merchant: merchant}\n"
                                    "event: {id: id, time: time}\n"
                                    "schema:\n"
                                    "  - {name: id, type: text}\n"
                                    "  - {name: time, type: time}\n"
                                    "  - {name: customer, type: text}\n"
                                    "  - {name: merchant, type: text}\n"
                                    "  - {name: amount, type: decimal}\n"
                                    "features:\n"
                                    "  amount: amount\n"
                                    "  n: count() by customer over 1h\n"
                                    "  pair: count() by (customer, merchant) over 1h\n"
                                    "outcomes: [approve, decline]\n"
                                    "rules: {BIG: {when: amount > 100, then: decline}}\n"
                                    "model: {kind: none}\n";

static struct error e;
static struct settings *settings;
static struct made_plan made;
static char directory[64], prefix[128], sqlite_path[128], sqlite_url[160];
static char name[] = "s", table[] = "public.assay_sink";
static struct sink_setting setting;
static struct sink_context context;

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

static int open_all(void **state)
{
    struct schema *schema;

    (void)state;
    MUST(settings_parse(text_of(settings_text), "assay.yaml", &settings, &e));
    schema = settings_schema(settings);
    MUST(plan_make(settings, schema, NULL, 0, &made, &e));
    schema_free(schema);
    snprintf(directory, sizeof directory, "/tmp/assay-sink-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(prefix, sizeof prefix, "%s/d", directory);
    return 0;
}

static int close_all(void **state)
{
    char command[128];

    (void)state;
    made_plan_fini(&made);
    settings_free(settings);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

/* ---- sinks ---- */

static bool is_postgres(void)
{
    return setting.table != NULL && setting.sqlite == NULL;
}

static struct postgres *database(void)
{
    struct postgres *p;

    MUST(postgres_open(setting.postgres, &p, &e));
    MUST(postgres_ready(p, &e));
    return p;
}

static void begin_csv(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -f %s/*", directory);
    assert_int_equal(system(command), 0);
    setting = (struct sink_setting){
        .name = name, .csv = prefix, .every_us = INT64_C(3600000000), .rows = 1000};
    context = (struct sink_context){settings, "topic", NULL};
}

static void begin_table(void **state)
{
    struct postgres *p;

    (void)state;
    setting = (struct sink_setting){
        .name = name, .table = table, .postgres = getenv("ASSAY_TEST_POSTGRES")};
    context = (struct sink_context){settings, "topic", NULL};
    p = database();
    MUST(postgres_exec(p, "DROP TABLE IF EXISTS public.assay_sink", &e));
    postgres_close(p);
}

static void begin_sqlite(void **state)
{
    char command[160];

    (void)state;
    snprintf(sqlite_path, sizeof sqlite_path, "%s/d.db", directory);
    snprintf(sqlite_url, sizeof sqlite_url, "sqlite:%s", sqlite_path);
    snprintf(command, sizeof command, "rm -f %s*", sqlite_path);
    assert_int_equal(system(command), 0);
    setting = (struct sink_setting){.name = name, .table = table, .sqlite = sqlite_path};
    context = (struct sink_context){settings, "topic", NULL};
}

static struct sink *open_sink(int64_t committed)
{
    struct sink *s;

    MUST(sink_open(&setting, &context, &s, &e));
    if (s->ops->assign != NULL)
        MUST(s->ops->assign(s, 0, committed, &e));
    return s;
}

static void add(struct sink *s, int64_t first, int64_t end)
{
    for (int64_t i = first; i < end; i++) {
        char id[32], json[64];
        struct decision d = {.score = 7, .probability = 0.25};
        struct sink_row row = {.offset = i,
                               .plan = made.plan,
                               .decision = &d,
                               .time_us = i * 1000,
                               .received_us = i * 1000};

        snprintf(id, sizeof id, "e\"\n%ld", (long)i); /* what a file must quote */
        snprintf(json, sizeof json, "{\"seq\":%ld}", (long)i + 1);
        row.id = text_of(id);
        row.json = text_of(json);
        MUST(s->ops->add(s, &row, &e));
    }
}

/* The last character of a file's rows is never within quotes here. */
static void count_file(const char *path, uint32_t *seen, uint32_t most)
{
    struct buffer b;
    const char *at;

    buffer_init(&b, 1 << 20);
    MUST(file_read(path, &b, &e));
    at = strchr(buffer_text(&b), '\n') + 1;
    while (*at != 0) {
        long offset = strtol(at, NULL, 10);

        assert_in_range(offset, 0, most - 1);
        seen[offset]++;
        at = strstr(at, ",approve,");
        if (at == NULL)
            fail_msg("%s: a row is torn: %.200s", path, buffer_text(&b));
        at = strchr(at, '\n') + 1;
    }
    buffer_fini(&b);
}

enum { SEEN = 64 };

static void look(uint32_t seen[SEEN])
{
    memset(seen, 0, SEEN * sizeof *seen);
    if (setting.sqlite != NULL) {
        struct sqlite_link *l;
        struct sqlite_statement *rows;
        bool has;

        MUST(sqlite_link_open(sqlite_url, true, &l, &e));
        MUST(sqlite_link_prepare(l, "SELECT \"offset\", event_id FROM public_assay_sink", &rows,
                                 &e));
        while (sqlite_step(rows, &has, &e) && has) {
            assert_memory_equal(sqlite_cell(rows, 1).bytes, "e\"\n", 3);
            seen[sqlite_int(rows, 0)]++;
        }
        sqlite_statement_free(rows);
        sqlite_link_close(l);
    } else if (is_postgres()) {
        struct postgres *p = database();
        struct postgres_rows *r;

        MUST(postgres_ask(p, "SELECT \"offset\" FROM public.assay_sink", NULL, 0, &r, &e));
        for (uint32_t i = 0; i < postgres_rows_count(r); i++)
            seen[postgres_int(r, i, 0)]++;
        postgres_rows_free(r);
        postgres_close(p);
    } else {
        struct file_list files;
        char pattern[160];

        snprintf(pattern, sizeof pattern, "%s-*", prefix);
        if (!file_list(pattern, &files, &e))
            return;
        for (size_t i = 0; i < files.count; i++)
            count_file(files.path[i], seen, SEEN);
        file_list_fini(&files);
    }
}

static void assert_once(int64_t end)
{
    uint32_t seen[SEEN];

    look(seen);
    for (int64_t i = 0; i < SEEN; i++) {
        if (seen[i] != (i < end))
            fail_msg("row %ld is there %u times", (long)i, seen[i]);
    }
}

static void deliver(struct sink *s)
{
    MUST(s->ops->deliver(s, &e));
    MUST(s->ops->committed(s, &e));
}

static void test_rows_are_there_once(void **state)
{
    struct sink *s = open_sink(0);

    (void)state;
    add(s, 0, 10);
    deliver(s);
    assert_once(10);
    deliver(s); /* nothing new */
    add(s, 10, 20);
    MUST(s->ops->deliver(s, &e));
    deliver(s); /* told twice */
    assert_once(20);
    s->ops->close(s);
    assert_once(20);
}

static void test_what_is_forgotten_is_not_there(void **state)
{
    struct sink *s = open_sink(0);

    (void)state;
    add(s, 0, 5);
    deliver(s);
    add(s, 5, 9);
    s->ops->forget(s);
    deliver(s);
    assert_once(5);
    add(s, 5, 12);
    deliver(s);
    assert_once(12);
    s->ops->close(s);
}

static void test_a_crash_between_delivery_and_commit(void **state)
{
    struct sink *s = open_sink(0);

    (void)state;
    add(s, 0, 10);
    deliver(s);
    add(s, 10, 20);
    MUST(s->ops->deliver(s, &e));
    s->ops->close(s); /* dead */
    s = open_sink(10);
    add(s, 10, 30);
    deliver(s);
    assert_once(30);
    s->ops->close(s);
    s = open_sink(0); /* the group was set back: all of it comes again */
    add(s, 0, 30);
    deliver(s);
    assert_once(30);
    s->ops->close(s);
}

static void test_files_follow_one_another(void **state)
{
    struct sink *s;
    struct file_list files;
    char pattern[160];

    begin_csv(state);
    setting.rows = 8;
    s = open_sink(0);
    for (int64_t i = 0; i < 40; i += 4) {
        add(s, i, i + 4);
        deliver(s);
    }
    assert_once(40);
    snprintf(pattern, sizeof pattern, "%s-0-*.csv", prefix);
    MUST(file_list(pattern, &files, &e));
    assert_int_equal(files.count, 5);
    assert_non_null(strstr(files.path[1], "-0-000000000008.csv"));
    file_list_fini(&files);
    s->ops->close(s);
}

/* It was stalled, does not know that another has the partition, and goes on writing. */
static void test_a_worker_that_lost_its_file_writes_into_none(void **state)
{
    struct sink *old, *new;

    begin_csv(state);
    old = open_sink(0);
    add(old, 0, 5);
    deliver(old);
    new = open_sink(5);
    add(old, 5, 9);
    MUST(old->ops->deliver(old, &e));
    add(new, 5, 12);
    deliver(new);
    assert_once(12);
    old->ops->close(old);
    new->ops->close(new);
}

/* ---- the outbox ---- */

static void test_kept_bytes_do_not_move(void **state)
{
    struct outbox *o = outbox_new();
    static struct text kept[3000];
    char bytes[5000];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t i = 0; i < 3000; i++) {
        memcpy(bytes, &i, sizeof i);
        kept[i] = outbox_keep(o, (struct text){bytes, sizeof bytes});
        assert_non_null(kept[i].bytes);
    }
    for (uint32_t i = 0; i < 3000; i++) {
        memcpy(bytes, &i, sizeof i);
        assert_memory_equal(kept[i].bytes, bytes, sizeof bytes);
    }
    outbox_free(o);
}

static void test_what_is_too_large_is_refused(void **state)
{
    struct outbox *o = outbox_new();
    char *bytes = mem_alloc(OUTBOX_RECORD_MAX + 1);
    struct kafka_record r = {0};

    (void)state;
    r.value = outbox_keep(o, (struct text){bytes, OUTBOX_RECORD_MAX + 1});
    assert_null(r.value.bytes);
    assert_false(outbox_add(o, "t", 0, &r, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    assert_int_equal(outbox_count(o), 0);
    r.value = outbox_keep(o, text_of(""));
    assert_non_null(r.value.bytes); /* an empty value is a value */
    MUST(outbox_add(o, "t", 0, &r, &e));
    assert_int_equal(outbox_count(o), 1);
    mem_free(bytes);
    outbox_free(o);
}

/* ---- reading ---- */

static bool take(struct intake *in, const char *json)
{
    return intake_read(in, &(struct intake_message){
                               .value = text_of(json), .seq = 8, .topic = "t", .partition = 3});
}

static void test_what_is_no_event_leaves_no_row(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"time\":null}",
        "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"amount\":true}",
        "{\"id\":\"a\",\"id\":\"b\",\"time\":\"2026-01-01T00:00:00Z\"}",
    };
    struct intake *in = intake_new(made.plan, NULL, JSON_UNKNOWN_REFUSE);
    char id[400];

    (void)state;
    assert_true(take(in, "{\"id\":\"first\",\"time\":\"2026-01-01T00:00:00Z\"}"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (take(in, bad[i]))
            fail_msg("%s was taken", bad[i]);
        assert_int_not_equal(in->words.length, 0);
        assert_int_equal(in->frame.rows, 1);
    }
    snprintf(id, sizeof id, "{\"id\":\"%0300d\",\"time\":\"2026-01-01T00:00:00Z\"}", 1);
    assert_false(take(in, id));
    assert_true(take(in, "{\"time\":\"2026-01-01T00:00:00Z\"}"));
    assert_int_equal(in->frame.rows, 2);
    assert_true(text_is(intake_id(in, 0), "first"));
    assert_true(text_is(intake_id(in, 1), "t-3-7")); /* by its place: the same when read again */
    assert_false(intake_read(in, &(struct intake_message){.seq = 9, .topic = "t"}));
    intake_drop(in);
    assert_int_equal(in->frame.rows, 1);
    intake_free(in);
}

static void test_unknown_members(void **state)
{
    static const char event[] = "{\"id\":\"a\",\"time\":\"2026-01-01T00:00:00Z\",\"colour\":1}";
    struct intake *strict = intake_new(made.plan, NULL, JSON_UNKNOWN_REFUSE);
    struct intake *lenient = intake_new(made.plan, NULL, JSON_UNKNOWN_SKIP);

    (void)state;
    assert_false(take(strict, event));
    assert_true(take(lenient, event));
    intake_free(strict);
    intake_free(lenient);
}

/* ---- conditions and keys ---- */

static void test_a_condition_with_a_mistake_is_refused(void **state)
{
    static const char *const bad[] = {"amont > 1", "score", "outcome = 1",
                                      "count() by customer over 1h > 1"};
    uint32_t number;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct filter *f = filter_new(made.plan, 4, &e);

        assert_non_null(f);
        assert_false(filter_add(f, "stream.sinks.s.where", bad[i], &number, &e));
        assert_int_equal(e.kind, ERROR_INVALID);
        assert_non_null(strstr(e.text, "stream.sinks.s.where"));
        filter_free(f);
    }
}

static void test_windows_and_the_key_of_shards(void **state)
{
    char merchant[] = "merchant", part[] = "mer", customer[] = "customer";
    char *approximate[] = {merchant};

    (void)state;
    settings->stream.key = NULL;
    MUST(shard_key_check_topic(settings, made.plan, 1, &e));
    MUST(shard_key_check_topic(settings, made.plan, 4,
                               &e)); /* customer, and customer with merchant */
    settings->stream.key = merchant;
    MUST(shard_key_check_topic(settings, made.plan, 1, &e));
    assert_false(shard_key_check_topic(settings, made.plan, 4, &e));
    assert_non_null(strstr(e.text, "keyed by merchant"));
    settings->stream.key = part; /* no part of a name */
    assert_false(shard_key_check_topic(settings, made.plan, 4, &e));
    settings->stream.key = customer;
    settings->stream.approximate = approximate;
    settings->stream.approximate_count = 1;
    MUST(shard_key_check_topic(settings, made.plan, 4, &e));
    settings->stream.key = NULL;
    settings->stream.approximate = NULL;
    settings->stream.approximate_count = 0;

    MUST(shard_key_check_nodes(settings, made.plan, &e)); /* one node */
    settings->server.key = customer;
    MUST(shard_key_check_nodes(settings, made.plan, &e));
    settings->server.key = merchant;
    assert_false(shard_key_check_nodes(settings, made.plan, &e));
    assert_non_null(strstr(e.text, "the events of a merchant whole (server.key)"));
    settings->server.key = NULL;
}

static int set_csv(void **state)
{
    begin_csv(state);
    return 0;
}

static int set_table(void **state)
{
    begin_table(state);
    return 0;
}

static int set_sqlite(void **state)
{
    begin_sqlite(state);
    return 0;
}

#define SINK(test, set)                                                                            \
    {                                                                                              \
#test " (" #set ")", test, set, NULL, NULL                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SINK(test_rows_are_there_once, set_csv),
        SINK(test_what_is_forgotten_is_not_there, set_csv),
        SINK(test_a_crash_between_delivery_and_commit, set_csv),
        SINK(test_rows_are_there_once, set_sqlite),
        SINK(test_what_is_forgotten_is_not_there, set_sqlite),
        SINK(test_a_crash_between_delivery_and_commit, set_sqlite),
        cmocka_unit_test(test_files_follow_one_another),
        cmocka_unit_test(test_a_worker_that_lost_its_file_writes_into_none),
        cmocka_unit_test(test_kept_bytes_do_not_move),
        cmocka_unit_test(test_what_is_too_large_is_refused),
        cmocka_unit_test(test_what_is_no_event_leaves_no_row),
        cmocka_unit_test(test_unknown_members),
        cmocka_unit_test(test_a_condition_with_a_mistake_is_refused),
        cmocka_unit_test(test_windows_and_the_key_of_shards),
    };
    const struct CMUnitTest tables[] = {
        SINK(test_rows_are_there_once, set_table),
        SINK(test_what_is_forgotten_is_not_there, set_table),
        SINK(test_a_crash_between_delivery_and_commit, set_table),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return getenv("ASSAY_TEST_POSTGRES") != NULL
               ? cmocka_run_group_tests(tables, open_all, close_all)
               : cmocka_run_group_tests(tests, open_all, close_all);
}
