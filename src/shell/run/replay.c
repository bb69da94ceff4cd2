/* Records are applied in order to a state of the plan in force. A PLAN record whose features need
 * other state (another layout) starts a new state, which first observes the log from its beginning:
 * the state is a function of the layout and of the records before, so this is what the server had
 * too.
 */
#include "shell/run/replay.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shell/run/apply.h"
#include "shell/run/snapshot.h"

struct replayer {
    const struct replay_options *o;
    char log_directory[PATH_MAX];
    struct plans *plans;
    struct plan *plan; /* of the state */
    struct state state;
    struct apply *apply;
    struct digest *digest;
    struct digest *segment_digest;
    struct replay_segment segment; /* the present one */
    bool has_erased; /* events whose personal fields are erased came before the present `apply` */
    struct buffer bytes;
    struct replay_result *result;
    struct error *e;
};

void replay_digest_add(struct digest *d, struct text id, struct text decision)
{
    uint8_t lengths[8];

    for (int i = 0; i < 4; i++) {
        lengths[i] = (uint8_t)(id.length >> (8 * i));
        lengths[4 + i] = (uint8_t)(decision.length >> (8 * i));
    }
    digest_add(d, lengths, sizeof lengths);
    digest_add(d, id.bytes, id.length);
    digest_add(d, decision.bytes, decision.length);
}

static void note_difference(struct replay_result *r, const struct applied *a,
                            const struct decision *logged, const struct plan *logged_plan,
                            const struct plan *plan)
{
    struct replay_difference *d;

    r->different++;
    if (r->differences == REPLAY_DIFFERENCES_MAX)
        return;
    d = &r->difference[r->differences++];
    d->seq = a->seq;
    snprintf(d->id, sizeof d->id, "%.*s", TEXT_ARG(a->id));
    d->logged_score = logged->score;
    d->score = a->decision->score;
    snprintf(d->logged_outcome, sizeof d->logged_outcome, "%s",
             plan_outcome_name(logged_plan, logged->outcome));
    snprintf(d->outcome, sizeof d->outcome, "%s", plan_outcome_name(plan, a->decision->outcome));
}

/* Outcomes are compared by name: the other plan may have others, in another order. */
static bool compare(struct replayer *p, const struct applied *a, const struct decision *logged,
                    const struct plan *logged_plan)
{
    const char *before = plan_outcome_name(logged_plan, logged->outcome);
    const char *after = plan_outcome_name(p->plan, a->decision->outcome);

    if (p->o->as == NULL)
        return p->bytes.length == a->recorded.length &&
               memcmp(p->bytes.bytes, a->recorded.bytes, a->recorded.length) == 0;
    p->result->moved[logged->outcome][a->decision->outcome]++;
    return strcmp(before, after) == 0;
}

static void begin_segment(struct replayer *p, uint64_t plan)
{
    p->segment = (struct replay_segment){.plan = plan};
    digest_start(p->segment_digest);
}

/* A plan that decided nothing is no segment. */
static void end_segment(struct replayer *p)
{
    struct replay_result *r = p->result;

    if (p->segment.decisions == 0 || r->segments == REPLAY_SEGMENTS_MAX)
        return;
    digest_finish(p->segment_digest, p->segment.digest);
    r->segment[r->segments++] = p->segment;
}

static void note_decision(struct replayer *p, const struct applied *a)
{
    struct text bytes;

    buffer_clear(&p->bytes);
    decision_format(a->decision, p->plan, &p->bytes);
    bytes = (struct text){p->bytes.bytes, p->bytes.length};
    replay_digest_add(p->digest, a->id, bytes);
    replay_digest_add(p->segment_digest, a->id, bytes);
    p->segment.decisions++;
    p->result->decisions++;
}

static bool on_decision(void *context, const struct applied *a)
{
    struct replayer *p = context;
    struct decision logged;
    struct plan *logged_plan;
    struct reader reader;
    bool ok;

    note_decision(p, a);
    reader_init(&reader, a->recorded.bytes, a->recorded.length);
    if (!plans_get(p->plans, a->plan, &logged_plan, p->e))
        return false;
    ok = decision_parse(&reader, logged_plan, &logged, p->e);
    if (ok && compare(p, a, &logged, logged_plan))
        p->result->equal++;
    else if (ok && a->is_erased)
        p->result->erased++;
    else if (ok && (a->is_after_erased || p->has_erased) && plan_state_is_personal(p->plan))
        p->result->erased_before++;
    else if (ok)
        note_difference(p->result, a, &logged, logged_plan, p->plan);
    plan_unref(logged_plan);
    return ok;
}

static struct apply *new_apply(struct replayer *p, bool decides)
{
    struct apply_options o = {.state = &p->state, .plan = p->plan, .plans = p->plans};

    if (decides) {
        o.on_decision = on_decision;
        o.keeps_told = p->o->as == NULL;
        o.context = p;
    }
    return apply_new(&o);
}

static bool observe_before(struct replayer *p, uint64_t seq, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    struct apply *a;
    bool ok = true;
    int found = 0;

    if (!log_cursor_open(p->log_directory, 1, &c, e))
        return false;
    a = new_apply(p, false);
    while (ok && (found = log_cursor_next(c, &r, e)) == 1 && r.seq < seq)
        ok = apply_record(a, &r, e);
    log_cursor_close(c);
    ok = ok && found >= 0 && apply_flush(a, e);
    p->has_erased |= apply_erased(a) > 0;
    apply_free(a);
    return ok;
}

static void end_apply(struct replayer *p)
{
    if (p->apply == NULL)
        return;
    p->result->erased_events += apply_erased(p->apply);
    p->has_erased |= apply_erased(p->apply) > 0;
    apply_free(p->apply);
    p->apply = NULL;
}

static void drop_state(struct replayer *p)
{
    end_apply(p);
    state_close(&p->state);
    plan_unref(p->plan);
    p->plan = NULL;
}

/* From here on `plan` (a reference, taken over) decides. */
static bool change_plan(struct replayer *p, struct plan *plan, uint64_t seq, struct error *e)
{
    bool had_state = p->plan != NULL, keeps;

    if (had_state && !apply_flush(p->apply, e)) {
        plan_unref(plan);
        return false;
    }
    keeps = had_state && engine_layout(plan) == engine_layout(p->plan);
    if (keeps) {
        engine_close(p->state.engine);
        end_apply(p);
        plan_unref(p->plan);
        p->state.engine = engine_open(plan, &p->state.region, &p->o->state.engine);
    } else {
        drop_state(p);
        if (!state_open(&p->state, plan, &p->o->state, e)) {
            plan_unref(plan);
            return false;
        }
    }
    end_segment(p);
    begin_segment(p, p->o->as != NULL ? 0 : seq);
    p->plan = plan;
    if (!keeps && seq > 1 && !observe_before(p, seq, e))
        return false;
    p->apply = new_apply(p, true);
    return true;
}

static bool step(struct replayer *p, const struct record *r, struct error *e)
{
    struct plan *plan;

    p->result->records++;
    p->result->observed += r->kind == RECORD_OBSERVE;
    p->result->labels += r->kind == RECORD_LABEL;
    p->result->plans += r->kind == RECORD_PLAN;
    if (r->kind == RECORD_PLAN && p->o->as == NULL)
        return plans_get(p->plans, (uint32_t)r->seq, &plan, e) && change_plan(p, plan, r->seq, e);
    if (p->plan == NULL)
        return error_set(e, ERROR_INVALID, "log has no plan before record %" PRIu64, r->seq);
    return apply_record(p->apply, r, e);
}

/* The state where the log's beginning is cut: the base snapshot, if it is of this plan's layout.
 * Replay begins behind it. */
static bool begin_at_base(struct replayer *p, uint64_t first, uint64_t *from, struct error *e)
{
    char directory[PATH_MAX + 16];
    struct snapshot_head h;
    struct plan *plan;

    snprintf(directory, sizeof directory, "%s/snapshots", p->o->directory);
    if (!snapshot_base(directory, &h))
        return error_set(e, ERROR_INVALID,
                         "the log begins with record %" PRIu64
                         " (log.keep), and there is no snapshot of what was before: nothing can be "
                         "replayed; hint: restore %s from a backup",
                         first, directory);
    if (p->o->as != NULL)
        plan = plan_ref(p->o->as);
    else if (!plans_get(p->plans, h.plan, &plan, e))
        return false;
    p->plan = plan;
    p->result->first_seq = *from = h.seq + 1;
    if (!state_open(&p->state, plan, &p->o->state, e))
        return false;
    engine_close(p->state.engine);
    p->state.engine = NULL;
    state_wipe(&p->state);
    if (!snapshot_read_base(directory, engine_layout(plan), &p->state, &h))
        return error_set(e, ERROR_INVALID,
                         "the log begins with record %" PRIu64
                         " (log.keep), and the snapshot of what was before is damaged, or of other "
                         "features than these",
                         first);
    if (!region_open(&p->state.region, p->state.memory, p->state.capacity, h.bytes,
                     engine_layout(plan), e))
        return false;
    p->state.engine = engine_open(plan, &p->state.region, &p->o->state.engine);
    begin_segment(p, p->o->as != NULL ? 0 : h.plan);
    p->apply = new_apply(p, true);
    return true;
}

static bool find_beginning(struct replayer *p, uint64_t *from, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    int found;

    *from = 1;
    if (!log_cursor_open(p->log_directory, 1, &c, e))
        return false;
    found = log_cursor_next(c, &r, e);
    log_cursor_close(c);
    p->result->first_seq = 1;
    if (found == 1 && r.seq > 1)
        return begin_at_base(p, r.seq, from, e);
    return found >= 0 && (p->o->as == NULL || change_plan(p, plan_ref(p->o->as), 1, e));
}

static bool walk(struct replayer *p, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    uint64_t last = 0, from;
    bool ok = true;
    int found = 0;

    if (!find_beginning(p, &from, e) || !log_last_seq(p->log_directory, &last, e) ||
        !log_cursor_open(p->log_directory, from, &c, e))
        return false;
    while (ok && (found = log_cursor_next(c, &r, e)) == 1) {
        ok = step(p, &r, e);
        if (ok && (r.seq & 0x3fff) == 0 &&
            !progress_report(p->o->progress, "replaying", (double)r.seq / (double)(last + 1)))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    log_cursor_close(c);
    if (!ok || found < 0)
        return false;
    return p->apply == NULL || apply_flush(p->apply, e);
}

bool replay(const struct replay_options *o, struct replay_result *result, struct error *e)
{
    struct replayer p = {.o = o, .result = result, .e = e};
    bool ok;

    *result = (struct replay_result){0};
    snprintf(p.log_directory, sizeof p.log_directory, "%s/log", o->directory);
    p.plans = plans_new(o->directory);
    p.digest = digest_new();
    p.segment_digest = digest_new();
    digest_start(p.digest);
    begin_segment(&p, 0);
    buffer_init(&p.bytes, 1 << 20);
    ok = walk(&p, e);
    end_segment(&p);
    digest_finish(p.digest, result->digest);
    drop_state(&p);
    digest_free(p.digest);
    digest_free(p.segment_digest);
    plans_free(p.plans);
    buffer_fini(&p.bytes);
    return ok;
}
