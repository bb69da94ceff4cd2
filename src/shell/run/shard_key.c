#include "shell/run/shard_key.h"

#include <string.h>

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

/* The first window that one shard has not all events of; NULL: none. */
static const struct aggregate *partial(const struct settings *s, const struct plan *p,
                                       const char **key)
{
    const struct program *program = plan_program(p);

    for (uint32_t i = 0; i < program_aggregate_count(program); i++) {
        const struct aggregate *a = program_aggregate(program, i);

        if (is_approximate(s, a->key_name) || shared_is_wanted(s, a))
            continue;
        if (*key == NULL)
            *key = a->key_name;
        if (!has_part(a->key_name, *key))
            return a;
    }
    return NULL;
}

bool shard_key_check_topic(const struct settings *s, const struct plan *p, uint32_t partitions,
                           struct error *e)
{
    const char *key = s->stream.key;
    const struct aggregate *a = partitions > 1 ? partial(s, p, &key) : NULL;

    return a == NULL ||
           error_set(e, ERROR_INVALID,
                     "%.300s: the topic has %u partitions and its messages are keyed by %s, so one "
                     "partition does not see all events of a %s; hint: name the key in stream.key; "
                     "for the other say under entities `state: shared`, or `scope: shard` where "
                     "its own partition alone will do; or give the topic one partition",
                     a->canonical, partitions, key, a->key_name);
}

bool shard_key_check_nodes(const struct settings *s, const struct plan *p, struct error *e)
{
    const char *key = s->server.key;
    const struct aggregate *a = key != NULL ? partial(s, p, &key) : NULL;

    return a == NULL ||
           error_set(e, ERROR_INVALID,
                     "%.300s: this node is one of several and gets the events of a %s whole "
                     "(server.key), so it does not see all events of a %s; hint: say under "
                     "entities `state: shared`, or `scope: shard` where the node's own part alone "
                     "will do; or decide on one node, without server.key",
                     a->canonical, key, a->key_name);
}
