#include "shell/store/rows.h"

#include "core/base/panic.h"
#include "shell/store/backend.h"

void store_sql_expand(const char *sql, const char *prefix, struct buffer *out)
{
    for (; *sql != 0; sql++) {
        if (*sql == '@')
            buffer_add_text(out, prefix);
        else
            buffer_add_char(out, *sql);
    }
    ASSERT(!out->overflow);
}

bool store_ask(struct store *s, const char *sql, bool is_kept, const struct store_value *value,
               uint32_t values, const struct store_visitor *v, struct error *e)
{
    ASSERT(values <= STORE_VALUES_MAX);
    return s->ops->ask(s, sql, is_kept, value, values, v, e);
}
