/* Any bytes as JSON: what is read as an event and written again must read as the same event. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/panic.h"
#include "core/data/event.h"
#include "core/data/json.h"

static struct schema *fuzz_schema(void)
{
    struct schema *s = schema_new();
    struct error e;

    for (int i = 0; i < TYPES; i++) {
        bool good = schema_add(s, text_of(type_name((enum type)i)), (enum type)i, &e);

        ASSERT(good);
    }
    return s;
}

static void write_event(const struct schema *s, const struct frame *f, struct buffer *b)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct value v = column_get(&f->column[i], 0);

        buffer_add_char(b, i == 0 ? '{' : ',');
        json_add_text(b, text_of(s->fields[i].name));
        buffer_add_char(b, ':');
        if (v.type == TYPE_DECIMAL && !v.is_null) { /* exact as text only */
            buffer_add_char(b, '"');
            json_add_value(b, &v);
            buffer_add_char(b, '"');
        } else if (v.type == TYPE_DURATION && !v.is_null && v.integer % US_PER_SECOND != 0) {
            buffer_add_text(b, "null"); /* has no text that reads back */
        } else {
            json_add_value(b, &v);
        }
    }
    buffer_add_char(b, '}');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schema *s = fuzz_schema();
    struct json_reader *r = json_reader_new();
    struct problems problems = {0};
    struct error e;
    struct frame f, again;
    struct buffer text, record[2];
    struct json_document *d = json_parse(r, (const char *)data, size, &e);

    json_free(d);
    frame_init(&f, s, 1, 1 << 20);
    frame_init(&again, s, 1, 1 << 20);
    buffer_init(&text, 1 << 20);
    buffer_init(&record[0], 1 << 20);
    buffer_init(&record[1], 1 << 20);
    if (json_read_event(r, (const char *)data, size, s, JSON_UNKNOWN_SKIP, &f, &problems)) {
        ASSERT(d != NULL);
        write_event(s, &f, &text);
        if (!text.overflow) {
            bool good = json_read_event(r, text.bytes, text.length, s, JSON_UNKNOWN_REFUSE, &again,
                                        &problems);
            ASSERT(good);
            event_encode(&record[0], s, &f, 0);
            event_encode(&record[1], s, &again, 0);
            ASSERT(record[0].length == record[1].length);
            ASSERT(memcmp(record[0].bytes, record[1].bytes, record[0].length) == 0);
        }
    }
    buffer_fini(&text);
    buffer_fini(&record[0]);
    buffer_fini(&record[1]);
    frame_fini(&f);
    frame_fini(&again);
    json_reader_free(r);
    schema_free(s);
    return 0;
}
