#include "shell/settings/stream.h"

#include <stdio.h>

#include "shell/settings/keys.h"

static bool blame_sink(const struct settings *s, const struct sink_setting *sink, const char *after,
                       struct error *e)
{
    char path[KEY_PATH_MAX];

    snprintf(path, sizeof path, "stream.sinks.%.200s%s", sink->name, after);
    return settings_blame(s, path, e);
}

static bool verify_sink(const struct settings *s, const struct sink_setting *sink, struct error *e)
{
    int places = (sink->topic != NULL) + (sink->table != NULL) + (sink->csv != NULL) +
                 (sink->notify != NULL);

    if (places != 1) {
        error_set(e, ERROR_INVALID, "expected one of topic, table, csv and notify, found %s",
                  places == 0 ? "none" : "several");
        return blame_sink(s, sink, "", e);
    }
    if (sink->notify != NULL && settings_notify(s, sink->notify) == NULL) {
        error_set(e, ERROR_INVALID, "expected a target under notify, found \"%.80s\"",
                  sink->notify);
        return blame_sink(s, sink, ".notify", e);
    }
    if (sink->postgres != NULL && sink->table == NULL) {
        error_set(e, ERROR_INVALID, "a database belongs to a table: write `table` too");
        return blame_sink(s, sink, ".postgres", e);
    }
    if (sink->sqlite != NULL && (sink->table == NULL || sink->postgres != NULL)) {
        error_set(e, ERROR_INVALID,
                  sink->table == NULL ? "a file of SQLite has tables: write `table` too"
                                      : "a table is in one database: postgres or sqlite");
        return blame_sink(s, sink, ".sqlite", e);
    }
    if (sink->topic != NULL && settings_stream_topic(s) != NULL &&
        strcmp(sink->topic, settings_stream_topic(s)) == 0) {
        error_set(e, ERROR_INVALID, "\"%s\" is the topic that the events come from", sink->topic);
        return blame_sink(s, sink, ".topic", e);
    }
    return true;
}

static bool is_read(const struct settings *s, const char *topic)
{
    const char *from = settings_stream_topic(s);

    return topic != NULL && from != NULL && strcmp(topic, from) == 0;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* What the stream writes must not come back as labels. */
static bool verify_labels(const struct settings *s, struct error *e)
{
    const char *labels = s->stream.labels;
    bool is_taken = is_read(s, labels) || is_same(labels, s->stream.decisions) ||
                    is_same(labels, s->stream.dead_letters);

    for (uint32_t i = 0; i < s->stream.sink_count; i++)
        is_taken = is_taken || is_same(labels, s->stream.sinks[i].topic);
    if (!is_taken)
        return true;
    error_set(e, ERROR_INVALID, "\"%s\" is another topic of this stream: labels need their own",
              labels);
    return settings_blame(s, "stream.labels", e);
}

bool stream_verify(const struct settings *s, struct error *e)
{
    if (is_read(s, s->stream.decisions)) {
        error_set(e, ERROR_INVALID, "the events come from \"%s\": decisions need another topic",
                  s->stream.decisions);
        return settings_blame(s, "stream.decisions", e);
    }
    if (is_read(s, s->stream.dead_letters)) {
        error_set(e, ERROR_INVALID, "the events come from \"%s\": dead letters need another topic",
                  s->stream.dead_letters);
        return settings_blame(s, "stream.dead_letters", e);
    }
    if (!verify_labels(s, e))
        return false;
    for (uint32_t i = 0; i < s->stream.sink_count; i++) {
        if (!verify_sink(s, &s->stream.sinks[i], e))
            return false;
    }
    return true;
}
