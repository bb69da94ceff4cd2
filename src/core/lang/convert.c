/* Between types: the hidden widenings of numbers, and to and from text where asked. */
#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/lang/kernels.h"

void kernel_int_to_decimal(const struct call *c)
{
    const int64_t *a = c->arg[0]->integer;
    const uint8_t *na = c->arg[0]->null;
    int64_t v;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool over = __builtin_mul_overflow(a[i], DECIMAL_ONE, &v);

        store_word(c->out->integer, c->out->null, i, v, na[i] | over);
    }
}

void kernel_int_to_real(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer;
    double *restrict out = c->out->real;

    memcpy(c->out->null, c->arg[0]->null, c->rows);
    for (uint32_t i = 0; i < c->rows; i++)
        out[i] = (double)a[i];
}

void kernel_decimal_to_real(const struct call *c)
{
    const int64_t *restrict a = c->arg[0]->integer;
    double *restrict out = c->out->real;

    memcpy(c->out->null, c->arg[0]->null, c->rows);
    for (uint32_t i = 0; i < c->rows; i++)
        out[i] = (double)a[i] / 1e6;
}

void kernel_number(const struct call *c)
{
    const struct column *a = c->arg[0];

    for (uint32_t i = 0; i < c->rows; i++) {
        double v = 0;
        bool ok = !a->null[i] && number_parse_real(a->text[i], '.', &v);

        store_real(c->out->real, c->out->null, i, v, !ok);
    }
}

void kernel_parse_time(const struct call *c)
{
    const struct column *a = c->arg[0];

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t v = 0;
        bool ok = !a->null[i] && time_parse(a->text[i], TIME_ISO, &v);

        store_word(c->out->integer, c->out->null, i, v, !ok);
    }
}

static void store_copy(const struct call *c, uint32_t i, const char *bytes, size_t length)
{
    char *copy = c->arg[0]->null[i] ? NULL : arena_text(c->text, bytes, length);

    store_text(c->out->text, c->out->null, i, (struct text){copy, length}, copy == NULL);
}

void kernel_text_of_bool(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        const char *word = c->arg[0]->integer[i] ? "true" : "false";

        store_text(c->out->text, c->out->null, i, text_of(word), c->arg[0]->null[i]);
    }
}

void kernel_text_of_int(const struct call *c)
{
    char digits[NUMBER_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++)
        store_copy(c, i, digits, number_format_int(c->arg[0]->integer[i], digits));
}

void kernel_text_of_decimal(const struct call *c)
{
    char digits[NUMBER_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++)
        store_copy(c, i, digits, number_format_decimal(c->arg[0]->integer[i], digits));
}

void kernel_text_of_real(const struct call *c)
{
    char digits[NUMBER_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++)
        store_copy(c, i, digits, number_format_real(c->arg[0]->real[i], digits));
}

void kernel_text_of_time(const struct call *c)
{
    char text[TIME_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++)
        store_copy(c, i, text, time_format(c->arg[0]->integer[i], text));
}

void kernel_text_of_duration(const struct call *c)
{
    char text[TIME_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++)
        store_copy(c, i, text, duration_format(c->arg[0]->integer[i], text));
}

/* The first ten characters of the time's text, in the zone. */
void kernel_date(const struct call *c)
{
    char text[TIME_TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++) {
        int64_t local;
        bool fits = local_time(c, i, &local);
        char *copy = NULL;

        if (fits) {
            time_format(local, text);
            copy = arena_text(c->text, text, 10);
        }
        store_text(c->out->text, c->out->null, i, (struct text){copy, 10}, copy == NULL);
    }
}
