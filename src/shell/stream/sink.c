#include "shell/stream/sink.h"

bool sink_open(const struct sink_setting *s, const struct sink_context *c, struct sink **out,
               struct error *e)
{
    const struct sink_ops *ops = s->topic != NULL    ? &sink_topic_ops
                                 : s->sqlite != NULL ? &sink_sqlite_ops
                                 : s->table != NULL  ? &sink_table_ops
                                 : s->notify != NULL ? &sink_notify_ops
                                                     : &sink_csv_ops;

    if (!ops->open(s, c, out, e))
        return error_prefix(e, "stream.sinks.%s", s->name);
    (*out)->ops = ops;
    (*out)->setting = s;
    return true;
}
