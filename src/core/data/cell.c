#include "core/data/cell.h"

#include <math.h>

#include "core/base/fixed.h"
#include "core/base/number.h"

enum { NUMBER_CELL_MAX = 512 }; /* bytes of a number with separators */

static const char *const fault_words[FAULTS] = {
    [FAULT_NONE] = "none",
    [FAULT_COLUMNS] = "another number of cells than the header",
    [FAULT_RECORD_LONG] = "record over 1 MiB",
    [FAULT_QUOTE] = "quote not closed, or text after a closing quote",
    [FAULT_JSON] = "not a usable JSON object",
    [FAULT_NUL] = "NUL byte",
    [FAULT_UTF8] = "invalid UTF-8",
    [FAULT_TEXT_LONG] = "text over 4096 bytes",
    [FAULT_TYPE] = "not of the field's type",
    [FAULT_RANGE] = "out of range",
    [FAULT_NULL] = "missing, and no row may be without it",
    [FAULT_LEADING_ZERO] = "leading zero in a number: an id? then its type is text",
};

const char *fault_text(enum fault fault)
{
    return fault_words[fault];
}

enum fault cell_check_text(struct text t)
{
    if (t.length > TEXT_MAX)
        return FAULT_TEXT_LONG;
    if (memchr(t.bytes, 0, t.length) != NULL)
        return FAULT_NUL;
    return text_is_utf8(t) ? FAULT_NONE : FAULT_UTF8;
}

bool cell_has_leading_zero(struct text t)
{
    if (t.length > 0 && t.bytes[0] == '-') {
        t.bytes++;
        t.length--;
    }
    return t.length > 1 && t.bytes[0] == '0' && (unsigned char)(t.bytes[1] - '0') <= 9;
}

static bool is_word(struct text t, const char *lower)
{
    for (size_t i = 0; i < t.length; i++) {
        if (lower[i] == 0 || (t.bytes[i] | 0x20) != lower[i])
            return false;
    }
    return lower[t.length] == 0;
}

static bool parse_bool(struct text t, int64_t *v)
{
    static const char *const words[] = {"false", "true", "f", "t", "no", "yes", "n", "y"};

    if (t.length == 1 && (t.bytes[0] == '0' || t.bytes[0] == '1')) {
        *v = t.bytes[0] - '0';
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is_word(t, words[i])) {
            *v = i % 2;
            return true;
        }
    }
    return false;
}

/* Takes out the separators; they must part the whole digits into threes: 1,234,567.89. */
static bool drop_groups(struct text t, const struct field *f, char *out, struct text *plain)
{
    size_t i = 0, length = 0, run = 0;
    bool grouped = false;

    if (t.length > NUMBER_CELL_MAX)
        return false;
    if (t.length > 0 && t.bytes[0] == '-')
        out[length++] = t.bytes[i++];
    for (; i < t.length && t.bytes[i] != f->point; i++) {
        if (t.bytes[i] == f->group) {
            if (run == 0 || run > 3 || (grouped && run != 3))
                return false;
            grouped = true;
            run = 0;
            continue;
        }
        out[length++] = t.bytes[i];
        run++;
    }
    if (grouped && run != 3)
        return false;
    memcpy(out + length, t.bytes + i, t.length - i);
    *plain = (struct text){out, length + t.length - i};
    return true;
}

static size_t digits_at(struct text t, size_t i)
{
    size_t n = 0;

    while (i + n < t.length && (unsigned char)(t.bytes[i + n] - '0') <= 9)
        n++;
    return n;
}

/* The form of a number, of whatever size: 1e999 too. */
static bool has_number_form(struct text t, char point)
{
    size_t i = t.length > 0 && t.bytes[0] == '-';
    size_t digits = digits_at(t, i);

    i += digits;
    if (i < t.length && t.bytes[i] == point) {
        size_t decimals = digits_at(t, i + 1);

        digits += decimals;
        i += 1 + decimals;
    }
    if (digits > 0 && i < t.length && (t.bytes[i] | 0x20) == 'e') {
        i++;
        if (i < t.length && (t.bytes[i] == '-' || t.bytes[i] == '+'))
            i++;
        digits = digits_at(t, i);
        i += digits;
    }
    return digits > 0 && i == t.length;
}

/* Why a number was not taken: it may be a number all the same. */
static enum fault number_fault(struct text t, const struct field *f)
{
    double real;

    if (!has_number_form(t, f->point))
        return FAULT_TYPE;
    if (!number_parse_real(t, f->point, &real))
        return FAULT_RANGE;
    if (f->type == TYPE_INT && fabs(real) < 9.2e18)
        return FAULT_TYPE;
    return FAULT_RANGE;
}

/* 5.0 and 1e3 are whole numbers too. */
static bool parse_whole(struct text t, char point, int64_t *v)
{
    int64_t millionths;
    double real;

    if (number_parse_int(t, v))
        return true;
    if (number_parse_decimal(t, point, &millionths) && millionths % DECIMAL_ONE == 0) {
        *v = millionths / DECIMAL_ONE;
        return true;
    }
    if (number_parse_real(t, point, &real) && fabs(real) <= 0x1p53 && real == floor(real)) {
        *v = (int64_t)real;
        return true;
    }
    return false;
}

/* Below 2^33 neighbouring doubles are less than a millionth apart, so the nearest millionths are
 * what the text said; above, its shortest digits are. */
bool cell_decimal_from_real(double v, int64_t *decimal)
{
    char digits[NUMBER_TEXT_MAX];

    if (fabs(v) < 0x1p33)
        return fixed_from_real(v, decimal);
    number_format_real(v, digits);
    return number_parse_decimal(text_of(digits), '.', decimal) || fixed_from_real(v, decimal);
}

static bool parse_decimal(struct text t, char point, int64_t *v)
{
    double real;

    return number_parse_decimal(t, point, v) ||
           (number_parse_real(t, point, &real) && cell_decimal_from_real(real, v));
}

static enum fault parse_number(struct text t, const struct field *f, struct value *v)
{
    char buffer[NUMBER_CELL_MAX];
    bool good;

    if (f->group != 0 && memchr(t.bytes, f->group, t.length) != NULL &&
        !drop_groups(t, f, buffer, &t))
        return FAULT_TYPE;
    if (f->type == TYPE_INT)
        good = parse_whole(t, f->point, &v->integer);
    else if (f->type == TYPE_DECIMAL)
        good = parse_decimal(t, f->point, &v->integer);
    else
        good = number_parse_real(t, f->point, &v->real);
    return good ? FAULT_NONE : number_fault(t, f);
}

static enum fault parse_time(struct text t, enum time_layout layout, int64_t *us)
{
    double real;

    if (time_parse(t, layout, us) || (layout != TIME_ISO && time_parse(t, TIME_ISO, us)))
        return FAULT_NONE;
    return layout >= TIME_UNIX_S && number_parse_real(t, '.', &real) ? FAULT_RANGE : FAULT_TYPE;
}

enum fault cell_parse(struct text t, const struct field *f, struct value *v)
{
    struct value out = {.type = f->type};
    enum fault fault = FAULT_NONE;

    if (f->type == TYPE_TEXT) {
        out.text = t;
        fault = cell_check_text(t);
    } else {
        t = text_trim(t);
        if (t.length == 0)
            return FAULT_TYPE;
        if (f->type == TYPE_BOOL)
            fault = parse_bool(t, &out.integer) ? FAULT_NONE : FAULT_TYPE;
        else if (f->type == TYPE_TIME)
            fault = parse_time(t, f->layout, &out.integer);
        else if (f->type == TYPE_DURATION)
            fault = duration_parse(t, &out.integer) ? FAULT_NONE : FAULT_TYPE;
        else
            fault = parse_number(t, f, &out);
        if (fault == FAULT_TYPE && memchr(t.bytes, 0, t.length) != NULL)
            fault = FAULT_NUL;
    }
    if (fault == FAULT_NONE)
        *v = out;
    return fault;
}
