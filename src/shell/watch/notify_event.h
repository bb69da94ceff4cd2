/* What is told: one notification, as a CloudEvent and as words. */
#ifndef ASSAY_WATCH_NOTIFY_EVENT_H
#define ASSAY_WATCH_NOTIFY_EVENT_H

#include "core/data/json.h"
#include "shell/settings/settings.h"

enum {
    NOTIFY_ID_MAX = 160,
    NOTIFY_SUBJECT_MAX = 256,
    NOTIFY_DATA_MAX = 192 << 10, /* bytes of its data; what is larger loses its `fields` */
    NOTIFY_TEXT_MAX = 64 << 10,  /* of a text that a template makes */
};

/* Texts are borrowed. */
struct notify_event {
    struct text id;      /* the same whenever it is told again */
    const char *type;    /* "assay.decision", "assay.alert", "assay.row", "assay.summary" */
    struct text subject; /* what it is about: an event's id, an alert's, a row's key */
    int64_t time_us;
    uint64_t key;     /* equal keys keep their order */
    struct text data; /* a JSON object */
};

/* CloudEvents 1.0, structured: one JSON object. `source` is the settings' name. */
void notify_cloudevent(const struct notify_event *ev, const char *source, struct buffer *out);

/* {path} becomes that member of the data as text, {} the whole, "{{" a brace; what the data lacks
 * becomes nothing. For a chat, & < and > of the data are written as &amp; &lt; &gt;. `json` reads
 * the data. */
void notify_render(const char *form, const struct notify_event *ev, bool is_chat,
                   struct json_reader *json, struct buffer *out);
/* By the setting's own form, or by the usual one for the type. */
void notify_subject(const struct notify_setting *n, const struct notify_event *ev,
                    struct json_reader *json, struct buffer *out);
void notify_body(const struct notify_setting *n, const struct notify_event *ev,
                 struct json_reader *json, struct buffer *out);

/* A decision like one that could be, for `assay notify test`. */
void notify_sample(enum notify_on on, int64_t now_us, struct buffer *data, struct notify_event *ev);

#endif
