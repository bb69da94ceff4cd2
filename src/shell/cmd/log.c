/* assay log verify | show | export | checkpoint */
#include "shell/cmd/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/data/event.h"
#include "core/data/json.h"
#include "shell/audit/hold.h"
#include "shell/cmd/admin.h"
#include "shell/control/control.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/body.h"
#include "shell/run/data_directory.h"
#include "shell/run/plans.h"
#include "shell/run/reasons.h"
#include "shell/run/unseal.h"
#include "shell/run/verdict.h"

enum { SHOW_USUAL = 20, SHOW_MAX = 1000000, EVENT_TEXT_MAX = 64 << 20 };

struct log_paths {
    char data[DATA_PATH_MAX];
    char shard[DATA_PATH_MAX];
    char key[CHECKPOINT_PATH_MAX];
    bool is_control;
    char log[CONTROL_PATH_MAX];
};

static bool log_paths(const struct settings *s, bool is_control, struct log_paths *p,
                      struct error *e)
{
    p->is_control = is_control;
    if (!data_directory(s, p->data, e) || !data_shard_directory(s, p->shard, e) ||
        !checkpoint_key_path(p->data, s->log_checkpoint_key, s->directory, p->key, e))
        return false;
    snprintf(p->log, sizeof p->log, "%s/log", p->shard);
    return !is_control || control_path(p->data, p->log, e);
}

/* ---- verify */

/* What is shown, and by what; and what is not. */
static void proof_words(const struct held *h, bool is_elsewhere, struct buffer *out)
{
    uint64_t behind = h->verdict.last_seq - h->newest_seq;
    char at[TIME_TEXT_MAX];

    if (h->is_cut)
        buffer_format(out,
                      "begins with record %" PRIu64 ": what was before was cut off by log.keep, as "
                      "the control log says\n",
                      h->verdict.first_seq);
    if (h->newest_seq == 0) {
        buffer_add_text(
            out, "whole in itself: every length, checksum, number and chain value fits. Without a "
                 "signed checkpoint\nit cannot be shown that the log was not written anew, put "
                 "back to an older copy, or cut off at its end.\n");
        return;
    }
    time_format(h->newest_us, at);
    buffer_format(out,
                  "whole: no record was changed, removed or moved up to record %" PRIu64
                  ", by the checkpoint signed at %s\n(%" PRIu64 " checkpoints held%s).\n",
                  h->newest_seq, at, h->held,
                  h->before_cut > 0 ? "; those of records that were cut off cannot be" : "");
    if (behind > 0)
        buffer_format(out,
                      "behind it: %" PRIu64 " records fit the chain, but whether they were written "
                      "anew, or more were cut off, cannot be\nshown before the next checkpoint.\n",
                      behind);
    if (!is_elsewhere)
        buffer_add_text(
            out, "these checkpoints stand beside the log: whoever could change both may have "
                 "cut off both.\n--checkpoint FILE holds it against those that were kept "
                 "elsewhere.\n");
}

static void verdict_words(const struct held *h, const char *hex, bool is_elsewhere,
                          struct buffer *out)
{
    const struct log_verdict *r = &h->verdict;

    buffer_format(out,
                  "%" PRIu64 " records in %" PRIu64 " segments (%" PRIu64 " packed), %" PRIu64
                  " to %" PRIu64 "\n",
                  r->records, r->segments, r->packed, r->first_seq, r->last_seq);
    for (int kind = RECORD_PLAN; kind <= RECORD_CONTROL; kind++)
        if (kind != RECORD_CONTROL || r->by_kind[kind] > 0) /* a log of its own */
            buffer_format(out, "  %-10s %" PRIu64 "\n", record_kind_name((enum record_kind)kind),
                          r->by_kind[kind]);
    buffer_format(out, "chain %s\n", hex);
    if (h->is_good)
        proof_words(h, is_elsewhere, out);
}

static bool log_verify_run(struct invocation *v, const struct log_paths *p, struct error *e)
{
    struct hold_options o = {.data_directory = p->data,
                             .log_directory = p->log,
                             .log = p->is_control ? CHECKPOINT_CONTROL : CHECKPOINT_DECISIONS,
                             .checkpoints = option_get(v, "checkpoint"),
                             .public_key = option_get(v, "public-key"),
                             .own_key = p->key,
                             .progress = term_progress(&v->term)};
    char hex[DIGEST_HEX];
    struct buffer out;
    struct held h;
    bool ok;

    if (!log_hold(&o, &h, e))
        return false;
    term_clear(&v->term);
    digest_hex(h.verdict.chain, hex);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        held_format(&h, o.log, &out);
    else
        verdict_words(&h, hex, h.from_file > 0, &out);
    if (v->json)
        buffer_add_char(&out, '\n');
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok && (h.is_good || error_set(e, ERROR_INVALID, "the log is broken: %s", h.finding));
}

/* ---- checkpoint */

/* Where no service runs: of a directory at rest. */
static bool checkpoint_own(struct admin *a, const struct log_paths *p, struct error *e)
{
    struct checkpoint c = {.log = CHECKPOINT_DECISIONS, .at_us = clock_now_us()};
    struct signature_key *key;
    bool ok;

    if (!checkpoint_key_open(p->key, true, &key, e))
        return false;
    ok = !file_exists(p->log) ||
         (log_last_seq(p->log, &c.seq, e) && log_chain_at(p->log, c.seq, c.chain, e));
    if (ok && c.seq > 0) {
        checkpoint_sign(&c, key);
        ok = checkpoint_record(a->control, &c, e);
        checkpoint_format(&c, &a->answer);
        buffer_add_char(&a->answer, '\n');
    }
    c = (struct checkpoint){
        .log = CHECKPOINT_CONTROL, .shard = (uint32_t)CONTROL_SHARD, .at_us = clock_now_us()};
    c.seq = control_head(a->control, c.chain);
    if (ok && c.seq > 0) {
        checkpoint_sign(&c, key);
        checkpoint_format(&c, &a->answer);
        buffer_add_char(&a->answer, '\n');
    }
    signature_key_free(key);
    return ok && print_result(&a->answer, e);
}

static bool checkpoint_asked(struct admin *a, struct error *e)
{
    const struct json *list;
    struct buffer body, out;
    bool ok;

    buffer_init(&body, 8);
    buffer_add_text(&body, "{}");
    ok = admin_ask(a, "/v1/audit:checkpoint", &body, false, e);
    buffer_fini(&body);
    if (!ok)
        return false;
    buffer_init(&out, OUTPUT_MAX);
    list = json_get(&a->document->root, "checkpoints");
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        json_add_json(&out, &list->items[i]);
        buffer_add_char(&out, '\n');
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool log_checkpoint_run(struct invocation *v, const struct log_paths *p, struct error *e)
{
    struct admin a;
    bool ok = admin_open(&a, v, e);

    if (ok)
        ok = a.control != NULL ? checkpoint_own(&a, p, e) : checkpoint_asked(&a, e);
    admin_close(&a);
    return ok;
}

/* ---- records as JSON */

struct viewer {
    struct plans *plans;
    struct plan *plan;
    uint32_t plan_seq;
    struct frame frame;
    struct unseal unseal;
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

static bool add_event(struct viewer *w, const struct record *record, struct text event,
                      struct error *e)
{
    const struct schema *s = plan_schema(w->plan);
    struct reader r;
    bool is_erased;

    frame_clear(&w->frame);
    reader_init(&r, event.bytes, event.length);
    if (!event_decode(&r, s, &w->frame, e) ||
        !unseal_add(&w->unseal, record, s, &w->frame, &is_erased, e))
        return false;
    if (is_erased)
        buffer_add_text(&w->out, ",\"erased\":true");
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

static void add_asked(struct viewer *w, const struct asked *a)
{
    if (a->caller.length > 0)
        add_key_text(&w->out, "caller", a->caller);
    if (a->request.length > 0)
        add_key_text(&w->out, "request", a->request);
}

static bool add_event_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct event_body b;

    if (!event_body_parse(r->body, &b, e) || !under_plan(w, r->plan, e))
        return false;
    add_key_text(&w->out, "id", b.id);
    add_asked(w, &b.asked);
    return (b.decision.length == 0 || add_decision(w, b.decision, e)) &&
           add_event(w, r, b.event, e);
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
    add_asked(w, &b.asked);
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
    add_asked(w, &b.asked);
    buffer_add_text(&w->out, ",\"changes\":[");
    reader_init(&at, b.items.bytes, b.items.length);
    for (uint32_t i = 0; i < b.count; i++) {
        list_item_next(&at, &item);
        buffer_format(&w->out, "%s{\"%s\":", i > 0 ? "," : "",
                      item.is_removal ? "remove"
                      : item.is_again ? "again"
                                      : "add");
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

static bool add_control_record(struct viewer *w, const struct record *r, struct error *e)
{
    struct json_reader *json = json_reader_new();
    struct control_record c;
    struct json_document *d = control_record_of(json, r, &c, e);

    if (d != NULL) {
        buffer_add_char(&w->out, ',');
        control_record_show(&c, &w->out);
    }
    json_free(d);
    json_reader_free(json);
    return d != NULL;
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
    else if (r->kind == RECORD_CONTROL)
        ok = add_control_record(w, r, e);
    else
        ok = add_other_record(w, r, e);
    buffer_add_text(&w->out, "}\n");
    return ok || error_prefix(e, "record %" PRIu64, r->seq);
}

static bool write_wanted(struct viewer *w, const struct record *r,
                         const struct record_filter *filter, FILE *file, struct error *e)
{
    bool wanted = true;

    if (filter != NULL && !filter->wants(filter->context, r, &wanted, e))
        return false;
    if (!wanted)
        return true;
    buffer_clear(&w->out);
    return add_record(w, r, e) &&
           (fwrite(w->out.bytes, 1, w->out.length, file) == w->out.length ||
            error_set(e, ERROR_WORLD, "cannot write the records: is the disk full?"));
}

bool log_write_records(const struct log_place *p, uint64_t from, uint64_t count,
                       const struct record_filter *filter, FILE *file, struct error *e)
{
    struct viewer w = {.plans = plans_new(p->shard)};
    struct log_cursor *c;
    struct record r;
    bool ok = log_cursor_open(p->log, from, &c, e);
    int found = 1;

    unseal_init(&w.unseal, w.plans);
    buffer_init(&w.out, OUTPUT_MAX);
    while (ok && count-- > 0 && (found = log_cursor_next(c, &r, e)) == 1)
        ok = write_wanted(&w, &r, filter, file, e);
    if (w.plan != NULL)
        frame_fini(&w.frame);
    plan_unref(w.plan);
    unseal_fini(&w.unseal);
    plans_free(w.plans);
    buffer_fini(&w.out);
    if (ok || found == -1)
        log_cursor_close(c);
    return ok && found >= 0;
}

static bool is_kept(const struct log_paths *p, uint64_t seq, struct error *e)
{
    struct log_cursor *c;
    struct record r;
    int found;

    if (!log_cursor_open(p->log, 1, &c, e))
        return false;
    found = log_cursor_next(c, &r, e);
    if (found == 1 && seq < r.seq)
        found = error_set(e, ERROR_NOT_FOUND,
                          "the log begins with record %" PRIu64
                          ": what was before is no longer kept (log.keep)",
                          r.seq);
    log_cursor_close(c);
    return found == 1;
}

static bool write_records(const struct log_paths *p, uint64_t from, uint64_t count, FILE *file,
                          struct error *e)
{
    return log_write_records(&(struct log_place){p->shard, p->log}, from, count, NULL, file, e);
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
        return is_kept(p, (uint64_t)seq, e) && write_records(p, (uint64_t)seq, 1, stdout, e);
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
} actions[] = {{"verify", log_verify_run},
               {"show", log_show_run},
               {"export", log_export_run},
               {"checkpoint", log_checkpoint_run}};

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
        ok = log_paths(s, option_has(v, "control"), &paths, e) && actions[i].run(v, &paths, e);
        settings_free(s);
        return ok;
    }
    return error_set(e, ERROR_USAGE,
                     "log: expected verify, show, export or checkpoint, found \"%s\"",
                     v->argument[0]);
}

static const struct option options[] = {
    {"control", 0, NULL, "the control log: who changed what, and who was refused"},
    {"number", 'n', "N", "show: how many of the newest records (default 20)"},
    {"seq", 0, "SEQ", "show: one record by its number"},
    {"checkpoint", 0, "FILE", "verify: checkpoints that were kept elsewhere, one a line"},
    {"public-key", 0, "FILE",
     "verify: the key that signed them (default: checkpoint.key.pub beside it)"},
    OPTIONS_SERVICE,
    {"output", 'o', "FILE", "export: where to write (default: standard output)"},
    {0},
};

const struct command command_log = {
    .name = "log",
    .group = GROUP_LOOK,
    .summary = "verifies, shows or exports the decision log; signs checkpoints of it",
    .arguments = "verify|show|export|checkpoint",
    .least = 1,
    .most = 1,
    .words =
        "verify holds every length, checksum, number and the SHA-256 chain, and exits 1 where one is "
        "broken.\nIt also holds the log against signed checkpoints: those of the control log, and with "
        "--checkpoint those kept elsewhere;\nonly these show that its end was not cut off. "
        "checkpoint signs the logs as they are now and prints it.\nshow and export print records as JSON, one a line.",
    .options = options,
    .examples = "  assay log verify\n"
                "  assay log verify --control\n"
                "  assay log checkpoint >> /mnt/elsewhere/checkpoints.ndjson\n"
                "  assay log verify --checkpoint /mnt/elsewhere/checkpoints.ndjson\n"
                "  assay log show -n 5\n"
                "  assay log export -o log.ndjson\n",
    .run = log_run,
};
