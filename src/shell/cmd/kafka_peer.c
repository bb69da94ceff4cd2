#include "shell/cmd/kafka_peer.h"

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/file.h"

static void set_property(struct kafka_peer *p, const char *name, const char *value)
{
    for (uint32_t i = 0; i < p->options.properties; i++) {
        if (strcmp(p->property[i].name, name) == 0) {
            p->property[i].value = value;
            return;
        }
    }
    ASSERT(p->options.properties < KAFKA_PROPERTIES_MAX);
    p->property[p->options.properties++] = (struct kafka_property){name, value};
}

void kafka_peer_default(struct kafka_peer *p, const char *name, const char *value)
{
    for (uint32_t i = 0; i < p->options.properties; i++) {
        if (strcmp(p->property[i].name, name) == 0)
            return;
    }
    if (p->options.properties < KAFKA_PROPERTIES_MAX)
        set_property(p, name, value);
}

void kafka_peer_of(const struct settings *s, struct kafka_peer *p)
{
    *p = (struct kafka_peer){.options = {.brokers = s->kafka.brokers}};
    p->options.property = p->property;
    for (uint32_t i = 0; i < s->kafka.property_count; i++)
        set_property(p, s->kafka.properties[i].name, s->kafka.properties[i].source);
}

static bool add_given(struct kafka_peer *p, const char *given, struct error *e)
{
    const char *equals = strchr(given, '=');
    char *name;

    if (equals == NULL || equals == given)
        return error_set(e, ERROR_USAGE, "--property: expected NAME=VALUE, found \"%.80s\"", given);
    if (p->options.properties == KAFKA_PROPERTIES_MAX || p->names == KAFKA_PROPERTIES_MAX)
        return error_set(e, ERROR_USAGE, "--property: over %d properties", KAFKA_PROPERTIES_MAX);
    name = mem_text(given, strlen(given));
    name[equals - given] = 0;
    p->name[p->names++] = name;
    if (!kafka_property_check(name, e))
        return error_prefix(e, "--property");
    set_property(p, name, name + (equals - given) + 1);
    return true;
}

bool kafka_peer_init(const struct invocation *v, struct kafka_peer *p, struct error *e)
{
    struct settings *s = NULL;
    bool ok = true;

    *p = (struct kafka_peer){.options = {.brokers = "127.0.0.1:9092"}};
    if (option_has(v, "config") || file_exists("assay.yaml")) {
        if (!invocation_settings(v, &s, e))
            return false;
        kafka_peer_of(s, p);
        p->settings = s;
    }
    p->options.property = p->property;
    if (option_has(v, "brokers"))
        p->options.brokers = option_get(v, "brokers");
    for (uint32_t i = 0; ok && i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "property") == 0)
            ok = add_given(p, v->given[i].value, e);
    }
    if (!ok)
        kafka_peer_fini(p);
    return ok;
}

void kafka_peer_fini(struct kafka_peer *p)
{
    for (uint32_t i = 0; i < p->names; i++)
        mem_free(p->name[i]);
    settings_free(p->settings);
    *p = (struct kafka_peer){0};
}
