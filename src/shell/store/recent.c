#include "shell/store/recent.h"

#include "core/base/memory.h"
#include "core/decide/values.h"
#include "shell/run/body.h"
#include "shell/run/unseal.h"
#include "shell/store/own.h"

enum { RECORDS_TO_DECISIONS = 4 };

struct reading {
    const struct explanation_sources *s;
    const struct plan *ours;
    struct recent *r;
    uint32_t number; /* of the PLAN record that `theirs` is of */
    struct plan *theirs;
    struct frame values; /* one row, of theirs */
    int map[LANG_FEATURES_MAX];
    struct unseal unseal;
    struct buffer bytes;
};

static void drop_plan(struct reading *g)
{
    if (g->theirs == NULL)
        return;
    frame_fini(&g->values);
    plan_unref(g->theirs);
    g->theirs = NULL;
}

static bool take_plan(struct reading *g, uint32_t number, struct error *e)
{
    if (g->theirs != NULL && g->number == number)
        return true;
    drop_plan(g);
    if (!plans_get(g->s->plans, number, &g->theirs, e))
        return false;
    g->number = number;
    frame_init(&g->values, plan_values_schema(g->theirs), 1, LOG_BODY_MAX);
    own_map_features(g->ours, g->theirs, g->map);
    return true;
}

/* False: there is no room for its texts. */
static bool add_row(struct reading *g, const struct decision *d, int64_t received_us)
{
    struct recent *r = g->r;
    struct frame *f = &r->values;

    for (uint32_t i = 0; i < plan_feature_count(g->ours); i++) {
        struct value v = {.type = f->column[i].type, .is_null = true};

        if (g->map[i] >= 0)
            v = column_get(&g->values.column[g->map[i]], 0);
        if (!v.is_null && v.type == TYPE_TEXT) {
            v.text.bytes = arena_text(&f->text, v.text.bytes, v.text.length);
            if (v.text.bytes == NULL)
                return false;
        }
        column_set(&f->column[i], f->rows, &v);
    }
    f->rows++;
    r->score[r->decisions++] = d->score;
    if (r->decisions == 1)
        r->until_us = received_us;
    r->from_us = received_us;
    return true;
}

/* A record that is no decision, or one without values, adds nothing; *is_full: there is no room. */
static bool read_one(struct reading *g, uint64_t seq, bool *is_full, struct error *e)
{
    struct event_body body;
    struct decision d;
    struct reader in;
    struct record r;

    if (!log_read(g->s->log, seq, &g->bytes, &r, e))
        return false;
    if (r.kind != RECORD_DECISION)
        return true;
    if (!event_body_parse(r.body, &body, e) || !take_plan(g, r.plan, e) ||
        !unseal_values(&g->unseal, &r, &body, e))
        return false;
    if (body.values.length == 0)
        return true;
    frame_clear(&g->values);
    reader_init(&in, body.decision.bytes, body.decision.length);
    if (!decision_parse(&in, g->theirs, &d, e) ||
        !values_parse(g->theirs, body.values, &d, &g->values, e))
        return false;
    *is_full = !add_row(g, &d, r.received_us);
    return true;
}

bool recent_read(const struct explanation_sources *s, const struct plan *p, uint32_t decisions,
                 struct recent *r, struct error *e)
{
    struct reading g = {.s = s, .ours = p, .r = r};
    uint64_t newest = log_durable_seq(s->log), first = log_first_seq(s->log);
    uint64_t most = (uint64_t)decisions * RECORDS_TO_DECISIONS;
    bool ok = true, is_full = false;

    *r = (struct recent){0};
    frame_init(&r->values, plan_values_schema(p), decisions, RECENT_TEXT_BYTES);
    r->score = mem_array(decisions, sizeof *r->score);
    buffer_init(&g.bytes, LOG_BODY_MAX * 2);
    unseal_init(&g.unseal, s->plans);
    for (uint64_t i = 0; ok && !is_full && i < most && newest >= first + i && newest > i; i++) {
        if (r->decisions == decisions)
            break;
        ok = read_one(&g, newest - i, &is_full, e);
    }
    drop_plan(&g);
    unseal_fini(&g.unseal);
    buffer_fini(&g.bytes);
    if (!ok)
        recent_fini(r);
    return ok;
}

void recent_fini(struct recent *r)
{
    frame_fini(&r->values);
    mem_free(r->score);
    *r = (struct recent){0};
}
