#include "shell/audit/export.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "shell/os/file.h"

struct exporting {
    const struct export_options *o;
    struct digest *digest;
};

static bool write_bytes(struct exporting *x, struct text t, struct error *e)
{
    digest_add(x->digest, t.bytes, t.length);
    return x->o->write(x->o->context, t, e);
}

static bool take(void *context, struct text json, struct error *e)
{
    return write_bytes(context, json, e) && write_bytes(context, text_of("\n"), e);
}

static void add_time(struct buffer *out, const char *name, bool is_there, int64_t us)
{
    char text[TIME_TEXT_MAX];

    time_format(us, text);
    if (is_there)
        buffer_format(out, ",\"%s\":\"%s\"", name, text);
    else
        buffer_format(out, ",\"%s\":null", name);
}

static bool add_head(struct buffer *out, const char *name, const char *path, uint64_t last,
                     struct error *e)
{
    uint8_t chain[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    if (!file_exists(path)) {
        buffer_format(out, ",\"%s\":null", name);
        return true;
    }
    if ((last == UINT64_MAX && !log_last_seq(path, &last, e)) ||
        !log_chain_at(path, last, chain, e))
        return false;
    digest_hex(chain, hex);
    buffer_format(out, ",\"%s\":{\"seq\":%" PRIu64 ",\"chain\":\"%s\"}", name, last, hex);
    return true;
}

static bool add_heads(const struct trail_options *t, struct buffer *out, struct error *e)
{
    char control[CONTROL_PATH_MAX], decisions[CONTROL_PATH_MAX];

    snprintf(decisions, sizeof decisions, "%s/log", t->shard_directory);
    return control_path(t->data_directory, control, e) &&
           add_head(out, "decisions_head", decisions, t->last_decisions, e) &&
           add_head(out, "control_head", control, t->last_control, e);
}

static void add_filter(const struct trail_filter *f, struct buffer *out)
{
    const struct {
        const char *name;
        struct text text;
    } texts[] = {{"kind", f->kind},
                 {"actor", f->actor},
                 {"subject", f->subject},
                 {"event", f->event},
                 {"request", f->request}};
    bool is_first = true;

    buffer_add_text(out, ",\"filter\":{");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text.length == 0)
            continue;
        buffer_format(out, "%s\"%s\":", is_first ? "" : ",", texts[i].name);
        json_add_text(out, texts[i].text);
        is_first = false;
    }
    buffer_add_char(out, '}');
}

static bool add_manifest(struct exporting *x, const struct trail_counts *c, struct buffer *out,
                         struct error *e)
{
    uint64_t entries = c->decisions + c->control;
    struct checkpoint signed_off = {.log = CHECKPOINT_AUDIT, .seq = entries, .at_us = x->o->now_us};
    char hex[DIGEST_HEX];

    digest_finish(x->digest, signed_off.chain);
    digest_hex(signed_off.chain, hex);
    buffer_format(out,
                  "{\"manifest\":{\"entries\":%" PRIu64 ",\"decisions\":%" PRIu64
                  ",\"control\":%" PRIu64 ",\"first_decisions\":%" PRIu64
                  ",\"last_decisions\":%" PRIu64 ",\"first_control\":%" PRIu64
                  ",\"last_control\":%" PRIu64,
                  entries, c->decisions, c->control, c->first_decisions, c->last_decisions,
                  c->first_control, c->last_control);
    add_time(out, "first", entries > 0, c->first_us);
    add_time(out, "last", entries > 0, c->last_us);
    add_time(out, "from", x->o->trail.filter.from_us != INT64_MIN, x->o->trail.filter.from_us);
    add_time(out, "to", x->o->trail.filter.to_us != INT64_MAX, x->o->trail.filter.to_us);
    add_filter(&x->o->trail.filter, out);
    if (!add_heads(&x->o->trail, out, e))
        return false;
    buffer_format(out, ",\"sha256\":\"%s\",\"checkpoint\":", hex);
    if (x->o->key == NULL) {
        buffer_add_text(out, "null");
    } else {
        checkpoint_sign(&signed_off, x->o->key);
        checkpoint_format(&signed_off, out);
    }
    buffer_add_text(out, "}}\n");
    return true;
}

bool audit_export(const struct export_options *o, struct trail_counts *c, struct error *e)
{
    struct exporting x = {.o = o, .digest = digest_new()};
    const struct trail_taker taker = {take, &x};
    struct trail_options all = o->trail;
    struct buffer out;
    bool ok;

    all.is_descending = false;
    all.place = (struct trail_place){0, 0};
    all.limit = UINT32_MAX;
    all.work = 0;
    digest_start(x.digest);
    buffer_init(&out, 64 << 10);
    ok = trail_read(&all, &taker, c, e) && add_manifest(&x, c, &out, e) &&
         o->write(o->context, (struct text){out.bytes, out.length}, e);
    buffer_fini(&out);
    digest_free(x.digest);
    return ok;
}
