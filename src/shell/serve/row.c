#include "shell/serve/row.h"

#include "core/data/json.h"
#include "shell/run/verdict.h"

void row_add(const struct store_decision *d, struct buffer *out)
{
    verdict_add_head(&(struct verdict_head){.id = d->event_id,
                                            .seq = d->seq,
                                            .time_us = d->time_us,
                                            .received_us = d->received_us,
                                            .outcome = d->outcome,
                                            .level = d->level,
                                            .score = d->score,
                                            .probability = d->probability},
                     out);
    buffer_add_text(out, ",\"rules\":");
    buffer_add_slice(out, d->rules);
    verdict_add_flags(d->flags, out);
    buffer_add_text(out, ",\"plan\":");
    json_add_text(out, d->plan);
    verdict_add_label(out, d->label);
    buffer_add_char(out, '}');
}

struct listing {
    struct buffer *out;
    uint32_t rows;
};

static void add_row(void *context, const struct store_decision *d)
{
    struct listing *l = context;

    if (l->rows++ > 0)
        buffer_add_char(l->out, ',');
    row_add(d, l->out);
}

bool rows_answer(struct server *s, struct exchange *x, const struct store_query *q)
{
    struct listing l = {.out = &x->answer};
    struct project_status project;
    struct store *store;
    char next[STORE_CURSOR_MAX];
    struct error e;

    buffer_add_text(&x->answer, "\"decisions\":[");
    if (s->o.project != NULL && s->o.store_lag_limit > 0) {
        project_status(s->o.project, &project);
        if (project.lag > s->o.store_lag_limit) {
            problem_answer(x, 503,
                           "the store lags %llu records behind the log, more than "
                           "store.lag_limit; decisions by their id are there",
                           (unsigned long long)project.lag);
            return false;
        }
    }
    if (!seat_store(s, seat_get(s), &store, &e) || !store_query(store, q, add_row, &l, next, &e)) {
        problem_answer(x, e.kind == ERROR_USAGE ? 400 : 503, "%s", e.text);
        return false;
    }
    project_status(s->o.project, &project);
    buffer_add_text(&x->answer, "],\"next\":");
    if (next[0] != 0)
        json_add_text(&x->answer, text_of(next));
    else
        buffer_add_text(&x->answer, "null");
    buffer_format(&x->answer, ",\"store_lag\":%llu", (unsigned long long)project.lag);
    return true;
}
