/* GET /v1/decisions: pages of the store. */
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/velocity/velocity.h"
#include "shell/serve/inside.h"
#include "shell/serve/row.h"

enum { LIMIT_USUAL = 50, SCORE_MAX = 1000, PREFIX_MIN = 3 };

static bool query_sort(struct exchange *x, enum store_sort *sort)
{
    const char *word = exchange_query(x, "sort");

    *sort = STORE_TIME_DOWN;
    if (word == NULL || store_sort_find(text_of(word), sort))
        return true;
    problem_answer(x, 400,
                   "query parameter sort: expected -time, time, -score, score, -seq or seq, found "
                   "\"%.64s\"",
                   word);
    return false;
}

/* A name that the plan in force does not have may be one of an older plan: an empty list. */
static bool query_name(struct exchange *x, const char *name, struct text *value)
{
    const char *word = exchange_query(x, name);

    *value = text_of(word != NULL ? word : "");
    if (word == NULL ||
        (value->length > 0 && value->length <= PLAN_NAME_MAX && text_is_utf8(*value)))
        return true;
    problem_answer(x, 400, "query parameter %s: expected a name of the settings", name);
    return false;
}

static bool query_label(struct exchange *x, struct store_query *q)
{
    static const struct {
        const char *word;
        uint8_t label;
    } labels[] = {{"true", 1}, {"false", 0}, {"null", LABEL_UNKNOWN}};
    const char *word = exchange_query(x, "label");

    q->has_label = word != NULL;
    for (size_t i = 0; word != NULL && i < sizeof labels / sizeof *labels; i++) {
        if (strcmp(word, labels[i].word) != 0)
            continue;
        q->label = labels[i].label;
        return true;
    }
    if (word == NULL)
        return true;
    problem_answer(x, 400, "query parameter label: expected true, false or null, found \"%.64s\"",
                   word);
    return false;
}

static bool query_prefix(struct exchange *x, struct store_query *q)
{
    const char *word = exchange_query(x, "id_prefix");

    if (word == NULL)
        return true;
    q->id_prefix = text_of(word);
    if (q->id_prefix.length >= PREFIX_MIN && q->id_prefix.length <= SHARD_ID_MAX &&
        text_is_utf8(q->id_prefix))
        return true;
    problem_answer(x, 400,
                   "query parameter id_prefix: expected %d to %d characters, found \"%.64s\"",
                   PREFIX_MIN, SHARD_ID_MAX, word);
    return false;
}

static bool query_read(struct server *s, struct exchange *x, struct store_query *q)
{
    const char *cursor = exchange_query(x, "cursor");
    int64_t limit = LIMIT_USUAL, min_score = 0, max_score = SCORE_MAX;

    *q = store_query_all(LIMIT_USUAL);
    q->cursor = text_of(cursor != NULL ? cursor : "");
    if (!query_time(x, "from", &q->from_us) || !query_time(x, "to", &q->until_us) ||
        !query_time(x, "received_from", &q->received_from_us) ||
        !query_time(x, "received_to", &q->received_until_us) || !query_sort(x, &q->sort) ||
        !query_name(x, "outcome", &q->outcome) || !query_name(x, "level", &q->level) ||
        !query_name(x, "rule", &q->rule) || !query_prefix(x, q) || !query_label(x, q) ||
        !query_entity(s, x, &q->entity) || !query_int(x, "min_score", 0, SCORE_MAX, &min_score) ||
        !query_int(x, "max_score", 0, SCORE_MAX, &max_score) ||
        !query_int(x, "limit", 1, STORE_LIMIT_MAX, &limit))
        return false;
    q->min_score = (int)min_score;
    q->max_score = (int)max_score;
    q->limit = (uint32_t)limit;
    return true;
}

enum http_next list_decisions(struct server *s, struct exchange *x)
{
    struct store_query q;

    if (!query_read(s, x, &q))
        return HTTP_ANSWERED;
    buffer_add_char(&x->answer, '{');
    if (!rows_answer(s, x, &q))
        return HTTP_ANSWERED;
    buffer_add_text(&x->answer, "}\n");
    x->status = 200;
    return HTTP_ANSWERED;
}
