/* `rollups:` as far as it can be checked without looking at data: what each is of, and that none is
 * of itself. */
#include "shell/settings/rollup.h"

#include <stdio.h>
#include <string.h>

#include "core/base/number.h"

enum { PATH_BYTES = 600, TABLE_BYTES_MAX = 120 };

const struct rollup_setting *settings_rollup(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->rollup_count; i++) {
        if (strcmp(s->rollups[i].name, name) == 0)
            return &s->rollups[i];
    }
    return NULL;
}

bool rollup_uses(const struct settings *s, const char *source)
{
    for (uint32_t i = 0; i < s->rollup_count; i++) {
        if (strcmp(s->rollups[i].source, source) == 0)
            return true;
    }
    return false;
}

static bool blame(const struct settings *s, const struct rollup_setting *r, const char *key,
                  struct error *e)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "rollups.%.256s%s", r->name, key);
    return settings_blame(s, path, e);
}

static bool verify_name(const struct settings *s, const struct rollup_setting *r, struct error *e)
{
    size_t length = strlen(r->name);
    bool is_plain = length > 0 && length <= TABLE_BYTES_MAX;

    for (size_t i = 0; i < length; i++) {
        char c = r->name[i];

        is_plain = is_plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                                (c >= 'A' && c <= 'Z') || c == '-' || c == '.');
    }
    if (!is_plain) {
        error_set(e, ERROR_INVALID,
                  "a rollup has a name of 1 to %d letters, digits, _, - and ., as it stands in an "
                  "address",
                  TABLE_BYTES_MAX);
        return blame(s, r, "", e);
    }
    if (settings_source(s, r->name) == NULL && strcmp(r->name, ROLLUP_DECISIONS) != 0)
        return true;
    error_set(e, ERROR_INVALID, "a source has this name: rename the rollup");
    return blame(s, r, "", e);
}

static bool is_made(const struct settings *s, const bool *made, const char *name)
{
    const struct rollup_setting *r = settings_rollup(s, name);

    return r == NULL || made[r - s->rollups];
}

/* Those that can be made, then those of these, and so on: what is left is of itself. */
static const struct rollup_setting *find_circle(const struct settings *s)
{
    bool made[SETTINGS_ROLLUPS_MAX] = {false};
    const struct rollup_setting *left = NULL;

    for (uint32_t round = 0; round <= s->rollup_count; round++) {
        left = NULL;
        for (uint32_t i = 0; i < s->rollup_count; i++) {
            const struct rollup_setting *r = &s->rollups[i];
            bool can = is_made(s, made, r->source);

            for (uint32_t k = 0; k < r->join_count; k++)
                can = can && is_made(s, made, r->joins[k]);
            made[i] = can;
            left = can ? left : r;
        }
        if (left == NULL)
            break;
    }
    return left;
}

static bool verify_source(const struct settings *s, const struct rollup_setting *r, struct error *e)
{
    if (settings_source(s, r->source) == NULL && strcmp(r->source, ROLLUP_DECISIONS) != 0 &&
        settings_rollup(s, r->source) == NULL) {
        error_set(e, ERROR_INVALID,
                  "expected one of sources, decisions or another rollup, found \"%.80s\"",
                  r->source);
        return blame(s, r, ".source", e);
    }
    for (uint32_t i = 0; i < r->join_count; i++) {
        if (settings_rollup(s, r->joins[i]) != NULL)
            continue;
        error_set(e, ERROR_INVALID, "there is no rollup \"%.80s\" to join", r->joins[i]);
        return blame(s, r, ".join", e);
    }
    return true;
}

static bool verify_measures(const struct settings *s, const struct rollup_setting *r,
                            struct error *e)
{
    if (r->every == EVERY_ROW && strcmp(r->source, ROLLUP_DECISIONS) == 0) {
        error_set(e, ERROR_INVALID,
                  "decisions row by row are what GET /v1/decisions has: take every: hour or day");
        return blame(s, r, ".every", e);
    }
    if (r->every == EVERY_ROW && (r->measure_count > 0 || r->by_count > 0)) {
        error_set(e, ERROR_INVALID,
                  "with every: row there is nothing to count: use columns, or every: day");
        return blame(s, r, r->measure_count > 0 ? ".measures" : ".by", e);
    }
    if (r->every != EVERY_ROW && r->measure_count == 0) {
        error_set(e, ERROR_INVALID,
                  "expected measures, such as {tx_count: count()}; for the source's rows as they "
                  "are write every: row");
        return blame(s, r, "", e);
    }
    return true;
}

static bool verify_clamp(const struct settings *s, struct rollup_setting *r, struct error *e)
{
    bool ok = r->clamp_count == 2;

    if (!r->has_clamp)
        return true;
    for (uint32_t i = 0; i < r->clamp_count && ok; i++)
        ok = number_parse_real(text_of(r->clamp[i]), '.', &r->bound[i]);
    if (ok && r->bound[0] <= r->bound[1])
        return true;
    error_set(e, ERROR_INVALID, "expected two numbers, the lower first, such as [0, 1]");
    return blame(s, r, ".clamp", e);
}

static bool verify_label(const struct settings *s, const struct rollup_setting *r, struct error *e)
{
    if (r->label_when != NULL && (r->has_percentile || r->label_of != NULL)) {
        error_set(e, ERROR_INVALID, "when, or percentile with of: one of the two");
        return blame(s, r, ".label", e);
    }
    if (r->label_of == NULL || r->has_percentile)
        return true;
    error_set(e, ERROR_INVALID, "expected its percentile, such as 80");
    return blame(s, r, ".label", e);
}

static bool verify_levels(const struct settings *s, const struct rollup_setting *r, struct error *e)
{
    for (uint32_t i = 0; i < r->level_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const struct level_setting *a = &r->levels[i], *b = &r->levels[j];

            if (a->has_from != b->has_from || (a->has_from && a->from != b->from))
                continue;
            error_set(e, ERROR_INVALID, "%.80s and %.80s are from the same score on: leave one",
                      b->name, a->name);
            return blame(s, r, ".levels", e);
        }
    }
    return true;
}

bool rollup_verify(struct settings *s, struct error *e)
{
    const struct rollup_setting *circle;

    for (uint32_t i = 0; i < s->rollup_count; i++) {
        struct rollup_setting *r = &s->rollups[i];

        if (!verify_name(s, r, e) || !verify_source(s, r, e) || !verify_measures(s, r, e) ||
            !verify_clamp(s, r, e) || !verify_label(s, r, e) || !verify_levels(s, r, e))
            return false;
    }
    circle = find_circle(s);
    if (circle == NULL)
        return true;
    error_set(e, ERROR_INVALID, "it is made of itself: by its source or what it joins");
    return blame(s, circle, ".source", e);
}
