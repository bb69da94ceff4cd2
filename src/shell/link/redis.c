/* hiredis' blocking connection, read in steps of our own: redisGetReply would let a server send
 * without end and knows no time for the whole of a pipeline. */
#include "shell/link/redis.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"

enum {
    HOST_MAX = 256,
    PLACE_MAX = HOST_MAX + 40,
    WORDS_MAX = 300,
    WAIT_LEAST_MS = 50,
    WAIT_MOST_MS = 5000,
    DEPTH_MAX = 4, /* arrays in arrays */
};

struct redis {
    redisContext *connection; /* NULL: there is none */
    char host[HOST_MAX], place[PLACE_MAX];
    uint16_t port;
    char *user, *password;
    uint32_t database, timeout_ms;
    uint64_t session;
    int64_t due_us;            /* monotonic: when the call in work must have ended */
    int64_t wait_ms, retry_us; /* how long after a failure, and until when */
    enum error_kind failure;   /* of the last try */
    char words[WORDS_MAX];
};

/* ---- words ---- */

static bool failed(struct redis *r, enum error_kind kind, const char *what, const char *words,
                   struct error *e)
{
    if (r->connection != NULL)
        redisFree(r->connection);
    r->connection = NULL;
    r->wait_ms = r->wait_ms == 0                 ? WAIT_LEAST_MS
                 : r->wait_ms * 2 < WAIT_MOST_MS ? r->wait_ms * 2
                                                 : WAIT_MOST_MS;
    r->retry_us = clock_monotonic_us() + r->wait_ms * 1000;
    r->failure = kind;
    snprintf(r->words, sizeof r->words, "%.60s: %.220s", what, words);
    return error_set(e, kind, "%s: %s", r->place, r->words);
}

static bool broken(struct redis *r, const char *what, struct error *e)
{
    bool is_late = clock_monotonic_us() >= r->due_us, was_well;
    char words[WORDS_MAX];

    if (is_late) {
        snprintf(words, sizeof words, "no answer in %u ms", r->timeout_ms);
    } else {
        snprintf(words, sizeof words, "%.200s",
                 r->connection->errstr[0] != 0 ? r->connection->errstr : "the connection is lost");
    }
    was_well = r->wait_ms == 0 && !is_late && r->connection->err != 0;
    failed(r, ERROR_WORLD, what, words, e);
    if (was_well) /* the server was started anew, or ended what was idle: one more try at once */
        r->retry_us = 0;
    return false;
}

/* ---- the server's name ---- */

static bool read_server(struct redis *r, const char *server, struct error *e)
{
    static const char scheme[] = "redis://";
    const char *at = server, *end, *port;
    size_t length;
    int64_t number = REDIS_PORT;

    if (strncmp(server, "rediss://", 9) == 0)
        return error_set(e, ERROR_INVALID,
                         "\"rediss://\": TLS is not possible with this version of the client "
                         "library; hint: put a tunnel such as stunnel before the server, and name "
                         "its address here");
    if (strncmp(at, scheme, sizeof scheme - 1) == 0)
        at += sizeof scheme - 1;
    if (strchr(at, '@') != NULL || strchr(at, '/') != NULL)
        return error_set(e, ERROR_INVALID,
                         "expected host:port; user, password and database have keys of their own");
    end = at[0] == '[' ? strchr(at, ']') : strchr(at, ':');
    if (at[0] == '[')
        at++;
    length = end != NULL ? (size_t)(end - at) : strlen(at);
    if (length == 0 || length >= sizeof r->host)
        return error_set(e, ERROR_INVALID, "expected host:port with a host of 1 to %d bytes",
                         HOST_MAX - 1);
    memcpy(r->host, at, length);
    port = end == NULL ? NULL : strchr(end, ':');
    if (port != NULL &&
        (!number_parse_int(text_of(port + 1), &number) || number < 1 || number > UINT16_MAX))
        return error_set(e, ERROR_INVALID, "expected a port of 1 to 65535 after \"%.100s:\"",
                         r->host);
    r->port = (uint16_t)number;
    snprintf(r->place, sizeof r->place, "redis://%s:%u/%u", r->host, r->port, r->database);
    return true;
}

bool redis_open(const struct redis_options *o, struct redis **out, struct error *e)
{
    struct redis *r = mem_alloc(sizeof *r);

    r->database = o->database;
    r->timeout_ms = o->timeout_ms;
    if (o->user != NULL)
        r->user = mem_text(o->user, strlen(o->user));
    if (o->password != NULL)
        r->password = mem_text(o->password, strlen(o->password));
    if (!read_server(r, o->server, e)) {
        redis_close(r);
        return false;
    }
    *out = r;
    return true;
}

void redis_close(struct redis *r)
{
    if (r == NULL)
        return;
    if (r->connection != NULL)
        redisFree(r->connection);
    if (r->password != NULL)
        explicit_bzero(r->password, strlen(r->password));
    mem_free(r->user);
    mem_free(r->password);
    mem_free(r);
}

const char *redis_place(const struct redis *r)
{
    return r->place;
}

bool redis_may_try(const struct redis *r)
{
    return r->connection != NULL || clock_monotonic_us() >= r->retry_us;
}

uint64_t redis_session(const struct redis *r)
{
    return r->session;
}

/* ---- replies ---- */

/* hiredis' reply itself; the name is only ours. */
static const redisReply *own(const struct redis_reply *r)
{
    return (const redisReply *)r;
}

enum redis_kind redis_kind(const struct redis_reply *r)
{
    switch (r != NULL ? own(r)->type : REDIS_REPLY_NIL) {
    case REDIS_REPLY_INTEGER:
        return REDIS_INTEGER;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return REDIS_TEXT;
    case REDIS_REPLY_ARRAY:
        return REDIS_ARRAY;
    case REDIS_REPLY_ERROR:
        return REDIS_ERROR;
    default:
        return REDIS_NOTHING;
    }
}

int64_t redis_integer(const struct redis_reply *r)
{
    return redis_kind(r) == REDIS_INTEGER ? own(r)->integer : 0;
}

struct text redis_text(const struct redis_reply *r)
{
    enum redis_kind kind = redis_kind(r);

    if (kind != REDIS_TEXT && kind != REDIS_ERROR)
        return (struct text){"", 0};
    return (struct text){own(r)->str, (size_t)own(r)->len};
}

uint32_t redis_count(const struct redis_reply *r)
{
    return redis_kind(r) == REDIS_ARRAY ? (uint32_t)own(r)->elements : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *r, uint32_t i)
{
    return i < redis_count(r) ? (const struct redis_reply *)own(r)->element[i] : NULL;
}

void redis_reply_free(struct redis_reply *r)
{
    if (r != NULL)
        freeReplyObject((redisReply *)r);
}

/* ---- bytes ---- */

static void set_patience(struct redis *r, int64_t left_us)
{
    struct timeval t = {left_us / 1000000, left_us % 1000000};

    (void)redisSetTimeout(r->connection, t);
}

static bool is_late(struct redis *r)
{
    int64_t left_us = r->due_us - clock_monotonic_us();

    if (left_us <= 0)
        return true;
    set_patience(r, left_us);
    return false;
}

static bool write_all(struct redis *r, const char *what, struct error *e)
{
    int done = 0;

    while (!done) {
        if (is_late(r) || redisBufferWrite(r->connection, &done) != REDIS_OK)
            return broken(r, what, e);
    }
    return true;
}

static bool is_plausible(const redisReply *r, int depth)
{
    if (r->type != REDIS_REPLY_ARRAY)
        return true;
    if (depth == 0 || r->elements > REDIS_REPLY_ELEMENTS_MAX)
        return false;
    for (size_t i = 0; i < r->elements; i++) {
        if (!is_plausible(r->element[i], depth - 1))
            return false;
    }
    return true;
}

static bool read_one(struct redis *r, const char *what, redisReply **reply, struct error *e)
{
    void *found = NULL;

    for (;;) {
        if (redisGetReplyFromReader(r->connection, &found) != REDIS_OK)
            return broken(r, what, e);
        if (found != NULL)
            break;
        if (is_late(r) || redisBufferRead(r->connection) != REDIS_OK)
            return broken(r, what, e);
        if (r->connection->reader->len > REDIS_REPLY_BYTES_MAX)
            return failed(r, ERROR_WORLD, what, "a reply is over 16 MiB", e);
    }
    *reply = found;
    if (is_plausible(*reply, DEPTH_MAX))
        return true;
    freeReplyObject(*reply);
    *reply = NULL;
    return failed(r, ERROR_WORLD, what, "a reply has more parts than any of ours", e);
}

static void append(struct redis *r, const struct text *argument, uint32_t count)
{
    const char **bytes = mem_array(count, sizeof *bytes);
    size_t *length = mem_array(count, sizeof *length);

    ASSERT(count > 0 && count <= REDIS_ARGUMENTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = argument[i].bytes;
        length[i] = argument[i].length;
    }
    ASSERT(redisAppendCommandArgv(r->connection, (int)count, bytes, length) == REDIS_OK);
    mem_free(bytes);
    mem_free(length);
}

static bool exchange(struct redis *r, const struct text *argument, uint32_t count, const char *what,
                     redisReply **reply, struct error *e)
{
    append(r, argument, count);
    return write_all(r, what, e) && read_one(r, what, reply, e);
}

/* ---- connecting ---- */

/* Words of the server may quote the command: of AUTH only its kind is told. */
static bool refused(struct redis *r, const char *what, redisReply *reply, struct error *e)
{
    char words[WORDS_MAX];
    bool passes =
        strncmp(reply->str, "LOADING", 7) == 0 || strncmp(reply->str, "MASTERDOWN", 10) == 0;

    snprintf(words, sizeof words, "%.200s", reply->str);
    freeReplyObject(reply);
    return failed(r, passes ? ERROR_WORLD : ERROR_INVALID, what, words, e);
}

static bool greet(struct redis *r, const struct text *argument, uint32_t count, const char *what,
                  struct error *e)
{
    redisReply *reply;

    if (!exchange(r, argument, count, what, &reply, e))
        return false;
    if (reply->type == REDIS_REPLY_ERROR)
        return refused(r, what, reply, e);
    freeReplyObject(reply);
    return true;
}

static bool sign_in(struct redis *r, struct error *e)
{
    struct text word[3] = {text_of("AUTH")};
    uint32_t words = 1;

    if (r->password == NULL)
        return true;
    if (r->user != NULL)
        word[words++] = text_of(r->user);
    word[words++] = text_of(r->password);
    return greet(r, word, words, "signing in", e);
}

static bool choose(struct redis *r, struct error *e)
{
    char number[16];
    struct text word[2] = {text_of("SELECT")};

    snprintf(number, sizeof number, "%u", r->database);
    word[1] = text_of(number);
    return r->database == 0 || greet(r, word, 2, "choosing the database", e);
}

static bool join(struct redis *r, struct error *e)
{
    struct timeval patience = {r->timeout_ms / 1000, r->timeout_ms % 1000 * 1000};
    const struct text ping = text_of("PING");
    char words[WORDS_MAX];

    if (clock_monotonic_us() < r->retry_us)
        return error_set(e, r->failure, "%s: %s", r->place, r->words);
    r->due_us = clock_monotonic_us() + (int64_t)r->timeout_ms * 1000;
    r->connection = redisConnectWithTimeout(r->host, r->port, patience);
    ASSERT(r->connection != NULL);
    if (r->connection->err != 0) {
        snprintf(words, sizeof words, "%.200s", r->connection->errstr);
        return failed(r, ERROR_WORLD, "connecting", words, e);
    }
    (void)redisEnableKeepAlive(r->connection);
    r->due_us = clock_monotonic_us() + (int64_t)r->timeout_ms * 1000;
    if (!sign_in(r, e) || !choose(r, e) || !greet(r, &ping, 1, "greeting", e))
        return false;
    r->session++;
    r->wait_ms = 0;
    return true;
}

static bool begin(struct redis *r, struct error *e)
{
    if (r->connection == NULL && !join(r, e))
        return false;
    r->due_us = clock_monotonic_us() + (int64_t)r->timeout_ms * 1000;
    return true;
}

bool redis_connect(struct redis *r, struct error *e)
{
    return r->connection != NULL || join(r, e);
}

/* ---- commands ---- */

bool redis_command(struct redis *r, const struct text *argument, uint32_t arguments,
                   struct redis_reply **out, struct error *e)
{
    redisReply *reply;

    *out = NULL;
    if (!begin(r, e) || !exchange(r, argument, arguments, "command", &reply, e))
        return false;
    if (reply->type == REDIS_REPLY_ERROR) { /* the connection is well */
        error_set(e, ERROR_INVALID, "%s: %.*s: %.200s", r->place, TEXT_ARG(argument[0]),
                  reply->str);
        freeReplyObject(reply);
        return false;
    }
    *out = (struct redis_reply *)reply;
    return true;
}

static bool load(struct redis *r, struct redis_script *s, struct error *e)
{
    struct text word[3] = {text_of("SCRIPT"), text_of("LOAD"), text_of(s->text)};
    struct redis_reply *reply;
    struct text digest;

    if (s->session == r->session)
        return true;
    if (!redis_command(r, word, 3, &reply, e))
        return false;
    digest = redis_text(reply);
    if (digest.length != sizeof s->digest - 1) {
        redis_reply_free(reply);
        return failed(r, ERROR_WORLD, "SCRIPT LOAD", "the answer is no digest", e);
    }
    memcpy(s->digest, digest.bytes, sizeof s->digest - 1);
    s->session = r->session;
    redis_reply_free(reply);
    return true;
}

static void append_call(struct redis *r, const struct redis_script *s, const struct redis_call *c,
                        bool whole)
{
    struct text *word = mem_array(c->arguments + 3, sizeof *word);
    char keys[16];

    snprintf(keys, sizeof keys, "%u", c->keys);
    word[0] = text_of(whole ? "EVAL" : "EVALSHA");
    word[1] = text_of(whole ? s->text : s->digest);
    word[2] = text_of(keys);
    memcpy(word + 3, c->argument, c->arguments * sizeof *word);
    append(r, word, c->arguments + 3);
    mem_free(word);
}

static bool is_forgotten(const struct redis_call *c)
{
    struct text t = redis_text(c->reply);

    return redis_kind(c->reply) == REDIS_ERROR && t.length >= 8 &&
           memcmp(t.bytes, "NOSCRIPT", 8) == 0;
}

static bool send_and_read(struct redis *r, const struct redis_script *s, struct redis_call *call,
                          uint32_t calls, bool whole, struct error *e)
{
    redisReply *reply;

    for (uint32_t i = 0; i < calls; i++) {
        if (call[i].reply == NULL)
            append_call(r, s, &call[i], whole);
    }
    if (!write_all(r, "running a script", e))
        return false;
    for (uint32_t i = 0; i < calls; i++) {
        if (call[i].reply != NULL)
            continue;
        if (!read_one(r, "running a script", &reply, e))
            return false;
        call[i].reply = (struct redis_reply *)reply;
    }
    return true;
}

bool redis_run(struct redis *r, struct redis_script *s, struct redis_call *call, uint32_t calls,
               struct error *e)
{
    uint32_t forgotten = 0;

    for (uint32_t i = 0; i < calls; i++)
        call[i].reply = NULL;
    if (calls == 0)
        return true;
    if (!begin(r, e) || !load(r, s, e) || !send_and_read(r, s, call, calls, false, e))
        return false;
    for (uint32_t i = 0; i < calls; i++) {
        if (!is_forgotten(&call[i]))
            continue;
        redis_reply_free(call[i].reply);
        call[i].reply = NULL;
        forgotten++;
    }
    return forgotten == 0 || send_and_read(r, s, call, calls, true, e);
}
