#include "shell/run/shared.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/link/redis.h"
#include "shell/os/clock.h"
#include "shell/os/digest.h"
#include "shell/run/shared_event.h"
#include "shell/run/shared_script.h"

enum {
    CALL_BYTES_MAX = 16 << 20, /* of the arguments of one run's events */
    BACKLOG_AT_ONCE = 256,
    BORN_BYTES = 16,
    TROUBLE_MAX = 300,
};

/* An event that is to be counted later: the packed arguments of its call. */
struct belated {
    struct belated *next;
    uint32_t arguments, keys;
    int64_t time_us;
    size_t length;
    char bytes[];
};

struct shared {
    struct shared_limits limits;
    char prefix[SETTINGS_PREFIX_MAX + 1];
    struct redis *redis;
    struct redis_script script, gap, join;
    uint64_t session;              /* in which we have looked whether Redis lost what it had */
    char born[2 * BORN_BYTES + 1]; /* what it said when it began; "": not known */
    int64_t newest_us, missing_us; /* of all events; the newest that was never counted */
    int64_t life_us;               /* how long that matters */
    struct plan *plan;             /* of the layout; a reference, or NULL */
    struct shared_layout layout;
    struct registers registers;
    struct belated *first, **last;
    uint32_t waiting;
    size_t waiting_bytes;
    char trouble[TROUBLE_MAX];
    struct shared_counts counts;
    struct { /* of one fill, by row */
        struct shared_request request;
        struct redis_call call;
        int64_t time_us;
        bool is_asked, is_counted;
    } row[SHARED_ROWS];
};

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- opening ---- */

static bool is_any_shared(const struct settings *s)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (s->entities[i].state == ENTITY_SHARED)
            return s->redis.server != NULL;
    }
    return false;
}

static void make_limits(struct shared *s, const struct settings *from)
{
    settings_redis_prefix(from, s->prefix);
    s->limits = (struct shared_limits){.prefix = s->prefix,
                                       .key = settings_redis_key(from),
                                       .lateness_us = from->event.lateness_us,
                                       .retry_us = from->redis.retry_us,
                                       .idle_us = from->redis.idle_us,
                                       .events = from->redis.events};
}

bool shared_open(const struct settings *settings, struct shared **out, struct error *e)
{
    const struct redis_setting *r = &settings->redis;
    const struct redis_options o = {.server = r->server,
                                    .user = r->user,
                                    .password = r->password,
                                    .database = r->database,
                                    .timeout_ms = r->timeout_ms};
    struct shared *s;

    *out = NULL;
    if (!is_any_shared(settings))
        return true;
    s = mem_alloc(sizeof *s);
    make_limits(s, settings);
    s->script.text = shared_script_text;
    s->gap.text = shared_gap_text;
    s->join.text = shared_join_text;
    s->newest_us = s->missing_us = INT64_MIN;
    s->last = &s->first;
    for (uint32_t i = 0; i < SHARED_ROWS; i++)
        buffer_init(&s->row[i].request.bytes, CALL_BYTES_MAX);
    if (!redis_open(&o, &s->redis, e)) {
        shared_close(s);
        return settings_blame(settings, "redis.server", e);
    }
    *out = s;
    return true;
}

static void leave_plan(struct shared *s)
{
    if (s->plan == NULL)
        return;
    registers_fini(&s->registers);
    shared_layout_fini(&s->layout);
    plan_unref(s->plan);
    s->plan = NULL;
}

static void take_plan(struct shared *s, struct plan *p)
{
    if (s->plan == p)
        return;
    leave_plan(s);
    s->plan = plan_ref(p);
    shared_layout_init(&s->layout, p);
    registers_init(&s->registers, plan_program(p), SHARED_ROWS);
    s->session = 0; /* its layout may be another */
    s->life_us = s->layout.longest_us + s->limits.lateness_us + s->limits.retry_us;
}

static void drop_first(struct shared *s)
{
    struct belated *b = s->first;

    s->first = b->next;
    if (s->first == NULL)
        s->last = &s->first;
    s->waiting--;
    s->waiting_bytes -= b->length;
    mem_free(b);
}

void shared_close(struct shared *s)
{
    if (s == NULL)
        return;
    while (s->first != NULL)
        drop_first(s);
    leave_plan(s);
    redis_close(s->redis);
    for (uint32_t i = 0; i < SHARED_ROWS; i++)
        buffer_fini(&s->row[i].request.bytes);
    mem_free(s);
}

const struct shared_counts *shared_count(const struct shared *s)
{
    return &s->counts;
}

/* ---- what Redis may have lost ---- */

static struct text word_of(const char *word)
{
    return text_of(word);
}

/* An event that no window there has. */
static void miss(struct shared *s, int64_t time_us)
{
    if (s->missing_us < time_us)
        s->missing_us = time_us;
}

/* The mark that the first node set, and whether it is still the one that we knew; and the layout of
 * what is kept. Behind another one's windows nothing was counted. */
static bool look_born(struct shared *s, struct error *e)
{
    char born[SETTINGS_PREFIX_MAX + 16], layout[SETTINGS_PREFIX_MAX + 16];
    char mine[2 * BORN_BYTES + 1], kept[2 * sizeof(uint64_t) + 1];
    uint8_t made[BORN_BYTES];
    struct text argument[4], found;
    struct redis_call call = {argument, 4, 2, NULL};
    bool was_known = s->born[0] != 0, ok;

    snprintf(born, sizeof born, "{%s}:born", s->prefix);
    snprintf(layout, sizeof layout, "{%s}:layout", s->prefix);
    random_bytes(made, sizeof made);
    for (int i = 0; i < BORN_BYTES; i++)
        snprintf(mine + 2 * i, 3, "%02x", made[i]);
    snprintf(kept, sizeof kept, "%016llx", (unsigned long long)s->layout.fingerprint);
    argument[0] = word_of(born);
    argument[1] = word_of(layout);
    argument[2] = word_of(mine);
    argument[3] = word_of(kept);
    ok = redis_run(s->redis, &s->join, &call, 1, e);
    if (ok && redis_count(call.reply) != 2)
        ok = error_set(e, ERROR_WORLD, "%s: %.200s", redis_place(s->redis),
                       redis_text(call.reply).bytes);
    if (ok) {
        found = redis_text(redis_at(call.reply, 0));
        if ((was_known && !text_is(found, s->born)) || redis_integer(redis_at(call.reply, 1)) != 0)
            miss(s, s->newest_us);
        snprintf(s->born, sizeof s->born, "%.*s",
                 (int)(found.length < sizeof mine ? found.length : 0), found.bytes);
    }
    redis_reply_free(call.reply);
    return ok;
}

static bool tell_gap(struct shared *s, struct error *e)
{
    char key[SETTINGS_PREFIX_MAX + 16], time[32], life[32];
    struct text argument[3];
    struct redis_call call = {argument, 3, 1, NULL};
    bool ok;

    if (s->missing_us == INT64_MIN)
        return true;
    snprintf(key, sizeof key, "{%s}:gap", s->prefix);
    snprintf(time, sizeof time, "%lld", (long long)s->missing_us);
    snprintf(life, sizeof life, "%lld", (long long)((s->life_us + s->limits.idle_us) / 1000));
    argument[0] = word_of(key);
    argument[1] = word_of(time);
    argument[2] = word_of(life);
    ok = redis_run(s->redis, &s->gap, &call, 1, e);
    if (ok && redis_kind(call.reply) == REDIS_ERROR)
        ok = error_set(e, ERROR_INVALID, "%s: %.200s", redis_place(s->redis),
                       redis_text(call.reply).bytes);
    redis_reply_free(call.reply);
    if (ok)
        s->missing_us = INT64_MIN;
    return ok;
}

/* ---- calls ---- */

/* The slices of packed arguments. */
static struct text *unpack(const char *bytes, uint32_t arguments)
{
    struct text *word = mem_array(arguments, sizeof *word);

    for (uint32_t i = 0; i < arguments; i++) {
        uint32_t length;

        memcpy(&length, bytes, sizeof length);
        word[i] = (struct text){bytes + sizeof length, length};
        bytes += sizeof length + length;
    }
    return word;
}

/* To be counted when Redis is back. */
static void keep(struct shared *s, uint32_t row)
{
    const struct shared_request *q = &s->row[row].request;
    struct belated *b;

    if (s->waiting == SHARED_BACKLOG_MAX ||
        s->waiting_bytes + q->bytes.length > SHARED_BACKLOG_BYTES) {
        count(&s->counts.lost, 1);
        miss(s, s->row[row].time_us);
        return;
    }
    b = mem_alloc(sizeof *b + q->bytes.length);
    b->arguments = q->arguments;
    b->keys = q->keys;
    b->time_us = s->row[row].time_us;
    b->length = q->bytes.length;
    memcpy(b->bytes, q->bytes.bytes, b->length);
    *s->last = b;
    s->last = &b->next;
    s->waiting++;
    s->waiting_bytes += b->length;
}

static bool send_belated(struct shared *s, struct error *e)
{
    while (s->first != NULL) {
        struct redis_call call[BACKLOG_AT_ONCE];
        struct text *word[BACKLOG_AT_ONCE];
        const struct belated *b = s->first;
        uint32_t n = 0, done = 0;
        bool ok;

        for (; n < BACKLOG_AT_ONCE && b != NULL; n++, b = b->next) {
            word[n] = unpack(b->bytes, b->arguments);
            word[n][b->keys] = word_of(SHARED_BELATED);
            call[n] = (struct redis_call){word[n], b->arguments, b->keys, NULL};
        }
        ok = redis_run(s->redis, &s->script, call, n, e);
        for (uint32_t i = 0; i < n; i++) {
            if (call[i].reply != NULL && done == i)
                done++;
            if (redis_kind(call[i].reply) == REDIS_ERROR && ok)
                ok = error_set(e, ERROR_WORLD, "%s: %.200s", redis_place(s->redis),
                               redis_text(call[i].reply).bytes),
                done = i;
            redis_reply_free(call[i].reply);
            mem_free(word[i]);
        }
        for (uint32_t i = 0; i < done; i++)
            drop_first(s);
        count(&s->counts.belated, done);
        if (!ok)
            return false;
    }
    return true;
}

/* Redis is there, is the one that we knew, and has all that we have to say. */
static bool make_ready(struct shared *s, struct error *e)
{
    if (!redis_connect(s->redis, e))
        return false;
    if (s->session != redis_session(s->redis)) {
        if (!look_born(s, e))
            return false;
        s->session = redis_session(s->redis);
    }
    return tell_gap(s, e) && send_belated(s, e);
}

static void fail(struct shared *s, const struct error *e)
{
    count(&s->counts.failures, 1);
    snprintf(s->trouble, sizeof s->trouble, "%.*s", TROUBLE_MAX - 1, e->text);
}

/* Asks for those of `rows` that have no answer yet. */
static bool ask(struct shared *s, uint32_t rows, struct error *e)
{
    struct redis_call *call = mem_array(rows, sizeof *call);
    uint32_t *from = mem_array(rows, sizeof *from), n = 0;
    bool ok;

    for (uint32_t i = 0; i < rows; i++) {
        const struct shared_request *q = &s->row[i].request;

        if (!s->row[i].is_asked || s->row[i].call.reply != NULL)
            continue;
        from[n] = i;
        call[n++] =
            (struct redis_call){unpack(q->bytes.bytes, q->arguments), q->arguments, q->keys, NULL};
    }
    ok = redis_run(s->redis, &s->script, call, n, e);
    for (uint32_t i = 0; i < n; i++) {
        s->row[from[i]].call.reply = call[i].reply;
        if (ok && redis_kind(call[i].reply) == REDIS_ERROR)
            ok = error_set(e, ERROR_WORLD, "%s: the script failed: %.200s", redis_place(s->redis),
                           redis_text(call[i].reply).bytes);
        mem_free((struct text *)call[i].argument);
    }
    mem_free(call);
    mem_free(from);
    return ok;
}

static void ask_all(struct shared *s, uint32_t rows)
{
    int64_t began_ns = clock_monotonic_ns();
    struct error e = {0};
    bool ok = false;

    /* A connection that was idle may have ended: the second try is on a new one. */
    for (int again = 0; again < 2 && !ok && redis_may_try(s->redis); again++)
        ok = make_ready(s, &e) && ask(s, rows, &e);
    if (!ok && e.text[0] != 0)
        fail(s, &e);
    if (ok)
        s->trouble[0] = 0;
    count(&s->counts.nanoseconds, (uint64_t)(clock_monotonic_ns() - began_ns));
}

/* ---- rows ---- */

static int64_t time_of(const struct plan *p, const struct frame *f, uint32_t at,
                       int64_t received_us)
{
    int time = plan_schema(p)->time;

    return time == FIELD_NONE || f->column[time].null[at] ? received_us
                                                          : f->column[time].integer[at];
}

static void make_request(struct shared *s, const struct frame *f, uint32_t first, uint32_t i,
                         const struct shared_event *event)
{
    int64_t time_us = time_of(s->plan, f, first + i, event->received_us);
    /* As in the engine: what is too far ahead is no part of windows. */
    bool is_ahead = time_us - event->received_us > plan_max_ahead_us(s->plan);

    s->row[i].time_us = time_us;
    s->row[i].is_counted = !event->is_read_only && !is_ahead;
    shared_request_make(&s->layout, &s->limits, &s->registers, i,
                        s->row[i].is_counted ? SHARED_APPLY : SHARED_PEEK, event->id, time_us,
                        &s->row[i].request);
    s->row[i].is_asked = s->row[i].request.groups > 0 && !s->row[i].request.bytes.overflow;
    s->row[i].call.reply = NULL;
    if (s->row[i].is_counted && s->newest_us < time_us)
        s->newest_us = time_us;
}

/* The strings of one group. */
static uint32_t strings_of(const struct redis_reply *r, struct text out[SHARED_MAX])
{
    uint32_t n = redis_count(r);

    if (n > SHARED_MAX)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        out[i] = redis_text(redis_at(r, i));
    return n;
}

static void take_answer(struct shared *s, struct frame *f, uint32_t at, uint32_t i)
{
    const struct redis_reply *reply = s->row[i].call.reply;
    struct column *lacks = &f->column[plan_shared_lacks(s->plan)];
    bool is_answered = redis_kind(reply) == REDIS_ARRAY;
    struct text found[SHARED_MAX];
    unsigned lack = 0;
    uint32_t next = 0;

    for (uint32_t g = 0; g < s->layout.groups; g++) {
        const struct shared_group *group = &s->layout.group[g];
        bool has_key = shared_has_key(group, &s->registers, i);
        uint32_t n = 0;

        if (has_key && !is_answered) {
            shared_answer_none(group, f, at);
            lack |= SHARED_AWAY;
            continue;
        }
        if (has_key)
            n = strings_of(redis_at(reply, next++), found);
        lack |= shared_answer_take(group, &s->registers, i, found, n, has_key, f, at);
    }
    lacks->null[at] = lack == 0;
    lacks->integer[at] = lack;
    count(&s->counts.away, (lack & SHARED_AWAY) != 0);
    count(&s->counts.late, (lack & SHARED_LATE) != 0);
    count(&s->counts.part, (lack & SHARED_PART) != 0);
}

static void fill_some(struct shared *s, struct frame *f, uint32_t first, uint32_t rows,
                      const struct shared_event *event)
{
    uint32_t asked = 0;

    registers_begin(&s->registers, f, first, rows);
    program_run(plan_program(s->plan), &s->registers, 0);
    for (uint32_t i = 0; i < rows; i++) {
        make_request(s, f, first, i, &event[i]);
        asked += s->row[i].is_asked;
    }
    count(&s->counts.events, rows);
    if (asked > 0)
        ask_all(s, rows);
    for (uint32_t i = 0; i < rows; i++) {
        struct redis_reply *reply = s->row[i].call.reply;

        take_answer(s, f, first + i, i);
        if (s->row[i].is_asked && s->row[i].is_counted && redis_kind(reply) != REDIS_ARRAY)
            keep(s, i);
        redis_reply_free(reply);
        s->row[i].call.reply = NULL;
    }
    atomic_store_explicit(&s->counts.backlog, s->waiting, memory_order_relaxed);
}

void shared_fill(struct shared *s, struct plan *p, struct frame *f, uint32_t first, uint32_t rows,
                 const struct shared_event *event)
{
    if (s == NULL || plan_shared_count(p) == 0 || plan_shared_lacks(p) == FIELD_NONE)
        return;
    take_plan(s, p);
    for (uint32_t done = 0; done < rows; done += SHARED_ROWS) {
        uint32_t some = rows - done < SHARED_ROWS ? rows - done : SHARED_ROWS;

        fill_some(s, f, first + done, some, event + done);
    }
}

bool shared_settle(struct shared *s, struct error *e)
{
    return s == NULL || (s->first == NULL && s->missing_us == INT64_MIN) || make_ready(s, e);
}

void shared_trouble(struct shared *s, char *out, size_t room)
{
    snprintf(out, room, "%s", s->trouble);
}
