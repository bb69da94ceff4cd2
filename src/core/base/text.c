#include "core/base/text.h"

#include <stdint.h>

int text_compare(struct text a, struct text b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared > 0 ? memcmp(a.bytes, b.bytes, shared) : 0;

    if (order != 0)
        return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

struct text text_trim(struct text t)
{
    while (t.length > 0 && is_space(t.bytes[0])) {
        t.bytes++;
        t.length--;
    }
    while (t.length > 0 && is_space(t.bytes[t.length - 1]))
        t.length--;
    return t;
}

/* Length of the valid sequence that starts at p, or 0. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t code;

    if (p[0] < 0xc2 || p[0] > 0xf4 || length > left)
        return 0;
    code = p[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return length;
}

bool text_is_utf8(struct text t)
{
    const uint8_t *p = (const uint8_t *)t.bytes;
    size_t i = 0;

    while (i < t.length) {
        uint64_t word;
        size_t length;

        if (i + 8 <= t.length) {
            memcpy(&word, p + i, 8);
            if ((word & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        length = utf8_sequence(p + i, t.length - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

bool text_is_plain(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        if ((unsigned char)t.bytes[i] < ' ' || t.bytes[i] == 0x7f)
            return false;
    }
    return text_is_utf8(t);
}

enum { DISTANCE_MAX = 64 };

unsigned text_distance(struct text a, struct text b)
{
    unsigned row[DISTANCE_MAX + 1];

    if (a.length > DISTANCE_MAX || b.length > DISTANCE_MAX)
        return DISTANCE_MAX;
    for (size_t j = 0; j <= b.length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.length; j++) {
            unsigned replace = diagonal + (a.bytes[i - 1] != b.bytes[j - 1]);
            unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = replace < least ? replace : least;
        }
    }
    return row[b.length];
}

int text_nearest(struct text wanted, const struct text *candidates, size_t count)
{
    unsigned best = DISTANCE_MAX;
    int nearest = -1;

    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(wanted, candidates[i]);

        if (distance < best) {
            best = distance;
            nearest = (int)i;
        }
    }
    return best <= 1 + wanted.length / 3 && best < wanted.length ? nearest : -1;
}
