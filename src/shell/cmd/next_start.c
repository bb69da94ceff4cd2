#include "shell/cmd/next_start.h"

#include <string.h>

static bool texts_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* Features and rules ask the lists of the plan in force; the routes and the files are the start's.
 */
static bool lists_differ(const struct settings *was, const struct settings *is)
{
    bool differs = was->list_count != is->list_count;

    for (uint32_t i = 0; !differs && i < is->list_count; i++) {
        const struct list_setting *a = &was->lists[i], *b = &is->lists[i];

        differs = texts_differ(a->name, b->name) || a->type != b->type ||
                  texts_differ(a->description, b->description) || texts_differ(a->file, b->file) ||
                  a->has_expires != b->has_expires || a->expires_us != b->expires_us;
    }
    return differs;
}

/* Rates, token keys and sign-in are opened once; the certificate's files are read again. */
static bool access_differs(const struct access_setting *a, const struct access_setting *b)
{
    bool differs =
        a->has_required != b->has_required || a->required != b->required ||
        a->open_metrics != b->open_metrics || texts_differ(a->per_key, b->per_key) ||
        texts_differ(a->per_address, b->per_address) || a->session_idle_us != b->session_idle_us ||
        a->session_longest_us != b->session_longest_us ||
        texts_differ(a->jwt.issuer, b->jwt.issuer) ||
        texts_differ(a->jwt.audience, b->jwt.audience) || texts_differ(a->jwt.keys, b->jwt.keys) ||
        texts_differ(a->jwt.secret, b->jwt.secret) ||
        texts_differ(a->sign_in.issuer, b->sign_in.issuer) ||
        texts_differ(a->sign_in.client, b->sign_in.client) || a->role_count != b->role_count;

    for (uint32_t i = 0; !differs && i < a->role_count; i++)
        differs = texts_differ(a->roles[i].name, b->roles[i].name) ||
                  texts_differ(a->roles[i].source, b->roles[i].source);
    return differs;
}

static bool origins_differ(const struct server_setting *was, const struct server_setting *is)
{
    bool differs = was->cors_count != is->cors_count;

    for (uint32_t i = 0; !differs && i < is->cors_count; i++)
        differs = strcmp(was->cors[i], is->cors[i]) != 0;
    return differs;
}

static bool keeps_differ(const struct log_keep *was, const struct log_keep *is)
{
    return was->has_for != is->has_for || was->for_us != is->for_us ||
           was->has_bytes != is->has_bytes || was->bytes != is->bytes;
}

static bool checkpoints_differ(const struct settings *was, const struct settings *is)
{
    return was->log_checkpoint_us != is->log_checkpoint_us ||
           was->log_checkpoint_records != is->log_checkpoint_records ||
           texts_differ(was->log_checkpoint_file, is->log_checkpoint_file) ||
           texts_differ(was->log_checkpoint_key, is->log_checkpoint_key);
}

static bool target_differs(const struct notify_setting *a, const struct notify_setting *b)
{
    return strcmp(a->name, b->name) != 0 || a->on != b->on || a->to != b->to ||
           texts_differ(a->when, b->when) || texts_differ(a->url, b->url) ||
           texts_differ(a->secret, b->secret) || texts_differ(a->topic, b->topic) ||
           texts_differ(a->subject, b->subject) || texts_differ(a->body, b->body) ||
           a->at_most != b->at_most || a->per_us != b->per_us || a->tries != b->tries ||
           a->give_up_us != b->give_up_us || a->recipient_count != b->recipient_count;
}

static bool targets_differ(const struct settings *was, const struct settings *is)
{
    bool differs = was->notify_count != is->notify_count;

    for (uint32_t i = 0; !differs && i < is->notify_count; i++)
        differs = target_differs(&was->notify[i], &is->notify[i]);
    return differs;
}

void next_start_json(const struct settings *was, const struct settings *is, struct buffer *out)
{
    const struct {
        const char *name;
        bool differs;
    } keys[] = {
        {"server.host", strcmp(was->server.host, is->server.host) != 0},
        {"server.port", was->server.port != is->server.port},
        {"server.threads", was->server.threads != is->server.threads},
        {"server.queue", was->server.queue != is->server.queue},
        {"server.tls", (was->server.tls.key == NULL) != (is->server.tls.key == NULL)},
        {"access", access_differs(&was->access, &is->access)},
        {"server.connections", was->server.connections != is->server.connections},
        {"server.cors", origins_differ(&was->server, &is->server)},
        {"server.journal.slow_ms", was->server.slow_ms != is->server.slow_ms},
        {"server.journal.sample", was->server.sample != is->server.sample},
        {"server.body", was->server.body_bytes != is->server.body_bytes},
        {"decision.deadline_ms", was->deadline_ms != is->deadline_ms},
        {"decision.explain_budget", was->explain_budget != is->explain_budget},
        {"notify", targets_differ(was, is)},
        {"store.lag_limit", was->store_lag_limit != is->store_lag_limit},
        {"lists", lists_differ(was, is)},
        {"ids.count", was->ids_horizon != is->ids_horizon},
        {"ids.keep", was->ids_horizon_us != is->ids_horizon_us},
        {"log.segment", was->log_segment_bytes != is->log_segment_bytes},
        {"log.sync", was->log_sync != is->log_sync},
        {"log.compress", was->log_compress != is->log_compress},
        {"log.keep", keeps_differ(&was->log_keep, &is->log_keep)},
        {"log.checkpoint", checkpoints_differ(was, is)},
        {"reload.rate", was->reload_rate != is->reload_rate},
        {"snapshot.every", was->snapshot_every_us != is->snapshot_every_us},
        {"snapshot.memory", was->snapshot_memory_bytes != is->snapshot_memory_bytes},
    };
    unsigned count = 0;

    buffer_add_text(out, ",\"next_start\":[");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].differs)
            buffer_format(out, "%s\"%s\"", count++ > 0 ? "," : "", keys[i].name);
    }
    buffer_add_char(out, ']');
}
