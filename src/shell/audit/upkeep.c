#include "shell/audit/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/audit/keeping.h"
#include "shell/audit/kinds.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/thread.h"

enum {
    TICK_US = 100000,
    KEEP_EVERY_US = 1000000,
    SEGMENTS_MAX = 4096, /* looked at for one cut */
    RETRY_US = 10000000,
    FILE_MODE = 0640,
};

struct upkeep {
    struct upkeep_options o;
    struct log_keep keep;
    bool compresses;
    int64_t every_us;
    uint64_t every_records;
    char *elsewhere; /* file or URL; NULL: none */
    struct signature_key *key;
    pthread_t thread;
    pthread_mutex_t making; /* one checkpoint at a time */
    pthread_mutex_t lock;   /* of what follows */
    bool is_stopping;
    struct upkeep_status status;
    uint64_t signed_seq, signed_control;
    int64_t signed_at_us; /* monotonic */
    /* the thread's */
    int64_t keep_due_us, retry_us;
};

static void note_failure(struct upkeep *u, const char *what, const struct error *e)
{
    if (e->kind == ERROR_CANCELLED)
        return;
    pthread_mutex_lock(&u->lock);
    u->status.failures++;
    snprintf(u->status.failure, sizeof u->status.failure, "%s: %.800s", what, e->text);
    pthread_mutex_unlock(&u->lock);
    u->retry_us = clock_monotonic_us() + RETRY_US;
}

/* ---- checkpoints */

static bool is_url(const char *word)
{
    return strncmp(word, "http://", 7) == 0 || strncmp(word, "https://", 8) == 0;
}

static bool post(const char *url, struct text lines, struct error *e)
{
    struct http_client *c = http_client_new(url);
    struct buffer answer;
    int status = 0;
    bool ok;

    buffer_init(&answer, HTTP_ANSWER_MAX);
    ok = http_client_ask(c, "", "application/x-ndjson", lines, &answer, &status, e);
    if (ok && (status < 200 || status >= 300))
        ok = error_set(e, ERROR_WORLD, "%s answered %d", url, status);
    buffer_fini(&answer);
    http_client_free(c);
    return ok;
}

static bool add_to_file(const char *path, struct text lines, struct error *e)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, FILE_MODE);
    bool ok = fd >= 0 && write(fd, lines.bytes, lines.length) == (ssize_t)lines.length &&
              fdatasync(fd) == 0;

    if (!ok)
        error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "cannot add to %s: %s", path,
                  strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool keep_elsewhere(struct upkeep *u, const struct checkpoint made[2], struct error *e)
{
    struct buffer lines;
    struct text t;
    bool ok;

    if (u->elsewhere == NULL)
        return true;
    buffer_init(&lines, 2 * CHECKPOINT_TEXT_MAX);
    for (int i = 0; i < 2; i++) {
        if (made[i].seq == 0)
            continue;
        checkpoint_format(&made[i], &lines);
        buffer_add_char(&lines, '\n');
    }
    t = (struct text){lines.bytes, lines.length};
    ok = is_url(u->elsewhere) ? post(u->elsewhere, t, e) : add_to_file(u->elsewhere, t, e);
    buffer_fini(&lines);
    return ok || error_prefix(e, "log.checkpoint_file");
}

static bool make(struct upkeep *u, struct checkpoint made[2], struct error *e)
{
    const struct log *log = shard_log(u->o.shard);

    for (int i = 0; i < 2; i++)
        made[i] = (struct checkpoint){.log = (enum checkpoint_log)i, .at_us = clock_now_us()};
    made[0].seq = log_head(log, made[0].chain);
    if (made[0].seq > 0) {
        checkpoint_sign(&made[0], u->key);
        if (!checkpoint_record(u->o.control, &made[0], e))
            return false;
    }
    made[1].shard = (uint32_t)CONTROL_SHARD;
    made[1].seq = control_head(u->o.control, made[1].chain);
    if (made[1].seq > 0)
        checkpoint_sign(&made[1], u->key);
    return true;
}

bool upkeep_checkpoint(struct upkeep *u, struct checkpoint made[2], struct error *e)
{
    bool ok;

    pthread_mutex_lock(&u->making);
    ok = make(u, made, e);
    if (ok) {
        pthread_mutex_lock(&u->lock);
        u->signed_seq = made[0].seq;
        u->signed_control = made[1].seq;
        u->signed_at_us = clock_monotonic_us();
        u->status.checkpoints++;
        u->status.checkpoint_seq = made[0].seq;
        u->status.checkpoint_us = made[0].at_us;
        pthread_mutex_unlock(&u->lock);
        ok = keep_elsewhere(u, made, e);
    }
    pthread_mutex_unlock(&u->making);
    return ok;
}

/* What is signed is read before the heads, so that they are never behind it: a checkpoint that is
 * asked for over HTTP moves it meanwhile. */
static bool is_due(struct upkeep *u, bool is_end)
{
    uint8_t chain[DIGEST_BYTES];
    uint64_t signed_seq, signed_control, records;
    int64_t signed_at_us;

    pthread_mutex_lock(&u->lock);
    signed_seq = u->signed_seq;
    signed_control = u->signed_control;
    signed_at_us = u->signed_at_us;
    pthread_mutex_unlock(&u->lock);
    records = log_durable_seq(shard_log(u->o.shard)) - signed_seq;
    if (records == 0 && control_head(u->o.control, chain) <= signed_control)
        return false;
    return is_end || records >= u->every_records ||
           clock_monotonic_us() - signed_at_us >= u->every_us;
}

static void checkpoint_if_due(struct upkeep *u, bool is_end)
{
    struct checkpoint made[2];
    struct error e = {0};

    if (u->every_us == 0 || !is_due(u, is_end))
        return;
    if (!upkeep_checkpoint(u, made, &e))
        note_failure(u, "checkpoint", &e);
}

/* ---- packing */

static bool stops(struct upkeep *u)
{
    bool is_so;

    pthread_mutex_lock(&u->lock);
    is_so = u->is_stopping;
    pthread_mutex_unlock(&u->lock);
    return is_so;
}

static void pack(struct upkeep *u)
{
    struct error e = {0};
    bool did = true;

    while (u->compresses && did && !stops(u)) {
        if (!shard_pack(u->o.shard, &did, &e)) {
            note_failure(u, "log.compress", &e);
            return;
        }
        pthread_mutex_lock(&u->lock);
        u->status.packed += did;
        pthread_mutex_unlock(&u->lock);
    }
}

/* ---- cutting */

static bool newest_of(void *context, const struct log_segment *s, int64_t *us)
{
    struct upkeep *u = context;
    struct buffer bytes;
    struct record r;
    struct error ignored;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX);
    ok = log_read(shard_log(u->o.shard), s->next_seq - 1, &bytes, &r, &ignored);
    if (ok)
        *us = r.received_us;
    buffer_fini(&bytes);
    return ok;
}

static void add_time(struct buffer *out, const char *name, int64_t us)
{
    char text[TIME_TEXT_MAX];

    time_format(us, text);
    buffer_format(out, ",\"%s\":\"%s\"", name, text);
}

static void format_cut(const struct shard_cut *c, struct buffer *out)
{
    char hex[DIGEST_HEX];
    bool is_first = true;

    digest_hex(c->chain, hex);
    buffer_format(out,
                  "{\"first_seq\":%" PRIu64 ",\"chain\":\"%s\",\"cut_from\":%" PRIu64
                  ",\"records\":%" PRIu64 ",\"by_kind\":{",
                  c->first_seq, hex, c->cut_from, c->records);
    for (int kind = RECORD_PLAN; kind <= RECORD_LIST; kind++) {
        if (c->by_kind[kind] == 0)
            continue;
        buffer_format(out, "%s\"%s\":%" PRIu64, is_first ? "" : ",",
                      record_kind_name((enum record_kind)kind), c->by_kind[kind]);
        is_first = false;
    }
    buffer_add_char(out, '}');
    add_time(out, "oldest", c->oldest_us);
    add_time(out, "newest", c->newest_us);
    buffer_format(out, ",\"snapshot\":%" PRIu64 ",\"plans\":[", c->snapshot_seq);
    for (uint64_t i = 0; i < c->plans && i < SHARD_CUT_PLANS; i++) {
        digest_hex(c->plan[i].id, hex);
        buffer_format(out, "%s{\"seq\":%" PRIu64 ",\"id\":\"%s\"}", i > 0 ? "," : "",
                      c->plan[i].seq, hex);
    }
    buffer_add_text(out, "]}");
}

static bool record_cut(struct upkeep *u, const struct shard_cut *c, struct error *e)
{
    struct control_change change = {.kind = text_of(AUDIT_CUT),
                                    .actor = {text_of("system"), text_of("assay"), text_of("")},
                                    .subject = text_of("log/shard-0"),
                                    .note = text_of("log.keep")};
    struct checkpoint made[2];
    struct buffer data;
    bool ok;

    buffer_init(&data, CONTROL_DATA_MAX);
    format_cut(c, &data);
    change.data = (struct text){data.bytes, data.length};
    ok = control_append(u->o.control, &change, NULL, e);
    buffer_fini(&data);
    return ok && (u->every_us == 0 || upkeep_checkpoint(u, made, e));
}

static uint64_t safe_seq(struct upkeep *u)
{
    struct shard_status status;
    uint64_t needed = UINT64_MAX;

    shard_status(u->o.shard, &status);
    if (u->o.needed_from != NULL)
        needed = u->o.needed_from(u->o.context);
    return status.snapshot_seq < needed ? status.snapshot_seq : needed;
}

static void cut(struct upkeep *u)
{
    struct log_segment *segment;
    struct shard_cut c;
    struct error e = {0};
    uint64_t first;

    if (!u->keep.has_for && !u->keep.has_bytes)
        return;
    segment = mem_array(SEGMENTS_MAX, sizeof *segment);
    first = keeping_cut(&(struct keeping){.keep = &u->keep,
                                          .log_bytes = log_bytes(shard_log(u->o.shard)),
                                          .now_us = clock_now_us(),
                                          .safe_seq = safe_seq(u)},
                        segment, log_segments(shard_log(u->o.shard), segment, SEGMENTS_MAX),
                        newest_of, u);
    mem_free(segment);
    if (first == 0)
        return;
    if (!shard_cut_prepare(u->o.shard, first, &c, &e)) {
        if (e.kind != ERROR_NOT_FOUND) /* no snapshot of these features yet: later */
            note_failure(u, "log.keep", &e);
        return;
    }
    if (!record_cut(u, &c, &e) || !shard_cut_now(u->o.shard, &c, &e)) {
        note_failure(u, "log.keep", &e);
        return;
    }
    pthread_mutex_lock(&u->lock);
    u->status.cuts++;
    pthread_mutex_unlock(&u->lock);
}

/* ---- the thread */

static void tick(struct upkeep *u)
{
    int64_t now_us = clock_monotonic_us();

    if (now_us < u->retry_us)
        return;
    checkpoint_if_due(u, false);
    if (now_us < u->keep_due_us)
        return;
    pack(u);
    cut(u);
    u->keep_due_us = clock_monotonic_us() + KEEP_EVERY_US;
}

static void *upkeep_main(void *context)
{
    struct upkeep *u = context;

    thread_name("assay-upkeep");
    thread_background();
    while (!stops(u)) {
        tick(u);
        clock_sleep_us(TICK_US);
    }
    checkpoint_if_due(u, true);
    return NULL;
}

static void upkeep_free(struct upkeep *u)
{
    signature_key_free(u->key);
    mem_free(u->elsewhere);
    pthread_mutex_destroy(&u->making);
    pthread_mutex_destroy(&u->lock);
    mem_free(u);
}

/* What a server before this one signed last. */
static bool take_signed(void *context, const struct control_record *r)
{
    struct upkeep *u = context;
    struct checkpoint c;
    struct error ignored;

    if (text_is(r->change.kind, AUDIT_CHECKPOINT) && checkpoint_parse(r->data, &c, &ignored)) {
        u->signed_seq = c.seq;
        u->signed_control = r->seq;
        u->status.checkpoint_seq = c.seq;
        u->status.checkpoint_us = c.at_us;
    }
    return true;
}

static bool open_all(struct upkeep *u, struct error *e)
{
    const struct settings *s = u->o.settings;
    const struct control_visitor v = {take_signed, u};
    char path[CHECKPOINT_PATH_MAX];

    if (s->log_checkpoint_file != NULL) {
        bool as_is = is_url(s->log_checkpoint_file) || s->log_checkpoint_file[0] == '/' ||
                     s->directory == NULL;

        snprintf(path, sizeof path, "%s%s%s", as_is ? "" : s->directory, as_is ? "" : "/",
                 s->log_checkpoint_file);
        u->elsewhere = mem_text(path, strlen(path));
    }
    return checkpoint_key_path(u->o.data_directory, s->log_checkpoint_key, s->directory, path, e) &&
           checkpoint_key_open(path, true, &u->key, e) && control_visit(u->o.control, 1, &v, e);
}

bool upkeep_start(const struct upkeep_options *o, struct upkeep **upkeep, struct error *e)
{
    struct upkeep *u = mem_alloc(sizeof *u);

    u->o = *o;
    u->keep = o->settings->log_keep;
    u->compresses = o->settings->log_compress;
    u->every_us = o->settings->log_checkpoint_us;
    u->every_records = o->settings->log_checkpoint_records;
    u->signed_at_us = clock_monotonic_us();
    pthread_mutex_init(&u->making, NULL);
    pthread_mutex_init(&u->lock, NULL);
    if (!open_all(u, e)) {
        upkeep_free(u);
        return false;
    }
    if (pthread_create(&u->thread, NULL, upkeep_main, u) != 0) {
        upkeep_free(u);
        return error_set(e, ERROR_WORLD, "cannot start a thread for the log's upkeep");
    }
    *upkeep = u;
    return true;
}

void upkeep_stop(struct upkeep *u)
{
    if (u == NULL)
        return;
    pthread_mutex_lock(&u->lock);
    u->is_stopping = true;
    pthread_mutex_unlock(&u->lock);
    pthread_join(u->thread, NULL);
    upkeep_free(u);
}

void upkeep_status(struct upkeep *u, struct upkeep_status *status)
{
    pthread_mutex_lock(&u->lock);
    *status = u->status;
    pthread_mutex_unlock(&u->lock);
}

const struct signature_key *upkeep_key(const struct upkeep *u)
{
    return u->key;
}
