#include "shell/access/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    const char *at = c != 0 ? strchr(letters, c) : NULL;

    return at != NULL ? (int)(at - letters) : -1;
}

bool base64url_decode(struct text t, struct buffer *out)
{
    uint32_t bits = 0;
    unsigned count = 0;

    if (t.length % 4 == 1)
        return false;
    for (size_t i = 0; i < t.length; i++) {
        int v = value_of(t.bytes[i]);

        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer_add_char(out, (char)(bits >> count & 0xff));
        }
    }
    return (bits & ((1u << count) - 1)) == 0 && !out->overflow;
}

void base64url_encode(const void *bytes, size_t length, struct buffer *out)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = (uint32_t)at[i] << 16;
        size_t left = length - i;

        if (left > 1)
            bits |= (uint32_t)at[i + 1] << 8;
        if (left > 2)
            bits |= at[i + 2];
        for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++)
            buffer_add_char(out, letters[bits >> (18 - 6 * k) & 63]);
    }
}
