/* A case with all that belongs to it, and the evidence pack: the same with each decision in full,
 * as the log has it, and what proves that the log had it. */
#include "shell/serve/case_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/run/verdict.h"

struct showing {
    struct server *s;
    struct store *store;
    struct buffer *out;
    uint32_t rows;
    int64_t version;
};

static void comma(struct showing *w)
{
    if (w->rows++ > 0)
        buffer_add_char(w->out, ',');
}

static void show_head(void *context, const struct case_row *c)
{
    struct showing *w = context;

    case_format(c, w->out);
    w->version = c->version;
}

static void show_alert_row(void *context, const struct alert_row *a)
{
    struct showing *w = context;

    comma(w);
    alert_format(w->s, a, w->out);
    buffer_add_char(w->out, '}');
}

static void show_member(void *context, const struct member_row *m)
{
    struct showing *w = context;

    comma(w);
    add_member(m, w->store, w->out);
}

static void show_entity_row(void *context, const struct entity_row *r)
{
    struct showing *w = context;

    comma(w);
    add_entity(w->s, r->kind, r->seq, w->out);
}

static void show_entry(void *context, const struct entry_row *r)
{
    struct showing *w = context;

    comma(w);
    add_entry(r, w->out);
}

static bool alerts_of(struct showing *w, int64_t id, struct error *e)
{
    struct alert_query q = alert_query_all(PAGE_LIMIT_MAX, clock_now_us());
    char next[PAGE_CURSOR_MAX];

    q.state = ALERTS_ANY;
    q.case_id = id;
    w->rows = 0;
    buffer_add_text(w->out, ",\"alerts\":[");
    return alert_page(w->store, &q, show_alert_row, w, next, e);
}

static bool rest_of(struct showing *w, int64_t id, struct error *e)
{
    w->rows = 0;
    buffer_add_text(w->out, "],\"entities\":[");
    if (!case_entities(w->store, id, show_entity_row, w, e))
        return false;
    w->rows = 0;
    buffer_add_text(w->out, "],\"timeline\":[");
    if (!entries_read(w->store, 0, id, ENTRIES_SHOWN, show_entry, w, e))
        return false;
    buffer_add_char(w->out, ']');
    return true;
}

bool case_show(struct server *s, struct store *store, int64_t id, struct buffer *out,
               int64_t *version, struct error *e)
{
    struct showing w = {.s = s, .store = store, .out = out};

    if (!case_find(store, id, show_head, &w, e) || !alerts_of(&w, id, e))
        return false;
    *version = w.version;
    w.rows = 0;
    buffer_add_text(out, "],\"decisions\":[");
    return case_members(store, id, MEMBERS_SHOWN, show_member, &w, e) && rest_of(&w, id, e);
}

/* ---- the evidence pack ---- */

struct evidence {
    struct server *s;
    struct member *member;
    uint32_t count, room;
};

struct member {
    uint64_t seq;
};

static void take_seq(void *context, const struct member_row *m)
{
    struct evidence *v = context;

    if (v->count < v->room)
        v->member[v->count++].seq = m->seq;
}

static void add_hex(struct buffer *out, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer_format(out, "%02x", bytes[i]);
}

/* The chain's value behind the record: `assay log verify` computes it anew from the log's first
 * byte, and the signed checkpoints (/v1/audit) hold it fast. */
static bool add_proof(struct server *s, uint64_t seq, struct buffer *bytes, struct buffer *out,
                      struct error *e)
{
    uint8_t chain[DIGEST_BYTES];
    struct record r;

    if (!log_read_chained(shard_log(s->o.shard), seq, bytes, &r, chain, e))
        return false;
    buffer_format(out, ",\"log\":{\"name\":\"decisions\",\"seq\":%" PRIu64 ",\"chain\":\"", r.seq);
    add_hex(out, chain, sizeof chain);
    buffer_add_text(out, "\"}");
    return true;
}

static bool add_decisions(struct server *s, struct store *store, int64_t id, struct buffer *out,
                          struct error *e)
{
    struct evidence v = {.s = s, .room = CASE_DECISIONS_MAX};
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX + LOG_OVERHEAD_BYTES);
    v.member = mem_array(v.room, sizeof *v.member);
    ok = case_members(store, id, v.room, take_seq, &v, e);
    buffer_add_text(out, ",\"decisions\":[");
    for (uint32_t i = 0; i < v.count && ok && !out->overflow; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        ok = record_show(s, v.member[i].seq, out, e) &&
             add_proof(s, v.member[i].seq, &bytes, out, e);
        buffer_add_char(out, '}');
    }
    if (out->overflow)
        ok = error_set(e, ERROR_INVALID,
                       "the evidence of case %" PRId64
                       " is over %d bytes: read its decisions one by one, or open a case for some "
                       "of them",
                       id, HTTP_ANSWER_BYTES_MAX);
    mem_free(v.member);
    buffer_fini(&bytes);
    buffer_add_char(out, ']');
    return ok;
}

enum http_next case_evidence(struct server *s, struct exchange *x)
{
    struct control *control = s->o.access != NULL ? access_control(s->o.access) : NULL;
    struct buffer *out = &x->answer;
    uint8_t chain[DIGEST_BYTES];
    char me[ACTOR_MAX];
    struct store *store;
    int64_t id, version;
    struct error e;
    uint64_t seq;

    if (!watch_ready(s, x, &store) || !watch_id(x, x->parameter, "case", &id))
        return HTTP_ANSWERED;
    caller_words(x, me);
    buffer_add_text(out, "{\"case\":");
    if (!case_show(s, store, id, out, &version, &e))
        return watch_refuse(x, &e);
    buffer_add_char(out, '}');
    add_words(out, "made_by", text_of(me));
    verdict_add_time(out, "made", clock_now_us());
    if (!add_decisions(s, store, id, out, &e))
        return watch_refuse(x, &e);
    seq = log_durable_seq(shard_log(s->o.shard));
    log_chain(shard_log(s->o.shard), chain);
    buffer_format(out, ",\"logs\":[{\"name\":\"decisions\",\"seq\":%" PRIu64 ",\"chain\":\"", seq);
    add_hex(out, chain, sizeof chain);
    seq = control_head(control, chain);
    buffer_format(out, "\"},{\"name\":\"control\",\"seq\":%" PRIu64 ",\"chain\":\"", seq);
    add_hex(out, chain, sizeof chain);
    buffer_add_text(out, "\"}]}\n");
    x->status = 200;
    return HTTP_ANSWERED;
}
