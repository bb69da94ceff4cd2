#include "shell/run/scoring.h"

#include "shell/os/thread.h"
#include "shell/run/data_directory.h"

bool scoring_open(const struct scoring_options *o, struct scoring *s, struct error *e)
{
    *s = (struct scoring){0};
    return current_open(o->settings, o->path,
                        o->decides ? CURRENT_MODEL_NEEDED : CURRENT_MODEL_NOT_USED, &s->current, e);
}

static bool observe_before(const struct scoring_options *o, struct scoring *s, struct pass *pass,
                           struct error *e)
{
    struct pass before = *pass;
    struct feed feed;
    bool ok;

    if (o->after == NULL)
        return true;
    before.decides = false;
    before.visit = NULL;
    before.stage = "observing what came before";
    if (!feed_load_for(o->settings, o->after, s->current.made.plan, o->progress, &feed, e))
        return false;
    ok = pass_run(&before, &feed, e);
    pass->next_seq = before.next_seq;
    feed_free(&feed);
    return ok;
}

bool scoring_run(const struct scoring_options *o, struct scoring *s, struct error *e)
{
    struct plan *plan = s->current.made.plan;
    struct state_options options = data_state_options(o->settings, o->simd, PASS_BATCH);
    struct pass pass = {.plan = plan,
                        .decides = o->decides,
                        .next_seq = 1,
                        .visit = o->visit,
                        .context = o->context,
                        .progress = o->progress,
                        .stage = o->decides ? "deciding" : "computing features"};
    struct pool *pool = pool_new(cpu_count());
    struct state state;
    bool ok;

    options.engine.workers = pool_workers(pool);
    if (!state_open(&state, plan, &options, e)) {
        pool_free(pool);
        return false;
    }
    pass.engine = state.engine;
    pass.workers = pool_workers(pool);
    ok = list_feed_open(o->settings, &pass.lists, e) && observe_before(o, s, &pass, e) &&
         feed_load_for(o->settings, o->path, plan, o->progress, &s->feed, e) &&
         pass_run(&pass, &s->feed, e);
    occupancy_of(state.engine, plan, &s->occupancy);
    list_feed_close(pass.lists);
    state_close(&state);
    pool_free(pool);
    return ok;
}

void scoring_close(struct scoring *s)
{
    feed_free(&s->feed);
    current_close(&s->current);
}
