/* assay log verify | show | export */
#include "shell/log/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/event.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/run/body.h"
#include "shell/run/data_directory.h"
#include "shell/run/plans.h"
#include "shell/run/reasons.h"
#include "shell/run/verdict.h"

enum { SHOW_USUAL = 20, SHOW_MAX = 1000000, EVENT_TEXT_MAX = 64 << 20 };

struct log_paths {
    char shard[DATA_PATH_MAX];
    char log[DATA_PATH_MAX + 8];
};

static bool log_paths(const struct settings *s, struct log_paths *p, struct error *e)
{
    if (!data_shard_directory(s, p->shard, e))
        return false;
    snprintf(p->log, sizeof p->log, "%s/log", p->shard);
    return true;
}

/* ---- verify */

static void verdict_json(const struct log_verdict *r, const char *hex, struct buffer *out)
{
    buffer_format(out,
                  "{\"whole\":%s,\"records\":%" PRIu64 ",\"segments\":%" PRIu64
                  ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"bytes\":%" PRIu64
                  ",\"chain\":\"%s\",\"finding\":",
                  r->is_whole ? "true" : "false", r->records, r->segments, r->first_seq,
                  r->last_seq, r->bytes, hex);
    if (r->is_whole)
        buffer_add_text(out, "null");
    else
        json_add_text(out, text_of(r->finding));
    buffer_add_text(out, "}\n");
}

static void verdict_words(const struct log_verdict *r, const char *hex, struct buffer *out)
{
    buffer_format(out, "%" PRIu64 " records in %" PRIu64 " segments, %" PRIu64 " to %" PRIu64 "\n",
                  r->records, r->segments, r->first_seq, r->last_seq);
    for (int kind = RECORD_PLAN; kind <= RECORD_LIST; kind++)
        buffer_format(out, "  %-10s %" PRIu64 "\n", record_kind_name((enum record_kind)kind),
                      r->by_kind[kind]);
    buffer_format(out, "chain %s\n", hex);
    if (r->is_whole)
        buffer_add_text(out,
                        "whole: no record was changed, removed or moved. Whether records are "
                        "missing at the very end\nonly a chain value kept elsewhere can tell.\n");
}

static bool log_verify_run(struct invocation *v, const struct log_paths *p, struct error *e)
{
    struct log_verdict r;
    char hex[DIGEST_HEX];
    struct buffer out;
    bool ok;

    if (!log_verify(p->log, term_progress(&v->term), &r, e))
        return false;
    term_clear(&v->term);
    digest_hex(r.chain, hex);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        verdict_json(&r, hex, &out);
    else
        verdict_words(&r, hex, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok && (r.is_whole || error_set(e, ERROR_INVALID, "the log is broken: %s", r.finding));
}

/* ---- records as JSON */

struct viewer {
    struct plans *plans;
    struct plan *plan;
    uint32_t plan_seq;
    struct frame frame;
    struct buffer out;
};

static void add_key_text(struct buffer *out, const char *key, struct text t)
{
    buffer_format(out, ",\"%s\":", key);
    json_add_text(out, t);
}

static void add_key_time(struct buffer *out, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_MAX];

    time_format(time_us, text);
    add_key_text(out, key, text_of(text));
}

static bool under_plan(struct viewer *w, uint32_t seq, struct error *e)
{
    struct plan *p;

    if (w->plan != NULL && w->plan_seq == seq)
        return true;
    if (!plans_get(w->plans, seq, &p, e))
        return false;
    if (w->plan != NULL)
        frame_fini(&w->frame);
    plan_unref(w->plan);
    w->plan = p;
    w->plan_seq = seq;
    frame_init(&w->frame, plan_schema(p), 1, EVENT_TEXT_MAX);
    return true;
}

static bool add_event(struct viewer *w, struct text event, struct error *e)
{
    const struct schema *s = plan_schema(w->plan);
    struct reader r;

    frame_clear(&w->frame);
    reader_init(&r, event.bytes, event.length);
    if (!event_decode(&r, s, &w->frame, e))
        return false;
    buffer_add_text(&w->out, ",\"event\":{");
    for (uint32_t i = 0; i < s->count; i++) {
        struct value cell = column_get(&w->frame.column[i], 0);

        if (i > 0)
            buffer_add_char(&w->out, ',');
        json_add_text(&w->out, text_of(s->fields[i].name));
        buffer_add_char(&w->out, ':');
        json_add_value(&w->out, &cell);
    }
    buffer_add_char(&w->out, '}');
    return true;
}

static bool add_decision(struct viewer *w, struct text bytes, struct error *e)
{
    struct buffer reasons;
    struct decision d;
    struct reader r;

    reader_init(&r, bytes.bytes, bytes.length);
    if (!decision_parse(&r, w->plan, &d, e))
        return false;
    buffer_add_text(&w->out, ",\"probability\":");
    json_add_real(&w->out, d.probability);
    buffer_format(&w->out, ",\"score\":%d", d.score);
    add_key_text(&w->out, "level", text_of(plan_level_name(w->plan, d.level)));
    add_key_text(&w->out, "outcome", text_of(plan_outcome_name(w->plan, d.outcome)));
    verdict_add_uncertainty(&d, &w->out);
    buffer_init(&reasons, 64 << 10);
    reasons_text(&d, w->plan, &reasons);
    add_key_text(&w->out, "reasons", (struct text){reasons.bytes, reasons.length});
    buffer_fini(&reasons);
    return true;
}

static bool add_event_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct event_body b;

    if (!event_body_parse(r->body, &b, e) || !under_plan(w, r->plan, e))
        return false;
    add_key_text(&w->out, "id", b.id);
    return (b.decision.length == 0 || add_decision(w, b.decision, e)) && add_event(w, b.event, e);
}

static bool add_label_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct label_body b;

    if (!label_body_parse(r->body, &b, e))
        return false;
    add_key_text(&w->out, "id", b.id);
    buffer_format(&w->out, ",\"event_seq\":%" PRIu64, b.seq);
    add_key_text(&w->out, "label",
                 text_of(b.label == 1   ? "fraud"
                         : b.label == 0 ? "legit"
                                        : "taken back"));
    add_key_time(&w->out, "effective", b.effective_us);
    add_key_text(&w->out, "source", b.source);
    return true;
}

static bool add_list_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct list_item item;
    struct list_body b;
    struct reader at;

    if (!list_body_parse(r->body, &b, e))
        return false;
    add_key_text(&w->out, "list", b.list);
    add_key_text(&w->out, "by", b.by);
    buffer_add_text(&w->out, ",\"changes\":[");
    reader_init(&at, b.items.bytes, b.items.length);
    for (uint32_t i = 0; i < b.count; i++) {
        list_item_next(&at, &item);
        buffer_format(&w->out, "%s{\"%s\":", i > 0 ? "," : "", item.is_removal ? "remove" : "add");
        json_add_text(&w->out, item.value);
        if (item.expires_us != LIST_NEVER)
            add_key_time(&w->out, "expires", item.expires_us);
        if (item.note.length > 0)
            add_key_text(&w->out, "note", item.note);
        buffer_add_char(&w->out, '}');
    }
    buffer_add_char(&w->out, ']');
    return true;
}

static bool add_other_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct plan_body plan;
    struct history_body history;
    char hex[DIGEST_HEX];

    if (r->kind == RECORD_PLAN) {
        if (!plan_body_parse(r->body, &plan, e))
            return false;
        digest_hex(plan.id, hex);
        add_key_text(&w->out, "plan_id", text_of(hex));
        digest_hex(plan.model, hex);
        add_key_text(&w->out, "model", text_of(hex));
        add_key_text(&w->out, "settings", plan.settings);
        return true;
    }
    if (!history_body_parse(r->body, &history, e))
        return false;
    buffer_format(&w->out, ",\"events\":%" PRIu64, history.events);
    if (history.events > 0)
        add_key_time(&w->out, "until", history.until_us);
    add_key_text(&w->out, "source", history.source);
    return true;
}

static bool add_record(struct viewer *w, const struct record *r, struct error *e)
{
    bool ok;

    buffer_format(&w->out, "{\"seq\":%" PRIu64 ",\"kind\":\"%s\",\"plan\":%u", r->seq,
                  record_kind_name(r->kind), r->plan);
    add_key_time(&w->out, "received", r->received_us);
    if (r->kind == RECORD_OBSERVE || r->kind == RECORD_DECISION)
        ok = add_event_record(w, r, e);
    else if (r->kind == RECORD_LABEL)
        ok = add_label_record(w, r, e);
    else if (r->kind == RECORD_LIST)
        ok = add_list_record(w, r, e);
    else
        ok = add_other_record(w, r, e);
    buffer_add_text(&w->out, "}\n");
    return ok || error_prefix(e, "record %" PRIu64, r->seq);
}

static bool write_records(const struct log_paths *p, uint64_t from, uint64_t count, FILE *file,
                          struct error *e)
{
    struct viewer w = {.plans = plans_new(p->shard)};
    struct log_cursor *c;
    struct record r;
    bool ok = log_cursor_open(p->log, from, &c, e);
    int found = 1;

    buffer_init(&w.out, OUTPUT_MAX);
    while (ok && count-- > 0 && (found = log_cursor_next(c, &r, e)) == 1) {
        buffer_clear(&w.out);
        ok = add_record(&w, &r, e);
        if (ok && fwrite(w.out.bytes, 1, w.out.length, file) != w.out.length)
            ok = error_set(e, ERROR_WORLD, "cannot write the records: is the disk full?");
    }
    if (w.plan != NULL)
        frame_fini(&w.frame);
    plan_unref(w.plan);
    plans_free(w.plans);
    buffer_fini(&w.out);
    if (ok || found == -1)
        log_cursor_close(c);
    return ok && found >= 0;
}

/* The records asked for: one by its number, or the newest. */
static bool log_show_run(struct invocation *v, const struct log_paths *p, struct error *e)
{
    int64_t number = SHOW_USUAL, seq = 0;
    uint64_t last, from;

    if (!option_whole(v, "number", 1, SHOW_MAX, &number, e) ||
        !option_whole(v, "seq", 1, INT64_MAX, &seq, e) || !log_last_seq(p->log, &last, e))
        return false;
    if (seq > 0 && (uint64_t)seq > last)
        return error_set(e, ERROR_NOT_FOUND, "the log ends at record %" PRIu64, last);
    if (seq > 0)
        return write_records(p, (uint64_t)seq, 1, stdout, e);
    from = last > (uint64_t)number ? last - (uint64_t)number + 1 : 1;
    return write_records(p, from, (uint64_t)number, stdout, e);
}

static bool log_export_run(struct invocation *v, const struct log_paths *p, struct error *e)
{
    const char *path = option_get(v, "output");
    FILE *file = path != NULL ? fopen(path, "w") : stdout;
    bool ok;

    if (file == NULL)
        return error_set(e, ERROR_WORLD, "cannot write %s", path);
    ok = write_records(p, 1, UINT64_MAX, file, e);
    if (path != NULL && fclose(file) != 0 && ok)
        ok = error_set(e, ERROR_WORLD, "cannot write %s", path);
    return ok;
}

/* ---- the command */

static const struct {
    const char *name;
    bool (*run)(struct invocation *v, const struct log_paths *p, struct error *e);
} actions[] = {{"verify", log_verify_run}, {"show", log_show_run}, {"export", log_export_run}};

static bool log_run(struct invocation *v, struct error *e)
{
    struct log_paths paths;
    struct settings *s;
    bool ok;

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(v->argument[0], actions[i].name) != 0)
            continue;
        if (!invocation_settings(v, &s, e))
            return false;
        ok = log_paths(s, &paths, e) && actions[i].run(v, &paths, e);
        settings_free(s);
        return ok;
    }
    return error_set(e, ERROR_USAGE, "log: expected verify, show or export, found \"%s\"",
                     v->argument[0]);
}

static const struct option options[] = {
    {"number", 'n', "N", "show: how many of the newest records (default 20)"},
    {"seq", 0, "SEQ", "show: one record by its number"},
    {"output", 'o', "FILE", "export: where to write (default: standard output)"},
    {0},
};

const struct command command_log = {
    .name = "log",
    .group = GROUP_LOOK,
    .summary = "verifies, shows or exports the decision log",
    .arguments = "verify|show|export",
    .least = 1,
    .most = 1,
    .words =
        "verify holds every length, checksum, number and the SHA-256 chain, and exits 1 where one is "
        "broken.\nshow and export print records as JSON, one a line.",
    .options = options,
    .examples = "  assay log verify\n"
                "  assay log show -n 5\n"
                "  assay log export -o log.ndjson\n",
    .run = log_run,
};
