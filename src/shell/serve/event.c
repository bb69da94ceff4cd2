/* Events that are in the log already, by reference: decided again by the plan in force, each with
 * its features as of then, those of the imported history too. Nothing is recorded: what was decided
 * then stays what it is. Takes a pass over the log, so logs beyond AGAIN_RECORDS_MAX are refused.
 */
#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/run/backtest.h"
#include "shell/serve/inside.h"

enum { AGAIN_RECORDS_MAX = 2000000, EVENTS_DEFAULT = 50, EVENTS_MAX = 1000 };

/* One pass at a time: each has a state of its own. */
static pthread_mutex_t one_pass = PTHREAD_MUTEX_INITIALIZER;

static bool run(struct server *s, struct backtest_options *o, struct plan *plan, struct error *e)
{
    const struct log *log = shard_log(s->o.shard);
    uint64_t records = o->until_seq > 0 ? o->until_seq : log_durable_seq(log);
    bool ok;

    if (records > AGAIN_RECORDS_MAX)
        return error_set(e, ERROR_FULL,
                         "the log has %lu records before it, at most %d are gone through for a "
                         "request; assay replay and assay backtest have no such limit",
                         (unsigned long)records, AGAIN_RECORDS_MAX);
    o->directory = shard_directory(s->o.shard);
    o->plan = plan;
    o->state = *shard_state_options(s->o.shard);
    o->state.engine.workers = NULL; /* they are the shard's */
    pthread_mutex_lock(&one_pass);
    ok = backtest(o, e);
    pthread_mutex_unlock(&one_pass);
    return ok;
}

static enum http_next refuse(struct exchange *x, const struct error *e)
{
    problem_answer(x, e->kind == ERROR_NOT_FOUND ? 404 : 503, "%s", e->text);
    return HTTP_ANSWERED;
}

/* ---- one ---- */

struct looking {
    const struct plan *plan;
    struct text id;
    bool found;
    struct buffer *out;
};

static bool take_one(void *context, const struct backtested *b)
{
    struct looking *l = context;

    if (!text_equal(b->id, l->id))
        return true;
    l->found = true;
    backtested_open(b, l->plan, l->out);
    buffer_add_text(l->out, b->was_observed ? ",\"observed\":true}\n" : ",\"observed\":false}\n");
    return false;
}

/* The shard's index says where the event is, so that the pass need not go on behind it; of older
 * events it knows nothing, and the pass finds them by their ids. */
enum http_next decide_event(struct server *s, struct exchange *x)
{
    struct seat *seat = seat_get(s);
    struct looking l = {.plan = seat->plan, .out = &x->answer};
    struct backtest_options o = {
        .from_us = INT64_MIN, .to_us = INT64_MAX, .visit = take_one, .context = &l};
    struct error e;

    l.id = x->parameter;
    if (x->parameter.length <= SHARD_ID_MAX && find_in_shard(s, x->parameter, &o.until_seq) &&
        !wait_durable(shard_log(s->o.shard), o.until_seq)) {
        problem_answer(x, 503, "the event is not on disk yet; ask again");
        return HTTP_ANSWERED;
    }
    if (!run(s, &o, seat->plan, &e))
        return refuse(x, &e);
    if (!l.found) {
        problem_answer(x, 404, "the log has no event of this id that is decided");
        return HTTP_ANSWERED;
    }
    x->status = 200;
    return HTTP_ANSWERED;
}

/* ---- the riskiest ---- */

/* A heap of the `limit` riskiest, the least risky of them on top. */
struct risky {
    double probability;
    int64_t time_us;
    uint64_t seq;
    int score;
    char *json; /* the whole object */
};

struct choosing {
    const struct plan *plan;
    uint32_t limit, count;
    struct risky *heap;
    struct buffer text;
};

static bool is_riskier(const struct risky *a, const struct risky *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    if (a->probability != b->probability)
        return a->probability > b->probability;
    return a->seq < b->seq;
}

static void sift_down(struct choosing *c, uint32_t at)
{
    for (;;) {
        uint32_t least = at, left = 2 * at + 1, right = left + 1;
        struct risky kept;

        if (left < c->count && is_riskier(&c->heap[least], &c->heap[left]))
            least = left;
        if (right < c->count && is_riskier(&c->heap[least], &c->heap[right]))
            least = right;
        if (least == at)
            return;
        kept = c->heap[at];
        c->heap[at] = c->heap[least];
        c->heap[least] = kept;
        at = least;
    }
}

static void sift_up(struct choosing *c, uint32_t at)
{
    while (at > 0 && is_riskier(&c->heap[(at - 1) / 2], &c->heap[at])) {
        struct risky kept = c->heap[at];

        c->heap[at] = c->heap[(at - 1) / 2];
        at = (at - 1) / 2;
        c->heap[at] = kept;
    }
}

static char *event_json(struct choosing *c, const struct backtested *b)
{
    buffer_clear(&c->text);
    backtested_open(b, c->plan, &c->text);
    buffer_add_text(&c->text, b->was_observed ? ",\"observed\":true}" : ",\"observed\":false}");
    return mem_text(c->text.bytes, c->text.length);
}

static bool choose(void *context, const struct backtested *b)
{
    struct choosing *c = context;
    struct risky r = {b->decision->probability, b->time_us, b->seq, b->decision->score, NULL};

    if (c->count < c->limit) {
        r.json = event_json(c, b);
        c->heap[c->count] = r;
        sift_up(c, c->count++);
    } else if (is_riskier(&r, &c->heap[0])) {
        r.json = event_json(c, b);
        mem_free(c->heap[0].json);
        c->heap[0] = r;
        sift_down(c, 0);
    }
    return true;
}

/* Riskiest first: what is taken from the top of the heap goes to the end. */
static void choosing_finish(struct choosing *c, struct buffer *out)
{
    uint32_t count = c->count;

    while (c->count > 1) {
        struct risky least = c->heap[0];

        c->heap[0] = c->heap[--c->count];
        sift_down(c, 0);
        c->heap[c->count] = least;
    }
    buffer_add_text(out, "{\"events\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        buffer_add_text(out, c->heap[i].json);
        mem_free(c->heap[i].json);
    }
    buffer_add_text(out, "]}\n");
    mem_free(c->heap);
    buffer_fini(&c->text);
}

static bool query_time(struct exchange *x, const char *name, int64_t *us)
{
    const char *word = exchange_query(x, name);

    if (word == NULL || time_parse(text_of(word), TIME_ISO, us))
        return true;
    problem_answer(x, 400, "query parameter %s: expected a time, found \"%.64s\"", name, word);
    return false;
}

static bool query_limit(struct exchange *x, uint32_t *limit)
{
    const char *word = exchange_query(x, "limit");
    int64_t n = EVENTS_DEFAULT;

    if (word != NULL && (!number_parse_int(text_of(word), &n) || n < 1 || n > EVENTS_MAX)) {
        problem_answer(x, 400, "query parameter limit: expected 1 to %d, found \"%.64s\"",
                       EVENTS_MAX, word);
        return false;
    }
    *limit = (uint32_t)n;
    return true;
}

enum http_next list_events(struct server *s, struct exchange *x)
{
    struct seat *seat = seat_get(s);
    struct choosing c = {.plan = seat->plan};
    struct backtest_options o = {
        .from_us = INT64_MIN, .to_us = INT64_MAX, .visit = choose, .context = &c};
    struct error e;
    bool ok;

    if (!query_time(x, "from", &o.from_us) || !query_time(x, "to", &o.to_us) ||
        !query_limit(x, &c.limit))
        return HTTP_ANSWERED;
    c.heap = mem_array(c.limit, sizeof *c.heap);
    buffer_init(&c.text, HTTP_ANSWER_BYTES_MAX);
    ok = run(s, &o, seat->plan, &e);
    choosing_finish(&c, &x->answer);
    if (!ok) {
        buffer_clear(&x->answer);
        return refuse(x, &e);
    }
    x->status = 200;
    return HTTP_ANSWERED;
}
