/* Shapes of routes (src/shell/serve/shape.h): the bytes up to the first NUL are a shape, the rest a
 * request's JSON that fills it; a shape that compiles makes JSON of any request. */
#include <string.h>

#include "core/base/panic.h"
#include "shell/serve/shape.h"

static struct schema *names(void)
{
    struct schema *s = schema_new();
    struct error e;

    ASSERT(schema_add(s, text_of("request.amount"), TYPE_DECIMAL, &e));
    ASSERT(schema_add(s, text_of("score"), TYPE_INT, &e));
    ASSERT(schema_add(s, text_of("outcome"), TYPE_TEXT, &e));
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = length > 0 ? memchr(bytes, 0, length) : NULL;
    size_t shape_length = end != NULL ? (size_t)(end - bytes) : length;
    struct json_reader *json = json_reader_new();
    struct shapes *s = shapes_new(names());
    struct json_document *root = NULL, *made;
    struct buffer out;
    struct error e;
    uint32_t steps = 0;
    struct shape_scope scope = {.steps = &steps};
    int shape, scalar;

    shape = shapes_add(s, "routes.x", (struct text){(const char *)bytes, shape_length}, &e);
    scalar = shapes_add_scalar(s, "routes.y", (struct text){(const char *)bytes, shape_length},
                               false, &e);
    shapes_finish(s);
    if (end != NULL)
        root = json_parse(json, (const char *)end + 1, length - shape_length - 1, &e);
    scope.root = root != NULL ? &root->root : NULL;
    buffer_init(&out, 1 << 20);
    if (shape >= 0) {
        shape_fill(s, shape, &scope, &out);
        if (!out.overflow) {
            made = json_parse(json, out.bytes, out.length, &e);
            ASSERT(made != NULL);
            json_free(made);
        }
        buffer_clear(&out);
    }
    if (scalar >= 0)
        shape_text(s, scalar, &scope, &out);
    buffer_fini(&out);
    json_free(root);
    shapes_free(s);
    json_reader_free(json);
    return 0;
}
