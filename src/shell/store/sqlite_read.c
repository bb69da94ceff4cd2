/* Reading the store in SQLite: pages of decisions by time or score, and single look-ups.
 *
 * A sort by score within a time range has two plans: walk the score index and drop rows outside the
 * range, or take the range and sort it. The second is right where the range is short;
 * STORE_SCAN_MAX says what is short, and counting up to that many index entries costs less than
 * either plan. Likewise a sort by time within a range of scores. Rows with a rule or a label are
 * few, and have indexes of their own.
 *
 * What no index finds is looked for along the order of the answer, and rows that match may be far
 * apart, or not there at all. So before such a page the row is found (in the index alone) that is
 * STORE_LOOK_MAX behind its beginning: the page ends there, and the next one begins there.
 */
#include "shell/store/sqlite.h"

#include "core/base/hash.h"
#include "core/base/panic.h"
#include "core/data/json.h"
#include "core/decide/plan.h"
#include "core/velocity/velocity.h"

/* ---- pages ---- */

enum {
    AT_FROM = 1,
    AT_UNTIL,
    AT_OUTCOME,
    AT_MIN_SCORE,
    AT_KEY,
    AT_SEQ,
    AT_LIMIT,
    AT_MAX_SCORE,
    AT_RECEIVED_FROM,
    AT_RECEIVED_UNTIL,
    AT_LEVEL,
    AT_RULE,
    AT_LABEL,
    AT_ENTITY,
    AT_PREFIX,
    AT_BOUND_KEY,
    AT_BOUND_SEQ,
};

static bool is_timed(const struct store_query *q)
{
    return q->from_us != INT64_MIN || q->until_us != INT64_MAX;
}

static bool is_scored(const struct store_query *q)
{
    return q->min_score > 0 || q->max_score < PLAN_SCORE_MAX;
}

/* What an index finds first; each takes its own share of the query's conditions. */
enum { BY_TIME, BY_SCORE, BY_RULES, BY_LABEL, BY_SEQ, BY_ENTITY };

static const struct {
    const char *table, *where;
} sources[] = {
    [BY_TIME] = {"decision INDEXED BY decision_time", "time_us >= ?1 AND time_us < ?2"},
    [BY_SCORE] = {"decision INDEXED BY decision_score", "score >= ?1 AND score <= ?2"},
    [BY_RULES] = {"decision INDEXED BY decision_rules", "rules IS NOT NULL"},
    [BY_LABEL] = {"decision INDEXED BY decision_label", "label IS NOT NULL AND label = ?1"},
    [BY_SEQ] = {"decision NOT INDEXED", NULL},
    [BY_ENTITY] = {"entity CROSS JOIN decision ON decision.seq = entity.seq", NULL},
};

/* How a page is found. */
struct path {
    int by;
    bool is_walked; /* in the order of the answer; else all that it finds is sorted */
    bool is_bounded;
    struct store_cursor bound; /* the last row that is looked at */
};

/* Whether it finds so few rows that they are sorted at once. */
static bool is_short(struct sqlite_store *s, const struct store_query *q, int by, bool *is,
                     struct error *e)
{
    sqlite3_stmt *count;
    struct buffer sql;
    bool ok;

    buffer_init(&sql, 512);
    buffer_format(&sql, "SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT ?3)",
                  sources[by].table, sources[by].where);
    ok = sqlite_prepare(s, buffer_text(&sql), &count, e);
    buffer_fini(&sql);
    if (!ok)
        return false;
    sqlite3_bind_int64(count, 1,
                       by == BY_TIME    ? q->from_us
                       : by == BY_LABEL ? q->label
                                        : q->min_score);
    sqlite3_bind_int64(count, 2, by == BY_TIME ? q->until_us : q->max_score);
    sqlite3_bind_int64(count, 3, STORE_SCAN_MAX + 1);
    ok = sqlite3_step(count) == SQLITE_ROW;
    if (ok)
        *is = sqlite3_column_int64(count, 0) <= STORE_SCAN_MAX;
    else
        sqlite_failed(s, "cannot count", e);
    sqlite3_finalize(count);
    return ok;
}

static bool has_entity(const struct store_query *q)
{
    return q->entity != 0;
}

static const char *key_column(const struct store_query *q)
{
    static const char *const columns[] = {[STORE_KEY_TIME] = "decision.time_us",
                                          [STORE_KEY_SCORE] = "decision.score",
                                          [STORE_KEY_SEQ] = "decision.seq"};

    return columns[store_sorts[q->sort].key];
}

static bool is_falling(const struct store_query *q)
{
    return store_sorts[q->sort].compare == '<';
}

/* The range of what the rows are sorted by. The page's bound takes the place of the end that it is
 * nearer than, so that the index has one beginning and one end. */
static void range_format(const struct store_query *q, bool is_bounded, struct buffer *sql)
{
    int key = store_sorts[q->sort].key;
    bool no_low = is_bounded && is_falling(q), no_high = is_bounded && !is_falling(q);

    if (q->from_us != INT64_MIN && !(no_low && key == STORE_KEY_TIME))
        buffer_add_text(sql, " AND decision.time_us >= ?1");
    if (q->until_us != INT64_MAX && !(no_high && key == STORE_KEY_TIME))
        buffer_add_text(sql, " AND decision.time_us < ?2");
    if (q->min_score > 0 && !(no_low && key == STORE_KEY_SCORE))
        buffer_add_text(sql, " AND decision.score >= ?4");
    if (q->max_score < PLAN_SCORE_MAX && !(no_high && key == STORE_KEY_SCORE))
        buffer_add_text(sql, " AND decision.score <= ?8");
}

/* What lies behind the cursor, in the order of the answer. */
static void order_format(const struct store_query *q, struct buffer *sql)
{
    const char *key = key_column(q);

    if (q->cursor.length > 0 && store_sorts[q->sort].key == STORE_KEY_SEQ)
        buffer_format(sql, " AND decision.seq %c ?6", store_sorts[q->sort].compare);
    else if (q->cursor.length > 0)
        buffer_format(sql, " AND (%s, decision.seq) %c (?5, ?6)", key,
                      store_sorts[q->sort].compare);
    buffer_format(sql, " ORDER BY %s %s", key, store_sorts[q->sort].order);
    if (store_sorts[q->sort].key != STORE_KEY_SEQ)
        buffer_format(sql, ", decision.seq %s", store_sorts[q->sort].order);
}

/* The conditions; those that are not asked for are no part of the text. An entity's rows lie in
 * buckets of seqs, so each bucket is asked, and what it has is sorted. */
static void where_format(const struct store_query *q, const struct path *p, struct buffer *sql)
{

    if (has_entity(q))
        buffer_add_text(sql, " AND entity.entity = ?14 AND entity.bucket IN (WITH RECURSIVE b(n) AS"
                             " (SELECT 0 UNION ALL SELECT n + 1 FROM b"
                             " WHERE n < (SELECT max(bucket) FROM entity)) SELECT n FROM b)");
    range_format(q, p->is_bounded, sql);
    if (q->received_from_us != INT64_MIN || q->received_until_us != INT64_MAX)
        buffer_add_text(sql, " AND received_us >= ?9 AND received_us < ?10");
    if (q->outcome.length > 0)
        buffer_add_text(sql, " AND outcome = ?3");
    if (q->level.length > 0)
        buffer_add_text(sql, " AND level = ?11");
    if (q->rule.length > 0)
        buffer_add_text(sql, " AND rules IS NOT NULL AND instr(rules, ?12) > 0");
    if (q->has_label)
        buffer_add_text(sql, q->label == LABEL_UNKNOWN ? " AND label IS NULL"
                                                       : " AND label IS NOT NULL AND label = ?13");
    if (q->id_prefix.length > 0)
        buffer_add_text(sql, " AND substr(event_id, 1, length(?15)) = ?15");
    if (p->is_bounded && store_sorts[q->sort].key == STORE_KEY_SEQ)
        buffer_format(sql, " AND decision.seq %c= ?17", is_falling(q) ? '>' : '<');
    else if (p->is_bounded)
        buffer_format(sql, " AND (%s, decision.seq) %c= (?16, ?17)", key_column(q),
                      is_falling(q) ? '>' : '<');
    order_format(q, sql);
    buffer_add_text(sql, " LIMIT ?7");
}

/* The number of a name; 0, which no row has, where no decision ever had it. */
static int64_t name_number(struct sqlite_store *s, struct text name)
{
    int64_t id = 0;

    sqlite_bind_text_of(s->name_find, 1, name);
    if (sqlite3_step(s->name_find) == SQLITE_ROW)
        id = sqlite3_column_int64(s->name_find, 0);
    sqlite3_reset(s->name_find);
    return id;
}

/* A rule is looked for as it stands in the row's JSON, its quotes included: no name is part of
 * another so. */
static void bind_rule(sqlite3_stmt *page, struct text rule)
{
    struct buffer json;

    buffer_init(&json, 8 * PLAN_NAME_MAX);
    json_add_text(&json, rule);
    sqlite3_bind_text(page, AT_RULE, json.bytes, (int)json.length, SQLITE_TRANSIENT);
    buffer_fini(&json);
}

/* What the statement has no place for is not bound, and SQLite says so to nobody. */
static void page_bind(struct sqlite_store *s, sqlite3_stmt *page, const struct store_query *q,
                      const struct store_cursor *from, const struct path *p)
{
    sqlite3_bind_int64(page, AT_FROM, q->from_us);
    sqlite3_bind_int64(page, AT_UNTIL, q->until_us);
    sqlite3_bind_int64(page, AT_RECEIVED_FROM, q->received_from_us);
    sqlite3_bind_int64(page, AT_RECEIVED_UNTIL, q->received_until_us);
    if (q->outcome.length > 0)
        sqlite3_bind_int64(page, AT_OUTCOME, name_number(s, q->outcome));
    if (q->level.length > 0)
        sqlite3_bind_int64(page, AT_LEVEL, name_number(s, q->level));
    if (q->rule.length > 0)
        bind_rule(page, q->rule);
    if (q->has_label && q->label != LABEL_UNKNOWN)
        sqlite3_bind_int(page, AT_LABEL, q->label); /* else it is null */
    if (has_entity(q))
        sqlite3_bind_int64(page, AT_ENTITY, q->entity);
    if (q->id_prefix.length > 0)
        sqlite_bind_text_of(page, AT_PREFIX, q->id_prefix);
    sqlite3_bind_int(page, AT_MIN_SCORE, q->min_score);
    sqlite3_bind_int(page, AT_MAX_SCORE, q->max_score);
    sqlite3_bind_int64(page, AT_KEY, from->key);
    sqlite3_bind_int64(page, AT_SEQ, (int64_t)from->seq);
    sqlite3_bind_int64(page, AT_BOUND_KEY, p->bound.key);
    sqlite3_bind_int64(page, AT_BOUND_SEQ, (int64_t)p->bound.seq);
    sqlite3_bind_int64(page, AT_LIMIT, (int64_t)q->limit + 1); /* one more: is there a next page? */
}

/* Where the rows come from: what finds few enough to be sorted, else the index of the order. */
static bool choose_source(struct sqlite_store *s, const struct store_query *q, struct path *p,
                          struct error *e)
{
    bool by_score = store_sorts[q->sort].key == STORE_KEY_SCORE, is_found = false;
    const struct {
        bool is_asked;
        int by;
    } tries[] = {
        {q->rule.length > 0, BY_RULES},
        {q->has_label && q->label != LABEL_UNKNOWN, BY_LABEL},
        {by_score ? is_timed(q) : is_scored(q), by_score ? BY_TIME : BY_SCORE},
    };

    *p = (struct path){.by = by_score ? BY_SCORE : BY_TIME, .is_walked = true};
    if (has_entity(q)) {
        *p = (struct path){.by = BY_ENTITY};
        return true;
    }
    if (store_sorts[q->sort].key == STORE_KEY_SEQ) {
        p->by = BY_SEQ;
        return true;
    }
    for (size_t i = 0; i < sizeof tries / sizeof *tries && !is_found; i++) {
        bool is_ordered = !by_score && tries[i].by != BY_SCORE; /* by time too: never worse */

        if (!tries[i].is_asked)
            continue;
        is_found = is_ordered;
        if (!is_ordered && !is_short(s, q, tries[i].by, &is_found, e))
            return false;
        if (is_found)
            *p = (struct path){.by = tries[i].by, .is_walked = is_ordered};
    }
    return true;
}

/* Whether some of the rows along the way are not in the answer. */
static bool is_sparse(const struct store_query *q, int by)
{
    int key = store_sorts[q->sort].key;

    return q->outcome.length > 0 || q->level.length > 0 || q->rule.length > 0 ||
           q->id_prefix.length > 0 || (q->has_label && by != BY_LABEL) ||
           q->received_from_us != INT64_MIN || q->received_until_us != INT64_MAX ||
           (key != STORE_KEY_TIME && is_timed(q)) || (key != STORE_KEY_SCORE && is_scored(q));
}

/* The row that is STORE_LOOK_MAX behind the page's beginning, if there are so many. */
static bool find_bound(struct sqlite_store *s, const struct store_query *q,
                       const struct store_cursor *from, struct path *p, struct error *e)
{
    struct store_query along = store_query_all(q->limit); /* only what the source's index has */
    sqlite3_stmt *row;
    struct buffer sql;
    bool ok;
    int code;

    along.sort = q->sort;
    along.cursor = q->cursor;
    if (store_sorts[q->sort].key == STORE_KEY_TIME) {
        along.from_us = q->from_us;
        along.until_us = q->until_us;
    } else if (store_sorts[q->sort].key == STORE_KEY_SCORE) {
        along.min_score = q->min_score;
        along.max_score = q->max_score;
    }
    buffer_init(&sql, 1024);
    buffer_format(&sql, "SELECT %s, decision.seq FROM %s WHERE 1", key_column(q),
                  sources[p->by].table);
    if (p->by == BY_RULES)
        buffer_add_text(&sql, " AND rules IS NOT NULL");
    if (p->by == BY_LABEL)
        buffer_add_text(&sql, " AND label IS NOT NULL AND label = ?13");
    range_format(&along, false, &sql);
    order_format(&along, &sql);
    buffer_format(&sql, " LIMIT 1 OFFSET %d", STORE_LOOK_MAX - 1);
    ASSERT(!sql.overflow);
    ok = sqlite_prepare(s, buffer_text(&sql), &row, e);
    buffer_fini(&sql);
    if (!ok)
        return false;
    page_bind(s, row, q, from, p);
    code = sqlite3_step(row);
    p->is_bounded = code == SQLITE_ROW;
    if (p->is_bounded)
        p->bound = (struct store_cursor){sqlite3_column_int64(row, 0),
                                         (uint64_t)sqlite3_column_int64(row, 1)};
    else if (code != SQLITE_DONE)
        sqlite_failed(s, "cannot look ahead", e);
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* Only constant words become SQL; every value from outside is bound. */
static bool page_prepare(struct sqlite_store *s, const struct store_query *q,
                         const struct store_cursor *from, struct path *p, sqlite3_stmt **page,
                         struct error *e)
{
    struct buffer sql;
    bool ok;

    if (!choose_source(s, q, p, e) ||
        (p->is_walked && is_sparse(q, p->by) && !find_bound(s, q, from, p, e)))
        return false;
    buffer_init(&sql, 4096);
    buffer_format(
        &sql,
        "SELECT decision.seq, event_id, received_us, decision.time_us, probability, score,"
        " (SELECT word FROM name WHERE id = outcome), (SELECT word FROM name WHERE id = level),"
        " flags, (SELECT word FROM name WHERE id = plan), rules, label FROM %s WHERE 1",
        sources[p->by].table);
    where_format(q, p, &sql);
    ASSERT(!sql.overflow);
    ok = sqlite_prepare(s, buffer_text(&sql), page, e);
    buffer_fini(&sql);
    return ok;
}

static void decision_of(sqlite3_stmt *q, struct store_decision *d)
{
    *d = (struct store_decision){
        .seq = (uint64_t)sqlite3_column_int64(q, 0),
        .event_id = sqlite_text(q, 1),
        .received_us = sqlite3_column_int64(q, 2),
        .time_us = sqlite3_column_int64(q, 3),
        .probability = sqlite3_column_double(q, 4),
        .score = sqlite3_column_int(q, 5),
        .outcome = sqlite_text(q, 6),
        .level = sqlite_text(q, 7),
        .flags = (uint16_t)sqlite3_column_int(q, 8),
        .plan = sqlite_text(q, 9),
        .rules = sqlite_text(q, 10),
        .label = sqlite3_column_type(q, 11) == SQLITE_NULL ? (uint8_t)LABEL_UNKNOWN
                                                           : (uint8_t)sqlite3_column_int(q, 11),
    };
    if (d->rules.length == 0)
        d->rules = text_of("[]");
}

bool sqlite_query(struct store *is, const struct store_query *q,
                  void (*row)(void *context, const struct store_decision *d), void *context,
                  char next[STORE_CURSOR_MAX], struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    struct store_cursor last = {0, 0};
    sqlite3_stmt *page = NULL;
    struct path path;
    uint32_t given = 0;
    int code;

    ASSERT(q->limit >= 1 && q->limit <= STORE_LIMIT_MAX);
    next[0] = 0;
    if (q->cursor.length > 0 && !store_cursor_parse(q, &last, e))
        return false;
    if ((q->outcome.length > 0 && name_number(s, q->outcome) == 0) ||
        (q->level.length > 0 && name_number(s, q->level) == 0))
        return true; /* no decision ever had it */
    if (!page_prepare(s, q, &last, &path, &page, e))
        return false;
    page_bind(s, page, q, &last, &path);
    s->steps_left = STORE_STEPS_MAX;
    while ((code = sqlite3_step(page)) == SQLITE_ROW && given < q->limit) {
        struct store_decision d;

        decision_of(page, &d);
        last = (struct store_cursor){store_key_of(q, &d), d.seq};
        row(context, &d);
        given++;
    }
    if (code == SQLITE_ROW)
        store_cursor_format(q, &last, next);
    else if (code != SQLITE_DONE)
        sqlite_failed(s, "cannot read decisions", e);
    else if (path.is_bounded)
        store_cursor_format(q, &path.bound, next);
    s->steps_left = 0;
    sqlite3_finalize(page);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* ---- single look-ups ---- */

static bool newest_seq(struct sqlite_store *s, int64_t *seq, struct error *e)
{
    sqlite3_stmt *q;
    bool ok;

    if (!sqlite_prepare(s, "SELECT max(seq) FROM decision", &q, e))
        return false;
    ok = sqlite3_step(q) == SQLITE_ROW;
    if (ok)
        *seq = sqlite3_column_int64(q, 0);
    else
        sqlite_failed(s, "cannot read", e);
    sqlite3_finalize(q);
    return ok;
}

bool sqlite_find(struct store *is, struct text event_id, uint64_t *seq, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q;
    int64_t newest;
    int code = SQLITE_DONE;

    if (!newest_seq(s, &newest, e) ||
        !sqlite_prepare(s,
                        "SELECT event.seq FROM event CROSS JOIN decision ON decision.seq = "
                        "event.seq WHERE bucket = ?1 AND hash = ?2 AND event_id = ?3 "
                        "ORDER BY event.seq DESC LIMIT 1",
                        &q, e))
        return false;
    sqlite3_bind_int64(q, 2, (int64_t)hash_bytes(event_id.bytes, event_id.length, 0));
    sqlite_bind_text_of(q, 3, event_id);
    for (int64_t bucket = newest >> STORE_BUCKET_BITS; bucket >= 0 && code == SQLITE_DONE;
         bucket--) {
        sqlite3_reset(q);
        sqlite3_bind_int64(q, 1, bucket);
        code = sqlite3_step(q);
    }
    if (code == SQLITE_ROW)
        *seq = (uint64_t)sqlite3_column_int64(q, 0);
    else if (code == SQLITE_DONE)
        error_set(e, ERROR_NOT_FOUND, "no decision of this event id");
    else
        sqlite_failed(s, "cannot look for an event id", e);
    sqlite3_finalize(q);
    return code == SQLITE_ROW;
}

bool sqlite_entity_decisions(struct store *is, int64_t entity, uint64_t before_seq, uint64_t *seq,
                             uint32_t most, uint32_t *found, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q;
    int64_t newest, before;
    int code = SQLITE_DONE;

    *found = 0;
    if (!newest_seq(s, &newest, e) ||
        !sqlite_prepare(s,
                        "SELECT seq FROM entity WHERE bucket = ?1 AND entity = ?2 AND seq < ?3 "
                        "ORDER BY seq DESC",
                        &q, e))
        return false;
    before = before_seq > (uint64_t)newest ? newest + 1 : (int64_t)before_seq;
    for (int64_t bucket = before >> STORE_BUCKET_BITS;
         bucket >= 0 && code == SQLITE_DONE && *found < most; bucket--) {
        sqlite3_reset(q);
        sqlite3_bind_int64(q, 1, bucket);
        sqlite3_bind_int64(q, 2, entity);
        sqlite3_bind_int64(q, 3, before);
        while (*found < most && (code = sqlite3_step(q)) == SQLITE_ROW)
            seq[(*found)++] = (uint64_t)sqlite3_column_int64(q, 0);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        sqlite_failed(s, "cannot look for an entity's decisions", e);
    sqlite3_finalize(q);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool sqlite_label_of(struct store *is, uint64_t seq, uint8_t *label, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q;
    int code;

    if (!sqlite_prepare(s, "SELECT label FROM label WHERE event_seq = ?1 ORDER BY seq DESC LIMIT 1",
                        &q, e))
        return false;
    sqlite3_bind_int64(q, 1, (int64_t)seq);
    code = sqlite3_step(q);
    if (code == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
        *label = (uint8_t)sqlite3_column_int(q, 0);
    else if (code == SQLITE_ROW || code == SQLITE_DONE)
        *label = LABEL_UNKNOWN;
    else
        sqlite_failed(s, "cannot read a label", e);
    sqlite3_finalize(q);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

bool sqlite_traffic(struct store *is, const struct store_traffic_query *q,
                    void (*row)(void *context, const struct store_traffic *t), void *context,
                    struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *page;
    int code;

    if (!sqlite_prepare(s,
                        "SELECT start / ?4 * ?4, (SELECT word FROM name WHERE id = outcome), band,"
                        " sum(count) FROM traffic WHERE span = ?1 AND start >= ?2 AND start < ?3"
                        " GROUP BY 1, outcome, band ORDER BY 1, 2, 3",
                        &page, e))
        return false;
    sqlite3_bind_int64(page, 1, store_span_us(q->span));
    sqlite3_bind_int64(page, 2, q->from_us);
    sqlite3_bind_int64(page, 3, q->until_us);
    sqlite3_bind_int64(page, 4, q->step_us);
    while ((code = sqlite3_step(page)) == SQLITE_ROW)
        row(context, &(struct store_traffic){.start_us = sqlite3_column_int64(page, 0),
                                             .outcome = sqlite_text(page, 1),
                                             .band = sqlite3_column_int(page, 2),
                                             .count = (uint64_t)sqlite3_column_int64(page, 3)});
    if (code != SQLITE_DONE)
        sqlite_failed(s, "cannot read counts", e);
    sqlite3_finalize(page);
    return code == SQLITE_DONE;
}

bool sqlite_count(struct store *is, struct store_totals *t, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q;
    bool ok;

    if (!sqlite_prepare(s,
                        "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM label), "
                        "(SELECT count(*) FROM decision WHERE label IS NOT NULL)",
                        &q, e))
        return false;
    ok = sqlite3_step(q) == SQLITE_ROW;
    if (ok)
        *t = (struct store_totals){(uint64_t)sqlite3_column_int64(q, 0),
                                   (uint64_t)sqlite3_column_int64(q, 1),
                                   (uint64_t)sqlite3_column_int64(q, 2)};
    else
        sqlite_failed(s, "cannot count", e);
    sqlite3_finalize(q);
    return ok;
}
