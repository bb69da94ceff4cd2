#include "core/data/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t length, struct buffer *out)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t bits = (uint32_t)at[i] << 16;

        if (left > 1)
            bits |= (uint32_t)at[i + 1] << 8;
        if (left > 2)
            bits |= at[i + 2];
        for (size_t k = 0; k < 4; k++)
            buffer_add_char(out, k <= left ? letters[bits >> (18 - 6 * k) & 63] : '=');
    }
}

bool base64_decode(struct text t, struct buffer *out)
{
    uint32_t bits = 0;
    unsigned count = 0;

    while (t.length > 0 && t.bytes[t.length - 1] == '=')
        t.length--;
    for (size_t i = 0; i < t.length; i++) {
        const char *at = memchr(letters, t.bytes[i], 64);

        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - letters);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer_add_char(out, (char)(bits >> count & 0xff));
        }
    }
    return t.length % 4 != 1 && !out->overflow;
}
