/* Functions of text. Positions and lengths are in characters (code points); case is that of ASCII
 * letters, others stay. Parts of a text are views of it; a text over TEXT_MAX is null. */
#include "core/lang/kernels.h"

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void change_case(const struct call *c, char first, char last, char shift)
{
    const struct column *a = c->arg[0];

    for (uint32_t i = 0; i < c->rows; i++) {
        size_t length = a->text[i].length;
        char *copy = a->null[i] ? NULL : arena_text(c->text, a->text[i].bytes, length);

        for (size_t j = 0; copy != NULL && j < length; j++) {
            if (copy[j] >= first && copy[j] <= last)
                copy[j] = (char)(copy[j] + shift);
        }
        store_text(c->out->text, c->out->null, i, (struct text){copy, length}, copy == NULL);
    }
}

void kernel_lower(const struct call *c)
{
    change_case(c, 'A', 'Z', 'a' - 'A');
}

void kernel_upper(const struct call *c)
{
    change_case(c, 'a', 'z', 'A' - 'a');
}

void kernel_trim(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        store_text(c->out->text, c->out->null, i, text_trim(c->arg[0]->text[i]),
                   c->arg[0]->null[i]);
}

void kernel_length(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        int64_t n = 0;

        for (size_t j = 0; j < t.length; j++)
            n += !is_continuation(t.bytes[j]);
        store_word(c->out->integer, c->out->null, i, n, c->arg[0]->null[i]);
    }
}

static bool has_part(struct text t, struct text part)
{
    return part.length == 0 || memmem(t.bytes, t.length, part.bytes, part.length) != NULL;
}

static bool has_start(struct text t, struct text part)
{
    return t.length >= part.length && text_equal((struct text){t.bytes, part.length}, part);
}

static bool has_end(struct text t, struct text part)
{
    return t.length >= part.length &&
           text_equal((struct text){t.bytes + (t.length - part.length), part.length}, part);
}

static void test_pairs(const struct call *c, bool (*test)(struct text t, struct text part))
{
    const struct column *a = c->arg[0], *b = c->arg[1];

    for (uint32_t i = 0; i < c->rows; i++)
        store_word(c->out->integer, c->out->null, i, test(a->text[i], b->text[i]),
                   a->null[i] | b->null[i]);
}

void kernel_contains(const struct call *c)
{
    test_pairs(c, has_part);
}

void kernel_starts_with(const struct call *c)
{
    test_pairs(c, has_start);
}

void kernel_ends_with(const struct call *c)
{
    test_pairs(c, has_end);
}

static void concat_row(const struct call *c, uint32_t row)
{
    size_t length = 0, at = 0;
    bool is_null = false;
    char *joined = NULL;

    for (uint32_t j = 0; j < c->count; j++) {
        length += c->arg[j]->text[row].length;
        is_null |= c->arg[j]->null[row];
    }
    if (!is_null && length <= TEXT_MAX)
        joined = arena_alloc(c->text, length + 1);
    for (uint32_t j = 0; joined != NULL && j < c->count; j++) {
        struct text t = c->arg[j]->text[row];

        if (t.length > 0)
            memcpy(joined + at, t.bytes, t.length);
        at += t.length;
    }
    store_text(c->out->text, c->out->null, row, (struct text){joined, length}, joined == NULL);
}

void kernel_concat(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++)
        concat_row(c, i);
}

/* The bytes of t after `count` characters, or its end. */
static size_t skip_characters(struct text t, size_t at, int64_t count)
{
    while (at < t.length && count > 0) {
        at++;
        while (at < t.length && is_continuation(t.bytes[at]))
            at++;
        count--;
    }
    return at;
}

/* substring(t, start, length): start counts from 1; start < 1 or length < 0 is a domain error. */
void kernel_substring(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        int64_t start = c->arg[1]->integer[i], length = c->arg[2]->integer[i];
        bool is_null = c->arg[0]->null[i] | c->arg[1]->null[i] | c->arg[2]->null[i] | (start < 1) |
                       (length < 0);
        size_t from = is_null ? 0 : skip_characters(t, 0, start - 1);
        size_t to = is_null ? 0 : skip_characters(t, from, length);

        store_text(c->out->text, c->out->null, i, (struct text){t.bytes + from, to - from},
                   is_null);
    }
}

/* Characters of a text. */
static int64_t character_count(struct text t)
{
    int64_t n = 0;

    for (size_t i = 0; i < t.length; i++)
        n += !is_continuation(t.bytes[i]);
    return n;
}

void kernel_left(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        int64_t n = c->arg[1]->integer[i];
        bool is_null = c->arg[0]->null[i] | c->arg[1]->null[i] | (n < 0);

        t.length = is_null ? 0 : skip_characters(t, 0, n);
        store_text(c->out->text, c->out->null, i, t, is_null);
    }
}

void kernel_right(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        int64_t n = c->arg[1]->integer[i];
        bool is_null = c->arg[0]->null[i] | c->arg[1]->null[i] | (n < 0);
        size_t from = is_null ? 0 : skip_characters(t, 0, character_count(t) - n);

        store_text(c->out->text, c->out->null, i, (struct text){t.bytes + from, t.length - from},
                   is_null);
    }
}

/* The place of `part` in t from `at` on, or t's length. */
static size_t find_part(struct text t, size_t at, struct text part)
{
    const char *found = memmem(t.bytes + at, t.length - at, part.bytes, part.length);

    return found != NULL ? (size_t)(found - t.bytes) : t.length;
}

/* `out` has room for TEXT_MAX bytes; false where it would be more. */
static bool replace_all(struct text t, struct text part, struct text by, char *out, size_t *length)
{
    size_t at = 0;

    *length = 0;
    while (at < t.length) {
        size_t found = part.length > 0 ? find_part(t, at, part) : t.length;
        size_t kept = found - at, put = found < t.length ? by.length : 0;

        if (*length + kept + put > TEXT_MAX)
            return false;
        memcpy(out + *length, t.bytes + at, kept);
        if (put > 0)
            memcpy(out + *length + kept, by.bytes, put);
        *length += kept + put;
        at = found + (found < t.length ? part.length : 0);
    }
    return true;
}

void kernel_replace(const struct call *c)
{
    char made[TEXT_MAX];

    for (uint32_t i = 0; i < c->rows; i++) {
        size_t length = 0;
        char *copy = NULL;

        if (!(c->arg[0]->null[i] | c->arg[1]->null[i] | c->arg[2]->null[i]) &&
            replace_all(c->arg[0]->text[i], c->arg[1]->text[i], c->arg[2]->text[i], made, &length))
            copy = arena_text(c->text, made, length);
        store_text(c->out->text, c->out->null, i, (struct text){copy, length}, copy == NULL);
    }
}

/* False where there are fewer parts. */
static bool nth_part(struct text t, struct text separator, int64_t n, struct text *part)
{
    size_t from = 0;

    while (--n > 0) {
        size_t found = find_part(t, from, separator);

        if (found == t.length)
            return false;
        from = found + separator.length;
    }
    *part = (struct text){t.bytes + from, find_part(t, from, separator) - from};
    return true;
}

void kernel_split_part(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text separator = c->arg[1]->text[i], part = {"", 0};
        int64_t n = c->arg[2]->integer[i];
        bool ok = !(c->arg[0]->null[i] | c->arg[1]->null[i] | c->arg[2]->null[i]) &&
                  separator.length > 0 && n >= 1 &&
                  nth_part(c->arg[0]->text[i], separator, n, &part);

        store_text(c->out->text, c->out->null, i, part, !ok);
    }
}

void kernel_digits(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        char *copy = c->arg[0]->null[i] ? NULL : arena_alloc(c->text, t.length + 1);
        size_t length = 0;

        for (size_t j = 0; copy != NULL && j < t.length; j++) {
            if (t.bytes[j] >= '0' && t.bytes[j] <= '9')
                copy[length++] = t.bytes[j];
        }
        store_text(c->out->text, c->out->null, i, (struct text){copy, length}, copy == NULL);
    }
}

/* What stands after the last @, in small letters; something must stand on both sides of it. */
void kernel_email_domain(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        struct text t = c->arg[0]->text[i];
        size_t at = t.length, length;
        char *copy = NULL;

        while (at > 0 && t.bytes[at - 1] != '@')
            at--;
        length = t.length - at;
        if (!c->arg[0]->null[i] && at > 1 && length > 0)
            copy = arena_text(c->text, t.bytes + at, length);
        for (size_t j = 0; copy != NULL && j < length; j++) {
            if (copy[j] >= 'A' && copy[j] <= 'Z')
                copy[j] = (char)(copy[j] + 'a' - 'A');
        }
        store_text(c->out->text, c->out->null, i, (struct text){copy, length}, copy == NULL);
    }
}
