/* The engine thread's work on one group, and the commit thread.
 *
 * A group's submissions are taken in order. Consecutive decisions form a run that goes through the
 * engine as one batch; anything else ends the run first, so the order of effects is the order of
 * submission. For each run: reserve room in the log, apply, append (Reserve, apply, commit,
 * answer).
 *
 * What a repeated id is answered: the first decision, once that is durable.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/data/event.h"
#include "core/data/json.h"
#include "shell/os/clock.h"
#include "shell/run/carrier.h"
#include "shell/run/entity_key.h"
#include "shell/run/event_id.h"
#include "shell/run/list_value.h"
#include "shell/run/shard_inside.h"

enum {
    EVENT_BODY_OVERHEAD =
        16 + ASKED_OVERHEAD + DECISION_BYTES_MAX, /* of an event body, beside id and event */
    LABEL_BODY_OVERHEAD = 48 + ASKED_OVERHEAD,
    WAIT_DURABLE_US = 50,
    GATHER_US = 500, /* between the beginnings of two groups of a busy shard */
    GATHER_MIN = 4,  /* submissions of a group that make it busy */
};

static void fail_submission(struct submission *s, enum submit_status status, const char *words)
{
    s->status = status;
    snprintf(s->error, sizeof s->error, "%s", words);
}

/* Whether the event was read by the fields of the plan in force. */
static bool is_stale(const struct shard *s, struct submission *sub)
{
    if (sub->fields == s->fields)
        return false;
    fail_submission(sub, SUBMIT_STALE,
                    "the settings changed while the event was on its way: send it again");
    return true;
}

/* ---- runs of decisions */

static size_t asked_bytes(const struct submission *sub)
{
    return sub->asked.caller.length + sub->asked.request.length;
}

static size_t run_bytes(const struct shard *s, uint32_t rows)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < rows; i++)
        bytes += s->run[i]->event.length + s->run[i]->id.length +
                 shard_sealed_most(s, &s->parted[i]) + EVENT_BODY_OVERHEAD + s->values_most +
                 asked_bytes(s->run[i]);
    return bytes;
}

static void append_decision(struct shard *s, uint32_t i)
{
    struct submission *sub = s->run[i];
    bool is_made = decision_is_made(&s->decisions[i]);
    struct event_body body = {
        .id = sub->id, .event = shard_open_part(s, &s->parted[i], sub->event), .asked = sub->asked};
    struct record record = {.received_us = sub->received_us,
                            .kind = is_made ? RECORD_DECISION : RECORD_OBSERVE,
                            .epoch = ENGINE_EPOCH,
                            .plan = s->plan_seq};
    struct id_entry id = {.token = s->run_token[i],
                          .body = event_body_hash(plan_schema(s->plan), body.event),
                          .seq = s->seq[i],
                          .received_us = sub->received_us};

    buffer_clear(&s->scratch);
    if (is_made) {
        size_t length;

        decision_format(&s->decisions[i], s->plan, &s->scratch);
        length = s->scratch.length;
        if (values_format(s->plan, engine_registers(s->state.engine), i, &s->scratch))
            body.values = (struct text){s->scratch.bytes + length, s->scratch.length - length};
        body.decision = (struct text){s->scratch.bytes, length};
    }
    record.sealed = shard_seal(s, &s->parted[i], s->seq[i], &body.values);
    buffer_clear(&s->body);
    event_body_format(&body, &s->body);
    ASSERT(!s->body.overflow);
    record.body = (struct text){s->body.bytes, s->body.length};
    ASSERT(log_append(s->log, &record) == s->seq[i]);
    engine_id_add(s->state.engine, &id);
}

/* Reasons that were asked for, where the outcome is the mildest: of the answer, not of the record.
 */
static void explain_asked(struct shard *s, struct submission *sub, uint32_t row, struct decision *d)
{
    int64_t begun_ns;

    if (!sub->explain || d->outcome != 0 || !decision_is_made(d) ||
        (d->flags & (DECISION_FALLBACK | DECISION_NO_MODEL)) != 0)
        return;
    if (s->explanations == 0) {
        d->flags |= DECISION_DEFERRED;
        return;
    }
    begun_ns = clock_monotonic_ns();
    engine_reasons(s->state.engine, row, d);
    s->explanations--;
    sub->times.ns[STAGE_EXPLAIN] += clock_monotonic_ns() - begun_ns;
}

static void finish_decision(struct shard *s, uint32_t i)
{
    struct submission *sub = s->run[i];

    for (int stage = STAGE_FEATURES; stage <= STAGE_EXPLAIN; stage++)
        sub->times.ns[stage] = s->laps.ns[stage];
    sub->decided_ns = s->lap_ns;
    explain_asked(s, sub, i, &s->decisions[i]);
    sub->status = SUBMIT_DONE;
    sub->seq = s->seq[i];
    sub->decision = s->decisions[i];
    sub->plan = plan_ref(s->plan);
}

/* Before anything is applied: a key may not be had. */
static bool part_events(struct shard *s, uint32_t rows, struct error *e)
{
    buffer_clear(&s->parts);
    for (uint32_t i = 0; i < rows; i++) {
        if (!shard_part_row(s, &s->frame, i, s->run[i]->event, &s->parted[i], e))
            return false;
    }
    return true;
}

/* ---- the moment: deadlines, the budget for explanations, and how long the engine's steps take */

static void on_lap(void *context, enum engine_lap ended)
{
    static const enum stage stages[ENGINE_LAPS] = {[LAP_FEATURES] = STAGE_FEATURES,
                                                   [LAP_SCORE] = STAGE_SCORE,
                                                   [LAP_RULES] = STAGE_RULES,
                                                   [LAP_EXPLAIN] = STAGE_EXPLAIN};
    struct shard *s = context;
    int64_t now_ns = clock_monotonic_ns();

    s->laps.ns[stages[ended]] = now_ns - s->lap_ns;
    s->lap_ns = now_ns;
}

static void run_engine(struct shard *s, uint32_t rows)
{
    struct engine_moment moment = {
        .told = s->told, .explanations = s->explanations, .lap = on_lap, .context = s};

    engine_prepare(s->state.engine, &moment);
    engine_run(s->state.engine, &s->frame, 0, rows, s->seq, s->received_us, s->decisions);
    for (int stage = STAGE_FEATURES; stage <= STAGE_EXPLAIN; stage++)
        histogram_add(&s->stages[stage], s->laps.ns[stage], rows);
    for (uint32_t i = 0; i < rows; i++) {
        const struct decision *d = &s->decisions[i];

        s->explanations -=
            d->outcome > 0 &&
            (d->flags & (DECISION_FALLBACK | DECISION_DEFERRED | DECISION_NO_MODEL)) == 0;
    }
}

static void end_run(struct shard *s)
{
    uint32_t rows = s->frame.rows;
    struct error e;

    if (rows == 0)
        return;
    if (!part_events(s, rows, &e) || !log_reserve(s->log, rows, run_bytes(s, rows), &e)) {
        for (uint32_t i = 0; i < rows; i++)
            fail_submission(s->run[i], e.kind == ERROR_FULL ? SUBMIT_FULL : SUBMIT_FAILED, e.text);
        frame_clear(&s->frame);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        s->seq[i] = log_next_seq(s->log) + i;
        s->received_us[i] = s->run[i]->received_us;
    }
    run_engine(s, rows);
    for (uint32_t i = 0; i < rows; i++)
        append_decision(s, i);
    for (uint32_t i = 0; i < rows; i++)
        finish_decision(s, i);
    s->group->has_records = true;
    frame_clear(&s->frame);
}

static bool is_in_run(const struct shard *s, struct hash128 token)
{
    for (uint32_t i = 0; i < s->frame.rows; i++) {
        if (s->run_token[i].low == token.low && s->run_token[i].high == token.high)
            return true;
    }
    return false;
}

/* ---- repeated ids */

/* Whether the first answer stands in the group that is being filled. */
static bool repeat_from_group(struct shard *s, struct submission *sub, uint64_t seq)
{
    for (uint32_t i = 0; i < s->group->count; i++) {
        const struct submission *first = s->group->item[i];

        if (first == sub || first->kind != SUBMIT_DECISION || first->status != SUBMIT_DONE ||
            first->seq != seq)
            continue;
        sub->decision = first->decision;
        sub->plan = plan_ref(first->plan);
        return true;
    }
    return false;
}

bool shard_wait_durable(struct shard *s, uint64_t seq)
{
    while (log_durable_seq(s->log) < seq) {
        if (atomic_load(&s->is_failed))
            return false;
        clock_sleep_us(WAIT_DURABLE_US);
    }
    return true;
}

/* Whether an event like this is only observed, and so has no first answer but that it was seen. */
static bool is_observed(struct shard *s, const struct submission *sub, struct error *e)
{
    const struct schema *schema = plan_schema(s->plan);
    struct reader reader;
    bool observed = false;

    if (schema->kind == FIELD_NONE)
        return false;
    reader_init(&reader, sub->event.bytes, sub->event.length);
    ASSERT(s->frame.rows == 0); /* the run was ended */
    if (event_decode(&reader, schema, &s->frame, e)) {
        int kind = frame_kind(&s->frame, 0, schema);

        observed = kind != KIND_NONE && !schema->kinds[kind].is_decided;
    }
    frame_clear(&s->frame);
    return observed;
}

static void repeat_from_log(struct shard *s, struct submission *sub, uint64_t seq)
{
    struct error e = {0};
    struct record record;
    struct event_body body;
    struct reader reader;

    if (!shard_wait_durable(s, seq) || !log_read(s->log, seq, &s->scratch, &record, &e) ||
        !event_body_parse(record.body, &body, &e)) {
        if (e.kind == ERROR_NOT_FOUND)
            fail_submission(sub, SUBMIT_CONFLICT,
                            "this event was decided before, and its record is no longer kept "
                            "(log.keep)");
        else
            fail_submission(sub, SUBMIT_FAILED, e.text);
        return;
    }
    if (record.kind != RECORD_DECISION && is_observed(s, sub, &e)) {
        sub->decision = (struct decision){.flags = DECISION_OBSERVED};
        if (!plans_get(s->plans, record.plan, &sub->plan, &e))
            fail_submission(sub, SUBMIT_FAILED, e.text);
        return;
    }
    if (record.kind != RECORD_DECISION) {
        fail_submission(sub, SUBMIT_CONFLICT,
                        "this event is part of the imported history: it was "
                        "observed, never decided");
        return;
    }
    reader_init(&reader, body.decision.bytes, body.decision.length);
    if (!plans_get(s->plans, record.plan, &sub->plan, &e) ||
        !decision_parse(&reader, sub->plan, &sub->decision, &e) ||
        !unseal_values(&s->unseal, &record, &body, &e) ||
        !values_of_reasons(sub->plan, body.values, &sub->decision, &e))
        fail_submission(sub, SUBMIT_FAILED, e.text);
}

static void answer_repeated(struct shard *s, struct submission *sub, const struct id_entry *known)
{
    uint64_t seq = known->seq, body;
    struct parted parted;
    struct error e;

    sub->seq = seq;
    buffer_clear(&s->parts); /* the run was ended */
    if (!shard_part_event(s, sub->event, &parted, &e)) {
        fail_submission(sub, SUBMIT_FAILED, e.text);
        return;
    }
    body = event_body_hash(plan_schema(s->plan), shard_open_part(s, &parted, sub->event));
    if (body != known->body) {
        fail_submission(sub, SUBMIT_CONFLICT,
                        "another event with this id was decided before: give this one its own id");
        return;
    }
    sub->status = SUBMIT_REPEATED;
    if (!repeat_from_group(s, sub, seq))
        repeat_from_log(s, sub, seq);
}

static void take_decision(struct shard *s, struct submission *sub)
{
    struct hash128 token = engine_id_token(s->state.engine, sub->id);
    const struct id_entry *known;
    struct reader reader;
    struct error e;

    if (is_stale(s, sub))
        return;
    if (is_in_run(s, token))
        end_run(s);
    known = engine_id_find(s->state.engine, token);
    if (known != NULL) {
        end_run(s);
        answer_repeated(s, sub, engine_id_find(s->state.engine, token));
        return;
    }
    reader_init(&reader, sub->event.bytes, sub->event.length);
    if (!event_decode(&reader, plan_schema(s->plan), &s->frame, &e)) {
        fail_submission(sub, SUBMIT_FAILED, e.text);
        return;
    }
    sub->times.ns[STAGE_QUEUE] = s->taken_ns - sub->queued_ns;
    histogram_add(&s->stages[STAGE_QUEUE], sub->times.ns[STAGE_QUEUE], 1);
    s->told[s->frame.rows - 1] =
        sub->due_ns != 0 && s->taken_ns > sub->due_ns ? DECISION_FALLBACK : 0;
    s->run_token[s->frame.rows - 1] = token;
    s->run[s->frame.rows - 1] = sub;
}

/* ---- everything else */

/* Into the frame, decided without a trace; false: the submission has its status. */
static bool peek(struct shard *s, struct submission *sub)
{
    struct reader reader;
    struct error e;

    end_run(s);
    if (is_stale(s, sub))
        return false;
    reader_init(&reader, sub->event.bytes, sub->event.length);
    if (!event_decode(&reader, plan_schema(s->plan), &s->frame, &e)) {
        fail_submission(sub, SUBMIT_FAILED, e.text);
        return false;
    }
    engine_peek(s->state.engine, &s->frame, 0, sub->received_us, &sub->decision);
    return true;
}

static void take_peek(struct shard *s, struct submission *sub)
{
    if (!peek(s, sub))
        return;
    if (sub->explain && sub->decision.outcome == 0 && decision_is_made(&sub->decision))
        engine_reasons(s->state.engine, 0, &sub->decision);
    frame_clear(&s->frame);
    sub->status = SUBMIT_DONE;
    sub->plan = plan_ref(s->plan);
}

static bool is_listed(struct shard *s, uint32_t list, struct text key, int64_t time_us)
{
    const struct list_entry *entry;
    struct value v;

    if (!list_value_parse(plan_list_type(s->plan, list), key, &v))
        return false;
    entry = lists_find(engine_lists(s->state.engine), list, engine_list_token(s->state.engine, &v));
    return entry != NULL && entry->expires_us > time_us;
}

static void add_lists(struct shard *s, const struct entity_request *q, int64_t time_us)
{
    buffer_add_char(q->lists, '[');
    for (uint32_t i = 0; i < plan_list_count(s->plan); i++) {
        if (!is_listed(s, i, q->key, time_us))
            continue;
        buffer_add_text(q->lists, q->lists->length > 1 ? "," : "");
        json_add_text(q->lists, text_of(plan_list_name(s->plan, i)));
    }
    buffer_add_char(q->lists, ']');
}

/* A peek of which the registers are what is asked for. */
static void take_entity(struct shard *s, struct submission *sub)
{
    int time = plan_schema(s->plan)->time;

    if (!peek(s, sub))
        return;
    entity_features_json(s->plan, engine_registers(s->state.engine), 0, sub->entity->kind,
                         sub->entity->features);
    add_lists(s, sub->entity,
              time != FIELD_NONE ? s->frame.column[time].integer[0] : sub->received_us);
    frame_clear(&s->frame);
    sub->status = SUBMIT_DONE;
}

static bool find_event(struct shard *s, struct submission *sub)
{
    const struct id_entry *known;

    end_run(s);
    known = engine_id_find(s->state.engine, engine_id_token(s->state.engine, sub->id));
    if (known == NULL) {
        fail_submission(sub, SUBMIT_NOT_FOUND, "no event with this id among those remembered");
        return false;
    }
    sub->seq = known->seq;
    sub->status = SUBMIT_DONE;
    return true;
}

/* The labelled event's record, into s->scratch; it may still be in the group being filled. */
static bool read_event(struct shard *s, uint64_t seq, struct record *record,
                       struct event_body *body, struct error *e)
{
    if (seq > log_durable_seq(s->log)) {
        if (s->group->has_records)
            shard_seal_group(s);
        if (!shard_wait_durable(s, seq))
            return error_set(e, ERROR_WORLD, "the shard has stopped");
    }
    return log_read(s->log, seq, &s->scratch, record, e) && event_body_parse(record->body, body, e);
}

static void append_label(struct shard *s, struct submission *sub, const struct record *event,
                         const struct event_body *body, const struct parted *parted)
{
    struct label_body label = {.seq = sub->seq,
                               .plan = event->plan,
                               .label = sub->label,
                               .received_us = event->received_us,
                               .effective_us = sub->effective_us,
                               .id = sub->id,
                               .source = sub->source,
                               .event = body->event,
                               .asked = sub->asked};
    struct record record = {.received_us = sub->received_us,
                            .sealed = shard_seal(s, parted, log_next_seq(s->log), NULL),
                            .kind = RECORD_LABEL,
                            .epoch = ENGINE_EPOCH,
                            .plan = s->plan_seq};

    buffer_clear(&s->body);
    label_body_format(&label, &s->body);
    ASSERT(!s->body.overflow);
    record.body = (struct text){s->body.bytes, s->body.length};
    log_append(s->log, &record);
    s->group->has_records = true;
}

/* The labelled event, by its record's position where that is given (it may be older than the ids
 * remembered), else by its id. */
static bool find_labelled(struct shard *s, struct submission *sub)
{
    if (sub->event_seq == 0)
        return find_event(s, sub);
    end_run(s);
    sub->seq = sub->event_seq;
    sub->status = SUBMIT_DONE;
    return true;
}

static void take_label(struct shard *s, struct submission *sub)
{
    struct record event;
    struct event_body body;
    struct parted parted;
    struct error e = {0};
    bool ok, is_erased;

    if (!find_labelled(s, sub))
        return;
    ok = read_event(s, sub->seq, &event, &body, &e) &&
         (text_equal(body.id, sub->id) ||
          error_set(&e, ERROR_INVALID, "record %llu is no event of this id",
                    (unsigned long long)sub->seq)) &&
         carrier_decode(s->carrier, &event, event.plan, body.event, &s->frame, &is_erased, &e) &&
         shard_part_copy(s, &event, carrier_personal(s->carrier), &parted, &e) &&
         log_reserve(s->log, 1,
                     body.event.length + shard_sealed_most(s, &parted) + sub->id.length +
                         sub->source.length + LABEL_BODY_OVERHEAD + asked_bytes(sub),
                     &e);
    if (!ok) {
        frame_clear(&s->frame);
        if (e.kind == ERROR_NOT_FOUND)
            fail_submission(sub, SUBMIT_NOT_FOUND,
                            "the record of this event is no longer kept (log.keep)");
        else
            fail_submission(sub, e.kind == ERROR_FULL ? SUBMIT_FULL : SUBMIT_FAILED, e.text);
        return;
    }
    engine_label(s->state.engine, &s->frame, 0, sub->seq, sub->label, event.received_us,
                 sub->effective_us);
    frame_clear(&s->frame);
    append_label(s, sub, &event, &body, &parted);
}

/* ---- the group */

static void take(struct shard *s, struct submission *sub)
{
    switch (sub->kind) {
    case SUBMIT_DECISION:
        take_decision(s, sub);
        break;
    case SUBMIT_PEEK:
        take_peek(s, sub);
        break;
    case SUBMIT_ENTITY:
        take_entity(s, sub);
        break;
    case SUBMIT_LABEL:
        take_label(s, sub);
        break;
    case SUBMIT_FIND:
        (void)find_event(s, sub);
        break;
    case SUBMIT_LIST:
        end_run(s);
        shard_take_list(s, sub);
        break;
    case SUBMIT_LIST_PAGE:
        end_run(s);
        shard_take_list_page(s, sub);
        break;
    case SUBMIT_PLAN:
        end_run(s);
        shard_take_plan(s, sub);
        break;
    }
}

static void answer(struct group *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        g->item[i]->done(g->item[i]);
    g->count = 0;
    g->has_records = false;
}

/* Decided by the plan that was in force a moment ago: counted under the same name. */
static void count_rules(struct shard_status *t, const struct plan *in_force, const struct plan *by,
                        const struct decision *d)
{
    for (uint32_t word = 0; word < PLAN_RULES_MAX / 64; word++) {
        for (uint64_t left = d->rules[word]; left != 0; left &= left - 1) {
            int rule = (int)(word * 64) + __builtin_ctzll(left);

            if (by != in_force)
                rule = plan_rule_find(in_force, text_of(plan_rule_name(by, (uint32_t)rule)));
            if (rule >= 0)
                t->by_rule[rule]++;
        }
    }
}

static void count_rivals(struct shard_status *t, const struct plan *p, const struct decision *d)
{
    uint32_t outcome = plan_outcome_of_score(p, d->score);

    if ((d->flags & DECISION_RIVALS) == 0)
        return;
    t->decided_by[d->decided_by]++;
    t->alerts_by[d->decided_by] += outcome > 0;
    for (int k = 0; k < DECIDERS; k++) {
        uint32_t other = plan_outcome_of_score(p, plan_score(d->other[k].probability));

        if ((d->scored >> k & 1) == 0)
            continue;
        t->scored_by[k]++;
        t->alerts_by[k] += other > 0;
        t->agreed_by[k] += other == outcome;
    }
}

static void count_answers(struct shard *s, const struct group *g)
{
    struct shard_status *t = &s->status;

    pthread_mutex_lock(&s->lock);
    t->groups++;
    t->watermark_us = engine_watermark_us(s->state.engine);
    t->state_bytes = region_header(&s->state.region)->live;
    s->memory = s->state.memory;
    s->memory_used = region_header(&s->state.region)->used;
    s->memory_capacity = s->state.capacity;
    occupancy_of(s->state.engine, s->plan, &t->occupancy);
    engine_hold(s->state.engine, &t->holdings);
    for (uint32_t i = 0; i < g->count; i++) {
        const struct submission *sub = g->item[i];

        t->repeated += sub->status == SUBMIT_REPEATED;
        t->conflicts += sub->status == SUBMIT_CONFLICT;
        t->refused_full += sub->status == SUBMIT_FULL;
        t->labels += sub->kind == SUBMIT_LABEL && sub->status == SUBMIT_DONE;
        t->list_changes += sub->kind == SUBMIT_LIST && sub->status == SUBMIT_DONE;
        if (sub->kind != SUBMIT_DECISION || sub->status != SUBMIT_DONE)
            continue;
        if (!decision_is_made(&sub->decision)) {
            t->observed++;
            continue;
        }
        t->fallbacks += (sub->decision.flags & DECISION_FALLBACK) != 0;
        t->deferred += (sub->decision.flags & DECISION_DEFERRED) != 0;
        t->decisions++;
        t->by_outcome[sub->decision.outcome]++;
        count_rules(t, s->plan, sub->plan, &sub->decision);
        count_rivals(t, sub->plan, &sub->decision);
    }
    pthread_mutex_unlock(&s->lock);
}

/* A label whose event is still in the group being filled seals that group early; its own answers
 * then go out with the next one. So the group is handed on with what it has: every submission is in
 * exactly one group. */
void shard_seal_group(struct shard *s)
{
    struct group *g = s->group;
    void *spare;

    count_answers(s, g);
    if (g->has_records) {
        log_seal(s->log);
        atomic_store_explicit(&s->appended_seq, log_next_seq(s->log) - 1, memory_order_relaxed);
        while (!queue_put(s->sealed, g)) /* never full: there are as many places as groups */
            ASSERT(!queue_is_closed(s->sealed));
        while (queue_take(s->spare, &spare, 1, -1) == 0)
            continue;
        s->group = spare;
    } else {
        answer(g);
    }
}

/* The first failure, which is what somebody has to do something about. Written once, before
 * is_failed is. */
static void say_stopped(const struct shard *s, struct error *e)
{
    error_set(e, ERROR_WORLD, "the shard has stopped: %s; restart the server", s->status.failure);
}

void shard_run_group(struct shard *s, struct submission **items, uint32_t count)
{
    s->taken_ns = s->lap_ns = clock_monotonic_ns();
    s->explanations = s->o.explanations > 0 ? s->o.explanations : UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct submission *sub = items[i];

        sub->times = (struct stage_times){0};
        sub->decided_ns = sub->done_ns = 0;
        sub->plan = NULL;
        sub->error[0] = 0;
        if (atomic_load(&s->is_failed)) {
            struct error e;

            say_stopped(s, &e);
            fail_submission(sub, SUBMIT_FAILED, e.text);
        } else {
            take(s, sub);
        }
        s->group->item[s->group->count++] = sub;
    }
    end_run(s);
    shard_seal_group(s);
}

/* A group's price is a sync and some wake-ups, whatever its size. Where submissions come faster
 * than groups, a moment's patience makes fewer groups of them; a caller who is alone waits for
 * nobody. */
static void gather(int64_t last_ns, uint32_t last_count)
{
    int64_t passed_us = (clock_monotonic_ns() - last_ns) / 1000;

    if (last_count >= GATHER_MIN && passed_us < GATHER_US)
        clock_sleep_us(GATHER_US - passed_us);
}

void *shard_engine_main(void *shard)
{
    struct shard *s = shard;
    void *items[SHARD_GROUP_MAX];
    uint32_t count = 0;

    thread_name("assay-engine");
    thread_prompt();
    for (;;) {
        gather(s->taken_ns, count);
        count = queue_take(s->queue, items, SHARD_GROUP_MAX, 1000);
        if (count > 0)
            shard_run_group(s, (struct submission **)items, count);
        else if (queue_is_closed(s->queue))
            break;
        shard_snapshot_if_due(s);
    }
    return NULL;
}

/* After a failed commit nothing that was waiting may be answered as done. */
static void fail_group(struct shard *s, struct group *g, const struct error *e)
{
    shard_fail(s, e);
    for (uint32_t i = 0; i < g->count; i++) {
        struct submission *sub = g->item[i];

        plan_unref(sub->plan);
        sub->plan = NULL;
        fail_submission(sub, SUBMIT_FAILED, e->text);
    }
}

static void note_committed(struct shard *s, struct group *g)
{
    int64_t now_ns = clock_monotonic_ns();

    for (uint32_t i = 0; i < g->count; i++) {
        struct submission *sub = g->item[i];

        if (sub->decided_ns == 0)
            continue;
        sub->done_ns = now_ns;
        sub->times.ns[STAGE_COMMIT] = now_ns - sub->decided_ns;
        histogram_add(&s->stages[STAGE_COMMIT], sub->times.ns[STAGE_COMMIT], 1);
    }
}

void *shard_commit_main(void *shard)
{
    struct shard *s = shard;
    void *item;

    thread_name("assay-commit");
    thread_prompt();
    while (queue_take(s->sealed, &item, 1, -1) == 1) {
        struct group *g = item;
        struct error e = {0};

        if (atomic_load(&s->is_failed)) {
            say_stopped(s, &e);
            fail_group(s, g, &e);
        } else if (!shard_commit_log(s, &e)) {
            fail_group(s, g, &e);
        } else {
            note_committed(s, g);
        }
        answer(g);
        while (!queue_put(s->spare, g))
            ASSERT(!queue_is_closed(s->spare));
    }
    return NULL;
}
