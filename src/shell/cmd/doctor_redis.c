/* assay doctor: the server that nodes share rates and windows by. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "shell/cmd/doctor.h"
#include "shell/link/redis.h"
#include "shell/os/clock.h"

enum { SLOW_SHARE = 4, VERSION_LEAST = 4 };

/* The value of "name:value" in what INFO says. */
static struct text info_value(struct text info, const char *name)
{
    size_t length = strlen(name);

    while (info.length > 0) {
        const char *end = memchr(info.bytes, '\n', info.length);
        size_t line = end != NULL ? (size_t)(end - info.bytes) : info.length;

        if (line > length && memcmp(info.bytes, name, length) == 0 && info.bytes[length] == ':')
            return text_trim((struct text){info.bytes + length + 1, line - length - 1});
        line += end != NULL;
        info.bytes += line;
        info.length -= line;
    }
    return (struct text){"", 0};
}

static bool is_shared(const struct settings *s)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (s->entities[i].state == ENTITY_SHARED)
            return true;
    }
    return false;
}

/* What would take windows away behind our back. */
static void look_at_memory(struct text info, bool has_windows, struct finding *f)
{
    struct text policy = info_value(info, "maxmemory_policy");
    struct text most = info_value(info, "maxmemory");
    int64_t bytes = 0;

    if (!number_parse_int(most, &bytes) || bytes == 0) {
        finding_say(f->remedy,
                    "set maxmemory in the server's file, with maxmemory-policy noeviction");
        return;
    }
    if (!has_windows || text_is(policy, "noeviction"))
        return;
    finding_say(f->remedy,
                "its maxmemory-policy is %.*s: windows may be evicted without a word; set it to "
                "noeviction",
                TEXT_ARG(policy));
    finding_worsen(f, HEALTH_WARN);
}

static bool ask_info(struct redis *r, const char *section, struct redis_reply **reply,
                     struct error *e)
{
    const struct text words[2] = {text_of("INFO"), text_of(section)};

    return redis_command(r, words, 2, reply, e);
}

static void look(const struct settings *s, struct redis *r, struct finding *f)
{
    const struct text ping = text_of("PING");
    struct redis_reply *pong = NULL, *server = NULL, *memory = NULL;
    int64_t began_us, took_us;
    struct error e;

    if (!redis_connect(r, &e)) {
        finding_say(f->found, "%s", e.text);
        finding_say(f->remedy, "%s",
                    e.kind == ERROR_INVALID ? "correct redis.user and redis.password"
                                            : "start it, or correct redis.server");
        finding_worsen(f, HEALTH_FAIL);
        return;
    }
    began_us = clock_monotonic_us();
    if (!redis_command(r, &ping, 1, &pong, &e) || !ask_info(r, "server", &server, &e) ||
        !ask_info(r, "memory", &memory, &e)) {
        finding_say(f->found, "%s", e.text);
        finding_say(f->remedy,
                    "let this user use PING, INFO, GET, SET, EVALSHA, EVAL and SCRIPT LOAD");
        finding_worsen(f, HEALTH_FAIL);
    } else {
        struct text version = info_value(redis_text(server), "redis_version");

        took_us = (clock_monotonic_us() - began_us) / 3;
        finding_say(f->found, "%s: version %.*s answers in %" PRId64 " us", redis_place(r),
                    TEXT_ARG(version), took_us);
        look_at_memory(redis_text(memory), is_shared(s), f);
        if (took_us > (int64_t)s->redis.timeout_ms * 1000 / SLOW_SHARE) {
            finding_say(f->remedy,
                        "redis.timeout_ms is %u: it will be missed often; raise it, or bring "
                        "the server nearer",
                        s->redis.timeout_ms);
            finding_worsen(f, HEALTH_WARN);
        }
    }
    redis_reply_free(pong);
    redis_reply_free(server);
    redis_reply_free(memory);
}

void doctor_redis(const struct settings *s, struct finding *f)
{
    const struct redis_options o = {.server = s->redis.server,
                                    .user = s->redis.user,
                                    .password = s->redis.password,
                                    .database = s->redis.database,
                                    .timeout_ms = s->redis.timeout_ms};
    struct redis *r;
    struct error e;

    if (s->redis.server == NULL) {
        if (is_shared(s)) {
            finding_say(f->found, "entities have `state: shared`, but there is no redis.server");
            finding_say(f->remedy, "name it: `redis: HOST:PORT`");
            finding_worsen(f, HEALTH_FAIL);
        }
        return;
    }
    if (!redis_open(&o, &r, &e)) {
        finding_say(f->found, "redis.server: %s", e.text);
        finding_say(f->remedy, "correct it");
        finding_worsen(f, HEALTH_FAIL);
        return;
    }
    look(s, r, f);
    redis_close(r);
}
