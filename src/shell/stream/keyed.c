#include "shell/stream/keyed.h"

#include "shell/run/shared_layout.h"

/* Whether `name` is a part of a composite key's "card+merchant". */
static bool has_part(const char *key, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = key; at != NULL; at = strchr(at, '+')) {
        at += *at == '+';
        if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == '+'))
            return true;
    }
    return false;
}

static bool is_approximate(const struct settings *s, const char *key)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (s->entities[i].scope == SCOPE_SHARD && has_part(key, s->entities[i].name))
            return true;
    }
    for (uint32_t i = 0; i < s->stream.approximate_count; i++) {
        if (has_part(key, s->stream.approximate[i]))
            return true;
    }
    return false;
}

bool keyed_check(const struct settings *s, const struct plan *p, uint32_t partitions,
                 struct error *e)
{
    const struct program *program = plan_program(p);
    const char *key = s->stream.key;

    for (uint32_t i = 0; partitions > 1 && i < program_aggregate_count(program); i++) {
        const struct aggregate *a = program_aggregate(program, i);

        if (is_approximate(s, a->key_name) || shared_is_wanted(s, a))
            continue;
        if (key == NULL)
            key = a->key_name;
        if (!has_part(a->key_name, key))
            return error_set(
                e, ERROR_INVALID,
                "%.300s: the topic has %u partitions and its messages are keyed by %s, so one "
                "partition does not see all events of a %s; hint: name the key in stream.key; for "
                "the other say under entities `state: shared`, or `scope: shard` where its own "
                "partition alone will do; or give the topic one partition",
                a->canonical, partitions, key, a->key_name);
    }
    return true;
}
