#include "shell/run/event_id.h"

#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "core/data/event.h"
#include "shell/os/digest.h"

bool event_id_text(const struct schema *s, const struct frame *f, uint32_t row, struct buffer *out)
{
    char number[NUMBER_TEXT_MAX];
    char time[TIME_TEXT_MAX];
    struct value v;

    if (s->id == FIELD_NONE)
        return false;
    v = column_get(&f->column[s->id], row);
    if (v.is_null)
        return false;
    switch (v.type) {
    case TYPE_TEXT:
        buffer_add_slice(out, v.text);
        return v.text.length > 0;
    case TYPE_REAL:
        buffer_add(out, number, number_format_real(v.real, number));
        return true;
    case TYPE_DECIMAL:
        buffer_add(out, number, number_format_decimal(v.integer, number));
        return true;
    case TYPE_TIME:
        buffer_add(out, time, time_format(v.integer, time));
        return true;
    default:
        buffer_add(out, number, number_format_int(v.integer, number));
        return true;
    }
}

void event_id_new(int64_t received_us, char out[EVENT_ID_NEW])
{
    uint64_t ms = (uint64_t)(received_us / 1000);
    uint8_t r[10];

    random_bytes(r, sizeof r);
    snprintf(out, EVENT_ID_NEW, "%08x-%04x-7%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned)(ms >> 16 & 0xffffffffu), (unsigned)(ms & 0xffff), r[0] & 0xfu, r[1],
             0x80u | (r[2] & 0x3fu), r[3], r[4], r[5], r[6], r[7], r[8], r[9]);
}

uint64_t event_body_hash(const struct schema *s, struct text open)
{
    struct text own = event_own_part(s, open);

    return hash_bytes(own.bytes, own.length, 0);
}
