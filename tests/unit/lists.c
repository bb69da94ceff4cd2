/* Lists in the state: against a naive model, at their limits, and through plan and engine. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/decide/engine.h"
#include "shell/run/list_change.h"
#include "shell/run/list_value.h"

enum { ROOT = 3, CAPACITY = 96 << 20, VALUES = 300, LISTS = 3 };

struct box {
    uint8_t *memory;
    struct region region;
    struct lists lists;
};

static uint64_t next(uint64_t *random)
{
    *random += 0x9e3779b97f4a7c15u;
    return hash_mix(*random);
}

static void box_init(struct box *b, size_t capacity, uint64_t bytes_max)
{
    b->memory = mem_aligned(64, capacity);
    region_init(&b->region, b->memory, capacity, 1);
    assert_true(lists_open(&b->lists, &b->region, ROOT, LISTS, bytes_max));
}

static struct list_change change_of(uint64_t value, bool is_removal, int64_t expires_us)
{
    static const struct hash_key key = {1, 2};
    struct value v = {.type = TYPE_INT, .integer = (int64_t)value};

    return (struct list_change){
        .token = list_token(&v, &key), .is_removal = is_removal, .expires_us = expires_us};
}

static enum list_result apply(struct box *b, uint32_t list, const struct list_change *c,
                              uint64_t seq)
{
    struct error e;

    assert_true(lists_reserve(&b->lists, list, c, 1, INT64_MIN, &e));
    return lists_apply(&b->lists, list, c, seq, 0, (int64_t)seq, LIST_BY_HAND);
}

/* ---- the naive model */

struct naive {
    bool is_there[VALUES];
    int64_t expires_us[VALUES];
    uint64_t seq[VALUES];
    int64_t added_us[VALUES];
};

static bool entry_is(const struct list_entry *e, const struct naive *n, uint64_t value)
{
    return e != NULL && e->expires_us == n->expires_us[value] && e->seq == n->seq[value] &&
           e->added_us == n->added_us[value];
}

/* What expired at or before the horizon may be there or not: nobody can see it. */
static void hold(const struct box *b, uint32_t list, const struct naive *n, int64_t horizon_us)
{
    struct list_entry page[7];
    uint64_t seq = 0, seen = 0, there = 0;
    uint32_t found;

    for (uint64_t v = 0; v < VALUES; v++) {
        struct list_change c = change_of(v, false, 0);
        const struct list_entry *e = lists_find(&b->lists, list, c.token);
        bool must_be = n->is_there[v] && n->expires_us[v] > horizon_us;

        assert_true(must_be ? entry_is(e, n, v) : e == NULL || entry_is(e, n, v));
        there += must_be;
    }
    while ((found = lists_page(&b->lists, list, seq, UINT32_MAX, 7, page)) > 0) {
        for (uint32_t i = 0; i < found; i++) {
            assert_true(page[i].seq > seq);
            seq = page[i].seq;
            seen++;
        }
    }
    assert_int_equal(seen, lists_entries(&b->lists, list));
    assert_true(seen >= there);
}

static void naive_apply(struct naive *n, uint64_t value, const struct list_change *c, uint64_t seq,
                        bool was_forgotten)
{
    if (c->is_removal) {
        n->is_there[value] = false;
        return;
    }
    if (n->is_there[value] && !was_forgotten && n->expires_us[value] == c->expires_us)
        return;
    if (!n->is_there[value] || was_forgotten)
        n->added_us[value] = (int64_t)seq;
    n->is_there[value] = true;
    n->expires_us[value] = c->expires_us;
    n->seq[value] = seq;
}

static void random_changes(uint64_t seed)
{
    struct naive *naive = mem_array(LISTS, sizeof *naive);
    uint64_t random = seed, values = 1 + next(&random) % VALUES;
    int64_t horizon_us = 0;
    struct error e;
    struct box b;

    box_init(&b, 1 << 20, 1 << 19);
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        uint32_t list = (uint32_t)(next(&random) % LISTS);
        uint64_t value = next(&random) % values;
        int64_t expires_us =
            next(&random) % 3 == 0 ? LIST_NEVER : (int64_t)(seq + next(&random) % 200);
        struct list_change c = change_of(value, next(&random) % 3 == 0, expires_us);
        bool was_forgotten;

        if (next(&random) % 4 == 0)
            horizon_us = (int64_t)seq;
        assert_true(lists_reserve(&b.lists, list, &c, 1, horizon_us, &e));
        was_forgotten = lists_find(&b.lists, list, c.token) == NULL;
        lists_apply(&b.lists, list, &c, seq, 0, (int64_t)seq, LIST_BY_HAND);
        naive_apply(&naive[list], value, &c, seq, was_forgotten);
        if (seq % 250 == 0)
            hold(&b, list, &naive[list], horizon_us);
    }
    assert_true(region_header(&b.region)->live <= 1 << 20);
    mem_free(b.memory);
    mem_free(naive);
}

static void entries_are_those_of_a_naive_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        random_changes(seed);
}

/* ---- what is said of changes, for snapshots */

enum { WATCHED = 1 << 20 };

struct watching {
    struct region_watch watch;
    uint8_t *said; /* by byte */
};

static void note(struct region_watch *w, size_t at, size_t bytes)
{
    struct watching *watching = (struct watching *)w;

    assert_true(at + bytes <= WATCHED);
    memset(watching->said + at, 1, bytes);
}

static void every_changed_byte_was_said_before(void **state)
{
    uint8_t *before = mem_array(WATCHED, 1);
    struct watching w = {.watch = {note}, .said = mem_array(WATCHED, 1)};
    uint64_t random = 3;
    struct error e;
    struct box b;

    (void)state;
    box_init(&b, WATCHED, WATCHED / 2);
    b.region.watch = &w.watch;
    for (uint64_t seq = 1; seq <= 1500; seq++) {
        struct list_change c =
            change_of(next(&random) % 400, next(&random) % 4 == 0, (int64_t)(seq + 100));
        size_t used = region_header(&b.region)->used; /* beyond it there is nothing to keep */

        memcpy(before, b.memory, WATCHED);
        memset(w.said, 0, WATCHED);
        assert_true(lists_reserve(&b.lists, 1, &c, 1, (int64_t)seq - 50, &e));
        lists_apply(&b.lists, 1, &c, seq, 0, 0, LIST_BY_HAND);
        lists_set_file(&b.lists, 1, seq);
        for (size_t i = 0; i < used; i++) {
            if (before[i] != b.memory[i])
                assert_true(w.said[i]);
        }
    }
    mem_free(b.memory);
    mem_free(before);
    mem_free(w.said);
}

/* ---- what a change says */

static void adding_twice_changes_nothing(void **state)
{
    struct list_change add = change_of(5, false, LIST_NEVER), remove = change_of(5, true, 0);
    struct list_change till = change_of(5, false, 100);
    const struct list_entry *e;
    struct box b;

    (void)state;
    box_init(&b, 1 << 20, 1 << 19);
    assert_int_equal(apply(&b, 0, &remove, 1), LIST_ABSENT);
    assert_int_equal(apply(&b, 0, &add, 2), LIST_ADDED);
    assert_int_equal(apply(&b, 0, &add, 3), LIST_UNCHANGED);
    assert_int_equal(apply(&b, 0, &till, 4), LIST_REPLACED);
    add.note = 9;
    till.note = 9;
    assert_int_equal(apply(&b, 0, &till, 5), LIST_REPLACED); /* another note */
    assert_int_equal(lists_foresee(&b.lists, 0, &till, LIST_BY_FILE), LIST_REPLACED);
    e = lists_find(&b.lists, 0, add.token);
    assert_true(e->seq == 5 && e->added_us == 2 && e->expires_us == 100);
    assert_null(lists_find(&b.lists, 1, add.token)); /* another list */
    assert_int_equal(apply(&b, 0, &remove, 6), LIST_REMOVED);
    assert_int_equal(lists_entries(&b.lists, 0), 0);
    mem_free(b.memory);
}

static void values_of_types_are_apart(void **state)
{
    static const struct hash_key key = {3, 4}, other = {3, 5};
    struct value a = {.type = TYPE_TEXT, .text = text_of("m-1")}, b = a;
    struct hash128 one = list_token(&a, &key), two;

    (void)state;
    b.text = text_of("M-1");
    two = list_token(&b, &key);
    assert_true(one.low != two.low);
    two = list_token(&a, &other);
    assert_true(one.low != two.low);
}

/* ---- limits */

static void a_full_list_refuses_one_more(void **state)
{
    struct list_change *c = mem_array(LIST_CHANGES_MAX, sizeof *c), more;
    struct error e = {0};
    struct box b;
    uint64_t value = 0;

    (void)state;
    box_init(&b, (size_t)512 << 20, (size_t)400 << 20);
    while (value < LIST_ENTRIES_MAX) {
        uint32_t count = 0;

        for (; count < LIST_CHANGES_MAX && value < LIST_ENTRIES_MAX; count++, value++)
            c[count] = change_of(value, false, value == 7 ? 50 : LIST_NEVER);
        assert_true(lists_reserve(&b.lists, 0, c, count, INT64_MIN, &e));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(lists_apply(&b.lists, 0, &c[i], value, i, 0, LIST_BY_HAND),
                             LIST_ADDED);
    }
    more = change_of(value, false, LIST_NEVER);
    assert_false(lists_reserve(&b.lists, 0, &more, 1, 49, &e));
    assert_int_equal(e.kind, ERROR_FULL);
    assert_non_null(strstr(e.text, "1048576 entries"));
    assert_true(lists_reserve(&b.lists, 1, &more, 1, 49, &e)); /* another one has room */
    c[0] = change_of(8, false, 1);                             /* so has what is there */
    assert_true(lists_reserve(&b.lists, 0, c, 1, 49, &e));
    c[0] = change_of(8, true, 0);
    assert_true(lists_reserve(&b.lists, 0, c, 1, 49, &e));
    assert_true(lists_reserve(&b.lists, 0, &more, 1, 50, &e)); /* what has expired makes room */
    assert_int_equal(lists_apply(&b.lists, 0, &more, value, 0, 0, LIST_BY_HAND), LIST_ADDED);
    assert_int_equal(lists_entries(&b.lists, 0), LIST_ENTRIES_MAX);
    mem_free(b.memory);
    mem_free(c);
}

static void memory_has_a_limit_of_all_lists(void **state)
{
    struct error e = {0};
    struct box b;
    uint64_t value = 0;

    (void)state;
    box_init(&b, 1 << 20, 64 << 10);
    for (;; value++) {
        struct list_change c = change_of(value, false, LIST_NEVER);

        if (!lists_reserve(&b.lists, 0, &c, 1, INT64_MIN, &e))
            break;
        assert_int_equal(lists_apply(&b.lists, 0, &c, value + 1, 0, 0, LIST_BY_HAND), LIST_ADDED);
        assert_true(lists_bytes(&b.lists) <= 64 << 10);
    }
    assert_int_equal(e.kind, ERROR_FULL);
    assert_non_null(strstr(e.text, "65536 bytes"));
    assert_int_equal(value, 1024);
    for (uint64_t v = 0; v < value; v++) {
        struct list_change c = change_of(v, false, LIST_NEVER);

        assert_non_null(lists_find(&b.lists, 0, c.token));
    }
    mem_free(b.memory);
}

/* Coming and going does not take more and more. */
static void a_list_in_use_stays_as_large_as_it_is(void **state)
{
    struct box b;
    uint64_t bytes = 0;

    (void)state;
    box_init(&b, 1 << 20, 1 << 19);
    for (uint64_t seq = 1; seq < 100000; seq++) {
        struct list_change add = change_of(seq, false, LIST_NEVER);
        struct list_change remove = change_of(seq - 40, true, 0);

        apply(&b, 0, &add, seq);
        if (seq > 40)
            assert_int_equal(apply(&b, 0, &remove, seq), LIST_REMOVED);
        if (seq == 1000)
            bytes = lists_bytes(&b.lists);
    }
    assert_int_equal(lists_bytes(&b.lists), bytes);
    assert_int_equal(lists_entries(&b.lists, 0), 40);
    mem_free(b.memory);
}

/* ---- through plan and engine */

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct plan_list plan_lists[] = {
    {TEXT("blocked"), TYPE_TEXT}, {TEXT("amounts"), TYPE_DECIMAL}, {TEXT("numbers"), TYPE_INT}};
static const struct plan_named entities[] = {{TEXT("card"), TEXT("card")}};
static const struct plan_named features[] = {
    {TEXT("is_blocked"), TEXT("card in list(blocked)")},
    {TEXT("is_free"), TEXT("card not in list(blocked)")},
    {TEXT("is_amount"), TEXT("n in list(amounts)")},
    {TEXT("is_number"), TEXT("5 in list(numbers)")}, /* a constant asks anew each time */
    {TEXT("blocked_1d"), TEXT("count() by card over 1d where (card in list(blocked))")},
    {TEXT("was_blocked"), TEXT("prev(card) by card in list(blocked)")},
};
static const struct text outcomes[] = {TEXT("approve")};

struct world {
    struct schema *schema;
    struct plan *plan;
    uint8_t *memory;
    struct region region;
    struct engine *engine;
    struct frame frame;
    uint64_t seq;
};

static void world_init(struct world *w)
{
    struct plan_spec spec = {.lists = plan_lists,
                             .list_count = 3,
                             .entities = entities,
                             .entity_count = 1,
                             .features = features,
                             .feature_count = 6,
                             .outcomes = outcomes,
                             .outcome_count = 1,
                             .lowest_level = TEXT("LOW"),
                             .velocity = {.lateness_us = US_PER_HOUR},
                             .max_ahead_us = US_PER_DAY};
    struct engine_options o = {.batch = 16, .ids_horizon = 100, .ids_horizon_us = US_PER_DAY};
    struct error e = {0};

    w->schema = schema_new();
    assert_true(schema_add(w->schema, text_of("at"), TYPE_TIME, &e));
    assert_true(schema_add(w->schema, text_of("card"), TYPE_TEXT, &e));
    assert_true(schema_add(w->schema, text_of("n"), TYPE_INT, &e));
    w->schema->time = 0;
    spec.schema = w->schema;
    w->plan = plan_new(&spec, &e);
    assert_non_null(w->plan);
    w->memory = mem_aligned(64, CAPACITY);
    region_init(&w->region, w->memory, CAPACITY, engine_layout(w->plan));
    w->engine = engine_open(w->plan, &w->region, &o);
    frame_init(&w->frame, w->schema, 16, 1 << 16);
    w->seq = 1;
}

static void world_fini(struct world *w)
{
    engine_close(w->engine);
    plan_unref(w->plan);
    frame_fini(&w->frame);
    schema_free(w->schema);
    mem_free(w->memory);
}

static void change(struct world *w, uint32_t list, const char *value, bool is_removal,
                   int64_t expires_us)
{
    struct list_item item = {.is_removal = is_removal,
                             .expires_us = expires_us,
                             .value = text_of(value),
                             .note = {"", 0}};
    struct error e;

    assert_true(
        list_items_apply(w->engine, w->plan, list, &item, 1, LIST_BY_HAND, w->seq++, 0, &e));
}

static void put_event(struct world *w, int64_t time_us, const char *card, int64_t n)
{
    uint32_t row = w->frame.rows++;
    struct value at = {.type = TYPE_TIME, .integer = time_us};
    struct value text = {.type = TYPE_TEXT, .is_null = card == NULL};
    struct value number = {.type = TYPE_INT, .integer = n};

    if (card != NULL)
        text.text = text_of(card);
    column_set(&w->frame.column[0], row, &at);
    column_set(&w->frame.column[1], row, &text);
    column_set(&w->frame.column[2], row, &number);
}

/* One event received at `received_us`; its features as a row of letters: t, f, 0 for null, digits.
 */
static const char *see(struct world *w, int64_t time_us, int64_t received_us, const char *card,
                       bool is_peek)
{
    static char words[16];
    struct decision d;
    uint64_t seq = w->seq++;

    put_event(w, time_us, card, 5);
    if (is_peek)
        engine_peek(w->engine, &w->frame, 0, received_us, &d);
    else
        engine_run(w->engine, &w->frame, 0, 1, &seq, &received_us, &d);
    for (uint32_t i = 0; i < 6; i++) {
        struct value v =
            column_get(&engine_registers(w->engine)->column[plan_feature_node(w->plan, i)], 0);

        words[i] = v.is_null             ? '-'
                   : v.type != TYPE_BOOL ? (char)('0' + v.integer)
                   : v.integer           ? 't'
                                         : 'f';
    }
    words[6] = 0;
    frame_clear(&w->frame);
    return words;
}

#define AT(hours) ((hours)*US_PER_HOUR)

static void events_see_what_the_log_has_before_them(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    assert_string_equal(see(&w, AT(1), AT(1), "a", false), "ftff0-");
    change(&w, 0, "a", false, LIST_NEVER);
    change(&w, 1, "5.00", false, LIST_NEVER);
    assert_string_equal(see(&w, AT(2), AT(2), "a", true), "tftf1t");
    assert_string_equal(see(&w, AT(2), AT(2), "a", false), "tftf1t");
    assert_string_equal(see(&w, AT(2), AT(2), NULL, false), "--tf0-");
    change(&w, 2, "5", false, LIST_NEVER);
    change(&w, 0, "a", true, LIST_NEVER);
    change(&w, 1, "x", false, LIST_NEVER); /* none of its type: passed over */
    assert_string_equal(see(&w, AT(3), AT(3), "a", false), "fttt1f"); /* what was counted stays */
    change(&w, 0, "A", false, LIST_NEVER);                            /* other letters */
    assert_string_equal(see(&w, AT(3), AT(3), "a", false), "fttt1f");
    world_fini(&w);
}

static void expiry_is_by_the_events_own_time(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    change(&w, 0, "a", false, AT(10));
    assert_string_equal(see(&w, AT(10) - 1, AT(99), "a", false), "tfff1-");
    assert_string_equal(see(&w, AT(10), AT(10), "a", false), "ftff1f");
    /* late: as of its own time; too late: as of the oldest time that may be late */
    assert_string_equal(see(&w, AT(9.5), AT(10), "a", false), "tfff1-");
    assert_string_equal(see(&w, AT(10.75), AT(11), "a", false), "ftff2f");
    assert_string_equal(see(&w, AT(1), AT(11), "a", true), "tfff1-");
    assert_string_equal(see(&w, AT(11), AT(11), "b", false), "ftff0-");
    assert_string_equal(see(&w, AT(1), AT(11), "a", true), "ftff0-");
    /* a date that cannot be believed does not let an entry expire */
    change(&w, 0, "c", false, AT(20));
    assert_string_equal(see(&w, AT(500), AT(11), "c", true), "tfff1-");
    world_fini(&w);
}

/* Sweeping what has expired shows nowhere. */
static void forgetting_is_not_seen(void **state)
{
    struct world w;
    char seen[8];

    (void)state;
    world_init(&w);
    change(&w, 0, "a", false, AT(2));
    see(&w, AT(3) - 1, AT(3), "b", false);
    snprintf(seen, sizeof seen, "%s", see(&w, AT(1), AT(3), "a", true)); /* just within reach */
    assert_string_equal(seen, "tfff1-");
    for (int i = 0; i < 200; i++) {
        char value[16];

        snprintf(value, sizeof value, "v%d", i);
        change(&w, 0, value, false, AT(2));
    }
    assert_int_equal(lists_entries(engine_lists(w.engine), 0), 201);
    assert_string_equal(see(&w, AT(1), AT(3), "a", true), "tfff1-");
    see(&w, AT(3), AT(3), "b", false);
    snprintf(seen, sizeof seen, "%s", see(&w, AT(1), AT(3), "a", true));
    for (int i = 0; i < 300; i++) {
        char value[16];

        snprintf(value, sizeof value, "w%d", i);
        change(&w, 0, value, false, AT(2));
    }
    assert_true(lists_entries(engine_lists(w.engine), 0) < 300);
    assert_string_equal(see(&w, AT(1), AT(3), "a", true), seen);
    assert_string_equal(seen, "ftff0-");
    world_fini(&w);
}

/* ---- values as they are written */

static void values_have_one_form(void **state)
{
    static const struct {
        enum type type;
        const char *text, *value; /* NULL: refused */
    } cases[] = {
        {TYPE_INT, "007", "7"},        {TYPE_INT, "-0", "0"},
        {TYPE_INT, "1e3", "1000"},     {TYPE_INT, "7.5", NULL},
        {TYPE_INT, "", NULL},          {TYPE_INT, " ", NULL},
        {TYPE_DECIMAL, "1.50", "1.5"}, {TYPE_DECIMAL, "x", NULL},
        {TYPE_TEXT, " a ", " a "},     {TYPE_TEXT, "", NULL},
        {TYPE_TEXT, "\xff", NULL},     {TYPE_TEXT, "007", "007"},
        {TYPE_TEXT, "none", "none"},   {TYPE_INT, "99999999999999999999", NULL},
    };
    char long_value[LIST_VALUE_MAX + 2], out[LIST_VALUE_MAX + 1];
    struct text value;
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool ok = list_value_read(cases[i].type, text_of(cases[i].text), out, &value, &e);

        assert_int_equal(ok, cases[i].value != NULL);
        if (ok)
            assert_true(text_is(value, cases[i].value));
    }
    memset(long_value, 'x', sizeof long_value);
    assert_true(
        list_value_read(TYPE_TEXT, (struct text){long_value, LIST_VALUE_MAX}, out, &value, &e));
    assert_false(
        list_value_read(TYPE_TEXT, (struct text){long_value, LIST_VALUE_MAX + 1}, out, &value, &e));
}

static void expiries_are_times_or_spans(void **state)
{
    struct error e;
    int64_t us;

    (void)state;
    assert_true(list_expiry_read(text_of("2h"), AT(5), &us, &e));
    assert_int_equal(us, AT(7));
    assert_true(list_expiry_read(text_of("1970-01-02"), AT(5), &us, &e));
    assert_int_equal(us, AT(24));
    assert_true(list_expiry_read(text_of("never"), AT(5), &us, &e));
    assert_true(us == LIST_NEVER);
    assert_false(list_expiry_read(text_of("-2h"), AT(5), &us, &e));
    assert_false(list_expiry_read(text_of("0s"), AT(5), &us, &e));
    assert_false(list_expiry_read(text_of("9999999w"), AT(5), &us, &e));
    assert_false(list_expiry_read(text_of("soon"), AT(5), &us, &e));
    assert_false(list_expiry_read(text_of(""), AT(5), &us, &e));
}

/* ---- records */

static void records_read_back(void **state)
{
    const struct list_item items[] = {
        {false, LIST_NEVER, TEXT("a\n\"b\""), TEXT("")},
        {true, 5, TEXT("c"), TEXT("why")},
    };
    struct list_body b = {.list = TEXT("l"), .origin = LIST_BY_FILE, .file = 77, .by = TEXT("ana")};
    struct list_body back;
    struct list_item item;
    struct buffer bytes;
    struct reader at;
    struct error e;

    (void)state;
    buffer_init(&bytes, 4096);
    b.count = 2;
    list_body_format(&b, items, &bytes);
    assert_true(list_body_parse((struct text){bytes.bytes, bytes.length}, &back, &e));
    assert_true(back.count == 2 && back.file == 77 && back.origin == LIST_BY_FILE &&
                text_is(back.by, "ana") && text_is(back.list, "l"));
    reader_init(&at, back.items.bytes, back.items.length);
    list_item_next(&at, &item);
    assert_true(!item.is_removal && text_is(item.value, "a\n\"b\"") &&
                item.expires_us == LIST_NEVER);
    list_item_next(&at, &item);
    assert_true(item.is_removal && text_is(item.value, "c") && text_is(item.note, "why"));
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(list_body_parse((struct text){bytes.bytes, length}, &back, &e));
    buffer_add_char(&bytes, 0);
    assert_false(list_body_parse((struct text){bytes.bytes, bytes.length}, &back, &e));
    buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_those_of_a_naive_model),
        cmocka_unit_test(every_changed_byte_was_said_before),
        cmocka_unit_test(adding_twice_changes_nothing),
        cmocka_unit_test(values_of_types_are_apart),
        cmocka_unit_test(a_full_list_refuses_one_more),
        cmocka_unit_test(memory_has_a_limit_of_all_lists),
        cmocka_unit_test(a_list_in_use_stays_as_large_as_it_is),
        cmocka_unit_test(events_see_what_the_log_has_before_them),
        cmocka_unit_test(expiry_is_by_the_events_own_time),
        cmocka_unit_test(forgetting_is_not_seen),
        cmocka_unit_test(values_have_one_form),
        cmocka_unit_test(expiries_are_times_or_spans),
        cmocka_unit_test(records_read_back),
    };

    return RUN(tests);
}
