/* Which Kafka a command speaks to: --brokers and --property over `kafka` of the settings. */
#ifndef ASSAY_CMD_KAFKA_PEER_H
#define ASSAY_CMD_KAFKA_PEER_H

#include "shell/cmd/cmd.h"
#include "shell/link/kafka.h"

#define OPTIONS_KAFKA                                                                              \
    {"brokers", 0, "HOST:PORT,...",                                                                \
     "brokers of Kafka (default: kafka.brokers of the settings, or 127.0.0.1:9092)"},              \
    {                                                                                              \
        "property", 0, "NAME=VALUE",                                                               \
            "a property of Kafka's client library (librdkafka); may be repeated"                   \
    }

struct kafka_peer {
    struct settings *settings; /* NULL: there are none */
    struct kafka_property property[KAFKA_PROPERTIES_MAX];
    char *name[KAFKA_PROPERTIES_MAX]; /* of --property: name and value in one */
    uint32_t names;
    struct kafka_options options; /* borrows from here and from the settings */
};

/* The settings are those of -c, or assay.yaml where it is there. */
bool kafka_peer_init(const struct invocation *v, struct kafka_peer *p, struct error *e) MUST_USE;
void kafka_peer_fini(struct kafka_peer *p);
/* Of settings that are read already, without a command line. */
void kafka_peer_of(const struct settings *s, struct kafka_peer *p);
/* One more property, unless it is said already; the strings are borrowed. */
void kafka_peer_default(struct kafka_peer *p, const char *name, const char *value);

#endif
