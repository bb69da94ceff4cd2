/* Decisions become alerts: the projector's side. */
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "core/decide/values.h"
#include "shell/watch/watch_inside.h"
#include "shell/watch/words.h"

void words_add(struct buffer *out, struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        char c = t.bytes[i];

        buffer_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    buffer_add_char(out, ' ');
}

/* ---- the plan's conditions ---- */

void alert_fold_fini(struct watch *w)
{
    w->wordings = 0;
    if (w->plan == NULL)
        return;
    alert_bench_free(w->bench);
    if (w->has_values)
        frame_fini(&w->values);
    plan_unref(w->plan);
    w->plan = NULL;
}

static void load(struct watch *w, const struct project_seen *d)
{
    if (w->plan != NULL && w->plan_number == d->plan_number)
        return;
    alert_fold_fini(w);
    w->plan = plan_ref(d->plan);
    w->plan_number = d->plan_number;
    w->bench = alert_bench_new(plan_alerts(w->plan));
    w->has_values = alerts_read_features(plan_alerts(w->plan));
    if (w->has_values)
        frame_init(&w->values, plan_values_schema(w->plan), 1, LOG_BODY_MAX);
}

/* Sealed values, and those that were too long to be kept, are not there. */
static const struct frame *values_of(struct watch *w, const struct project_seen *d)
{
    struct error ignored;

    if (!w->has_values || d->body->values.length == 0)
        return NULL;
    frame_clear(&w->values);
    return values_parse(w->plan, d->body->values, d->decision, &w->values, &ignored) ? &w->values
                                                                                     : NULL;
}

/* ---- rows ---- */

struct standing_alert {
    bool is_there;
    int64_t id, decisions, score, priority, amount, first_us, last_us;
    bool has_amount;
    char rules[ALERT_RULES_BYTES + 1];
};

static void take_standing(void *context, const struct store_value *c)
{
    struct standing_alert *a = context;

    *a = (struct standing_alert){.is_there = true,
                                 .id = c[0].integer,
                                 .decisions = c[1].integer,
                                 .score = c[2].integer,
                                 .priority = c[3].integer,
                                 .amount = c[4].integer,
                                 .has_amount = !c[4].is_null,
                                 .first_us = c[5].integer,
                                 .last_us = c[6].integer};
    snprintf(a->rules, sizeof a->rules, "%.*s", TEXT_ARG(c[7].text));
}

static bool find_standing(struct store *s, const struct alert_info *info, int64_t entity,
                          int64_t time_us, struct standing_alert *a, struct error *e)
{
    static const char sql[] =
        "SELECT id, decisions, score, priority, amount, first_us, last_us, rules FROM @alert "
        "WHERE state < 2 AND entity = $1 AND name = $2 AND first_us > $3 AND first_us < $4 "
        "ORDER BY first_us DESC, id DESC LIMIT 1";
    const struct store_value value[] = {store_int(entity), store_text(text_of(info->name)),
                                        store_int(time_us - info->within_us),
                                        store_int(time_us + info->within_us)};

    a->is_there = false;
    return entity == 0 ||
           store_ask(s, sql, true, value, 4, &(struct store_visitor){take_standing, a}, e);
}

/* The rules of both, each once; as they were where there is no room. */
static void merge_rules(struct watch *w, const char *before, const struct project_seen *d)
{
    struct buffer one;

    buffer_clear(&w->rules);
    buffer_add_text(&w->rules, before[0] != 0 ? before : "[]");
    buffer_init(&one, 8 * PLAN_NAME_MAX);
    for (uint32_t i = 0; i < plan_rule_count(d->plan); i++) {
        if (!decision_has_rule(d->decision, i) || plan_rule_is_shadow(d->plan, i))
            continue;
        buffer_clear(&one);
        json_add_text(&one, text_of(plan_rule_name(d->plan, i)));
        if (strstr(buffer_text(&w->rules), buffer_text(&one)) != NULL ||
            w->rules.length + one.length + 2 > ALERT_RULES_BYTES)
            continue;
        w->rules.length--;
        if (w->rules.length > 1)
            buffer_add_char(&w->rules, ',');
        buffer_add_text(&w->rules, buffer_text(&one));
        buffer_add_char(&w->rules, ']');
    }
    buffer_fini(&one);
}

/* What a search looks at. */
static void make_words(struct watch *w, const struct alert_info *info, const char *outcome)
{
    buffer_clear(&w->words);
    words_add(&w->words, text_of(info->name));
    words_add(&w->words, text_of(info->queue));
    words_add(&w->words, text_of(outcome));
    words_add(&w->words, (struct text){w->rules.bytes, w->rules.length});
}

/* Each once; those that were met since the store was opened are known. */
static bool add_wording(struct watch *w, struct store *s, struct error *e)
{
    uint64_t hash = hash_bytes(w->words.bytes, w->words.length, 0);
    const struct store_value value[] = {store_text((struct text){w->words.bytes, w->words.length}),
                                        store_text((struct text){w->rules.bytes, w->rules.length})};

    for (uint32_t i = 0; i < w->wordings; i++) {
        if (w->wording[i] == hash)
            return true;
    }
    w->wording[w->wordings < WORDINGS ? w->wordings++ : hash % WORDINGS] = hash;
    return store_ask(s, "INSERT INTO @wording(words, rules) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                     true, value, 2, NULL, e);
}

static struct store_value amount_of(bool has, int64_t amount)
{
    return has ? store_int(amount) : (struct store_value){.is_null = true};
}

static int64_t add_amounts(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool join(struct watch *w, struct store *s, const struct project_seen *d,
                 const struct alert_info *info, const struct raised_alert *r,
                 const struct standing_alert *a, struct error *e)
{
    static const char sql[] =
        "UPDATE @alert SET decisions = $2, score = $3, priority = $4, amount = $5, first_us = $6,"
        " last_us = $7, hit_us = $8, last_seq = $9, event_id = $10, outcome = $11, rules = $12,"
        " words = $13 WHERE id = $1";
    const struct store_decision *row = d->row;

    merge_rules(w, a->rules, d);
    make_words(w, info, plan_outcome_name(d->plan, d->decision->outcome));
    const struct store_value value[] = {
        store_int(a->id),
        store_int(a->decisions + 1),
        store_int(larger(a->score, row->score)),
        store_int(larger(a->priority, r->priority)),
        amount_of(a->has_amount || r->has_amount,
                  add_amounts(a->has_amount ? a->amount : 0, r->has_amount ? r->amount : 0)),
        store_int(a->first_us < row->time_us ? a->first_us : row->time_us),
        store_int(larger(a->last_us, row->time_us)),
        store_int(row->received_us),
        store_int((int64_t)row->seq),
        store_text(row->event_id),
        store_text(row->outcome),
        store_text((struct text){w->rules.bytes, w->rules.length}),
        store_text((struct text){w->words.bytes, w->words.length}),
    };

    return add_wording(w, s, e) &&
           store_ask(s, sql, true, value, sizeof value / sizeof *value, NULL, e);
}

static bool raise_new(struct watch *w, struct store *s, const struct project_seen *d,
                      const struct alert_info *info, const struct raised_alert *r, int64_t entity,
                      int64_t id, struct error *e)
{
    static const char sql[] =
        "INSERT INTO @alert(id, name, queue, kind, entity, within_us, state, snoozed_us, assignee,"
        " disposition, case_id, version, decisions, score, priority, amount, first_us, last_us,"
        " raised_us, hit_us, first_seq, last_seq, event_id, outcome, rules, words, closed_us,"
        " closed_by) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '', 0, 0, 0, 1, $7, $8, $9, $10, $10,"
        " $11, $11, $12, $12, $13, $14, $15, $16, 0, '')";
    const struct store_decision *row = d->row;
    const char *kind = info->entity >= 0 ? plan_entity_name(d->plan, (uint32_t)info->entity) : "";

    merge_rules(w, "", d);
    make_words(w, info, plan_outcome_name(d->plan, d->decision->outcome));
    const struct store_value value[] = {
        store_int(id),
        store_text(text_of(info->name)),
        store_text(text_of(info->queue)),
        store_text(text_of(kind)),
        store_int(entity),
        store_int(info->within_us),
        store_int(row->score),
        store_int(r->priority),
        amount_of(r->has_amount, r->amount),
        store_int(row->time_us),
        store_int(row->received_us),
        store_int((int64_t)row->seq),
        store_text(row->event_id),
        store_text(row->outcome),
        store_text((struct text){w->rules.bytes, w->rules.length}),
        store_text((struct text){w->words.bytes, w->words.length}),
    };

    w->open++;
    return add_wording(w, s, e) &&
           store_ask(s, sql, true, value, sizeof value / sizeof *value, NULL, e);
}

static bool add_member(struct store *s, const struct project_seen *d, const struct raised_alert *r,
                       int64_t id, struct error *e)
{
    static const char sql[] =
        "INSERT INTO @alert_decision(alert, seq, event_id, time_us, score, outcome, amount)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    const struct store_value value[] = {store_int(id),
                                        store_int((int64_t)d->row->seq),
                                        store_text(d->row->event_id),
                                        store_int(d->row->time_us),
                                        store_int(d->row->score),
                                        store_text(d->row->outcome),
                                        amount_of(r->has_amount, r->amount)};

    return store_ask(s, sql, true, value, sizeof value / sizeof *value, NULL, e);
}

static bool take(struct watch *w, struct store *s, const struct project_seen *d,
                 const struct raised_alert *r, struct error *e)
{
    struct alert_info info = alerts_info(plan_alerts(d->plan), r->alert);
    int64_t entity = info.entity >= 0 ? d->row->entity[info.entity] : 0;
    struct standing_alert standing;
    int64_t id;

    if (!find_standing(s, &info, entity, d->row->time_us, &standing, e))
        return false;
    if (standing.is_there)
        return join(w, s, d, &info, r, &standing, e) &&
               (standing.decisions >= ALERT_MEMBERS_MAX || add_member(s, d, r, standing.id, e));
    if (w->open >= ALERTS_OPEN_MAX) {
        atomic_fetch_add(&w->dropped, 1);
        return true;
    }
    id = (int64_t)(d->row->seq << ALERT_BITS | r->alert);
    return raise_new(w, s, d, &info, r, entity, id, e) && add_member(s, d, r, id, e);
}

bool alert_fold(struct watch *w, struct store *s, const struct project_seen *d, struct error *e)
{
    struct raised_alert raised[ALERTS_MAX];
    uint32_t count;

    load(w, d);
    count = alerts_run(plan_alerts(w->plan), w->plan, w->bench, d->event, values_of(w, d), d->decision, raised);
    for (uint32_t i = 0; i < count; i++) {
        if (!take(w, s, d, &raised[i], e))
            return false;
    }
    return true;
}
