#include "shell/audit/hold.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/audit/kinds.h"
#include "shell/control/control.h"
#include "shell/os/file.h"

struct holding {
    const struct hold_options *o;
    struct signature_key *key;
    struct held *h;
    struct checkpoint *list; /* signed, of this log */
    size_t count, room;
    struct log_mark *cuts; /* each: the record before the first that was kept */
    size_t cut_count, cut_room;
    char refused[ERROR_TEXT_MAX]; /* a checkpoint that is not what it says */
};

PRINTF_LIKE(2, 3) static void finding(struct holding *g, const char *format, ...)
{
    va_list args;

    g->h->is_good = false;
    if (g->h->finding[0] != 0)
        return;
    va_start(args, format);
    vsnprintf(g->h->finding, sizeof g->h->finding, format, args);
    va_end(args);
}

/* ---- what is known of it */

/* `is_own`: of the control log, where those of a key of before are passed over. */
static void take_checkpoint(struct holding *g, const struct checkpoint *c, const char *where,
                            bool is_own)
{
    char id[CHECKPOINT_KEY_ID + 1];

    if (c->log != g->o->log || g->key == NULL)
        return;
    checkpoint_key_id(g->key, id);
    if (is_own && strcmp(c->key, id) != 0)
        return;
    if (!checkpoint_holds(c, g->key)) {
        if (g->refused[0] == 0)
            snprintf(g->refused, sizeof g->refused,
                     "%s: the checkpoint of record %" PRIu64
                     " is not signed by this key (it names key %s)",
                     where, c->seq, c->key);
        return;
    }
    if (g->count == g->room) {
        g->room = g->room == 0 ? 64 : g->room * 2;
        g->list = mem_resize(g->list, g->room, sizeof *g->list);
    }
    g->list[g->count++] = *c;
}

static bool take_file(struct holding *g, struct error *e)
{
    struct checkpoint *list;
    size_t count;

    if (g->o->checkpoints == NULL)
        return true;
    if (!checkpoints_read(g->o->checkpoints, &list, &count, e))
        return false;
    for (size_t i = 0; i < count; i++)
        take_checkpoint(g, &list[i], g->o->checkpoints, false);
    mem_free(list);
    g->h->from_file = g->count;
    return g->count > 0 || g->refused[0] != 0 ||
           error_set(e, ERROR_INVALID, "%s: no checkpoint of the log \"%s\"", g->o->checkpoints,
                     checkpoint_log_name(g->o->log));
}

static void take_cut(struct holding *g, const struct json *data)
{
    struct log_mark m = {.seq = json_count_at(data, "first_seq") - 1};

    if (g->o->log != CHECKPOINT_DECISIONS || !digest_unhex(json_text_at(data, "chain"), m.chain))
        return;
    if (g->cut_count == g->cut_room) {
        g->cut_room = g->cut_room == 0 ? 16 : g->cut_room * 2;
        g->cuts = mem_resize(g->cuts, g->cut_room, sizeof *g->cuts);
    }
    g->cuts[g->cut_count++] = m;
}

static bool take_record(void *context, const struct control_record *r)
{
    struct holding *g = context;
    struct checkpoint c;
    struct error ignored;

    if (text_is(r->change.kind, AUDIT_CHECKPOINT) && checkpoint_parse(r->data, &c, &ignored))
        take_checkpoint(g, &c, "control log", true);
    else if (text_is(r->change.kind, AUDIT_CUT))
        take_cut(g, r->data);
    return true;
}

/* The control log of the same directory: whoever can cut one can cut the other, but not sign. */
static bool take_control(struct holding *g, struct error *e)
{
    const struct control_visitor v = {take_record, g};
    struct error why = {0};

    if (control_scan(g->o->data_directory, 1, &v, &why))
        return true;
    if (g->o->log == CHECKPOINT_CONTROL && why.kind == ERROR_INVALID)
        return true; /* its damage is found and told below */
    *e = why;
    return error_prefix(e, "the control log, which has the checkpoints");
}

/* ---- holding */

static int by_seq(const void *left, const void *right)
{
    const struct log_mark *a = left, *b = right;

    return (a->seq > b->seq) - (a->seq < b->seq);
}

static struct log_mark *marks_of(const struct holding *g)
{
    struct log_mark *m = mem_array(g->count + g->cut_count + 1, sizeof *m);

    for (size_t i = 0; i < g->count; i++) {
        m[i].seq = g->list[i].seq;
        memcpy(m[i].chain, g->list[i].chain, DIGEST_BYTES);
    }
    for (size_t i = 0; i < g->cut_count; i++)
        m[g->count + i] = g->cuts[i];
    qsort(m, g->count + g->cut_count, sizeof *m, by_seq);
    return m;
}

static const struct log_mark *mark_of(const struct log_mark *m, size_t count, uint64_t seq,
                                      const uint8_t *chain)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (m[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < count && m[i].seq == seq; i++) {
        if (memcmp(m[i].chain, chain, DIGEST_BYTES) == 0)
            return &m[i];
    }
    return NULL; /* all that are asked for are there */
}

static void judge_checkpoint(struct holding *g, const struct checkpoint *c,
                             const struct log_mark *m)
{
    struct held *h = g->h;
    char at[TIME_TEXT_MAX];

    time_format(c->at_us, at);
    h->checkpoints++;
    switch (m->state) {
    case LOG_MARK_HELD:
        h->held++;
        if (c->seq >= h->newest_seq) {
            h->newest_seq = c->seq;
            h->newest_us = c->at_us;
        }
        break;
    case LOG_MARK_CUT:
        h->before_cut++;
        break;
    case LOG_MARK_MISSING:
        finding(g,
                "the log ends with record %" PRIu64 ", and the checkpoint signed at %s says that "
                "there was record %" PRIu64
                ": records were cut off its end, or an older copy was put in its place",
                h->verdict.last_seq, at, c->seq);
        break;
    case LOG_MARK_DIFFERS:
        finding(g,
                "record %" PRIu64
                " has another chain value than the checkpoint signed at %s says: it or records "
                "before it were changed, and the chain was made anew",
                c->seq, at);
        break;
    case LOG_MARK_UNSEEN:
        break;
    }
}

/* Where a log begins later than with record 1, a cut must say so, and its chain value must be the
 * log's. */
static void judge_beginning(struct holding *g, const struct log_mark *m, size_t count)
{
    struct held *h = g->h;
    uint64_t first = h->verdict.first_seq;

    h->is_cut = first > 1;
    for (size_t i = 0; i < g->cut_count; i++) {
        const struct log_mark *cut = mark_of(m, count, g->cuts[i].seq, g->cuts[i].chain);

        if (cut->state == LOG_MARK_DIFFERS)
            finding(g,
                    "record %" PRIu64
                    " has another chain value than the cut of retention says: it or records before "
                    "it were changed, and the chain was made anew",
                    cut->seq);
        h->cut_is_known |= cut->seq + 1 >= first && cut->state == LOG_MARK_HELD;
    }
    if (h->is_cut && !h->cut_is_known && h->verdict.is_whole)
        finding(g,
                "the log begins with record %" PRIu64
                ", and the control log has no cut of retention that explains it: its beginning was "
                "removed",
                first);
}

static bool hold(struct holding *g, struct error *e)
{
    size_t count = g->count + g->cut_count;
    struct log_mark *m = marks_of(g);
    struct held *h = g->h;
    bool ok = log_verify_marks(g->o->log_directory, m, count, g->o->progress, &h->verdict, e);

    if (ok) {
        if (!h->verdict.is_whole)
            finding(g, "%s", h->verdict.finding);
        if (g->refused[0] != 0)
            finding(g, "%s", g->refused);
        for (size_t i = 0; i < g->count; i++)
            judge_checkpoint(g, &g->list[i], mark_of(m, count, g->list[i].seq, g->list[i].chain));
        judge_beginning(g, m, count);
    }
    mem_free(m);
    return ok;
}

static bool open_key(struct holding *g, struct error *e)
{
    char own[CHECKPOINT_PATH_MAX + 8];

    if (g->o->public_key != NULL)
        return checkpoint_public_open(g->o->public_key, &g->key, e);
    snprintf(own, sizeof own, "%s.pub", g->o->own_key);
    if (!file_exists(own) && g->o->checkpoints == NULL)
        return true; /* of a time before there were checkpoints */
    return checkpoint_public_open(own, &g->key, e);
}

bool log_hold(const struct hold_options *o, struct held *h, struct error *e)
{
    struct holding g = {.o = o, .h = h};
    bool ok;

    *h = (struct held){.is_good = true};
    ok = open_key(&g, e) && take_file(&g, e) && take_control(&g, e) && hold(&g, e);
    signature_key_free(g.key);
    mem_free(g.list);
    mem_free(g.cuts);
    return ok;
}

void held_format(const struct held *h, enum checkpoint_log log, struct buffer *out)
{
    const struct log_verdict *r = &h->verdict;
    char hex[DIGEST_HEX], at[TIME_TEXT_MAX];

    digest_hex(r->chain, hex);
    time_format(h->newest_us, at);
    buffer_format(out,
                  "{\"log\":\"%s\",\"whole\":%s,\"records\":%" PRIu64 ",\"segments\":%" PRIu64
                  ",\"packed\":%" PRIu64 ",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64
                  ",\"bytes\":%" PRIu64 ",\"chain\":\"%s\"",
                  checkpoint_log_name(log), h->is_good ? "true" : "false", r->records, r->segments,
                  r->packed, r->first_seq, r->last_seq, r->bytes, hex);
    buffer_format(out,
                  ",\"checkpoints\":%" PRIu64 ",\"held\":%" PRIu64 ",\"before_cut\":%" PRIu64
                  ",\"proven_seq\":%" PRIu64 ",\"proven_at\":",
                  h->checkpoints, h->held, h->before_cut, h->newest_seq);
    if (h->newest_seq > 0)
        json_add_text(out, text_of(at));
    else
        buffer_add_text(out, "null");
    buffer_format(out, ",\"unproven\":%" PRIu64 ",\"is_cut\":%s,\"finding\":",
                  r->last_seq - (h->is_good ? h->newest_seq : r->last_seq),
                  h->is_cut ? "true" : "false");
    if (h->is_good)
        buffer_add_text(out, "null");
    else
        json_add_text(out, text_of(h->finding));
    buffer_add_char(out, '}');
}

bool logs_verify(const char *data_directory, const char *log_directory, const char *own_key,
                 const struct progress *p, struct buffer *out, struct error *e)
{
    struct hold_options o = {.data_directory = data_directory,
                             .log_directory = log_directory,
                             .log = CHECKPOINT_DECISIONS,
                             .own_key = own_key,
                             .progress = p};
    char control[CONTROL_PATH_MAX];
    struct held decisions, changes;

    if (!control_path(data_directory, control, e) || !log_hold(&o, &decisions, e))
        return false;
    o.log_directory = control;
    o.log = CHECKPOINT_CONTROL;
    if (!log_hold(&o, &changes, e))
        return false;
    buffer_format(out, "{\"whole\":%s,\"logs\":[",
                  decisions.is_good && changes.is_good ? "true" : "false");
    held_format(&decisions, CHECKPOINT_DECISIONS, out);
    buffer_add_char(out, ',');
    held_format(&changes, CHECKPOINT_CONTROL, out);
    buffer_add_text(out, "]}");
    return true;
}
