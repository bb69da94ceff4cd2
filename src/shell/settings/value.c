#include "shell/settings/value.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/settings/yaml.h"

enum { CHOICES_MAX = 16 };

static size_t choices_split(const struct key *k, struct text choice[CHOICES_MAX])
{
    const char *p = k->choices;
    size_t n = 0;

    while (p != NULL && n < CHOICES_MAX) {
        const char *bar = strchr(p, '|');

        choice[n++] = (struct text){p, bar != NULL ? (size_t)(bar - p) : strlen(p)};
        p = bar != NULL ? bar + 1 : NULL;
    }
    return n;
}

static int choice_find(const struct key *k, struct text t)
{
    struct text choice[CHOICES_MAX];
    size_t n = choices_split(k, choice);

    for (size_t i = 0; i < n; i++) {
        if (text_equal(choice[i], t))
            return (int)i;
    }
    return -1;
}

/* The member's width decides; all our counts are unsigned or a small int. */
static void whole_store(const struct key *k, void *at, uint64_t v)
{
    switch (k->bytes) {
    case 1:
        *(uint8_t *)at = (uint8_t)v;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)v;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)v;
        break;
    default:
        ASSERT(k->bytes == 8);
        *(uint64_t *)at = v;
    }
}

static uint64_t whole_load(const struct key *k, const void *at)
{
    switch (k->bytes) {
    case 1:
        return *(const uint8_t *)at;
    case 2:
        return *(const uint16_t *)at;
    case 4:
        return *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

static bool whole_parse(const struct key *k, struct text t, void *at)
{
    int64_t v;

    if (!number_parse_int(t, &v) || (double)v < k->least || (double)v > k->most)
        return false;
    whole_store(k, at, (uint64_t)v);
    return true;
}

static const struct {
    const char *name;
    int shift;
} size_units[] = {{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};

enum { SIZE_UNITS = sizeof size_units / sizeof size_units[0] };

static bool size_parse(const struct key *k, struct text t, void *at)
{
    size_t digits = 0;
    int64_t v;

    while (digits < t.length && t.bytes[digits] >= '0' && t.bytes[digits] <= '9')
        digits++;
    if (!number_parse_int((struct text){t.bytes, digits}, &v))
        return false;
    for (size_t i = 0; i < SIZE_UNITS; i++) {
        struct text unit = {t.bytes + digits, t.length - digits};

        if (!text_is(unit, size_units[i].name))
            continue;
        if (v > INT64_MAX >> size_units[i].shift)
            return false;
        v <<= size_units[i].shift;
        if ((double)v < k->least || (double)v > k->most)
            return false;
        whole_store(k, at, (uint64_t)v);
        return true;
    }
    return false;
}

static void size_print(uint64_t v, struct buffer *out)
{
    int i = 0;

    while (i < SIZE_UNITS - 1 && (v == 0 || (v & ((UINT64_C(1) << size_units[i].shift) - 1)) != 0))
        i++;
    buffer_format(out, "%llu%s", (unsigned long long)(v >> size_units[i].shift),
                  size_units[i].name);
}

static bool char_parse(struct text t, char *at)
{
    if (text_is(t, "auto")) {
        *at = 0;
        return true;
    }
    if (text_is(t, "tab"))
        t = text_of("\t");
    if (t.length != 1 || t.bytes[0] <= 0 || (t.bytes[0] < ' ' && t.bytes[0] != '\t'))
        return false;
    *at = t.bytes[0];
    return true;
}

static bool text_store(const struct key *k, struct text t, char **at)
{
    if (t.length == 0 || (k->choices != NULL && choice_find(k, t) < 0))
        return false;
    mem_free(*at);
    *at = mem_text(t.bytes, t.length);
    return true;
}

static bool duration_store(const struct key *k, struct text t, int64_t *at)
{
    int64_t us;

    if (text_is(t, "0"))
        us = 0;
    else if (!duration_parse(t, &us))
        return false;
    if ((double)us < k->least)
        return false;
    *at = us;
    return true;
}

static bool real_store(const struct key *k, struct text t, double *at)
{
    double v;

    if (!number_parse_real(t, '.', &v) || v < k->least || v > k->most)
        return false;
    *at = v;
    return true;
}

bool setting_parse(const struct key *k, struct text t, void *at)
{
    int choice;

    switch (k->kind) {
    case KEY_TEXT:
        return text_store(k, t, at);
    case KEY_CHAR:
        return char_parse(t, at);
    case KEY_WORD:
        choice = choice_find(k, t);
        if (choice >= 0)
            whole_store(k, at, (uint64_t)choice);
        return choice >= 0;
    case KEY_BOOL:
        *(bool *)at = text_is(t, "true");
        return text_is(t, "true") || text_is(t, "false");
    case KEY_WHOLE:
        return whole_parse(k, t, at);
    case KEY_REAL:
        return real_store(k, t, at);
    case KEY_DURATION:
        return duration_store(k, t, at);
    case KEY_SIZE:
        return size_parse(k, t, at);
    case KEY_TIME:
        return setting_parse_time(t, at);
    default:
        ASSERT(!"a key of one scalar");
    }
    return false;
}

bool setting_parse_time(struct text t, int64_t *us)
{
    return time_parse(t, TIME_ISO, us);
}

/* "${" is interpolation when it is read again. */
static void text_print(struct text t, bool flow, struct buffer *out)
{
    struct buffer escaped;

    buffer_init(&escaped, SETTINGS_BYTES_MAX);
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] == '$' && i + 1 < t.length && t.bytes[i + 1] == '{')
            buffer_add_char(&escaped, '$');
        buffer_add_char(&escaped, t.bytes[i]);
    }
    yaml_print((struct text){escaped.bytes, escaped.length}, flow, out);
    buffer_fini(&escaped);
}

static void char_print(char c, struct buffer *out)
{
    if (c == 0)
        buffer_add_text(out, "auto");
    else if (c == '\t')
        buffer_add_text(out, "tab");
    else
        yaml_print((struct text){&c, 1}, true, out);
}

static void time_print(int64_t us, struct buffer *out)
{
    char words[TIME_TEXT_MAX];
    size_t length = time_format(us, words);

    if (us % US_PER_DAY == 0)
        length = strlen("2018-07-25");
    buffer_format(out, "\"%.*s\"", (int)length, words);
}

static void span_print(const int64_t at[2], struct buffer *out)
{
    char from[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    size_t from_length, until_length;

    if (at[0] == SPAN_LENGTH) {
        duration_format(at[1], until);
        buffer_add_text(out, until);
        return;
    }
    from_length = time_format(at[0], from);
    until_length = time_format(at[1], until);
    if (at[0] % US_PER_DAY == 0 && at[1] % US_PER_DAY == 0) /* whole days: the date says it all */
        from_length = until_length = strlen("2018-07-25");
    buffer_format(out, "[\"%.*s\", \"%.*s\"]", (int)from_length, from, (int)until_length, until);
}

static void texts_print(const char *base, const struct key *k, struct buffer *out)
{
    char *const *texts = *(char **const *)(base + k->at);
    uint32_t count = *(const uint32_t *)(base + k->count_at);

    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        text_print(text_of(texts[i]), true, out);
    }
    buffer_add_char(out, ']');
}

/* JSON is YAML's flow style; of its escapes json_add_text writes only what YAML has too. */
static void events_print(const char *base, const struct key *k, struct buffer *out)
{
    char *const *events = *(char **const *)(base + k->at);
    uint32_t count = *(const uint32_t *)(base + k->count_at);

    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_text(out, ", ");
        buffer_add_text(out, events[i]);
    }
    buffer_add_char(out, ']');
}

void setting_print(const struct key *k, const char *base, bool flow, struct buffer *out)
{
    const void *at = base + k->at;
    char words[NUMBER_TEXT_MAX]; /* no time is longer */
    struct text choice[CHOICES_MAX];

    if (k->flags & KEY_SECRET) {
        buffer_add_text(out, "(secret)");
        return;
    }
    switch (k->kind) {
    case KEY_TEXT:
        text_print(text_of(*(char *const *)at), flow, out);
        break;
    case KEY_TEXTS:
        texts_print(base, k, out);
        break;
    case KEY_CHAR:
        char_print(*(const char *)at, out);
        break;
    case KEY_WORD:
        choices_split(k, choice);
        buffer_add_slice(out, choice[whole_load(k, at)]);
        break;
    case KEY_BOOL:
        buffer_add_text(out, *(const bool *)at ? "true" : "false");
        break;
    case KEY_WHOLE:
        buffer_format(out, "%llu", (unsigned long long)whole_load(k, at));
        break;
    case KEY_REAL:
        number_format_real(*(const double *)at, words);
        buffer_add_text(out, words);
        break;
    case KEY_DURATION:
        duration_format(*(const int64_t *)at, words);
        buffer_add_text(out, words);
        break;
    case KEY_SIZE:
        size_print(whole_load(k, at), out);
        break;
    case KEY_TIME:
        time_print(*(const int64_t *)at, out);
        break;
    case KEY_SPAN:
        span_print(at, out);
        break;
    case KEY_EVENT:
    case KEY_SHAPE:
        buffer_add_text(out, *(char *const *)at);
        break;
    case KEY_EVENTS:
        events_print(base, k, out);
        break;
    default:
        ASSERT(!"a key with a value");
    }
}

bool setting_is_given(const struct key *k, const char *base)
{
    const void *at = base + k->at;

    if (k->has_at != 0)
        return *(const bool *)(base + k->has_at);
    switch (k->kind) {
    case KEY_TEXT:
    case KEY_EVENT:
    case KEY_SHAPE:
        return *(char *const *)at != NULL;
    case KEY_TEXTS:
    case KEY_EVENTS:
        return *(const uint32_t *)(base + k->count_at) > 0;
    case KEY_CHAR:
        return *(const char *)at != 0 || k->standard != NULL;
    case KEY_SPAN:
        return ((const int64_t *)at)[0] != ((const int64_t *)at)[1];
    default:
        return true;
    }
}

static void expected_choices(const struct key *k, struct buffer *out)
{
    struct text choice[CHOICES_MAX];
    size_t n = choices_split(k, choice);

    for (size_t i = 0; i < n; i++) {
        buffer_add_text(out, i == 0 ? "" : i + 1 == n ? " or " : ", ");
        buffer_add_slice(out, choice[i]);
    }
}

static void expected_range(const struct key *k, const char *what, struct buffer *out)
{
    char least[NUMBER_TEXT_MAX], most[NUMBER_TEXT_MAX];

    number_format_real(k->least, least);
    number_format_real(k->most, most);
    if (k->kind == KEY_WHOLE) {
        number_format_int((int64_t)k->least, least);
        number_format_int((int64_t)k->most, most);
    }
    buffer_format(out, "%s from %s to %s", what, least, most);
}

void setting_expected(const struct key *k, struct buffer *out)
{
    switch (k->kind) {
    case KEY_TEXT:
        if (k->choices == NULL) {
            buffer_add_text(out, "a text");
            break;
        }
        /* fall through */
    case KEY_WORD:
        expected_choices(k, out);
        break;
    case KEY_CHAR:
        buffer_add_text(out, "one character, tab or auto");
        break;
    case KEY_BOOL:
        buffer_add_text(out, "true or false");
        break;
    case KEY_WHOLE:
        expected_range(k, "a whole number", out);
        break;
    case KEY_REAL:
        expected_range(k, "a number", out);
        break;
    case KEY_DURATION:
        buffer_add_text(out, "a duration such as 90s, 15m, 12h, 7d or 2w");
        break;
    case KEY_SIZE:
        buffer_add_text(out, "a size such as 512KiB, 64MiB or 4GiB, from ");
        size_print((uint64_t)k->least, out);
        buffer_add_text(out, " to ");
        size_print((uint64_t)k->most, out);
        break;
    case KEY_TIME:
        buffer_add_text(out, "a time such as 2018-07-25");
        break;
    case KEY_SPAN:
        buffer_add_text(out, "[from, until], two times such as 2018-07-25, or a length such as 7d");
        break;
    case KEY_TEXTS:
        buffer_add_text(out, "a list of texts");
        break;
    case KEY_EVENT:
        buffer_add_text(out, "a map of the event's fields");
        break;
    case KEY_EVENTS:
        buffer_add_text(out, "a list of events");
        break;
    case KEY_SHAPE:
        buffer_add_text(out, "a map, a list or an expression");
        break;
    case KEY_RECORDS:
        buffer_add_text(out, "a list");
        break;
    case KEY_SECTION:
    case KEY_ENTRIES:
        buffer_add_text(out, "a map");
        break;
    }
}

struct text setting_nearest(const struct key *k, struct text t)
{
    struct text choice[CHOICES_MAX];
    size_t n = choices_split(k, choice);
    int nearest = text_nearest(t, choice, n);

    return nearest >= 0 ? choice[nearest] : (struct text){"", 0};
}
