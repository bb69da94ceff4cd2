#include "shell/run/service_scores.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/event.h"
#include "shell/run/plans.h"
#include "shell/run/reasons.h"
#include "shell/run/truth.h"

enum { FIRST_ROOM = 4096 };

static const int64_t DAY_US = INT64_C(86400000000);

/* The plan of the records that are read; the same for many in a row. */
struct naming {
    uint32_t number; /* of the PLAN record; 0: none yet */
    struct plan *plan;
    struct frame event; /* one row */
    int amount_field;
    bool is_in_force; /* by its model */
};

struct reading {
    const struct service_scores_options *o;
    struct service_scores *live;
    struct truth *truth;
    struct plans *plans;
    struct naming naming;
    uint8_t model[DIGEST_BYTES]; /* of the last decision's plan */
    uint32_t room;
};

static bool model_of(const struct reading *t, uint32_t plan, uint8_t model[DIGEST_BYTES],
                     struct error *e)
{
    struct plan_body body;
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX);
    ok = plans_read(t->o->directory, plan, &bytes, &body, e);
    if (ok)
        memcpy(model, body.model, DIGEST_BYTES);
    buffer_fini(&bytes);
    return ok;
}

static void naming_fini(struct naming *n)
{
    if (n->plan == NULL)
        return;
    frame_fini(&n->event);
    plan_unref(n->plan);
    n->plan = NULL;
}

static bool naming_load(struct reading *t, uint32_t number, struct error *e)
{
    struct naming *n = &t->naming;
    uint8_t model[DIGEST_BYTES];

    if (n->number == number)
        return true;
    naming_fini(n);
    if (!model_of(t, number, model, e))
        return false;
    n->is_in_force = memcmp(model, t->model, DIGEST_BYTES) == 0;
    n->amount_field = FIELD_NONE;
    if (n->is_in_force) {
        if (!plans_get(t->plans, number, &n->plan, e))
            return false;
        frame_init(&n->event, plan_schema(n->plan), 1, LOG_BODY_MAX);
        if (t->o->amount_field != NULL)
            n->amount_field = schema_find(plan_schema(n->plan), text_of(t->o->amount_field));
    }
    n->number = number;
    return true;
}

/* ---- one decision ---- */

static void grow(struct reading *t)
{
    struct service_scores *l = t->live;

    t->room = t->room == 0 ? FIRST_ROOM : 2 * t->room;
    for (unsigned k = 0; k < DECIDERS; k++) {
        if (l->present >> k & 1)
            l->probability[k] = mem_resize(l->probability[k], t->room, sizeof(double));
    }
    l->label = mem_resize(l->label, t->room, 1);
    l->amount = mem_resize(l->amount, t->room, sizeof *l->amount);
    l->day = mem_resize(l->day, t->room, sizeof *l->day);
}

static double probability_of(const struct decision *d, unsigned who)
{
    return d->decided_by == who ? d->probability : d->other[who].probability;
}

static double amount_of(const struct naming *n)
{
    struct value v;

    if (n->amount_field == FIELD_NONE || n->event.column[n->amount_field].null[0])
        return 0;
    v = column_get(&n->event.column[n->amount_field], 0);
    return reason_number(&v);
}

static bool add_row(struct reading *t, uint64_t seq, int64_t time_us, const struct decision *d,
                    struct error *e)
{
    struct service_scores *l = t->live;
    uint32_t at = l->rows;

    if (at == SERVICE_SCORES_MAX)
        return error_set(e, ERROR_FULL, "over %d decisions; hint: take a part by --from",
                         SERVICE_SCORES_MAX);
    if (at == t->room)
        grow(t);
    for (unsigned k = 0; k < DECIDERS; k++) {
        if (l->present >> k & 1)
            l->probability[k][at] = probability_of(d, k);
    }
    l->label[at] = truth_label(t->truth, seq, t->naming.plan, &t->naming.event, 0, time_us);
    l->amount[at] = amount_of(&t->naming);
    l->day[at] = (int32_t)((time_us - (time_us % DAY_US + DAY_US) % DAY_US) / DAY_US);
    l->has_amount = l->has_amount || t->naming.amount_field != FIELD_NONE;
    l->first_us = at == 0 || time_us < l->first_us ? time_us : l->first_us;
    l->last_us = at == 0 || time_us > l->last_us ? time_us : l->last_us;
    l->decided_by[d->decided_by]++;
    l->rows++;
    return true;
}

static uint32_t spoke(const struct decision *d)
{
    return (d->flags & DECISION_RIVALS) != 0 ? d->scored | 1u << d->decided_by : 0;
}

static bool read_event(struct reading *t, const struct record *r, struct event_body *body,
                       int64_t *time_us, struct error *e)
{
    const struct schema *schema = plan_schema(t->naming.plan);
    struct frame *f = &t->naming.event;
    struct reader in;

    frame_clear(f);
    reader_init(&in, body->event.bytes, body->event.length);
    if (!event_decode(&in, schema, f, e))
        return false;
    *time_us = r->received_us;
    if (schema->time != FIELD_NONE && !f->column[schema->time].null[0])
        *time_us = f->column[schema->time].integer[0];
    return true;
}

static bool take(struct reading *t, const struct record *r, struct error *e)
{
    struct event_body body;
    struct decision d;
    struct reader in;
    int64_t time_us;

    if (!naming_load(t, r->plan, e))
        return false;
    if (!t->naming.is_in_force) {
        t->live->others++;
        return true;
    }
    if (!event_body_parse(r->body, &body, e) || !read_event(t, r, &body, &time_us, e))
        return false;
    if (time_us < t->o->from_us || time_us >= t->o->to_us)
        return true;
    reader_init(&in, body.decision.bytes, body.decision.length);
    if (!decision_parse(&in, t->naming.plan, &d, e))
        return false;
    if ((spoke(&d) & t->live->present) != t->live->present) {
        t->live->incomplete++;
        return true;
    }
    return add_row(t, r->seq, time_us, &d, e);
}

/* ---- the log ---- */

static bool walk(struct reading *t, const char *log_directory, uint64_t last,
                 bool (*visit)(struct reading *t, const struct record *r, struct error *e),
                 struct error *e)
{
    struct log_cursor *c;
    struct record r;
    bool ok = true;
    int found = 0;

    if (!log_cursor_open(log_directory, 1, &c, e))
        return false;
    while (ok && (found = log_cursor_next(c, &r, e)) == 1 && r.seq <= last) {
        ok = r.kind != RECORD_DECISION || visit(t, &r, e);
        if (ok && (r.seq & 0x3fff) == 0 &&
            !progress_report(t->o->progress, "reading decisions",
                             (double)r.seq / (double)(last + 1)))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    log_cursor_close(c);
    return ok && found >= 0;
}

/* The last decision's plan says which models are in force. */
static bool note_plan(struct reading *t, const struct record *r, struct error *e)
{
    t->naming.number = r->plan;
    return true;
}

static bool find_models(struct reading *t, const char *log_directory, uint64_t last,
                        struct error *e)
{
    const struct model *m;
    struct plan *plan;
    uint32_t number;

    if (!walk(t, log_directory, last, note_plan, e))
        return false;
    number = t->naming.number;
    t->naming.number = 0;
    if (number == 0)
        return error_set(e, ERROR_NOT_FOUND, "the log in %s has no decision yet", t->o->directory);
    if (!model_of(t, number, t->model, e) || !plans_get(t->plans, number, &plan, e))
        return false;
    m = plan_model(plan);
    t->live->present = 1u << BY_CHAMPION;
    if (m != NULL && model_rival(m, RIVAL_CHALLENGER) != NULL)
        t->live->present |= 1u << BY_CHALLENGER;
    if (m != NULL && model_rival(m, RIVAL_SHADOW) != NULL)
        t->live->present |= 1u << BY_SHADOW;
    plan_unref(plan);
    return t->live->present != 1u << BY_CHAMPION ||
           error_set(e, ERROR_NOT_FOUND,
                     "the last decision was the champion's alone; hint: `assay model promote NAME "
                     "--as challenger` or --as shadow, then reload the service");
}

bool service_scores_read(const struct service_scores_options *o, struct service_scores *l,
                         struct error *e)
{
    struct reading t = {.o = o, .live = l};
    char log_directory[PATH_MAX];
    uint64_t last = 0;
    bool ok;

    *l = (struct service_scores){0};
    snprintf(log_directory, sizeof log_directory, "%s/log", o->directory);
    if (!log_last_seq(log_directory, &last, e) ||
        !truth_read(log_directory, o->progress, &t.truth, e))
        return false;
    t.plans = plans_new(o->directory);
    ok = find_models(&t, log_directory, last, e) && walk(&t, log_directory, last, take, e);
    naming_fini(&t.naming);
    plans_free(t.plans);
    truth_free(t.truth);
    if (!ok)
        service_scores_free(l);
    return ok;
}

void service_scores_free(struct service_scores *l)
{
    for (unsigned k = 0; k < DECIDERS; k++)
        mem_free(l->probability[k]);
    mem_free(l->label);
    mem_free(l->amount);
    mem_free(l->day);
    *l = (struct service_scores){0};
}
