#include "tests/unit/serve_fake.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/data/event.h"
#include "core/decide/alerts.h"
#include "core/decide/values.h"
#include "shell/audit/trail.h"
#include "shell/audit/upkeep.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"
#include "shell/run/backtest.h"
#include "shell/run/beginning.h"
#include "shell/serve/fetch.h"

/* ---- plan ---- */

struct plan {
    struct schema *schema;
    struct schema *values; /* of its one feature */
    uint8_t id[PLAN_ID_BYTES];
    atomic_int references;
};

struct plans {
    struct plan *plan;
};

static const char *const outcomes[] = {"approve", "review", "decline"};
static const char *const levels[] = {"LOW", "HIGH"};

static struct plan *plan_make_fake(void)
{
    static const struct {
        const char *name;
        enum type type;
    } fields[] = {{"id", TYPE_TEXT},
                  {"at", TYPE_TIME},
                  {"amount", TYPE_DECIMAL},
                  {"count", TYPE_INT},
                  {"note", TYPE_TEXT}};
    struct plan *p = mem_alloc(sizeof *p);
    struct error e;

    p->schema = schema_new();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert(schema_add(p->schema, text_of(fields[i].name), fields[i].type, &e));
    p->values = schema_new();
    assert(schema_add(p->values, text_of("amount"), TYPE_DECIMAL, &e));
    p->schema->id = 0;
    p->schema->time = 1;
    p->references = 1;
    for (int i = 0; i < PLAN_ID_BYTES; i++)
        p->id[i] = (uint8_t)(0xa0 + i);
    return p;
}

/* No window is shared here. */
bool fetch_start(const struct fetch_options *o, struct fetch **f, struct error *e)
{
    (void)o, (void)e;
    *f = NULL;
    return true;
}

void fetch_stop(struct fetch *f)
{
    (void)f;
}

bool fetch_submit(struct fetch *f, struct shard *s, struct submission *sub)
{
    (void)f;
    return shard_submit(s, sub);
}

const struct shared_counts *fetch_counts(const struct fetch *f)
{
    (void)f;
    return NULL;
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add(&p->references, 1);
    return p;
}

void plan_unref(struct plan *p)
{
    if (p == NULL || atomic_fetch_sub(&p->references, 1) > 1)
        return;
    schema_free(p->schema);
    schema_free(p->values);
    mem_free(p);
}

const uint8_t *plan_id(const struct plan *p)
{
    return p->id;
}

const struct schema *plan_schema(const struct plan *p)
{
    return p->schema;
}

uint32_t plan_level_count(const struct plan *p)
{
    (void)p;
    return sizeof levels / sizeof *levels;
}

const struct validation *plan_validation(const struct plan *p)
{
    (void)p;
    return NULL;
}

uint32_t plan_feature_count(const struct plan *p)
{
    (void)p;
    return 1;
}

const char *plan_feature_name(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return "amount \"quoted\"";
}

uint32_t plan_outcome_of_score(const struct plan *p, int score)
{
    (void)p;
    return score >= 800 ? 2 : score >= 300;
}

uint32_t plan_level_of_score(const struct plan *p, int score)
{
    (void)p;
    (void)score;
    return 0;
}

int plan_score(double probability)
{
    return (int)(probability * 1000);
}

uint32_t plan_rival_feature(const struct plan *p, enum model_rival r, uint32_t input)
{
    (void)p;
    (void)r;
    return input;
}

const char *plan_feature_code(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return "AMOUNT";
}

const char *plan_feature_text(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return NULL;
}

const char *plan_feature_phrase(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return "";
}

int plan_feature_entity(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return -1;
}

int plan_feature_input(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return -1;
}

int plan_feature_node(const struct plan *p, uint32_t feature)
{
    (void)p;
    (void)feature;
    return 0;
}

int plan_feature_find(const struct plan *p, struct text name)
{
    (void)p;
    (void)name;
    return -1;
}

/* It has no alerts: nothing here raises one. */
const struct alerts *plan_alerts(const struct plan *p)
{
    (void)p;
    return NULL;
}

struct alert_bench *alert_bench_new(const struct plan *p)
{
    (void)p;
    return NULL;
}

void alert_bench_free(struct alert_bench *b)
{
    (void)b;
}

struct alert_info alerts_info(const struct alerts *a, uint32_t alert)
{
    (void)a;
    (void)alert;
    return (struct alert_info){"", "", -1, 0};
}

bool alerts_read_features(const struct alerts *a)
{
    (void)a;
    return false;
}

uint32_t alerts_run(const struct plan *p, struct alert_bench *b, const struct frame *event,
                    const struct frame *values, const struct decision *d,
                    struct raised_alert raised[ALERTS_MAX])
{
    (void)p;
    (void)b;
    (void)event;
    (void)values;
    (void)d;
    (void)raised;
    return 0;
}

int plan_entity_find(const struct plan *p, struct text name)
{
    (void)p;
    (void)name;
    return -1;
}

const struct schema *plan_values_schema(const struct plan *p)
{
    return p->values;
}

uint32_t plan_entity_count(const struct plan *p)
{
    (void)p;
    return 0;
}

const char *plan_entity_name(const struct plan *p, uint32_t entity)
{
    (void)p;
    (void)entity;
    return "";
}

int plan_entity_node(const struct plan *p, uint32_t entity)
{
    (void)p;
    (void)entity;
    return -1;
}

const struct velocity_options *plan_velocity_options(const struct plan *p)
{
    static const struct velocity_options none;

    (void)p;
    return &none;
}

const struct program *plan_program(const struct plan *p)
{
    (void)p;
    return NULL;
}

const struct model *plan_model(const struct plan *p)
{
    (void)p;
    return NULL;
}

uint32_t plan_model_feature(const struct plan *p, uint32_t input)
{
    (void)p;
    return input;
}

const char *plan_rule_text(const struct plan *p, uint32_t rule)
{
    (void)p;
    (void)rule;
    return NULL;
}

int plan_rule_node(const struct plan *p, uint32_t rule)
{
    (void)p;
    (void)rule;
    return 0;
}

uint32_t plan_rule_outcome(const struct plan *p, uint32_t rule)
{
    (void)p;
    (void)rule;
    return 0;
}

const struct velocity_layout *plan_layout(const struct plan *p)
{
    (void)p;
    return NULL; /* nothing is forgotten here */
}

uint32_t plan_rule_count(const struct plan *p)
{
    (void)p;
    return 1;
}

bool plan_rule_is_shadow(const struct plan *p, uint32_t rule)
{
    (void)p;
    (void)rule;
    return false;
}

int plan_rule_find(const struct plan *p, struct text name)
{
    (void)p;
    return text_is(name, "BIG") ? 0 : -1;
}

const char *plan_rule_name(const struct plan *p, uint32_t rule)
{
    (void)p;
    (void)rule;
    return "BIG";
}

uint32_t plan_outcome_count(const struct plan *p)
{
    (void)p;
    return 3;
}

const char *plan_outcome_name(const struct plan *p, uint32_t outcome)
{
    (void)p;
    return outcomes[outcome];
}

int plan_fallback(const struct plan *p)
{
    (void)p;
    return -1;
}

const char *plan_fallback_reason(const struct plan *p)
{
    (void)p;
    return NULL;
}

const char *plan_level_name(const struct plan *p, uint32_t level)
{
    (void)p;
    return levels[level];
}

bool plans_get(struct plans *p, uint32_t seq, struct plan **plan, struct error *e)
{
    if (seq != 1)
        return error_set(e, ERROR_INVALID, "plan %u is of another epoch", seq);
    *plan = plan_ref(p->plan);
    return true;
}

struct subject_keys *plans_keys(struct plans *p)
{
    (void)p;
    return NULL;
}

const struct plan_subject *plan_subject(const struct plan *p)
{
    (void)p;
    return NULL;
}

bool plans_get_keys(struct plans *p, struct subject_keys **keys, struct error *e)
{
    (void)p, (void)keys;
    return error_set(e, ERROR_NOT_FOUND, "there are no personal fields");
}

/* ---- shard ---- */

const struct histogram *shard_stages(const struct shard *s)
{
    static struct histogram nothing[STAGES];

    (void)s;
    return nothing;
}

enum { KNOWN_MAX = 1 << 20 };

struct known {
    uint64_t id, body, seq;
    struct decision decision;
};

struct shard {
    struct plan *plan;
    struct plans plans;
    struct log *log;
    char directory[500], log_directory[512];
    struct state_options state;
    struct queue *queue;
    uint32_t capacity;
    pthread_t thread;
    struct frame frame;
    struct known *known; /* by hash of the id, linear probing */
    atomic_int refuse;
    atomic_bool is_failed, is_held;
    pthread_mutex_t lock;
    struct shard_status status;
};

static struct known *known_at(struct shard *s, struct text id)
{
    uint64_t hash = hash_bytes(id.bytes, id.length, 7) | 1;
    uint64_t at = hash;

    while (s->known[at % KNOWN_MAX].id != 0 && s->known[at % KNOWN_MAX].id != hash)
        at++;
    s->known[at % KNOWN_MAX].id = hash;
    return &s->known[at % KNOWN_MAX];
}

static void append(struct shard *s, enum record_kind kind, const struct buffer *body,
                   int64_t received_us)
{
    struct error e;

    assert(log_reserve(s->log, 1, body->length, &e));
    log_append(s->log, &(struct record){.kind = kind,
                                        .received_us = received_us,
                                        .epoch = 1,
                                        .plan = 1,
                                        .body = {body->bytes, body->length}});
}

static void decide(struct shard *s, struct submission *sub, struct decision *d)
{
    struct reader in;
    struct error e;
    int64_t amount;

    frame_clear(&s->frame);
    reader_init(&in, sub->event.bytes, sub->event.length);
    assert(event_decode(&in, s->plan->schema, &s->frame, &e));
    amount = s->frame.column[2].null[0] ? 0 : s->frame.column[2].integer[0] / 1000000;
    *d = (struct decision){.margin = (double)amount, .probability = (double)amount / 1000.0};
    d->score = (int16_t)(amount < 0 ? 0 : amount > 1000 ? 1000 : amount);
    d->outcome = d->score >= 800 ? 2 : d->score >= 300;
    d->level = d->score >= 800;
    d->flags = DECISION_NO_MODEL;
    d->rules[0] = d->score > 500;
    d->reasons = d->outcome > 0 || sub->explain;
    d->reason[0] = (struct reason){.contribution = (double)amount};
}

static void take_decision(struct shard *s, struct submission *sub, struct buffer *body)
{
    struct known *k = known_at(s, sub->id);
    uint64_t hash = hash_bytes(sub->event.bytes, sub->event.length, 0);
    struct buffer verdict;

    sub->plan = plan_ref(s->plan);
    sub->decision = k->decision;
    sub->seq = k->seq;
    sub->status = hash == k->body ? SUBMIT_REPEATED : SUBMIT_CONFLICT;
    if (k->seq != 0) {
        snprintf(sub->error, sizeof sub->error, "another event with this id was decided before");
        return;
    }
    decide(s, sub, &sub->decision);
    sub->status = SUBMIT_DONE;
    sub->seq = log_next_seq(s->log);
    k->decision = sub->decision;
    k->seq = sub->seq;
    k->body = hash;
    buffer_init(&verdict, 4096);
    decision_format(&sub->decision, s->plan, &verdict);
    event_body_format(&(struct event_body){.id = sub->id,
                                           .event = sub->event,
                                           .decision = {verdict.bytes, verdict.length}},
                      body);
    buffer_fini(&verdict);
    append(s, RECORD_DECISION, body, sub->received_us);
    pthread_mutex_lock(&s->lock);
    s->status.decisions++;
    s->status.by_outcome[sub->decision.outcome]++;
    pthread_mutex_unlock(&s->lock);
}

static void take_label(struct shard *s, struct submission *sub, struct buffer *body)
{
    sub->seq = known_at(s, sub->id)->seq;
    if (sub->seq == 0) {
        sub->status = SUBMIT_NOT_FOUND;
        snprintf(sub->error, sizeof sub->error, "no event with this id");
        return;
    }
    sub->status = SUBMIT_DONE;
    if (sub->kind == SUBMIT_FIND)
        return;
    label_body_format(&(struct label_body){.seq = sub->seq,
                                           .plan = 1,
                                           .label = sub->label,
                                           .received_us = sub->received_us,
                                           .effective_us = sub->effective_us,
                                           .id = sub->id,
                                           .source = sub->source},
                      body);
    append(s, RECORD_LABEL, body, sub->received_us);
}

static void take(struct shard *s, struct submission *sub, struct buffer *body)
{
    buffer_clear(body);
    sub->plan = NULL;
    if (s->refuse != SUBMIT_DONE || s->is_failed) {
        sub->status = s->is_failed ? SUBMIT_FAILED : (enum submit_status)s->refuse;
        snprintf(sub->error, sizeof sub->error, "refused: 100%% %%s%%n");
    } else if (sub->kind == SUBMIT_DECISION) {
        take_decision(s, sub, body);
    } else if (sub->kind == SUBMIT_PEEK) {
        decide(s, sub, &sub->decision);
        sub->plan = plan_ref(s->plan);
        sub->status = SUBMIT_DONE;
    } else {
        take_label(s, sub, body);
    }
}

static void *engine_main(void *context)
{
    struct shard *s = context;
    void *items[SHARD_GROUP_MAX];
    struct buffer body;
    uint32_t count;

    buffer_init(&body, LOG_BODY_MAX);
    for (;;) {
        struct error e;

        while (s->is_held)
            clock_sleep_us(1000);
        count = queue_take(s->queue, items, SHARD_GROUP_MAX, 100);
        if (count == 0 && queue_is_closed(s->queue))
            break;
        for (uint32_t i = 0; i < count; i++)
            take(s, items[i], &body);
        if (count > 0) {
            log_seal(s->log);
            assert(log_commit(s->log, &e));
        }
        for (uint32_t i = 0; i < count; i++)
            ((struct submission *)items[i])->done(items[i]);
    }
    buffer_fini(&body);
    return NULL;
}

struct shard *fake_open(const char *directory, enum log_sync sync, uint32_t queue)
{
    struct shard *s = mem_alloc(sizeof *s);
    struct log_options o = {.directory = s->log_directory, .segment_bytes = 16 << 20, .sync = sync};
    struct log_found found;
    struct buffer body;
    struct error e;

    snprintf(s->directory, sizeof s->directory, "%s", directory);
    snprintf(s->log_directory, sizeof s->log_directory, "%s/log", directory);
    s->plan = plan_make_fake();
    s->plans.plan = s->plan;
    s->capacity = queue;
    s->queue = queue_new(queue);
    s->known = mem_array(KNOWN_MAX, sizeof *s->known);
    s->status.is_ready = true;
    s->status.watermark_us = INT64_C(1522540831000000);
    pthread_mutex_init(&s->lock, NULL);
    frame_init(&s->frame, s->plan->schema, 1, 1 << 20);
    if (!log_open(&o, &s->log, &found, &e)) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    if (found.last_seq == 0) {
        buffer_init(&body, 4096);
        plan_body_format(&(struct plan_body){.settings = text_of("fake")}, &body);
        append(s, RECORD_PLAN, &body, 0);
        log_seal(s->log);
        assert(log_commit(s->log, &e));
        buffer_fini(&body);
    }
    assert(pthread_create(&s->thread, NULL, engine_main, s) == 0);
    return s;
}

const char *fake_log_directory(struct shard *s)
{
    return s->log_directory;
}

void fake_refuse(struct shard *s, enum submit_status status)
{
    s->refuse = status;
}

void fake_fail(struct shard *s)
{
    s->is_failed = true;
}

void fake_hold(struct shard *s, bool is_on)
{
    s->is_held = is_on;
}

bool shard_submit(struct shard *s, struct submission *submission)
{
    return queue_put(s->queue, submission);
}

void shard_close(struct shard *s)
{
    queue_close(s->queue);
    pthread_join(s->thread, NULL);
    log_close(s->log);
    queue_free(s->queue);
    frame_fini(&s->frame);
    plan_unref(s->plan);
    mem_free(s->known);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

struct plan *shard_plan(struct shard *s)
{
    return plan_ref(s->plan);
}

struct plans *shard_plans(const struct shard *s)
{
    return (struct plans *)&s->plans;
}

/* The system tests have the real one. */
bool backtest(const struct backtest_options *o, struct error *e)
{
    (void)o;
    return error_set(e, ERROR_WORLD, "no backtest here");
}

bool log_beginning(const char *shard_directory, bool *has, int64_t *time_us, struct error *e)
{
    (void)shard_directory;
    (void)time_us;
    (void)e;
    *has = false;
    return true;
}

void backtested_open(const struct backtested *b, const struct plan *p, struct buffer *out)
{
    (void)b;
    (void)p;
    (void)out;
}

const char *shard_directory(const struct shard *s)
{
    return s->directory;
}

const struct state_options *shard_state_options(const struct shard *s)
{
    return &s->state;
}

const struct log *shard_log(const struct shard *s)
{
    return s->log;
}

void shard_status(struct shard *s, struct shard_status *status)
{
    pthread_mutex_lock(&s->lock);
    *status = s->status;
    pthread_mutex_unlock(&s->lock);
    status->is_failed = s->is_failed;
    if (status->is_failed) {
        status->is_ready = false;
        snprintf(status->failure, sizeof status->failure, "disk is gone: %%s%%n");
    }
    status->durable_seq = log_durable_seq(s->log);
    status->log_bytes = log_bytes(s->log);
    status->queue_length = queue_length(s->queue);
    status->queue_capacity = s->capacity;
}

/* ---- the audit: none */

bool trail_filter_check(const struct trail_filter *f, struct error *e)
{
    (void)f;
    (void)e;
    return true;
}

bool trail_read(const struct trail_options *o, const struct trail_taker *t, struct trail_counts *c,
                struct error *e)
{
    (void)o;
    (void)t;
    *c = (struct trail_counts){.is_over = true};
    (void)e;
    return true;
}

bool upkeep_checkpoint(struct upkeep *u, struct checkpoint made[2], struct error *e)
{
    (void)u;
    (void)made;
    return error_set(e, ERROR_WORLD, "this shard is none");
}
