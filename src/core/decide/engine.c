/* One batch goes through these steps; each works on whole columns or walks the rows in order:
 *
 *   place    time, lateness, watermark and insertion of each row
 *   admit    which waiting labels take effect before which row (steps); the rows' own labels start
 *            to wait
 *   levels   program_run(level), velocity_run(level), ... until all features have values
 *   score    the model over the feature columns
 *   policy   thresholds, rules (strictest fired wins), reasons
 *
 * Invariants
 *   1. A row's result depends on the rows and labels before it, never on the batch it came in.
 *   2. The watermark is the newest time of the rows that were not too far ahead; it never goes
 * back.
 *   3. A waiting label is applied just before the first row whose watermark reaches its time.
 */
#include "core/decide/engine.h"

#include <string.h>

#include "core/base/panic.h"
#include "core/decide/values.h"
#include "core/decide/waiting.h"

enum { ROOT_ENGINE = 8, ROOT_WAITING = 9, ROOT_IDS = 10, ROOT_LISTS = 11 };

/* Anchored at ROOT_ENGINE. */
struct engine_head {
    int64_t watermark_us;
    uint64_t events;
    uint64_t labels_lost; /* for want of room beside velocity's part of the region */
};

/* A model that is scored beside the plan's; scratch is NULL where there is none. */
struct rival {
    struct model_scratch *scratch;
    const struct column **input;
    double *margin, *probability;
};

struct engine {
    struct plan *plan;
    struct region region;
    struct velocity *velocity;
    struct waiting waiting;
    struct ids ids;
    struct lists lists;
    struct list_reader list_reader;
    struct registers registers;
    struct model_scratch *scratch; /* NULL without a model */
    enum simd simd;
    uint32_t batch;
    uint32_t groups;
    bool keeps_labels; /* some aggregate reads labels */

    /* of the batch in work, by row */
    int64_t *time_us;
    int64_t *watermark_us;
    int64_t *as_of_us; /* the time at which lists are asked */
    uint8_t *insert;
    uint8_t *flags;
    struct hash128 *token; /* [row * groups + group] */
    uint8_t *forgotten;    /* the same */
    double *margin;
    double *probability;

    /* label steps of the batch and the tokens they point to */
    struct label_step *step;
    struct hash128 *step_token;
    uint32_t steps, steps_capacity;

    const struct column **input; /* of the model */
    struct rival rival[MODEL_RIVALS];
    double *contribution;
    struct waiting_label *label; /* room for one */
    struct engine_moment moment; /* of the next run */
};

static const struct engine_moment any_moment = {.explanations = UINT32_MAX};

static uint64_t mix_field(uint64_t h, const struct schema *s, int field)
{
    if (field == FIELD_NONE)
        return hash_mix(h);
    return hash_bytes(s->fields[field].name, strlen(s->fields[field].name),
                      h + (uint64_t)s->fields[field].type + 1);
}

/* All that state depends on beside the records: which events enter, at what time, with what labels,
 * under what keys, and how much room there is. */
uint64_t engine_layout(const struct plan *p)
{
    const struct velocity_options *v = plan_velocity_options(p);
    const struct program *program = plan_program(p);
    const struct schema *s = plan_schema(p);
    int64_t admission[] = {v->lateness_us, plan_max_ahead_us(p), (int64_t)v->memory_bytes};
    uint64_t h = velocity_layout_fingerprint(plan_layout(p)) + ENGINE_EPOCH;

    h = hash_bytes(admission, sizeof admission, h);
    h = hash_bytes(&v->key, sizeof v->key, h);
    h = mix_field(mix_field(h, s, s->time), s, s->label);
    for (uint32_t i = 0; i < plan_list_count(p); i++) {
        const char *name = plan_list_name(p, i);

        h = hash_bytes(name, strlen(name), h + (uint64_t)plan_list_type(p, i) + 1);
    }
    for (uint32_t i = 0; i < program_aggregate_count(program); i++) {
        const struct aggregate *a = program_aggregate(program, i);

        for (int k = 0; k < a->key_count; k++)
            h = hash_mix(h ^ program_fingerprint(program, a->keys[k]));
    }
    return hash_mix(h);
}

static struct engine_head *head_of(const struct engine *n)
{
    return region_at(&n->region, (region_ref)region_header(&n->region)->root[ROOT_ENGINE]);
}

static void make_head(struct engine *n)
{
    region_ref ref;

    if (region_header(&n->region)->root[ROOT_ENGINE] != 0)
        return;
    ref = region_alloc(&n->region, sizeof(struct engine_head));
    ASSERT(ref != 0);
    region_set_root(&n->region, ROOT_ENGINE, ref);
    head_of(n)->watermark_us = INT64_MIN;
}

/* Room for `batch` rows; returns the rival's inputs. */
static uint32_t open_rival(struct engine *n, enum model_rival r, enum simd simd, uint32_t batch)
{
    const struct model *m = model_rival(plan_model(n->plan), r);
    struct rival *v = &n->rival[r];

    if (m == NULL)
        return 0;
    v->scratch = model_scratch_new(m, simd);
    model_scratch_prepare(v->scratch);
    v->input = mem_array(model_input_count(m), sizeof *v->input);
    v->margin = mem_array(batch, sizeof *v->margin);
    v->probability = mem_array(batch, sizeof *v->probability);
    for (uint32_t i = 0; i < model_input_count(m); i++)
        v->input[i] =
            &n->registers.column[plan_feature_node(n->plan, plan_rival_feature(n->plan, r, i))];
    return model_input_count(m);
}

static void close_rival(struct rival *v)
{
    model_scratch_free(v->scratch);
    mem_free(v->input);
    mem_free(v->margin);
    mem_free(v->probability);
}

static void open_model(struct engine *n, enum simd simd)
{
    uint32_t most;
    const struct model *m = plan_model(n->plan);

    if (m == NULL)
        return;
    n->scratch = model_scratch_new(m, simd);
    model_scratch_prepare(n->scratch);
    n->input = mem_array(model_input_count(m), sizeof *n->input);
    most = model_input_count(m);
    for (int r = 0; r < MODEL_RIVALS; r++) {
        uint32_t inputs = open_rival(n, (enum model_rival)r, simd, n->batch);

        most = inputs > most ? inputs : most;
    }
    n->contribution = mem_array(most, sizeof *n->contribution);
    for (uint32_t i = 0; i < model_input_count(m); i++) {
        uint32_t feature = plan_model_feature(n->plan, i);

        n->input[i] = &n->registers.column[plan_feature_node(n->plan, feature)];
    }
}

/* Ids have a share of the memory to themselves: how many are remembered must not change what
 * windows have room for, since a file is scored without ids. */
static uint64_t ids_most(const struct plan *p, const struct region *r, uint64_t horizon)
{
    uint64_t windows = plan_velocity_options(p)->memory_bytes;
    uint64_t share = windows > 0 ? windows / 3 : region_header(r)->capacity / 4;
    uint64_t most = ids_within(share);

    return horizon < most ? horizon : most;
}

/* Lists have a share of the memory as ids have, for the same reason. */
static uint64_t lists_most(const struct plan *p, const struct region *r)
{
    uint64_t windows = plan_velocity_options(p)->memory_bytes;

    return windows > 0 ? windows / 6 : region_header(r)->capacity / 8;
}

static void read_list(const void *context, uint32_t list, const struct column *value, uint32_t rows,
                      int64_t *is_member);

static void open_lists(struct engine *n)
{
    ASSERT(lists_open(&n->lists, &n->region, ROOT_LISTS, plan_list_count(n->plan),
                      lists_most(n->plan, &n->region)));
    n->list_reader = (struct list_reader){read_list, n};
    n->registers.lists = &n->list_reader;
}

struct engine *engine_open(struct plan *p, struct region *r, const struct engine_options *o)
{
    struct engine *n = mem_alloc(sizeof *n);
    const struct velocity_layout *layout = plan_layout(p);

    ASSERT(o->batch > 0 && o->batch <= ENGINE_BATCH_MAX);
    n->plan = plan_ref(p);
    n->region = *r;
    n->batch = o->batch;
    n->moment = any_moment;
    n->simd = o->simd;
    n->groups = velocity_group_count(layout);
    for (uint32_t g = 0; g < n->groups; g++)
        n->keeps_labels |= velocity_group_has_label(layout, g);
    make_head(n);
    n->velocity = velocity_open(layout, &n->region);
    velocity_lend(n->velocity, o->workers);
    waiting_open(&n->waiting, &n->region, ROOT_WAITING, n->groups);
    ids_open(&n->ids, &n->region, ROOT_IDS, ids_most(p, r, o->ids_horizon), o->ids_horizon_us);
    registers_init(&n->registers, plan_program(p), o->batch);
    open_lists(n);
    open_model(n, o->simd);
    n->time_us = mem_array(o->batch, sizeof *n->time_us);
    n->watermark_us = mem_array(o->batch, sizeof *n->watermark_us);
    n->as_of_us = mem_array(o->batch, sizeof *n->as_of_us);
    n->insert = mem_array(o->batch, 1);
    n->flags = mem_array(o->batch, 1);
    n->token = mem_array((size_t)o->batch * n->groups, sizeof *n->token);
    n->forgotten = mem_array((size_t)o->batch * n->groups, 1);
    n->margin = mem_array(o->batch, sizeof *n->margin);
    n->probability = mem_array(o->batch, sizeof *n->probability);
    n->label = mem_alloc(waiting_label_bytes(n->groups));
    return n;
}

void engine_watch(struct engine *n, struct region_watch *watch)
{
    n->region.watch = watch;
}

void engine_close(struct engine *n)
{
    if (n == NULL)
        return;
    registers_fini(&n->registers);
    velocity_close(n->velocity);
    model_scratch_free(n->scratch);
    mem_free(n->input);
    for (int r = 0; r < MODEL_RIVALS; r++)
        close_rival(&n->rival[r]);
    mem_free(n->contribution);
    mem_free(n->time_us);
    mem_free(n->watermark_us);
    mem_free(n->as_of_us);
    mem_free(n->insert);
    mem_free(n->flags);
    mem_free(n->token);
    mem_free(n->forgotten);
    mem_free(n->margin);
    mem_free(n->probability);
    mem_free(n->step);
    mem_free(n->step_token);
    mem_free(n->label);
    plan_unref(n->plan);
    mem_free(n);
}

/* ---- labels */

/* Put n->label (tokens filled by the caller) to the others that wait. */
static void push_label(struct engine *n, uint64_t seq, int64_t time_us, uint8_t label,
                       int64_t effective_us)
{
    n->label->seq = seq;
    n->label->time_us = time_us;
    n->label->label = label;
    n->label->effective_us = effective_us;
    if (waiting_push(&n->waiting, n->label))
        return;
    region_touch(&n->region, head_of(n), sizeof(struct engine_head));
    head_of(n)->labels_lost++;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* A label that comes with its event acts once the event is as old as the label delay. Where
 * unlabelled events of that age count as legitimate anyhow, "legitimate" need not wait: it changes
 * nothing. */
static void wait_for_own_label(struct engine *n, const struct column *label, uint32_t frame_row,
                               uint32_t row, uint64_t seq)
{
    const struct velocity_options *v = plan_velocity_options(n->plan);
    uint8_t said = engine_label_of(label, frame_row);

    if (said == LABEL_UNKNOWN || (said == 0 && v->absent == LABEL_ABSENT_LEGIT))
        return;
    memcpy(n->label->token, n->token + (size_t)row * n->groups, n->groups * sizeof *n->token);
    push_label(n, seq, n->time_us[row], said, add_saturated(n->time_us[row], v->label_delay_us));
}

static void add_step(struct engine *n, uint32_t row, const struct waiting_label *w)
{
    if (n->steps == n->steps_capacity) {
        n->steps_capacity = n->steps_capacity > 0 ? n->steps_capacity * 2 : 64;
        n->step = mem_resize(n->step, n->steps_capacity, sizeof *n->step);
        n->step_token =
            mem_resize(n->step_token, (size_t)n->steps_capacity * n->groups, sizeof *n->step_token);
    }
    memcpy(n->step_token + (size_t)n->steps * n->groups, w->token, n->groups * sizeof *w->token);
    n->step[n->steps++] = (struct label_step){
        .row = row, .label = (uint8_t)w->label, .time_us = w->time_us, .seq = w->seq};
}

/* Labels that take effect at this watermark become steps before `row`. */
static void take_due(struct engine *n, uint32_t row, int64_t watermark_us)
{
    const struct waiting_label *w;

    while ((w = waiting_first(&n->waiting)) != NULL && w->effective_us <= watermark_us) {
        add_step(n, row, w);
        waiting_pop(&n->waiting);
    }
}

/* The tokens may have moved while steps were added: point at them once all are there. */
static void point_steps(struct engine *n)
{
    for (uint32_t i = 0; i < n->steps; i++)
        n->step[i].token = n->step_token + (size_t)i * n->groups;
}

/* ---- admission */

static int64_t row_time(const struct engine *n, const struct frame *f, uint32_t frame_row,
                        int64_t received_us)
{
    int time = plan_schema(n->plan)->time;

    if (time == FIELD_NONE || f->column[time].null[frame_row])
        return received_us;
    return f->column[time].integer[frame_row];
}

static uint8_t verdict(const struct engine *n, int64_t time_us, int64_t received_us,
                       int64_t watermark_us)
{
    int64_t lateness = plan_velocity_options(n->plan)->lateness_us;

    if (time_us > add_saturated(received_us, plan_max_ahead_us(n->plan)))
        return DECISION_AHEAD;
    if (time_us >= watermark_us)
        return 0;
    return time_us >= watermark_us - lateness ? DECISION_LATE : DECISION_TOO_LATE;
}

/* Lists are asked as of the event's own time, but of a time that cannot be believed as of now, and
 * not before what may have been forgotten. */
static int64_t as_of(const struct engine *n, int64_t time_us, uint8_t flags, int64_t watermark_us)
{
    int64_t lateness = plan_velocity_options(n->plan)->lateness_us;
    int64_t oldest = add_saturated(watermark_us, -lateness);

    if (flags & DECISION_AHEAD)
        return watermark_us;
    return time_us > oldest ? time_us : oldest;
}

/* Nothing in the state changes yet. */
static void place(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                  const int64_t *received_us)
{
    int64_t watermark = head_of(n)->watermark_us;

    for (uint32_t i = 0; i < rows; i++) {
        int64_t time = row_time(n, f, first + i, received_us[i]);
        uint8_t flags = verdict(n, time, received_us[i], watermark);

        if (time > watermark && !(flags & DECISION_AHEAD))
            watermark = time;
        n->time_us[i] = time;
        n->flags[i] = flags;
        n->insert[i] = (flags & (DECISION_AHEAD | DECISION_TOO_LATE)) == 0;
        n->watermark_us[i] = watermark;
        n->as_of_us[i] = as_of(n, time, flags, watermark);
    }
}

static void admit(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                  const uint64_t *seq)
{
    int label = plan_schema(n->plan)->label;
    struct engine_head *head;

    n->steps = 0;
    for (uint32_t i = 0; i < rows && n->keeps_labels; i++) {
        take_due(n, i, n->watermark_us[i]);
        if (label != FIELD_NONE && n->insert[i])
            wait_for_own_label(n, &f->column[label], first + i, i, seq[i]);
    }
    point_steps(n);
    head = head_of(n);
    region_touch(&n->region, head, sizeof *head);
    head->watermark_us = n->watermark_us[rows - 1];
    head->events += rows;
}

/* ---- the batch */

static struct velocity_rows batch_rows(const struct engine *n, uint32_t rows, const uint64_t *seq)
{
    return (struct velocity_rows){.rows = rows,
                                  .time_us = n->time_us,
                                  .seq = seq,
                                  .insert = n->insert,
                                  .watermark_us = n->watermark_us,
                                  .token = n->token,
                                  .forgotten = n->forgotten,
                                  .step = n->step,
                                  .steps = n->steps};
}

static void begin(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows)
{
    registers_begin(&n->registers, f, first, rows);
    plan_take_shared(n->plan, f, first, &n->registers);
    program_run(plan_program(n->plan), &n->registers, 0);
    velocity_tokens(plan_layout(n->plan), &n->registers, n->simd, n->token);
}

static void hash_features(const struct engine *n, uint32_t rows, struct decision *d)
{
    for (uint32_t i = 0; i < rows; i++)
        d[i].features_hash = values_hash_begin(plan_feature_count(n->plan));
    for (uint32_t k = 0; k < plan_feature_count(n->plan); k++) {
        const struct column *c = &n->registers.column[plan_feature_node(n->plan, k)];

        for (uint32_t i = 0; i < rows; i++)
            d[i].features_hash = values_hash_add(d[i].features_hash, c, i, k);
    }
}

static void score(struct engine *n, uint32_t rows)
{
    if (n->scratch != NULL) {
        model_score(plan_model(n->plan), n->scratch, n->input, 0, rows, n->margin, n->probability);
        for (int r = 0; r < MODEL_RIVALS; r++) {
            const struct rival *v = &n->rival[r];

            if (v->scratch != NULL)
                model_score(model_rival(plan_model(n->plan), (enum model_rival)r), v->scratch,
                            v->input, 0, rows, v->margin, v->probability);
        }
        return;
    }
    memset(n->margin, 0, rows * sizeof *n->margin);
    memset(n->probability, 0, rows * sizeof *n->probability);
}

static void fire_rules(const struct engine *n, uint32_t rows, struct decision *d)
{
    for (uint32_t k = 0; k < plan_rule_count(n->plan); k++) {
        const struct column *when = &n->registers.column[plan_rule_node(n->plan, k)];
        uint8_t outcome = (uint8_t)plan_rule_outcome(n->plan, k);

        for (uint32_t i = 0; i < rows; i++) {
            if (when->null[i] || !when->integer[i])
                continue;
            d[i].rules[k / 64] |= UINT64_C(1) << (k % 64);
            if (outcome > d[i].outcome)
                d[i].outcome = outcome;
        }
    }
}

/* The column of the first entity's key, or NULL where it has none. */
static const struct column *entity_column(const struct engine *n, const struct frame *f,
                                          uint32_t first, uint32_t *at)
{
    int node, field;

    *at = 0;
    if (plan_entity_count(n->plan) == 0)
        return NULL;
    node = plan_entity_node(n->plan, 0);
    field = program_field(plan_program(n->plan), node);
    if (field != FIELD_NONE) {
        *at = first;
        return &f->column[field];
    }
    return n->registers.column[node].null != NULL ? &n->registers.column[node] : NULL;
}

/* The same entity is always decided by the same model, while the share stays. */
static bool is_challenged(const struct engine *n, const struct column *key, uint32_t row)
{
    double share = model_challenger_share(plan_model(n->plan));
    struct hash128 token;

    if (key == NULL || !(share > 0))
        return false;
    token = velocity_key_token(&plan_velocity_options(n->plan)->key, key, row);
    return (token.low != 0 || token.high != 0) &&
           (double)(hash_mix(token.high) >> 11) * 0x1p-53 < share;
}

/* Who decides, and what the others said. */
static void take_rivals(const struct engine *n, const struct column *key, uint32_t row,
                        uint32_t key_row, struct decision *d)
{
    const struct rival *challenger = &n->rival[RIVAL_CHALLENGER];
    const struct rival *shadow = &n->rival[RIVAL_SHADOW];

    d->flags |= DECISION_RIVALS;
    if (shadow->scratch != NULL) {
        d->scored |= 1 << BY_SHADOW;
        d->other[BY_SHADOW].margin = shadow->margin[row];
        d->other[BY_SHADOW].probability = shadow->probability[row];
    }
    if (challenger->scratch == NULL)
        return;
    if (is_challenged(n, key, key_row)) {
        d->decided_by = BY_CHALLENGER;
        d->scored |= 1 << BY_CHAMPION;
        d->other[BY_CHAMPION].margin = d->margin;
        d->other[BY_CHAMPION].probability = d->probability;
        d->margin = challenger->margin[row];
        d->probability = challenger->probability[row];
    } else {
        d->scored |= 1 << BY_CHALLENGER;
        d->other[BY_CHALLENGER].margin = challenger->margin[row];
        d->other[BY_CHALLENGER].probability = challenger->probability[row];
    }
}

/* The inputs that raise the margin most; equal ones in input order. */
static void give_reasons(struct engine *n, uint32_t row, struct decision *d)
{
    const struct rival *v = d->decided_by == BY_CHALLENGER ? &n->rival[RIVAL_CHALLENGER] : NULL;
    const struct model *m =
        v != NULL ? model_rival(plan_model(n->plan), RIVAL_CHALLENGER) : plan_model(n->plan);
    double base;

    model_explain(m, v != NULL ? v->scratch : n->scratch, v != NULL ? v->input : n->input, row,
                  n->contribution, &base);
    d->reasons = 0;
    for (uint32_t k = 0; k < model_input_count(m); k++)
        decision_add_reason(d,
                            v != NULL ? plan_rival_feature(n->plan, RIVAL_CHALLENGER, k)
                                      : plan_model_feature(n->plan, k),
                            n->contribution[k]);
    for (uint32_t i = 0; i < d->reasons; i++) {
        int node = plan_feature_node(n->plan, d->reason[i].feature);

        reason_take_value(&d->reason[i], &n->registers.column[node], row);
    }
}

static void note_forgotten(const struct engine *n, uint32_t row, struct decision *d)
{
    const uint8_t *forgotten = n->forgotten + (size_t)row * n->groups;

    for (uint32_t g = 0; g < n->groups; g++)
        d->forgotten |= (uint64_t)(forgotten[g] != 0) << g;
    if (d->forgotten != 0)
        d->flags |= DECISION_FORGOTTEN;
}

/* Rows of kinds that are only observed give no decision. */
static void mark_observed(const struct engine *n, const struct frame *f, uint32_t first,
                          uint32_t rows, struct decision *decisions)
{
    const struct schema *s = plan_schema(n->plan);

    for (uint32_t i = 0; i < rows && s->kind != FIELD_NONE; i++) {
        int kind = frame_kind(f, first + i, s);

        if (kind != KIND_NONE && !s->kinds[kind].is_decided)
            decisions[i] = (struct decision){.flags = DECISION_OBSERVED};
    }
}

/* Why shared values are null, as the events say. */
static void note_shared(const struct engine *n, const struct frame *f, uint32_t first,
                        uint32_t rows, struct decision *decisions)
{
    const int64_t all = SHARED_AWAY | SHARED_LATE | SHARED_PART;
    int field = plan_shared_lacks(n->plan);

    for (uint32_t i = 0; field != FIELD_NONE && i < rows; i++) {
        if (!f->column[field].null[first + i])
            decisions[i].flags |=
                (uint16_t)((f->column[field].integer[first + i] & all) * DECISION_SHARED_AWAY);
    }
}

static void note_uncertainty(const struct conformal *c, struct decision *d)
{
    if (c == NULL)
        return;
    conformal_at(c, d->margin, &d->uncertainty);
    d->flags |= DECISION_UNCERTAINTY;
}

/* The caller has gone on without us: what it was promised for that is what was decided. */
static void take_fallback(const struct engine *n, uint16_t told, struct decision *d)
{
    if ((told & DECISION_FALLBACK) == 0 || plan_fallback(n->plan) < 0 || !decision_is_made(d))
        return;
    d->outcome = (uint8_t)plan_fallback(n->plan);
    d->flags |= DECISION_FALLBACK;
}

/* A fallback has its own reason. */
static void explain(struct engine *n, uint32_t rows, struct decision *decisions)
{
    const struct engine_moment *m = &n->moment;
    uint32_t left = m->explanations;

    for (uint32_t i = 0; i < rows && n->scratch != NULL; i++) {
        struct decision *d = &decisions[i];

        if (d->outcome == 0 || (d->flags & DECISION_FALLBACK) != 0)
            continue;
        if (left == 0 || (m->told != NULL && (m->told[i] & DECISION_DEFERRED) != 0)) {
            d->flags |= DECISION_DEFERRED;
            continue;
        }
        give_reasons(n, i, d);
        left--;
    }
}

static void lap(const struct engine *n, enum engine_lap ended)
{
    if (n->moment.lap != NULL)
        n->moment.lap(n->moment.context, ended);
}

void engine_prepare(struct engine *n, const struct engine_moment *m)
{
    n->moment = *m;
}

static void decide(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                   struct decision *decisions)
{
    const struct conformal *c = n->scratch != NULL ? model_conformal(plan_model(n->plan)) : NULL;
    bool has_rivals =
        n->rival[RIVAL_CHALLENGER].scratch != NULL || n->rival[RIVAL_SHADOW].scratch != NULL;
    const struct column *key;
    uint32_t key_first;

    key = entity_column(n, f, first, &key_first);
    memset(decisions, 0, rows * sizeof *decisions);
    score(n, rows);
    lap(n, LAP_SCORE);
    hash_features(n, rows, decisions);
    for (uint32_t i = 0; i < rows; i++) {
        struct decision *d = &decisions[i];

        d->flags = n->flags[i] | (n->scratch == NULL ? DECISION_NO_MODEL : 0);
        d->margin = n->margin[i];
        d->probability = n->probability[i];
        if (has_rivals)
            take_rivals(n, key, i, key_first + i, d);
        d->score = (int16_t)plan_score(d->probability);
        d->outcome = (uint8_t)plan_outcome_of_score(n->plan, d->score);
        d->level = (uint8_t)plan_level_of_score(n->plan, d->score);
        note_forgotten(n, i, d);
        if (d->decided_by == BY_CHAMPION)
            note_uncertainty(c, d);
    }
    note_shared(n, f, first, rows, decisions);
    fire_rules(n, rows, decisions);
    mark_observed(n, f, first, rows, decisions);
    for (uint32_t i = 0; i < rows && n->moment.told != NULL; i++)
        take_fallback(n, n->moment.told[i], &decisions[i]);
    lap(n, LAP_RULES);
    explain(n, rows, decisions);
    lap(n, LAP_EXPLAIN);
}

void engine_run(struct engine *n, const struct frame *f, uint32_t first, uint32_t rows,
                const uint64_t *seq, const int64_t *received_us, struct decision *decisions)
{
    const struct program *p = plan_program(n->plan);
    struct velocity_rows batch;

    ASSERT(rows <= n->batch);
    if (rows == 0)
        return;
    place(n, f, first, rows, received_us);
    begin(n, f, first, rows);
    admit(n, f, first, rows, seq);
    batch = batch_rows(n, rows, seq);
    for (int level = 0; level < program_levels(p); level++) {
        if (level > 0)
            program_run(p, &n->registers, level);
        velocity_run(n->velocity, level, &n->registers, &batch);
    }
    lap(n, LAP_FEATURES);
    if (decisions != NULL)
        decide(n, f, first, rows, decisions);
    n->moment = any_moment;
}

/* Labels that are due at the watermark would be applied before the next row anyhow: applying them
 * now changes no later result. */
static void settle_labels(struct engine *n)
{
    struct velocity_rows none = {0};

    n->steps = 0;
    take_due(n, 0, head_of(n)->watermark_us);
    if (n->steps == 0)
        return;
    point_steps(n);
    none.step = n->step;
    none.steps = n->steps;
    for (int level = 0; level < program_levels(plan_program(n->plan)); level++)
        velocity_run(n->velocity, level, &n->registers, &none);
}

void engine_peek(struct engine *n, const struct frame *f, uint32_t row, int64_t received_us,
                 struct decision *decision)
{
    const struct program *p = plan_program(n->plan);
    const uint64_t next = UINT64_MAX;
    struct velocity_rows batch;

    settle_labels(n);
    place(n, f, row, 1, &received_us);
    begin(n, f, row, 1);
    n->steps = 0;
    n->watermark_us[0] = head_of(n)->watermark_us;
    n->insert[0] = 0;
    batch = batch_rows(n, 1, &next);
    for (int level = 0; level < program_levels(p); level++) {
        if (level > 0)
            program_run(p, &n->registers, level);
        velocity_read(n->velocity, level, &n->registers, &batch);
    }
    decide(n, f, row, 1, decision);
}

void engine_reasons(struct engine *n, uint32_t row, struct decision *d)
{
    if (n->scratch != NULL)
        give_reasons(n, row, d);
}

void engine_label(struct engine *n, const struct frame *f, uint32_t row, uint64_t seq,
                  uint8_t label, int64_t received_us, int64_t effective_us)
{
    if (!n->keeps_labels)
        return;
    begin(n, f, row, 1);
    memcpy(n->label->token, n->token, n->groups * sizeof *n->token);
    push_label(n, seq, row_time(n, f, row, received_us), label, effective_us);
}

/* ---- lists */

static struct value cell_of(const struct column *c, uint32_t row)
{
    if (c->type == TYPE_TEXT)
        return (struct value){.type = TYPE_TEXT, .text = c->text[row]};
    return (struct value){.type = c->type, .integer = c->integer[row]};
}

/* Of the rows in work, which start at row 0 of as_of_us. */
static void read_list(const void *context, uint32_t list, const struct column *value, uint32_t rows,
                      int64_t *is_member)
{
    const struct engine *n = context;
    const struct hash_key *key = &plan_velocity_options(n->plan)->key;

    memset(is_member, 0, rows * sizeof *is_member);
    for (uint32_t i = 0; i < rows && lists_entries(&n->lists, list) > 0; i++) {
        const struct list_entry *entry;
        struct value v = cell_of(value, i);

        if (value->null[i])
            continue;
        entry = lists_find(&n->lists, list, list_token(&v, key));
        is_member[i] = entry != NULL && n->as_of_us[i] < entry->expires_us;
    }
}

struct hash128 engine_list_token(const struct engine *n, const struct value *v)
{
    return list_token(v, &plan_velocity_options(n->plan)->key);
}

/* What expired at this time or before is in force for no event to come. */
static int64_t list_horizon(const struct engine *n)
{
    return add_saturated(head_of(n)->watermark_us, -plan_velocity_options(n->plan)->lateness_us);
}

bool engine_list_is_past(const struct engine *n, int64_t expires_us)
{
    return expires_us <= list_horizon(n);
}

bool engine_list_reserve(struct engine *n, uint32_t list, const struct list_change *change,
                         uint32_t count, struct error *e)
{
    return lists_reserve(&n->lists, list, change, count, list_horizon(n), e);
}

enum list_result engine_list_apply(struct engine *n, uint32_t list,
                                   const struct list_change *change, uint64_t seq, uint32_t place,
                                   int64_t at_us, enum list_origin origin)
{
    return lists_apply(&n->lists, list, change, seq, place, at_us, origin);
}

struct lists *engine_lists(struct engine *n)
{
    return &n->lists;
}

const struct registers *engine_registers(const struct engine *n)
{
    return &n->registers;
}

struct hash128 engine_id_token(const struct engine *n, struct text id)
{
    return hash_token(id.bytes, id.length, &plan_velocity_options(n->plan)->key);
}

const struct id_entry *engine_id_find(const struct engine *n, struct hash128 token)
{
    return ids_find(&n->ids, token);
}

void engine_id_add(struct engine *n, const struct id_entry *entry)
{
    ids_add(&n->ids, entry);
}

int64_t engine_watermark_us(const struct engine *n)
{
    return head_of(n)->watermark_us;
}

uint64_t engine_events(const struct engine *n)
{
    return head_of(n)->events;
}

uint64_t engine_labels_lost(const struct engine *n)
{
    return head_of(n)->labels_lost;
}

void engine_count(const struct engine *n, uint32_t group, struct velocity_counts *c)
{
    velocity_count(n->velocity, group, c);
}

void engine_hold(const struct engine *n, struct engine_holdings *h)
{
    *h = (struct engine_holdings){.ids = ids_count(&n->ids),
                                  .ids_bytes = ids_bytes(&n->ids),
                                  .labels = waiting_count(&n->waiting),
                                  .labels_bytes = waiting_bytes(&n->waiting),
                                  .lists_bytes = lists_bytes(&n->lists)};
    for (uint32_t i = 0; i < plan_list_count(n->plan); i++)
        h->list_entries += lists_entries(&n->lists, i);
}
