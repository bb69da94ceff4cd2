/* Reading the store in PostgreSQL: pages of decisions, and single look-ups. A reader whose
 * connection was lost asks once more over a new one. */
#include <stdio.h>

#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/data/json.h"
#include "core/decide/plan.h"
#include "core/velocity/velocity.h"
#include "shell/store/postgres_store.h"

enum { SQL_MAX = 4096, VALUES_BYTES = 64 };

/* A statement as it is put together, its values beside it. */
struct asking {
    struct buffer sql;
    struct text value[POSTGRES_PARAMETERS_MAX];
    char bytes[POSTGRES_PARAMETERS_MAX][VALUES_BYTES]; /* of numbers and times */
    uint32_t count;
    bool is_hopeless; /* a value is no text that the database could hold */
};

/* Appends $n, cast to a type. */
static void add_value(struct asking *a, struct text t, const char *type)
{
    ASSERT(a->count < POSTGRES_PARAMETERS_MAX);
    if (t.length > 0 && (memchr(t.bytes, 0, t.length) != NULL || !text_is_utf8(t)))
        a->is_hopeless = true;
    a->value[a->count++] = t;
    buffer_format(&a->sql, "$%u::%s", a->count, type);
}

static void add_number(struct asking *a, int64_t v)
{
    char *bytes = a->bytes[a->count];

    add_value(a, (struct text){bytes, number_format_int(v, bytes)}, "bigint");
}

static void add_time(struct asking *a, int64_t time_us)
{
    add_value(a, text_of(postgres_time(time_us, a->bytes[a->count])), "timestamptz");
}

static bool ask(struct postgres_store *s, struct asking *a, struct postgres_rows **rows,
                struct error *e)
{
    bool ok;

    ASSERT(!a->sql.overflow);
    if (!postgres_store_ready(s, e))
        return false;
    ok = postgres_ask(s->db, buffer_text(&a->sql), a->value, a->count, rows, e);
    if (!ok && postgres_is_lost(s->db))
        ok = postgres_store_ready(s, e) &&
             postgres_ask(s->db, buffer_text(&a->sql), a->value, a->count, rows, e);
    return ok;
}

static bool has_entity(const struct store_query *q)
{
    return q->entity != 0;
}

static void where_times(struct asking *a, const struct store_query *q)
{
    if (q->from_us != INT64_MIN) {
        buffer_add_text(&a->sql, " AND d.\"time\" >= ");
        add_time(a, q->from_us);
    }
    if (q->until_us != INT64_MAX) {
        buffer_add_text(&a->sql, " AND d.\"time\" < ");
        add_time(a, q->until_us);
    }
    if (q->received_from_us != INT64_MIN) {
        buffer_add_text(&a->sql, " AND d.received_at >= ");
        add_time(a, q->received_from_us);
    }
    if (q->received_until_us != INT64_MAX) {
        buffer_add_text(&a->sql, " AND d.received_at < ");
        add_time(a, q->received_until_us);
    }
}

/* `rule` is the rule's name as it stands in the row's JSON, its quotes included. */
static void where_words(struct asking *a, const struct store_query *q, struct text rule)
{
    if (q->outcome.length > 0) {
        buffer_add_text(&a->sql, " AND d.outcome = ");
        add_value(a, q->outcome, "text");
    }
    if (q->level.length > 0) {
        buffer_add_text(&a->sql, " AND d.level = ");
        add_value(a, q->level, "text");
    }
    if (q->rule.length > 0) {
        buffer_add_text(&a->sql, " AND strpos(d.rules::text, ");
        add_value(a, rule, "text");
        buffer_add_text(&a->sql, ") > 0 AND d.rules IS NOT NULL");
    }
    if (q->id_prefix.length > 0) {
        buffer_add_text(&a->sql, " AND starts_with(d.event_id, ");
        add_value(a, q->id_prefix, "text");
        buffer_add_char(&a->sql, ')');
    }
}

static void where_numbers(struct asking *a, const struct store_query *q)
{
    if (q->has_label && q->label == LABEL_UNKNOWN)
        buffer_add_text(&a->sql, " AND d.label IS NULL");
    if (q->has_label && q->label != LABEL_UNKNOWN) {
        buffer_add_text(&a->sql, " AND d.label IS NOT NULL AND d.label = ");
        add_number(a, q->label);
    }
    if (q->min_score > 0) {
        buffer_add_text(&a->sql, " AND d.score >= ");
        add_number(a, q->min_score);
    }
    if (q->max_score < PLAN_SCORE_MAX) {
        buffer_add_text(&a->sql, " AND d.score <= ");
        add_number(a, q->max_score);
    }
}

static const char *key_column(const struct store_query *q)
{
    static const char *const columns[] = {
        [STORE_KEY_TIME] = "d.\"time\"", [STORE_KEY_SCORE] = "d.score", [STORE_KEY_SEQ] = "d.seq"};

    return columns[store_sorts[q->sort].key];
}

/* " AND (key, seq) COMPARE (c)" */
static void where_place(struct asking *a, const struct store_query *q, const char *compare,
                        const struct store_cursor *c)
{
    buffer_format(&a->sql, " AND (%s, d.seq) %s (", key_column(q), compare);
    if (store_sorts[q->sort].key == STORE_KEY_TIME)
        add_time(a, c->key);
    else
        add_number(a, c->key);
    buffer_add_text(&a->sql, ", ");
    add_number(a, (int64_t)c->seq);
    buffer_add_char(&a->sql, ')');
}

static void page_order(struct asking *a, const struct store_query *q, const struct store_cursor *c)
{
    const struct store_sorting *sort = &store_sorts[q->sort];

    if (q->cursor.length > 0)
        where_place(a, q, (const char[]){sort->compare, 0}, c);
    buffer_format(&a->sql, " ORDER BY %s %s, d.seq %s", key_column(q), sort->order, sort->order);
}

/* Whether some of the rows along the way are not in the answer. */
static bool is_sparse(const struct store_query *q)
{
    bool is_timed = q->from_us != INT64_MIN || q->until_us != INT64_MAX;
    bool is_scored = q->min_score > 0 || q->max_score < PLAN_SCORE_MAX;
    int key = store_sorts[q->sort].key;

    return q->outcome.length > 0 || q->level.length > 0 || q->rule.length > 0 ||
           q->id_prefix.length > 0 || q->has_label || q->received_from_us != INT64_MIN ||
           q->received_until_us != INT64_MAX || (key != STORE_KEY_TIME && is_timed) ||
           (key != STORE_KEY_SCORE && is_scored);
}

/* The row that is STORE_LOOK_MAX behind the page's beginning, in the index alone; rows with a rule
 * or a label have one of their own by time. */
static void bound_format(struct asking *a, const struct store_query *q,
                         const struct store_cursor *c)
{
    struct store_query along = store_query_all(1);
    int key = store_sorts[q->sort].key;

    buffer_format(&a->sql,
                  key == STORE_KEY_TIME ? "SELECT (extract(epoch FROM %s) * 1000000)::bigint, d.seq"
                                        : "SELECT %s::bigint, d.seq",
                  key_column(q));
    buffer_add_text(&a->sql, " FROM score.decision d WHERE true");
    if (key == STORE_KEY_TIME) {
        along.from_us = q->from_us;
        along.until_us = q->until_us;
        if (q->rule.length > 0) {
            buffer_add_text(&a->sql, " AND d.rules IS NOT NULL");
        } else if (q->label != LABEL_UNKNOWN) {
            along.has_label = q->has_label;
            along.label = q->label;
        }
    } else if (key == STORE_KEY_SCORE) {
        along.min_score = q->min_score;
        along.max_score = q->max_score;
    }
    where_times(a, &along);
    where_numbers(a, &along);
    page_order(a, q, c);
    buffer_format(&a->sql, " LIMIT 1 OFFSET %d", STORE_LOOK_MAX - 1);
}

static bool find_bound(struct postgres_store *s, const struct store_query *q,
                       const struct store_cursor *from, bool *is_bounded,
                       struct store_cursor *bound, struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows = NULL;
    bool ok;

    *is_bounded = false;
    if (has_entity(q) || !is_sparse(q))
        return true;
    buffer_init(&a.sql, SQL_MAX);
    bound_format(&a, q, from);
    ok = ask(s, &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    *is_bounded = postgres_rows_count(rows) > 0;
    if (*is_bounded)
        *bound =
            (struct store_cursor){postgres_int(rows, 0, 0), (uint64_t)postgres_int(rows, 0, 1)};
    postgres_rows_free(rows);
    return true;
}

/* Only constant words become SQL; every value from outside is a parameter. */
static void page_format(struct asking *a, const struct store_query *q, struct text rule,
                        const struct store_cursor *c, const struct store_cursor *bound)
{
    buffer_format(&a->sql,
                  "SELECT d.seq, d.event_id, (extract(epoch FROM d.received_at) * 1000000)::bigint,"
                  " (extract(epoch FROM d.\"time\") * 1000000)::bigint, d.probability, d.score,"
                  " d.outcome, d.level, d.flags, d.plan, d.rules, d.label FROM %s WHERE true",
                  has_entity(q) ? "score.entity e JOIN score.decision d ON d.seq = e.seq AND "
                                  "d.received_at = e.received_at"
                                : "score.decision d");
    if (has_entity(q)) {
        buffer_add_text(&a->sql, " AND e.entity = ");
        add_number(a, q->entity);
    }
    where_times(a, q);
    where_words(a, q, rule);
    where_numbers(a, q);
    if (bound != NULL)
        where_place(a, q, store_sorts[q->sort].compare == '<' ? ">=" : "<=", bound);
    page_order(a, q, c);
    buffer_add_text(&a->sql, " LIMIT ");
    add_number(a, (int64_t)q->limit + 1); /* one more: is there a next page? */
}

static uint8_t label_cell(const struct postgres_rows *r, uint32_t row, uint32_t column)
{
    return postgres_is_null(r, row, column) ? (uint8_t)LABEL_UNKNOWN
                                            : (uint8_t)postgres_int(r, row, column);
}

static void decision_of(const struct postgres_rows *r, uint32_t i, struct store_decision *d)
{
    *d = (struct store_decision){
        .seq = (uint64_t)postgres_int(r, i, 0),
        .event_id = postgres_cell(r, i, 1),
        .received_us = postgres_int(r, i, 2),
        .time_us = postgres_int(r, i, 3),
        .score = (int)postgres_int(r, i, 5),
        .outcome = postgres_cell(r, i, 6),
        .level = postgres_cell(r, i, 7),
        .flags = (uint16_t)postgres_int(r, i, 8),
        .plan = postgres_cell(r, i, 9),
        .rules = postgres_is_null(r, i, 10) ? text_of("[]") : postgres_cell(r, i, 10),
        .label = label_cell(r, i, 11),
    };
    if (!number_parse_real(postgres_cell(r, i, 4), '.', &d->probability))
        d->probability = 0; /* the column takes reals only, and we wrote a finite one */
}

bool postgres_query(struct store *is, const struct store_query *q,
                    void (*row)(void *context, const struct store_decision *d), void *context,
                    char next[STORE_CURSOR_MAX], struct error *e)
{
    struct store_cursor last = {0, 0}, bound = {0, 0};
    struct postgres_rows *rows;
    struct asking a = {.count = 0};
    struct buffer rule;
    bool ok, is_bounded;

    ASSERT(q->limit >= 1 && q->limit <= STORE_LIMIT_MAX);
    next[0] = 0;
    if (q->cursor.length > 0 && !store_cursor_parse(q, &last, e))
        return false;
    if (!find_bound(postgres_of(is), q, &last, &is_bounded, &bound, e))
        return false;
    buffer_init(&rule, 8 * PLAN_NAME_MAX);
    buffer_init(&a.sql, SQL_MAX);
    json_add_text(&rule, q->rule);
    page_format(&a, q, (struct text){rule.bytes, rule.length}, &last, is_bounded ? &bound : NULL);
    ok = a.is_hopeless || ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    buffer_fini(&rule);
    if (!ok || a.is_hopeless)
        return ok;
    for (uint32_t i = 0; i < postgres_rows_count(rows) && i < q->limit; i++) {
        struct store_decision d;

        decision_of(rows, i, &d);
        last = (struct store_cursor){store_key_of(q, &d), d.seq};
        row(context, &d);
    }
    if (postgres_rows_count(rows) > q->limit)
        store_cursor_format(q, &last, next);
    else if (is_bounded)
        store_cursor_format(q, &bound, next);
    postgres_rows_free(rows);
    return true;
}

/* ---- single look-ups ---- */

bool postgres_find(struct store *is, struct text event_id, uint64_t *seq, struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows = NULL;
    bool ok;

    buffer_init(&a.sql, SQL_MAX);
    buffer_add_text(&a.sql, "SELECT max(seq) FROM score.decision WHERE event_id = ");
    add_value(&a, event_id, "text");
    ok = a.is_hopeless || ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    ok = !a.is_hopeless && !postgres_is_null(rows, 0, 0);
    if (ok)
        *seq = (uint64_t)postgres_int(rows, 0, 0);
    postgres_rows_free(rows);
    return ok || error_set(e, ERROR_NOT_FOUND, "no decision of this event id");
}

bool postgres_entity_decisions(struct store *is, int64_t entity, uint64_t before_seq, uint64_t *seq,
                               uint32_t most, uint32_t *found, struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows;
    bool ok;

    *found = 0;
    buffer_init(&a.sql, SQL_MAX);
    buffer_add_text(&a.sql, "SELECT seq FROM score.entity WHERE entity = ");
    add_number(&a, entity);
    buffer_add_text(&a.sql, " AND seq < ");
    add_number(&a, before_seq > INT64_MAX ? INT64_MAX : (int64_t)before_seq);
    buffer_add_text(&a.sql, " ORDER BY seq DESC LIMIT ");
    add_number(&a, most);
    ok = ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    for (; *found < postgres_rows_count(rows) && *found < most; (*found)++)
        seq[*found] = (uint64_t)postgres_int(rows, *found, 0);
    postgres_rows_free(rows);
    return true;
}

bool postgres_label_of(struct store *is, uint64_t seq, uint8_t *label, struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows;
    bool ok;

    buffer_init(&a.sql, SQL_MAX);
    buffer_add_text(&a.sql, "SELECT label FROM label.label WHERE event_seq = ");
    add_number(&a, (int64_t)seq);
    buffer_add_text(&a.sql, " ORDER BY seq DESC LIMIT 1");
    ok = ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    *label = postgres_rows_count(rows) > 0 ? label_cell(rows, 0, 0) : (uint8_t)LABEL_UNKNOWN;
    postgres_rows_free(rows);
    return true;
}

bool postgres_traffic(struct store *is, const struct store_traffic_query *q,
                      void (*row)(void *context, const struct store_traffic *t), void *context,
                      struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows;
    bool ok;

    buffer_init(&a.sql, SQL_MAX);
    buffer_add_text(&a.sql, "SELECT (floor(extract(epoch FROM start_at) / ");
    add_number(&a, q->step_us / 1000000);
    buffer_format(&a.sql,
                  ") * %lld)::bigint, outcome, band, sum(count)::bigint FROM score.traffic WHERE "
                  "span_s = ",
                  (long long)q->step_us);
    add_number(&a, store_span_us(q->span) / 1000000);
    buffer_add_text(&a.sql, " AND start_at >= ");
    add_time(&a, q->from_us);
    buffer_add_text(&a.sql, " AND start_at < ");
    add_time(&a, q->until_us);
    buffer_add_text(&a.sql, " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
    ok = ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    for (uint32_t i = 0; i < postgres_rows_count(rows); i++)
        row(context, &(struct store_traffic){.start_us = postgres_int(rows, i, 0),
                                             .outcome = postgres_cell(rows, i, 1),
                                             .band = (int)postgres_int(rows, i, 2),
                                             .count = (uint64_t)postgres_int(rows, i, 3)});
    postgres_rows_free(rows);
    return true;
}

bool postgres_count(struct store *is, struct store_totals *t, struct error *e)
{
    struct asking a = {.count = 0};
    struct postgres_rows *rows;
    bool ok;

    buffer_init(&a.sql, SQL_MAX);
    buffer_add_text(&a.sql, "SELECT (SELECT count(*) FROM score.decision), "
                            "(SELECT count(*) FROM label.label), "
                            "(SELECT count(*) FROM score.decision WHERE label IS NOT NULL)");
    ok = ask(postgres_of(is), &a, &rows, e);
    buffer_fini(&a.sql);
    if (!ok)
        return false;
    *t = (struct store_totals){(uint64_t)postgres_int(rows, 0, 0),
                               (uint64_t)postgres_int(rows, 0, 1),
                               (uint64_t)postgres_int(rows, 0, 2)};
    postgres_rows_free(rows);
    return true;
}
