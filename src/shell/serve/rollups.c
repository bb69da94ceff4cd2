/* GET /v1/rollups and its tables, as they stand in their database: whoever wrote them, this service
 * or `assay rollup`. */
#include "core/base/cursor.h"
#include "core/base/hash.h"
#include "shell/serve/inside.h"
#include "shell/watch/rollup_store.h"

enum { LIMIT_USUAL = 100, CURSOR_SEED = 0x526f6c6c };

static bool open_tables(struct server *s, struct exchange *x, struct rollup_store **store)
{
    struct error e;

    if (s->o.rollup_place == NULL) {
        problem_answer(x, 503, "this service has no place for rollups");
        return false;
    }
    if (rollup_store_open(s->o.rollup_place, store, &e))
        return true;
    problem_answer(x, 503, "%s", e.text);
    return false;
}

static void answer_failure(struct exchange *x, const struct error *e)
{
    buffer_clear(&x->answer);
    problem_answer(x,
                   e->kind == ERROR_NOT_FOUND ? 404
                   : e->kind == ERROR_USAGE   ? 400
                                              : 503,
                   "%s", e->text);
}

enum http_next show_rollups(struct server *s, struct exchange *x)
{
    struct rollup_store *store;
    struct error e;

    if (!open_tables(s, x, &store))
        return HTTP_ANSWERED;
    if (rollup_store_list(store, &x->answer, &e)) {
        buffer_add_char(&x->answer, '\n');
        x->status = 200;
    } else {
        answer_failure(x, &e);
    }
    rollup_store_close(store);
    return HTTP_ANSWERED;
}

static bool read_sort(struct exchange *x, struct rollup_query *q)
{
    const char *sort = exchange_query(x, "sort");

    q->newest_first = sort != NULL && strcmp(sort, "-period") == 0;
    if (sort == NULL || q->newest_first || strcmp(sort, "period") == 0)
        return true;
    problem_answer(x, 400, "query parameter sort: expected period or -period, found \"%.64s\"",
                   sort);
    return false;
}

/* A cursor is of one table and one order of it. */
static uint64_t hash_of(const struct rollup_query *q)
{
    return hash_bytes(q->name.bytes, q->name.length, CURSOR_SEED + q->newest_first);
}

static bool read_query(struct exchange *x, struct rollup_query *q)
{
    const char *cursor = exchange_query(x, "cursor");
    int64_t limit = LIMIT_USUAL;
    struct cursor at;
    struct error e;

    *q = (struct rollup_query){.name = x->parameter};
    q->has_from = exchange_query(x, "from") != NULL;
    q->has_until = exchange_query(x, "to") != NULL;
    if (!query_time(x, "from", &q->from_us) || !query_time(x, "to", &q->until_us) ||
        !read_sort(x, q) || !query_int(x, "limit", 1, ROLLUP_LIMIT_MAX, &limit))
        return false;
    q->limit = (uint32_t)limit;
    at = (struct cursor){.of = hash_of(q)};
    if (cursor != NULL && (!cursor_parse(text_of(cursor), &at, &e) || at.first > ROLLUP_ROWS_MAX)) {
        problem_answer(x, 400, "query parameter cursor: expected `next` of this table's page");
        return false;
    }
    q->offset = (uint32_t)at.first;
    return true;
}

static void answer_page(struct exchange *x, const struct rollup_query *q, bool more)
{
    const struct cursor at = {.of = hash_of(q), .first = q->offset + q->limit};
    char next[CURSOR_TEXT_MAX];

    cursor_format(&at, next);
    if (more)
        buffer_format(&x->answer, ",\"next\":\"%s\"}\n", next);
    else
        buffer_add_text(&x->answer, ",\"next\":null}\n");
    x->status = 200;
}

enum http_next show_rollup(struct server *s, struct exchange *x)
{
    struct rollup_store *store;
    struct rollup_query q;
    struct error e;
    bool more;

    if (!read_query(x, &q) || !open_tables(s, x, &store))
        return HTTP_ANSWERED;
    if (rollup_store_read(store, &q, &x->answer, &more, &e))
        answer_page(x, &q, more);
    else
        answer_failure(x, &e);
    rollup_store_close(store);
    return HTTP_ANSWERED;
}
