/* GET /v1/decisions: pages of the store. */
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "shell/serve/inside.h"
#include "shell/serve/row.h"

enum { LIMIT_USUAL = 50, SCORE_MAX = 1000 };

static bool query_time(struct exchange *x, const char *name, int64_t *us)
{
    const char *word = exchange_query(x, name);

    if (word == NULL || time_parse(text_of(word), TIME_ISO, us))
        return true;
    problem_answer(x, 400,
                   "query parameter %s: expected a time like 2018-04-01T00:00:31Z, found "
                   "\"%.64s\"",
                   name, word);
    return false;
}

static bool query_int(struct exchange *x, const char *name, int64_t min, int64_t max, int64_t *v)
{
    const char *word = exchange_query(x, name);

    if (word == NULL || (number_parse_int(text_of(word), v) && *v >= min && *v <= max))
        return true;
    problem_answer(x, 400, "query parameter %s: expected %lld to %lld, found \"%.64s\"", name,
                   (long long)min, (long long)max, word);
    return false;
}

static bool query_sort(struct exchange *x, enum store_sort *sort)
{
    const char *word = exchange_query(x, "sort");

    *sort = STORE_TIME_DOWN;
    if (word == NULL || store_sort_find(text_of(word), sort))
        return true;
    problem_answer(x, 400,
                   "query parameter sort: expected -time, time, -score or score, found "
                   "\"%.64s\"",
                   word);
    return false;
}

/* An outcome that the plan in force does not have may be one of an older plan: an empty list. */
static bool query_outcome(struct exchange *x, struct text *outcome)
{
    const char *word = exchange_query(x, "outcome");

    *outcome = text_of(word != NULL ? word : "");
    if (word == NULL ||
        (outcome->length > 0 && outcome->length <= PLAN_NAME_MAX && text_is_utf8(*outcome)))
        return true;
    problem_answer(x, 400, "query parameter outcome: expected the name of an outcome");
    return false;
}

static bool query_read(struct exchange *x, struct store_query *q)
{
    const char *cursor = exchange_query(x, "cursor");
    int64_t limit = LIMIT_USUAL, min_score = 0;

    *q = (struct store_query){.from_us = INT64_MIN,
                              .until_us = INT64_MAX,
                              .cursor = text_of(cursor != NULL ? cursor : "")};
    if (!query_time(x, "from", &q->from_us) || !query_time(x, "to", &q->until_us) ||
        !query_sort(x, &q->sort) || !query_outcome(x, &q->outcome) ||
        !query_int(x, "min_score", 0, SCORE_MAX, &min_score) ||
        !query_int(x, "limit", 1, STORE_LIMIT_MAX, &limit))
        return false;
    q->min_score = (int)min_score;
    q->limit = (uint32_t)limit;
    return true;
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
    row_format(d, l->out);
}

static unsigned status_of(const struct error *e)
{
    return e->kind == ERROR_USAGE ? 400 : 503;
}

enum http_next list_decisions(struct server *s, struct exchange *x)
{
    struct listing l = {.out = &x->answer};
    struct project_status project;
    struct store *store;
    struct store_query q;
    char next[STORE_CURSOR_MAX];
    struct error e;

    if (!query_read(x, &q))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "{\"decisions\":[");
    if (!seat_store(s, seat_get(s), &store, &e) || !store_query(store, &q, add_row, &l, next, &e)) {
        problem_answer(x, status_of(&e), "%s", e.text);
        return HTTP_ANSWERED;
    }
    project_status(s->o.project, &project);
    x->status = 200;
    buffer_add_text(&x->answer, "],\"next\":");
    if (next[0] != 0)
        json_add_text(&x->answer, text_of(next));
    else
        buffer_add_text(&x->answer, "null");
    buffer_format(&x->answer, ",\"store_lag\":%llu}\n", (unsigned long long)project.lag);
    return HTTP_ANSWERED;
}
