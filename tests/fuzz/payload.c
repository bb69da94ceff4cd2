/* What an endpoint answers, behind a JSON pointer and a zero byte: each record of it is one JSON
 * object. */
#include "shell/produce/payload.h"
#include "core/base/panic.h"
#include "core/data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_records(struct payload *p, struct json_reader *json)
{
    struct buffer record;
    enum payload_item item;
    struct error e;

    buffer_init(&record, 1 << 20);
    for (;;) {
        buffer_clear(&record);
        e.text[0] = 0;
        item = payload_next(p, &record, &e);
        if (item == PAYLOAD_END)
            break;
        if (item == PAYLOAD_BAD) {
            ASSERT(e.text[0] != 0 && record.length == 0);
        } else if (!record.overflow) {
            struct json_document *d = json_parse(json, record.bytes, record.length, &e);

            ASSERT(d != NULL && d->root.kind == JSON_OBJECT);
            ASSERT(memchr(record.bytes, '\n', record.length) == NULL);
            json_free(d);
        }
    }
    buffer_fini(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *zero = length > 0 ? memchr(bytes, 0, length) : NULL;
    const char *pointer = zero != NULL ? (const char *)bytes : "";
    size_t at = zero != NULL ? (size_t)(zero - bytes) + 1 : 0;
    struct payload *p = payload_new();
    struct json_reader *json = json_reader_new();
    struct error e;

    if (payload_pointer_check(pointer, &e) &&
        payload_begin(p, (struct text){(const char *)bytes + at, length - at}, pointer, &e))
        read_records(p, json);
    json_reader_free(json);
    payload_free(p);
    return 0;
}
