/* GET /v1/traffic: how many decisions there were, by time of receipt, outcome and score: the
 * store's counts, a step of time each, and how long they took, which only this run knows
 * (live.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/serve/inside.h"
#include "shell/serve/live.h"

enum { STEPS_MAX = 192, OUTCOMES_MAX = PLAN_OUTCOMES_MAX + 8 /* of earlier plans */ };

struct window {
    const char *word;
    enum store_span span;
    int64_t step_us;
    int steps;
};

static const struct window windows[] = {
    {"1h", STORE_MINUTE, INT64_C(60000000), 60},
    {"2d", STORE_MINUTE, INT64_C(900000000), 192},
    {"8d", STORE_HOUR, INT64_C(3600000000), 192},
};

struct bucket {
    uint64_t by_outcome[OUTCOMES_MAX], bands[STORE_BANDS], all;
};

struct counting {
    const struct window *window;
    int64_t from_us;
    char outcome[OUTCOMES_MAX][PLAN_NAME_MAX + 1];
    uint32_t outcomes;
    struct bucket bucket[STEPS_MAX];
};

static uint32_t outcome_of(struct counting *c, struct text name)
{
    for (uint32_t i = 0; i < c->outcomes; i++) {
        if (text_is(name, c->outcome[i]))
            return i;
    }
    if (c->outcomes < OUTCOMES_MAX - 1)
        c->outcomes++; /* else the last one has what is over */
    snprintf(c->outcome[c->outcomes - 1], PLAN_NAME_MAX + 1, "%.*s", TEXT_ARG(name));
    return c->outcomes - 1;
}

static void count(void *context, const struct store_traffic *t)
{
    struct counting *c = context;
    int64_t at = (t->start_us - c->from_us) / c->window->step_us;
    struct bucket *b;

    if (t->start_us < c->from_us || at >= c->window->steps || t->band < 0 || t->band >= STORE_BANDS)
        return;
    b = &c->bucket[at];
    b->all += t->count;
    b->bands[t->band] += t->count;
    b->by_outcome[outcome_of(c, t->outcome)] += t->count;
}

static void add_bucket(struct server *s, const struct counting *c, int i, struct buffer *out)
{
    int64_t start_us = c->from_us + i * c->window->step_us;
    const struct bucket *b = &c->bucket[i];
    struct histogram_sum took;
    char time[TIME_TEXT_MAX];

    time_format(start_us, time);
    buffer_format(out, "%s{\"time\":\"%s\",\"decisions\":%" PRIu64 ",\"by_outcome\":{",
                  i > 0 ? "," : "", time, b->all);
    for (uint32_t k = 0; k < c->outcomes; k++) {
        buffer_add_text(out, k > 0 ? "," : "");
        json_add_text(out, text_of(c->outcome[k]));
        buffer_format(out, ":%" PRIu64, b->by_outcome[k]);
    }
    buffer_add_text(out, "},\"scores\":[");
    for (int k = 0; k < STORE_BANDS; k++)
        buffer_format(out, "%s%" PRIu64, k > 0 ? "," : "", b->bands[k]);
    buffer_add_char(out, ']');
    live_latency(s->live, start_us, start_us + c->window->step_us, &took);
    latency_add(&took, out);
    buffer_add_char(out, '}');
}

static void add_all(struct server *s, const struct counting *c, struct buffer *out)
{
    const struct window *w = c->window;
    struct project_status project;
    char time[TIME_TEXT_MAX];

    time_format(c->from_us, time);
    buffer_format(out, "{\"window\":\"%s\",\"step_s\":%" PRId64 ",\"from\":\"%s\"", w->word,
                  w->step_us / 1000000, time);
    time_format(c->from_us + w->steps * w->step_us, time);
    buffer_format(out, ",\"to\":\"%s\",\"buckets\":[", time);
    for (int i = 0; i < w->steps; i++)
        add_bucket(s, c, i, out);
    project_status(s->o.project, &project);
    buffer_format(out, "],\"store_lag\":%" PRIu64 "}\n", project.lag);
}

static const struct window *window_of(struct exchange *x)
{
    const char *word = exchange_query(x, "window");

    if (word == NULL)
        return &windows[0];
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        if (strcmp(word, windows[i].word) == 0)
            return &windows[i];
    }
    problem_answer(x, 400, "query parameter window: expected 1h, 2d or 8d, found \"%.64s\"", word);
    return NULL;
}

enum http_next show_traffic(struct server *s, struct exchange *x)
{
    const struct window *w = window_of(x);
    struct store_traffic_query q;
    struct counting *c;
    struct store *store;
    struct plan *p;
    struct error e;

    if (w == NULL)
        return HTTP_ANSWERED;
    c = mem_alloc(sizeof *c);
    c->window = w;
    c->from_us = (clock_now_us() / w->step_us + 1 - w->steps) * w->step_us;
    p = shard_plan(s->o.shard);
    for (uint32_t i = 0; i < plan_outcome_count(p); i++)
        outcome_of(c, text_of(plan_outcome_name(p, i)));
    plan_unref(p);
    q = (struct store_traffic_query){.span = w->span,
                                     .from_us = c->from_us,
                                     .until_us = c->from_us + w->steps * w->step_us,
                                     .step_us = w->step_us};
    if (seat_store(s, seat_get(s), &store, &e) && store_traffic(store, &q, count, c, &e)) {
        add_all(s, c, &x->answer);
        x->status = 200;
    } else {
        problem_answer(x, 503, "%s", e.text);
    }
    mem_free(c);
    return HTTP_ANSWERED;
}
