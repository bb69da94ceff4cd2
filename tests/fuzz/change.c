/* Changes of the control log: what parses and holds is written again and parses as the same. */
#include "shell/control/change.h"
#include "core/base/panic.h"

static bool equal(struct text a, struct text b)
{
    return a.length == b.length && text_compare(a, b) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct json_reader *json = json_reader_new();
    struct control_change c, again;
    const struct json *data, *secret;
    struct json_document *d, *d2;
    struct buffer out;
    struct error e;

    d = json_parse(json, (const char *)bytes, length, &e);
    buffer_init(&out, CONTROL_BODY_MAX);
    if (d != NULL && change_parse(d, &c, &data, &secret, &e) && change_check(&c, &e)) {
        change_format(&c, &out);
        ASSERT(!out.overflow);
        d2 = json_parse(json, out.bytes, out.length, &e);
        ASSERT(d2 != NULL && change_parse(d2, &again, &data, &secret, &e));
        ASSERT(equal(c.kind, again.kind) && equal(c.subject, again.subject) &&
               equal(c.note, again.note) && equal(c.actor.id, again.actor.id) &&
               equal(c.address, again.address) && equal(c.request, again.request));
        json_free(d2);
    }
    buffer_fini(&out);
    json_free(d);
    json_reader_free(json);
    return 0;
}
