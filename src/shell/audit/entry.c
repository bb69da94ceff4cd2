#include "shell/audit/entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/run/body.h"
#include "shell/run/plans.h"

struct entry_writer {
    char directory[4096]; /* of the shard */
    struct json_reader *json;
    uint32_t plan_seq;                              /* whose ids are these; 0: none */
    char plan_id[DIGEST_HEX], model_id[DIGEST_HEX]; /* "": it has none, or is not known */
};

/* What every entry has. */
struct entry {
    const char *log;
    struct text kind, actor, request;
    char subject[TRAIL_TEXT_MAX + 1];
    struct text event;         /* id */
    struct text input, output; /* bytes that are hashed; NULL: none */
};

struct entry_writer *entry_writer_new(const char *shard_directory)
{
    struct entry_writer *w = mem_alloc(sizeof *w);

    snprintf(w->directory, sizeof w->directory, "%s", shard_directory);
    w->json = json_reader_new();
    return w;
}

void entry_writer_free(struct entry_writer *w)
{
    json_reader_free(w->json);
    mem_free(w);
}

/* ---- filters */

/* "ann" is user:ann and key:ann, "user:ann" only that. */
static bool actor_is(struct text wanted, struct text kind, struct text id)
{
    struct text bare = wanted;

    if (wanted.length == 0 || text_equal(wanted, id))
        return true;
    if (wanted.length <= kind.length + 1 || memcmp(wanted.bytes, kind.bytes, kind.length) != 0 ||
        wanted.bytes[kind.length] != ':')
        return false;
    bare.bytes += kind.length + 1;
    bare.length -= kind.length + 1;
    return text_equal(bare, id);
}

static bool kind_is(struct text wanted, struct text kind)
{
    if (wanted.length == 0 || text_equal(wanted, kind))
        return true;
    return wanted.bytes[wanted.length - 1] == '.' && kind.length > wanted.length &&
           memcmp(wanted.bytes, kind.bytes, wanted.length) == 0;
}

static bool text_asked(struct text wanted, struct text is)
{
    return wanted.length == 0 || text_equal(wanted, is);
}

static bool time_asked(const struct trail_filter *f, int64_t at_us)
{
    return at_us >= f->from_us && at_us < f->to_us;
}

/* ---- parts */

static void add_text(struct buffer *out, const char *name, struct text t)
{
    buffer_format(out, ",\"%s\":", name);
    if (t.length == 0)
        buffer_add_text(out, "null");
    else
        json_add_text(out, t);
}

static void add_hash(struct buffer *out, const char *name, struct text bytes)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX] = "";

    if (bytes.bytes != NULL) {
        digest_bytes(bytes.bytes, bytes.length, digest);
        digest_hex(digest, hex);
    }
    add_text(out, name, text_of(hex));
}

static void add_head(const char *log, const struct record *r, struct text kind, struct buffer *out)
{
    char at[TIME_TEXT_MAX];

    time_format(r->received_us, at);
    buffer_format(out, "{\"log\":\"%s\",\"seq\":%" PRIu64 ",\"at\":\"%s\",\"kind\":", log, r->seq,
                  at);
    json_add_text(out, kind);
}

static void add_chain(const uint8_t chain[DIGEST_BYTES], struct buffer *out)
{
    char hex[DIGEST_HEX];

    digest_hex(chain, hex);
    buffer_format(out, ",\"chain\":\"%s\"}", hex);
}

/* ---- plans */

static bool take_plan(struct entry_writer *w, uint32_t seq, struct error *e)
{
    static const uint8_t none[DIGEST_BYTES];
    struct plan_body body;
    struct buffer bytes;
    bool ok;

    if (seq == w->plan_seq)
        return true;
    w->plan_id[0] = w->model_id[0] = 0;
    w->plan_seq = seq;
    if (seq == 0)
        return true;
    buffer_init(&bytes, LOG_BODY_MAX + 2);
    ok = plans_read(w->directory, seq, &bytes, &body, e);
    if (ok) {
        digest_hex(body.id, w->plan_id);
        if (memcmp(body.model, none, sizeof none) != 0)
            digest_hex(body.model, w->model_id);
    }
    buffer_fini(&bytes);
    return ok;
}

/* ---- the decision log */

static bool read_event(const struct record *r, struct entry *n, struct error *e)
{
    struct event_body b;

    if (!event_body_parse(r->body, &b, e))
        return false;
    n->event = b.id;
    n->input = b.event;
    if (r->kind == RECORD_DECISION)
        n->output = b.decision;
    n->actor = b.asked.caller;
    n->request = b.asked.request;
    snprintf(n->subject, sizeof n->subject, "event/%.*s", TEXT_ARG(b.id));
    return true;
}

static bool read_label(const struct record *r, struct entry *n, struct error *e)
{
    struct label_body b;

    if (!label_body_parse(r->body, &b, e))
        return false;
    n->event = b.id;
    n->input = b.event;
    n->output = (struct text){r->body.bytes, r->body.length};
    n->actor = b.asked.caller;
    n->request = b.asked.request;
    snprintf(n->subject, sizeof n->subject, "event/%.*s", TEXT_ARG(b.id));
    return true;
}

static bool read_list(const struct record *r, struct entry *n, struct error *e)
{
    struct list_body b;

    if (!list_body_parse(r->body, &b, e))
        return false;
    n->input = b.items;
    n->actor = b.asked.caller;
    n->request = b.asked.request;
    snprintf(n->subject, sizeof n->subject, "list/%.*s", TEXT_ARG(b.list));
    return true;
}

static bool read_decision_record(const struct record *r, struct entry *n, struct error *e)
{
    *n = (struct entry){.actor = {"", 0}, .request = {"", 0}, .event = {"", 0}};
    n->kind = text_of(record_kind_name(r->kind));
    switch (r->kind) {
    case RECORD_OBSERVE:
    case RECORD_DECISION:
        return read_event(r, n, e);
    case RECORD_LABEL:
        return read_label(r, n, e);
    case RECORD_LIST:
        return read_list(r, n, e);
    default:
        snprintf(n->subject, sizeof n->subject, "%s/%" PRIu64, record_kind_name(r->kind), r->seq);
        n->input = r->body;
        return true;
    }
}

/* "user:ann" in its parts; nobody was asked: "local". */
static void split_actor(struct text actor, struct text *kind, struct text *id)
{
    const char *colon = actor.length > 0 ? memchr(actor.bytes, ':', actor.length) : NULL;

    *kind = text_of("local");
    *id = text_of("");
    if (colon == NULL)
        return;
    *kind = (struct text){actor.bytes, (size_t)(colon - actor.bytes)};
    *id = (struct text){colon + 1, actor.length - kind->length - 1};
}

bool entry_of_decision(struct entry_writer *w, const struct record *r,
                       const uint8_t chain[DIGEST_BYTES], const struct trail_filter *f,
                       struct buffer *out, bool *taken, struct error *e)
{
    struct text actor_kind, actor_id;
    struct entry n;

    *taken = false;
    if (!time_asked(f, r->received_us) || !kind_is(f->kind, text_of(record_kind_name(r->kind))) ||
        (r->kind == RECORD_OBSERVE && f->kind.length == 0 && f->event.length == 0))
        return true;
    if (!read_decision_record(r, &n, e))
        return error_prefix(e, "record %" PRIu64, r->seq);
    split_actor(n.actor, &actor_kind, &actor_id);
    if (!text_asked(f->subject, text_of(n.subject)) || !text_asked(f->event, n.event) ||
        !text_asked(f->request, n.request) || !actor_is(f->actor, actor_kind, actor_id))
        return true;
    if (!take_plan(w, r->plan, e))
        return error_prefix(e, "record %" PRIu64, r->seq);
    add_head("decisions", r, n.kind, out);
    buffer_add_text(out, ",\"actor\":{\"kind\":");
    json_add_text(out, actor_kind);
    if (actor_id.length > 0)
        add_text(out, "id", actor_id);
    buffer_add_char(out, '}');
    add_text(out, "request", n.request);
    add_text(out, "subject", text_of(n.subject));
    add_text(out, "event", n.event);
    add_text(out, "plan", text_of(w->plan_id));
    add_text(out, "model", text_of(w->model_id));
    add_hash(out, "input", n.input);
    add_hash(out, "output", n.output);
    add_chain(chain, out);
    *taken = true;
    return true;
}

/* ---- the control log */

static bool is_asked_change(const struct control_change *c, const struct trail_filter *f)
{
    return kind_is(f->kind, c->kind) && text_asked(f->subject, c->subject) &&
           text_asked(f->request, c->request) && actor_is(f->actor, c->actor.kind, c->actor.id) &&
           f->event.length == 0;
}

bool entry_of_control(struct entry_writer *w, const struct record *r,
                      const uint8_t chain[DIGEST_BYTES], const struct trail_filter *f,
                      struct buffer *out, bool *taken, struct error *e)
{
    struct control_record c;
    struct json_document *d;

    *taken = false;
    if (!time_asked(f, r->received_us))
        return true;
    d = control_record_of(w->json, r, &c, e);
    if (d == NULL)
        return false;
    if (is_asked_change(&c.change, f)) {
        add_head("control", r, c.change.kind, out);
        buffer_add_text(out, ",\"actor\":{\"kind\":");
        json_add_text(out, c.change.actor.kind);
        if (c.change.actor.id.length > 0)
            add_text(out, "id", c.change.actor.id);
        if (c.change.actor.name.length > 0)
            add_text(out, "name", c.change.actor.name);
        buffer_add_char(out, '}');
        add_text(out, "request", c.change.request);
        add_text(out, "subject", c.change.subject);
        add_text(out, "address", c.change.address);
        add_text(out, "note", c.change.note);
        buffer_add_text(out, ",\"data\":");
        if (c.data != NULL)
            json_add_json(out, c.data);
        else
            buffer_add_text(out, "null");
        add_chain(chain, out);
        *taken = true;
    }
    json_free(d);
    return true;
}
