#include "core/base/zone.h"

#include "core/base/calendar.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/number.h"

bool zone_is_name(struct text name)
{
    bool ok = name.length > 0 && name.length <= ZONE_NAME_MAX && name.bytes[0] != '/' &&
              memmem(name.bytes, name.length, "..", 2) == NULL;

    for (size_t i = 0; ok && i < name.length; i++) {
        char c = name.bytes[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '+' || c == '-' || c == '/';
    }
    return ok;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    mem_free(z->name);
    mem_free(z->change);
    mem_free(z);
}

/* --- offsets --------------------------------------------------------------------------------- */

/* Changes at or before time_s. */
static uint32_t changes_until(const struct zone *z, int64_t time_s)
{
    uint32_t low = 0, high = z->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (z->change[middle].at_s <= time_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_s(const struct zone *z, int64_t time_s)
{
    uint32_t before = changes_until(z, time_s);

    if (before == z->count && z->has_rule)
        return zone_rule_offset_s(&z->rule, time_s);
    return before > 0 ? z->change[before - 1].offset_s : z->first_s;
}

/* The next instant at which the offset may change; INT64_MAX where there is none. */
static int64_t next_s(const struct zone *z, int64_t time_s)
{
    uint32_t before = changes_until(z, time_s);

    if (before < z->count)
        return z->change[before].at_s;
    return z->has_rule ? zone_rule_next_s(&z->rule, time_s) : INT64_MAX;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t zone_offset_us(const struct zone *z, int64_t time_us)
{
    return offset_s(z, floor_div(time_us, US_PER_SECOND)) * US_PER_SECOND;
}

/* From well before it, piece by piece of one offset, until one has the midnight or starts after. */
int64_t zone_day_start_us(const struct zone *z, int64_t time_us)
{
    int64_t local = floor_div(time_us + zone_offset_us(z, time_us), US_PER_DAY) * 86400;
    int64_t from = local - 3 * 86400;

    for (;;) {
        int64_t until = next_s(z, from), at = local - offset_s(z, from);

        if (at <= from)
            return from * US_PER_SECOND;
        if (at < until)
            return at * US_PER_SECOND;
        from = until;
    }
}

/* --- one form for one behaviour -------------------------------------------------------------- */

/* Whether the rule alone gives the offset from the change before the last one to the last. */
static bool last_is_of_rule(const struct zone *z)
{
    const struct zone_change *before = &z->change[z->count - 2];

    return zone_rule_offset_s(&z->rule, before->at_s) == before->offset_s &&
           zone_rule_next_s(&z->rule, before->at_s) >= before[1].at_s;
}

static void leave_out(struct zone *z)
{
    uint32_t kept = 0;

    while (z->has_rule && z->count >= 2 && last_is_of_rule(z))
        z->count--;
    for (uint32_t i = 0; i < z->count; i++) {
        int32_t before = kept > 0 ? z->change[kept - 1].offset_s : z->first_s;
        bool begins_rule = z->has_rule && i + 1 == z->count; /* it says since when the rule holds */

        if (z->change[i].offset_s != before || begins_rule)
            z->change[kept++] = z->change[i];
    }
    z->count = kept;
}

static struct zone *zone_fail(struct zone *z, struct text name, const char *words, struct error *e)
{
    zone_free(z);
    error_set(e, ERROR_INVALID, "time zone %.*s: %s", TEXT_ARG(name), words);
    return NULL;
}

/* What both ways to make one end with. */
static struct zone *zone_finish(struct zone *z, struct text name, struct error *e)
{
    struct buffer text;
    bool ok = z->first_s >= -ZONE_OFFSET_MAX && z->first_s <= ZONE_OFFSET_MAX;

    for (uint32_t i = 0; i < z->count; i++) {
        if (i > 0 && z->change[i].at_s <= z->change[i - 1].at_s)
            return zone_fail(z, name, "its changes are not in the order of time", e);
        ok = ok && z->change[i].offset_s >= -ZONE_OFFSET_MAX &&
             z->change[i].offset_s <= ZONE_OFFSET_MAX;
    }
    if (!ok)
        return zone_fail(z, name, "an offset is over 26 hours", e);
    leave_out(z);
    z->name = mem_text(name.bytes, name.length);
    buffer_init(&text, ZONE_TEXT_MAX);
    zone_format(z, &text);
    z->digest = hash_bytes(text.bytes, text.length, 0);
    ok = !text.overflow;
    buffer_fini(&text);
    return ok ? z : zone_fail(z, name, "its text is over 80 KiB", e);
}

/* --- as text --------------------------------------------------------------------------------- */

void zone_format(const struct zone *z, struct buffer *out)
{
    buffer_format(out, "%d", z->first_s);
    for (uint32_t i = 0; i < z->count; i++)
        buffer_format(out, " %lld/%d", (long long)z->change[i].at_s, z->change[i].offset_s);
    if (z->has_rule) {
        buffer_add_char(out, ' ');
        zone_rule_format(&z->rule, out);
    }
}

static struct text next_word(struct text *rest)
{
    struct text word = text_trim(*rest);
    const char *blank = memchr(word.bytes, ' ', word.length);
    size_t length = blank != NULL ? (size_t)(blank - word.bytes) : word.length;

    *rest = (struct text){word.bytes + length, word.length - length};
    return (struct text){word.bytes, length};
}

static bool read_offset(struct text word, int32_t *seconds)
{
    int64_t v;

    if (!number_parse_int(word, &v) || v < -ZONE_OFFSET_MAX || v > ZONE_OFFSET_MAX)
        return false;
    *seconds = (int32_t)v;
    return true;
}

static bool read_change(struct text word, struct zone_change *c)
{
    const char *slash = memchr(word.bytes, '/', word.length);
    size_t before = slash != NULL ? (size_t)(slash - word.bytes) : 0;

    return slash != NULL && number_parse_int((struct text){word.bytes, before}, &c->at_s) &&
           read_offset((struct text){slash + 1, word.length - before - 1}, &c->offset_s);
}

struct zone *zone_parse_text(struct text name, struct text rules, struct error *e)
{
    struct zone *z = mem_alloc(sizeof *z);

    if (rules.length > ZONE_TEXT_MAX)
        return zone_fail(z, name, "its text is over 80 KiB", e);
    z->change = mem_array(ZONE_CHANGES_MAX, sizeof *z->change);
    if (!read_offset(next_word(&rules), &z->first_s))
        return zone_fail(z, name, "expected the first offset in seconds, such as 25200", e);
    for (struct text word = next_word(&rules); word.length > 0; word = next_word(&rules)) {
        if (z->has_rule)
            return zone_fail(z, name, "expected nothing after the rule", e);
        if (memchr(word.bytes, '/', word.length) != NULL && word.bytes[0] <= '9') {
            if (z->count == ZONE_CHANGES_MAX)
                return zone_fail(z, name, "expected at most 2,048 changes", e);
            if (!read_change(word, &z->change[z->count++]))
                return zone_fail(z, name,
                                 "expected changes as second/offset, such as -1230768000/25200", e);
        } else if (!zone_rule_parse(word, &z->rule)) {
            return zone_fail(z, name, "expected a rule such as std-7 or std5dst,M3.2.0,M11.1.0", e);
        } else {
            z->has_rule = true;
        }
    }
    return zone_finish(z, name, e);
}

/* --- TZif ------------------------------------------------------------------------------------ */

enum { TZIF_HEADER = 44, TZIF_TYPE = 6, TZIF_TYPES_MAX = 256 };

struct tzif {
    const uint8_t *at;
    size_t left;
    char version;
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const uint8_t *p)
{
    return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

static const char *tzif_header(struct tzif *f)
{
    if (f->left < TZIF_HEADER || memcmp(f->at, "TZif", 4) != 0)
        return "its file is no TZif";
    f->version = (char)f->at[4];
    f->utc_count = big32(f->at + 20);
    f->standard_count = big32(f->at + 24);
    f->leap_count = big32(f->at + 28);
    f->time_count = big32(f->at + 32);
    f->type_count = big32(f->at + 36);
    f->char_count = big32(f->at + 40);
    f->at += TZIF_HEADER;
    f->left -= TZIF_HEADER;
    if (f->leap_count > 0)
        return "its file counts leap seconds, which days of 86,400 s do not have: take the zone "
               "that is not below right/";
    if (f->time_count > ZONE_CHANGES_MAX || f->type_count < 1 || f->type_count > TZIF_TYPES_MAX ||
        f->char_count > TZIF_TYPES_MAX || f->utc_count > f->type_count ||
        f->standard_count > f->type_count)
        return "its file has more changes or kinds of time than are taken (2,048 and 256), or none";
    return NULL;
}

/* The bytes of a block whose times have `width` bytes; leap seconds there are none. */
static size_t tzif_block(const struct tzif *f, size_t width)
{
    return f->time_count * (width + 1) + f->type_count * TZIF_TYPE + f->char_count +
           f->standard_count + f->utc_count;
}

static const char *tzif_data(const struct tzif *f, size_t width, struct zone *z)
{
    const uint8_t *times = f->at, *kinds = times + f->time_count * width;
    const uint8_t *types = kinds + f->time_count;

    z->first_s = (int32_t)big32(types);
    z->count = f->time_count;
    z->change = mem_array(z->count, sizeof *z->change);
    for (uint32_t i = 0; i < z->count; i++) {
        if (kinds[i] >= f->type_count)
            return "its file names a kind of time that it does not have";
        z->change[i].at_s = width == 8 ? big64(times + i * 8) : (int32_t)big32(times + i * 4);
        z->change[i].offset_s = (int32_t)big32(types + kinds[i] * TZIF_TYPE);
    }
    return NULL;
}

static const char *tzif_footer(struct text footer, struct zone *z)
{
    const char *end = footer.length > 0 ? memchr(footer.bytes + 1, '\n', footer.length - 1) : NULL;

    if (end == NULL || footer.bytes[0] != '\n')
        return "its file is cut off in its footer";
    if (end == footer.bytes + 1)
        return NULL;
    z->has_rule = zone_rule_parse((struct text){footer.bytes + 1, (size_t)(end - footer.bytes) - 1},
                                  &z->rule);
    return z->has_rule ? NULL : "the rule in its file's footer is no POSIX TZ string";
}

/* From version 2 on a second block with times of 64 bits follows, then the rule. */
static const char *tzif_read(struct tzif *f, struct zone *z)
{
    const char *fault = tzif_header(f);
    size_t width = 4;

    if (fault == NULL && tzif_block(f, 4) > f->left)
        fault = "its file is cut off";
    if (fault == NULL && f->version >= '2') {
        f->left -= tzif_block(f, 4);
        f->at += tzif_block(f, 4);
        width = 8;
        fault = tzif_header(f);
        if (fault == NULL && tzif_block(f, 8) > f->left)
            fault = "its file is cut off";
    }
    if (fault == NULL)
        fault = tzif_data(f, width, z);
    if (fault == NULL && width == 8) {
        size_t block = tzif_block(f, 8);

        fault = tzif_footer((struct text){(const char *)f->at + block, f->left - block}, z);
    }
    return fault;
}

struct zone *zone_parse_tzif(struct text name, struct text file, struct error *e)
{
    struct zone *z = mem_alloc(sizeof *z);
    struct tzif f = {(const uint8_t *)file.bytes, file.length};
    const char *fault = tzif_read(&f, z);

    return fault != NULL ? zone_fail(z, name, fault, e) : zone_finish(z, name, e);
}
