#include "shell/watch/page.h"

#include <inttypes.h>

#include "core/base/cursor.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/data/json.h"
#include "shell/watch/watch_inside.h"

const char alert_choices[] = "active|open|claimed|snoozed|closed|any";
const char alert_sorts[] = "-priority|priority|-raised|raised|-amount|amount";

static int find_in(const char *words, struct text word)
{
    int at = 0;

    for (const char *from = words; *from != 0; at++) {
        size_t length = strcspn(from, "|");

        if (text_equal(word, (struct text){from, length}))
            return at;
        from += length + (from[length] == '|');
    }
    return -1;
}

bool alert_choice_find(struct text word, enum alert_choice *c)
{
    int at = find_in(alert_choices, word);

    *c = at >= 0 ? (enum alert_choice)at : ALERTS_ACTIVE;
    return at >= 0;
}

bool alert_sort_find(struct text word, int *sort)
{
    *sort = find_in(alert_sorts, word);
    return *sort >= 0;
}

struct alert_query alert_query_all(uint32_t limit, int64_t now_us)
{
    return (struct alert_query){
        .from_us = INT64_MIN, .until_us = INT64_MAX, .now_us = now_us, .limit = limit};
}

/* ---- statements ---- */

struct asking {
    struct buffer sql;
    struct store_value value[STORE_VALUES_MAX];
    uint32_t count;
    struct buffer lower; /* a searched text in small letters */
    struct buffer rule;
};

static void asking_init(struct asking *a)
{
    *a = (struct asking){0};
    buffer_init(&a->sql, STORE_SQL_MAX / 2);
    buffer_init(&a->lower, 4096);
    buffer_init(&a->rule, 8192);
}

static void asking_fini(struct asking *a)
{
    buffer_fini(&a->sql);
    buffer_fini(&a->lower);
    buffer_fini(&a->rule);
}

static void add_value(struct asking *a, const char *before, struct store_value v, const char *after)
{
    ASSERT(a->count < STORE_VALUES_MAX);
    a->value[a->count++] = v;
    buffer_format(&a->sql, "%s$%u%s", before, a->count, after);
}

/* A text that a column has in it, byte for byte, in both kinds of store. */
static void add_within(struct asking *a, const char *column, struct text t)
{
    buffer_format(&a->sql, " AND replace(%s, ", column);
    add_value(a, "CAST(", store_text(t), " AS text)");
    buffer_format(&a->sql, ", '') <> %s", column);
}

static bool has_zero(struct text t)
{
    return t.length > 0 && memchr(t.bytes, 0, t.length) != NULL;
}

static bool ask(struct store *s, struct asking *a, const struct store_visitor *v, struct error *e)
{
    ASSERT(!a->sql.overflow);
    return store_ask(s, buffer_text(&a->sql), false, a->value, a->count, v, e);
}

/* ---- cursors ---- */

struct place {
    int64_t key, id;
};

static void place_format(uint64_t hash, const struct place *p, char out[PAGE_CURSOR_MAX])
{
    cursor_format(&(struct cursor){hash, (uint64_t)p->key, (uint64_t)p->id}, out);
}

static bool place_parse(struct text t, uint64_t hash, struct place *p, struct error *e)
{
    struct cursor c = {.of = hash};

    if (!cursor_parse(t, &c, e))
        return false;
    *p = (struct place){(int64_t)c.first, (int64_t)c.second};
    return true;
}

/* ---- alerts ---- */

#define ALERT_COLUMNS                                                                              \
    "id, name, queue, kind, entity, state, snoozed_us, assignee, disposition, case_id, version,"   \
    " decisions, score, priority, amount, first_us, last_us, raised_us, hit_us, first_seq,"        \
    " last_seq, event_id, outcome, rules, closed_by, closed_us"

struct alert_reading {
    void (*row)(void *context, const struct alert_row *a);
    void *context;
    int64_t now_us;
    int sort;
    uint32_t given, limit;
    struct place last;
    bool is_more;
};

static int64_t sort_key(int sort, const struct alert_row *a)
{
    return sort < 2 ? a->priority : sort < 4 ? a->raised_us : a->has_amount ? a->amount : 0;
}

static void take_alert(void *context, const struct store_value *c)
{
    struct alert_reading *r = context;
    struct alert_row a = {.id = c[0].integer,
                          .name = c[1].text,
                          .queue = c[2].text,
                          .kind = c[3].text,
                          .entity = c[4].integer,
                          .state = (enum alert_state)c[5].integer,
                          .snoozed_us = c[6].integer,
                          .assignee = c[7].text,
                          .disposition = (enum disposition)c[8].integer,
                          .case_id = c[9].integer,
                          .version = c[10].integer,
                          .decisions = c[11].integer,
                          .score = c[12].integer,
                          .priority = c[13].integer,
                          .has_amount = !c[14].is_null,
                          .amount = c[14].integer,
                          .first_us = c[15].integer,
                          .last_us = c[16].integer,
                          .raised_us = c[17].integer,
                          .hit_us = c[18].integer,
                          .first_seq = c[19].integer,
                          .last_seq = c[20].integer,
                          .event_id = c[21].text,
                          .outcome = c[22].text,
                          .rules = c[23].text,
                          .closed_by = c[24].text,
                          .closed_us = c[25].integer};

    if (a.state != ALERT_CLOSED && a.snoozed_us > r->now_us)
        a.state = ALERT_SNOOZED;
    if (r->given == r->limit) {
        r->is_more = true;
        return;
    }
    r->given++;
    r->last = (struct place){sort_key(r->sort, &a), a.id};
    r->row(r->context, &a);
}

static void where_state(struct asking *a, const struct alert_query *q)
{
    static const char *const state[] = {" AND state < 2",
                                        " AND state = 0 AND state < 2",
                                        " AND state = 1 AND state < 2",
                                        " AND state < 2",
                                        " AND state = 2",
                                        ""};

    buffer_add_text(&a->sql, state[q->state]);
    if (q->state < ALERTS_SNOOZED)
        add_value(a, " AND snoozed_us <= ", store_int(q->now_us), "");
    else if (q->state == ALERTS_SNOOZED)
        add_value(a, " AND snoozed_us > ", store_int(q->now_us), "");
}

static void where_alert(struct asking *a, const struct alert_query *q)
{
    where_state(a, q);
    if (q->queue.length > 0)
        add_value(a, " AND queue = ", store_text(q->queue), "");
    if (q->name.length > 0)
        add_value(a, " AND name = ", store_text(q->name), "");
    if (q->assignee.length > 0)
        add_value(a, " AND assignee = ", store_text(q->assignee), "");
    if (q->entity != 0)
        add_value(a, " AND entity = ", store_int(q->entity), "");
    if (q->case_id != 0)
        add_value(a, " AND case_id > 0 AND case_id = ", store_int(q->case_id), "");
    if (q->disposition != DISPOSITION_NONE)
        add_value(a, " AND disposition = ", store_int(q->disposition), "");
    if (q->min_score > 0)
        add_value(a, " AND score >= ", store_int(q->min_score), "");
    if (q->from_us != INT64_MIN)
        add_value(a, " AND raised_us >= ", store_int(q->from_us), "");
    if (q->until_us != INT64_MAX)
        add_value(a, " AND raised_us < ", store_int(q->until_us), "");
    if (q->rule.length > 0) {
        json_add_text(&a->rule, q->rule);
        buffer_add_text(&a->sql, " AND rules IN (SELECT rules FROM @wording WHERE 1 = 1");
        add_within(a, "rules", (struct text){a->rule.bytes, a->rule.length});
        buffer_add_char(&a->sql, ')');
    }
    if (q->text.length > 0) {
        words_add(&a->lower, q->text);
        a->lower.length--; /* the blank behind it */
        buffer_add_text(&a->sql,
                        " AND (id IN (SELECT alert FROM @alert_decision WHERE event_id = ");
        add_value(a, "", store_text(q->text),
                  ") OR words IN (SELECT words FROM @wording WHERE 1 = 1");
        add_within(a, "words", (struct text){a->lower.bytes, a->lower.length});
        buffer_add_text(&a->sql, "))");
    }
}

static uint64_t alert_hash(const struct alert_query *q)
{
    const int64_t numbers[] = {
        (int64_t)q->state,     q->entity,  q->case_id,  (int64_t)q->disposition,
        (int64_t)q->min_score, q->from_us, q->until_us, (int64_t)q->sort};
    const struct text words[] = {q->queue, q->name, q->assignee, q->rule, q->text};
    uint64_t hash = hash_bytes(numbers, sizeof numbers, 7);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = hash_bytes(words[i].bytes, words[i].length, hash);
    return hash;
}

bool alert_page(struct store *s, const struct alert_query *q,
                void (*row)(void *context, const struct alert_row *a), void *context,
                char next[PAGE_CURSOR_MAX], struct error *e)
{
    static const char *const keys[] = {"priority", "raised_us", "coalesce(amount, 0)"};
    const char *key = keys[q->sort / 2], *order = q->sort % 2 == 0 ? "DESC" : "ASC";
    struct alert_reading r = {
        .row = row, .context = context, .now_us = q->now_us, .sort = q->sort, .limit = q->limit};
    struct place from = {0};
    struct asking a;
    bool ok;

    ASSERT(q->limit >= 1 && q->limit <= PAGE_LIMIT_MAX && q->sort >= 0 && q->sort < 6);
    next[0] = 0;
    if (q->cursor.length > 0 && !place_parse(q->cursor, alert_hash(q), &from, e))
        return false;
    if (has_zero(q->queue) || has_zero(q->name) || has_zero(q->assignee) || has_zero(q->rule) ||
        has_zero(q->text))
        return true; /* no row has a zero byte */
    asking_init(&a);
    buffer_add_text(&a.sql, "SELECT " ALERT_COLUMNS " FROM @alert WHERE 1 = 1");
    where_alert(&a, q);
    if (q->cursor.length > 0) {
        buffer_format(&a.sql, " AND (%s, id) %c (", key, q->sort % 2 == 0 ? '<' : '>');
        add_value(&a, "", store_int(from.key), "");
        add_value(&a, ", ", store_int(from.id), ")");
    }
    buffer_format(&a.sql, " ORDER BY %s %s, id %s", key, order, order);
    add_value(&a, " LIMIT ", store_int((int64_t)q->limit + 1), "");
    ok = ask(s, &a, &(struct store_visitor){take_alert, &r}, e);
    asking_fini(&a);
    if (ok && r.is_more)
        place_format(alert_hash(q), &r.last, next);
    return ok;
}

bool alert_find(struct store *s, int64_t id, int64_t now_us,
                void (*row)(void *context, const struct alert_row *a), void *context,
                struct error *e)
{
    struct alert_reading r = {.row = row, .context = context, .now_us = now_us, .limit = 1};
    const struct store_value value = store_int(id);

    if (!store_ask(s, "SELECT " ALERT_COLUMNS " FROM @alert WHERE id = $1", false, &value, 1,
                   &(struct store_visitor){take_alert, &r}, e))
        return false;
    return r.given == 1 || error_set(e, ERROR_NOT_FOUND, "there is no alert %" PRId64, id);
}

/* ---- what belongs to them ---- */

struct member_reading {
    void (*row)(void *context, const struct member_row *m);
    void *context;
};

static void take_member(void *context, const struct store_value *c)
{
    struct member_reading *r = context;

    r->row(r->context, &(struct member_row){.seq = (uint64_t)c[0].integer,
                                            .event_id = c[1].text,
                                            .time_us = c[2].integer,
                                            .score = c[3].integer,
                                            .outcome = c[4].text,
                                            .has_amount = !c[5].is_null,
                                            .amount = c[5].integer});
}

bool alert_members(struct store *s, int64_t alert, uint32_t most,
                   void (*row)(void *context, const struct member_row *m), void *context,
                   struct error *e)
{
    struct member_reading r = {row, context};
    const struct store_value value[] = {store_int(alert), store_int(most)};

    return store_ask(s,
                     "SELECT seq, event_id, time_us, score, outcome, amount FROM @alert_decision"
                     " WHERE alert = $1 ORDER BY seq DESC LIMIT $2",
                     false, value, 2, &(struct store_visitor){take_member, &r}, e);
}

bool case_members(struct store *s, int64_t casefile, uint32_t most,
                  void (*row)(void *context, const struct member_row *m), void *context,
                  struct error *e)
{
    struct member_reading r = {row, context};
    const struct store_value value[] = {store_int(casefile), store_int(most)};

    return store_ask(
        s,
        "SELECT seq, max(event_id), max(time_us), max(score), max(outcome), max(amount) FROM"
        " (SELECT d.seq, d.event_id, d.time_us, d.score, d.outcome, d.amount FROM @alert a,"
        " @alert_decision d WHERE a.case_id > 0 AND a.case_id = $1 AND d.alert = a.id UNION ALL"
        " SELECT seq, event_id, 0, 0, '', NULL FROM @case_decision WHERE case_id = $1) m"
        " GROUP BY seq ORDER BY seq LIMIT $2",
        false, value, 2, &(struct store_visitor){take_member, &r}, e);
}

struct entry_reading {
    void (*row)(void *context, const struct entry_row *m);
    void *context;
};

static void take_entry(void *context, const struct store_value *c)
{
    struct entry_reading *r = context;

    r->row(r->context, &(struct entry_row){.seq = (uint64_t)c[0].integer,
                                           .at_us = c[1].integer,
                                           .actor = c[2].text,
                                           .name = c[3].text,
                                           .what = c[4].text,
                                           .note = c[5].text,
                                           .data = c[6].text});
}

bool entries_read(struct store *s, int64_t alert, int64_t casefile, uint32_t most,
                  void (*row)(void *context, const struct entry_row *m), void *context,
                  struct error *e)
{
    struct entry_reading r = {row, context};
    const struct store_value value[] = {store_int(alert > 0 ? alert : casefile), store_int(most)};

    return store_ask(s,
                     alert > 0 ? "SELECT seq, at_us, actor, name, what, note, data FROM @entry"
                                 " WHERE alert > 0 AND alert = $1 ORDER BY seq LIMIT $2"
                               : "SELECT seq, at_us, actor, name, what, note, data FROM @entry"
                                 " WHERE case_id > 0 AND case_id = $1 ORDER BY seq LIMIT $2",
                     false, value, 2, &(struct store_visitor){take_entry, &r}, e);
}

/* ---- cases ---- */

#define CASE_COLUMNS                                                                               \
    "id, title, state, disposition, assignee, version, opened_us, opened_by, changed_us,"          \
    " closed_us, note_bytes, alerts, decisions"

struct case_reading {
    void (*row)(void *context, const struct case_row *c);
    void *context;
    uint32_t given, limit;
    struct place last;
    bool is_more;
};

static void take_case(void *context, const struct store_value *c)
{
    struct case_reading *r = context;
    struct case_row row = {.id = c[0].integer,
                           .title = c[1].text,
                           .state = (enum case_state)c[2].integer,
                           .disposition = (enum disposition)c[3].integer,
                           .assignee = c[4].text,
                           .version = c[5].integer,
                           .opened_us = c[6].integer,
                           .opened_by = c[7].text,
                           .changed_us = c[8].integer,
                           .closed_us = c[9].integer,
                           .note_bytes = c[10].integer,
                           .alerts = c[11].integer,
                           .decisions = c[12].integer};

    if (r->given == r->limit) {
        r->is_more = true;
        return;
    }
    r->given++;
    r->last = (struct place){row.changed_us, row.id};
    r->row(r->context, &row);
}

static void where_case(struct asking *a, const struct case_query *q)
{
    if (q->has_state)
        add_value(a, " AND state = ", store_int(q->state), "");
    if (q->assignee.length > 0)
        add_value(a, " AND assignee = ", store_text(q->assignee), "");
    if (q->disposition != DISPOSITION_NONE)
        add_value(a, " AND disposition = ", store_int(q->disposition), "");
    if (q->entity != 0) {
        add_value(a,
                  " AND (id IN (SELECT case_id FROM @alert WHERE entity = ", store_int(q->entity),
                  ")");
        add_value(a, " OR id IN (SELECT case_id FROM @case_entity WHERE entity = ",
                  store_int(q->entity), "))");
    }
    if (q->text.length > 0) {
        words_add(&a->lower, q->text);
        a->lower.length--;
        add_within(a, "words", (struct text){a->lower.bytes, a->lower.length});
    }
}

static uint64_t case_hash(const struct case_query *q)
{
    const int64_t numbers[] = {q->has_state, (int64_t)q->state, (int64_t)q->disposition, q->entity};
    uint64_t hash = hash_bytes(numbers, sizeof numbers, 8);

    hash = hash_bytes(q->assignee.bytes, q->assignee.length, hash);
    return hash_bytes(q->text.bytes, q->text.length, hash);
}

bool case_page(struct store *s, const struct case_query *q,
               void (*row)(void *context, const struct case_row *c), void *context,
               char next[PAGE_CURSOR_MAX], struct error *e)
{
    struct case_reading r = {.row = row, .context = context, .limit = q->limit};
    struct place from = {0};
    struct asking a;
    bool ok;

    next[0] = 0;
    if (q->cursor.length > 0 && !place_parse(q->cursor, case_hash(q), &from, e))
        return false;
    if (has_zero(q->assignee) || has_zero(q->text))
        return true;
    asking_init(&a);
    buffer_add_text(&a.sql, "SELECT " CASE_COLUMNS " FROM @casefile WHERE 1 = 1");
    where_case(&a, q);
    if (q->cursor.length > 0) {
        add_value(&a, " AND (changed_us, id) < (", store_int(from.key), "");
        add_value(&a, ", ", store_int(from.id), ")");
    }
    add_value(&a, " ORDER BY changed_us DESC, id DESC LIMIT ", store_int((int64_t)q->limit + 1),
              "");
    ok = ask(s, &a, &(struct store_visitor){take_case, &r}, e);
    asking_fini(&a);
    if (ok && r.is_more)
        place_format(case_hash(q), &r.last, next);
    return ok;
}

bool case_find(struct store *s, int64_t id, void (*row)(void *context, const struct case_row *c),
               void *context, struct error *e)
{
    struct case_reading r = {.row = row, .context = context, .limit = 1};
    const struct store_value value = store_int(id);

    if (!store_ask(s, "SELECT " CASE_COLUMNS " FROM @casefile WHERE id = $1", false, &value, 1,
                   &(struct store_visitor){take_case, &r}, e))
        return false;
    return r.given == 1 || error_set(e, ERROR_NOT_FOUND, "there is no case %" PRId64, id);
}

struct entity_reading {
    void (*row)(void *context, const struct entity_row *r);
    void *context;
};

static void take_entity(void *context, const struct store_value *c)
{
    struct entity_reading *r = context;

    r->row(r->context, &(struct entity_row){c[0].text, c[1].integer, (uint64_t)c[2].integer});
}

bool case_entities(struct store *s, int64_t casefile,
                   void (*row)(void *context, const struct entity_row *r), void *context,
                   struct error *e)
{
    struct entity_reading r = {row, context};
    const struct store_value value = store_int(casefile);

    return store_ask(s,
                     "SELECT max(kind), entity, max(seq) FROM (SELECT kind, entity, last_seq AS seq"
                     " FROM @alert WHERE case_id > 0 AND case_id = $1 AND entity <> 0 UNION ALL"
                     " SELECT kind, entity, seq FROM @case_entity WHERE case_id = $1) m"
                     " GROUP BY entity ORDER BY 1, 3",
                     false, &value, 1, &(struct store_visitor){take_entity, &r}, e);
}

static void take_number(void *context, const struct store_value *c)
{
    *(int64_t *)context = c[0].integer;
}

bool case_entity_count(struct store *s, int64_t casefile, int64_t *count, struct error *e)
{
    const struct store_value value = store_int(casefile);

    *count = 0;
    return store_ask(s, "SELECT count(*) FROM @case_entity WHERE case_id = $1", false, &value, 1,
                     &(struct store_visitor){take_number, count}, e);
}

/* ---- views, figures ---- */

struct view_reading {
    void (*row)(void *context, const struct view_row *v);
    void *context;
};

static void take_view(void *context, const struct store_value *c)
{
    struct view_reading *r = context;

    r->row(r->context, &(struct view_row){c[0].text, c[1].text, c[2].integer});
}

bool views_read(struct store *s, struct text owner,
                void (*row)(void *context, const struct view_row *v), void *context,
                struct error *e)
{
    struct view_reading r = {row, context};
    const struct store_value value = store_text(owner);

    return store_ask(s,
                     "SELECT name, query, changed_us FROM @saved_view WHERE owner = $1"
                     " ORDER BY name",
                     false, &value, 1, &(struct store_visitor){take_view, &r}, e);
}

struct queue_reading {
    void (*row)(void *context, const struct queue_row *q);
    void *context;
};

static void take_queue(void *context, const struct store_value *c)
{
    struct queue_reading *r = context;

    r->row(r->context, &(struct queue_row){c[0].text, c[1].integer, c[2].integer, c[3].integer});
}

bool queues_read(struct store *s, void (*row)(void *context, const struct queue_row *q),
                 void *context, struct error *e)
{
    struct queue_reading r = {row, context};

    return store_ask(s,
                     "SELECT queue, sum(CASE WHEN state = 0 THEN 1 ELSE 0 END),"
                     " sum(CASE WHEN state = 1 THEN 1 ELSE 0 END), min(raised_us) FROM @alert"
                     " WHERE state < 2 GROUP BY queue ORDER BY queue",
                     false, NULL, 0, &(struct store_visitor){take_queue, &r}, e);
}

struct disposition_reading {
    void (*row)(void *context, const struct disposition_row *d);
    void *context;
};

static void take_disposition(void *context, const struct store_value *c)
{
    struct disposition_reading *r = context;

    r->row(r->context,
           &(struct disposition_row){c[0].text, (enum disposition)c[1].integer, c[2].integer});
}

bool dispositions_read(struct store *s, void (*row)(void *context, const struct disposition_row *d),
                       void *context, struct error *e)
{
    struct disposition_reading r = {row, context};

    return store_ask(s,
                     "SELECT name, disposition, count(*) FROM @alert WHERE state = 2"
                     " GROUP BY name, disposition ORDER BY name, disposition",
                     false, NULL, 0, &(struct store_visitor){take_disposition, &r}, e);
}
