/* Values of HTTP headers: which packing is wanted, a cookie's value, base64url. */
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/access/access.h"
#include "shell/access/base64.h"
#include "shell/serve/finish.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *value = mem_alloc(length + 1);
    struct buffer out;
    struct text found;

    memcpy(value, bytes, length);
    (void)accepts_gzip(value);
    found = cookie_find(value, "assay_session");
    ASSERT(found.length == 0 ||
           (found.bytes >= value && found.bytes + found.length <= value + strlen(value) &&
            memchr(found.bytes, ';', found.length) == NULL));
    buffer_init(&out, 1 << 16);
    if (base64url_decode((struct text){(const char *)bytes, length}, &out))
        ASSERT(out.length == length * 3 / 4);
    buffer_fini(&out);
    mem_free(value);
    return 0;
}
