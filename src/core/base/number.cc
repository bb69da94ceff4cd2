/* The two libraries for doubles in text stay in this file: fast_float reads, double-conversion
 * writes. Whole numbers and decimals are read by hand, eight digits at a time: most cells of most
 * files are those. */
extern "C" {
#include "core/base/number.h"
}

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <double-conversion/double-conversion.h>
#include <fast_float/fast_float.h>

namespace
{
bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Eight bytes, all of them ASCII digits, to their value: pairs, then fours, then the eight are
 * joined by multiplication (the known SWAR method, after Lemire, "Quickly parsing eight digits",
 * 2018). */
bool eight_digits(const char *p, uint64_t *v)
{
    uint64_t w;

    std::memcpy(&w, p, 8);
    if (((w & 0xf0f0f0f0f0f0f0f0u) | (((w + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4)) !=
        0x3333333333333333u)
        return false;
    w = (w & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
    w = (w & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    *v = (w & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
    return true;
}

/* As many digits as follow, at most `most`; returns how many. most <= 19, so *v cannot wrap. */
size_t read_digits(const char *p, const char *end, size_t most, uint64_t *v)
{
    const char *first = p;
    const char *last = (size_t)(end - p) > most ? p + most : end;
    uint64_t sum = 0, eight;

    while (last - p >= 8 && eight_digits(p, &eight)) {
        sum = sum * 100000000u + eight;
        p += 8;
    }
    while (p < last && is_digit(*p))
        sum = sum * 10 + (uint64_t)(*p++ - '0');
    *v = sum;
    return (size_t)(p - first);
}

/* Leading zeros do not count towards the 19 digits that fit. */
const char *skip_zeros(const char *p, const char *end)
{
    while (end - p > 1 && *p == '0' && is_digit(p[1]))
        p++;
    return p;
}

const uint64_t power_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
} // namespace

extern "C" bool number_parse_int(struct text t, int64_t *v)
{
    const char *p = t.bytes, *end = t.bytes + t.length;
    bool minus = t.length > 0 && *p == '-';
    uint64_t size;
    size_t digits;

    p = skip_zeros(p + minus, end);
    digits = read_digits(p, end, 19, &size);
    if (digits == 0 || p + digits != end || size > (uint64_t)INT64_MAX + minus)
        return false;
    *v = minus ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

extern "C" bool number_parse_decimal(struct text t, char point, int64_t *v)
{
    const char *p = t.bytes, *end = t.bytes + t.length;
    bool minus = t.length > 0 && *p == '-';
    uint64_t whole, part = 0, limit = (uint64_t)INT64_MAX + minus, size;
    size_t digits, decimals = 0;

    p = skip_zeros(p + minus, end);
    digits = read_digits(p, end, 19, &whole);
    p += digits;
    if (p < end && *p == point) {
        decimals = read_digits(p + 1, end, DECIMAL_DIGITS, &part);
        p += 1 + decimals;
        while (decimals == DECIMAL_DIGITS && p < end && *p == '0')
            p++;
    }
    if (p != end || digits + decimals == 0 || whole > limit / DECIMAL_ONE)
        return false;
    size = whole * DECIMAL_ONE + part * power_of_ten[DECIMAL_DIGITS - decimals];
    if (size > limit)
        return false;
    *v = minus ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

extern "C" bool number_parse_real(struct text t, char point, double *v)
{
    const char *p = t.bytes, *end = t.bytes + t.length;
    const char *first = t.length > 0 && *p == '-' ? p + 1 : p;
    double result;

    /* Keeps out nan, inf and infinity, which the library takes. */
    if (first == end || (!is_digit(*first) && *first != point))
        return false;
    fast_float::parse_options options(fast_float::chars_format::general, point);
    fast_float::from_chars_result read = fast_float::from_chars_advanced(p, end, result, options);
    if (read.ec != std::errc() || read.ptr != end || !std::isfinite(result))
        return false;
    *v = result + 0.0; /* -0 becomes 0 */
    return true;
}

namespace
{
struct pairs {
    char text[200];
};

constexpr pairs make_pairs()
{
    pairs p{};

    for (int i = 0; i < 100; i++) {
        p.text[2 * i] = (char)('0' + i / 10);
        p.text[2 * i + 1] = (char)('0' + i % 10);
    }
    return p;
}

constexpr pairs two_digits = make_pairs();

unsigned count_digits(uint64_t v)
{
    unsigned n = 1;

    for (; v >= 10000; v /= 10000)
        n += 4;
    return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* The last `count` digits of v, in place. */
void put_digits(char *at, uint64_t v, unsigned count)
{
    while (count >= 2) {
        count -= 2;
        std::memcpy(at + count, &two_digits.text[v % 100 * 2], 2);
        v /= 100;
    }
    if (count > 0)
        at[0] = (char)('0' + v % 10);
}
} // namespace

extern "C" unsigned number_format_int(int64_t v, char out[NUMBER_TEXT_MAX])
{
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    unsigned count = count_digits(size), length = v < 0;

    out[0] = '-';
    put_digits(out + length, size, count);
    length += count;
    out[length] = 0;
    return length;
}

extern "C" unsigned number_format_decimal(int64_t v, char out[NUMBER_TEXT_MAX])
{
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    uint64_t part = size % DECIMAL_ONE;
    unsigned length = 0;

    if (v < 0)
        out[length++] = '-';
    length += number_format_int((int64_t)(size / DECIMAL_ONE), out + length);
    if (part == 0)
        return length;
    out[length++] = '.';
    put_digits(out + length, part, DECIMAL_DIGITS);
    length += DECIMAL_DIGITS;
    while (out[length - 1] == '0')
        length--;
    out[length] = 0;
    return length;
}

namespace
{
/* The digits of the shortest text, with the point behind the first `point` of them. */
unsigned place_point(const char *digits, int count, int point, char *out)
{
    unsigned length = 0;

    if (point <= 0) {
        out[length++] = '0';
        out[length++] = '.';
        for (int i = point; i < 0; i++)
            out[length++] = '0';
        std::memcpy(out + length, digits, (size_t)count);
        return length + (unsigned)count;
    }
    for (int i = 0; i < point; i++)
        out[length++] = i < count ? digits[i] : '0';
    if (count > point) {
        out[length++] = '.';
        std::memcpy(out + length, digits + point, (size_t)(count - point));
        length += (unsigned)(count - point);
    }
    return length;
}
} // namespace

/* Whole numbers past 1e18 get an exponent: readers take plain digits for an integer of 64 bits.
 *
 * Most reals in files have few decimals. A double that is the one nearest to a decimal of at most
 * 15 digits is nearest to no other such, so that decimal without its last zeros is the shortest. */
extern "C" unsigned number_format_real(double v, char out[NUMBER_TEXT_MAX])
{
    static const double_conversion::DoubleToStringConverter converter(
        double_conversion::DoubleToStringConverter::UNIQUE_ZERO |
            double_conversion::DoubleToStringConverter::EMIT_POSITIVE_EXPONENT_SIGN,
        "Infinity", "NaN", 'e', -6, 18, 6, 0);
    const double most = 1e15;
    double millionths = std::rint(v * DECIMAL_ONE);
    char digits[double_conversion::DoubleToStringConverter::kBase10MaximalLength + 1];
    int count, point;
    bool minus;

    if (std::fabs(millionths) < most && millionths / DECIMAL_ONE == v)
        return number_format_decimal((int64_t)millionths, out);
    if (std::isfinite(v)) {
        double_conversion::DoubleToStringConverter::DoubleToAscii(
            v, double_conversion::DoubleToStringConverter::SHORTEST, 0, digits, sizeof digits,
            &minus, &count, &point);
        if (point > -6 && point <= 18) {
            unsigned length = minus;

            out[0] = '-';
            length += place_point(digits, count, point, out + length);
            out[length] = 0;
            return length;
        }
    }
    double_conversion::StringBuilder builder(out, NUMBER_TEXT_MAX);
    converter.ToShortest(v, &builder);
    unsigned length = (unsigned)builder.position();
    builder.Finalize();
    return length;
}
