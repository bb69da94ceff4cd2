#include "shell/run/list_value.h"

#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/data/cell.h"

static bool parse(enum type type, struct text text, struct value *v, enum fault *fault)
{
    const struct field field = {.type = type, .point = '.'};

    if (text.length == 0 || text.length > LIST_VALUE_MAX)
        return false;
    *fault = cell_parse(text, &field, v);
    return *fault == FAULT_NONE && !v->is_null;
}

bool list_value_parse(enum type type, struct text text, struct value *v)
{
    enum fault fault;

    return parse(type, text, v, &fault);
}

bool list_value_read(enum type type, struct text text, char out[LIST_VALUE_MAX + 1],
                     struct text *value, struct error *e)
{
    enum fault fault = FAULT_NONE;
    struct value v;

    if (!parse(type, text, &v, &fault))
        return error_set(e, ERROR_INVALID, "expected a value of type %s, 1 to %d bytes%s%s",
                         type_name(type), LIST_VALUE_MAX, fault != FAULT_NONE ? "; it is " : "",
                         fault != FAULT_NONE ? fault_text(fault) : "");
    value->bytes = out;
    if (type == TYPE_TEXT) {
        memcpy(out, v.text.bytes, v.text.length);
        out[v.text.length] = 0;
        value->length = v.text.length;
    } else {
        value->length = type == TYPE_INT ? number_format_int(v.integer, out)
                                         : number_format_decimal(v.integer, out);
    }
    return true;
}

bool list_expiry_read(struct text text, int64_t now_us, int64_t *expires_us, struct error *e)
{
    int64_t us;

    if (text_is(text, "never")) {
        *expires_us = LIST_NEVER;
        return true;
    }
    if (duration_parse(text, &us)) {
        if (us > 0 && us <= TIME_MAX_US - now_us) {
            *expires_us = now_us + us;
            return true;
        }
    } else if (time_parse(text, TIME_ISO, expires_us)) {
        return true;
    }
    return error_set(e, ERROR_INVALID,
                     "expected a duration like 7d, a time like 2026-05-01T00:00:00Z, or never");
}
