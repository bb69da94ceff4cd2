#include "shell/cmd/draft.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/schema.h"
#include "shell/settings/yaml.h"

enum { EXPRESSION_MAX = 4 * FIELD_NAME_MAX + 1024, WHY_COLUMN = 60, FEATURES_MAX = 256 };

struct drafting {
    const struct draft *d;
    struct buffer *out;
    char names[FEATURES_MAX][3 * DRAFT_NAME_MAX]; /* of the features so far */
    uint32_t count;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void draft_name(const char *field, char out[DRAFT_NAME_MAX])
{
    size_t n = 0;

    for (; *field != 0 && n < DRAFT_NAME_MAX - 1; field++) {
        char c = *field;

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (is_letter(c) || (is_digit(c) && n > 0))
            out[n++] = c;
        else if (n > 0 && out[n - 1] != '_')
            out[n++] = '_';
    }
    while (n > 0 && out[n - 1] == '_')
        n--;
    if (n == 0)
        out[n++] = 'x';
    out[n] = 0;
}

void draft_entity_name(const char *field, char out[DRAFT_NAME_MAX])
{
    static const char *const endings[] = {"_id", "_no", "_number", "_key", "_code"};
    size_t n;

    draft_name(field, out);
    n = strlen(out);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t m = strlen(endings[i]);

        if (n > m && strcmp(out + n - m, endings[i]) == 0) {
            out[n - m] = 0;
            return;
        }
    }
}

int64_t draft_label_delay_us(const struct draft *d)
{
    int64_t days = d->span_us / US_PER_DAY / 6;

    if (d->label.field == NULL || d->time.field == NULL)
        return 0;
    return (days > 7 ? 7 : days) * US_PER_DAY;
}

/* A field's name as the language takes it. */
static void path_format(const char *field, char *out, size_t room)
{
    static const char *const words[] = {"and",  "or",    "not",   "in",    "is",    "null",
                                        "true", "false", "label", "time",  "by",    "over",
                                        "step", "delay", "prior", "where", "count", "sum"};
    bool is_plain = is_letter(field[0]) || field[0] == '_';
    size_t n = 0;

    for (const char *p = field; *p != 0; p++)
        is_plain = is_plain && (is_letter(*p) || is_digit(*p) || *p == '_');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        is_plain = is_plain && strcmp(field, words[i]) != 0;
    if (is_plain) {
        snprintf(out, room, "%s", field);
        return;
    }
    out[n++] = '`';
    for (const char *p = field; *p != 0 && n + 3 < room; p++) {
        if (*p == '`')
            out[n++] = '`';
        out[n++] = *p;
    }
    out[n++] = '`';
    out[n] = 0;
}

static void comment(struct buffer *out, const char *words)
{
    if (words != NULL) {
        buffer_add_text(out, "  ");
        yaml_comment(text_of(words), out);
    }
    buffer_add_char(out, '\n');
}

/* One feature, on one line; a second one of the same name is left out. */
static void feature(struct drafting *g, const char *why, const char *name, const char *format, ...)
    PRINTF_LIKE(4, 5);
static void feature(struct drafting *g, const char *why, const char *name, const char *format, ...)
{
    char expression[EXPRESSION_MAX];
    size_t before = g->out->length, width;
    va_list args;

    for (uint32_t i = 0; i < g->count; i++) {
        if (strcmp(g->names[i], name) == 0)
            return;
    }
    if (g->count == FEATURES_MAX)
        return;
    snprintf(g->names[g->count++], sizeof g->names[0], "%s", name);
    va_start(args, format);
    vsnprintf(expression, sizeof expression, format, args);
    va_end(args);
    buffer_add_text(g->out, "  ");
    yaml_print(text_of(name), false, g->out);
    buffer_add_text(g->out, ": ");
    yaml_print(text_of(expression), false, g->out);
    width = g->out->length - before;
    if (why != NULL && width < WHY_COLUMN)
        buffer_format(g->out, "%*s", (int)(WHY_COLUMN - width), "");
    comment(g->out, why);
}

static void role(struct buffer *out, const char *key, const struct draft_role *r)
{
    if (r->field == NULL)
        return;
    buffer_format(out, "  %s: ", key);
    yaml_print(text_of(r->field), false, out);
    comment(out, r->why);
}

static void event(const struct draft *d, struct buffer *out)
{
    char delay[TIME_TEXT_MAX];

    buffer_add_text(out, "\nevent:\n");
    role(out, "id", &d->id);
    role(out, "time", &d->time);
    role(out, "amount", &d->amount);
    if (d->label.field == NULL)
        return;
    duration_format(draft_label_delay_us(d), delay);
    buffer_add_text(out, "  label:\n    field: ");
    yaml_print(text_of(d->label.field), false, out);
    comment(out, d->label.why);
    buffer_format(out,
                  "    delay: %s  # how long until a fraud is known; ask those who handle "
                  "chargebacks\n"
                  "    absent: legit  # an event that nobody complained about by then\n",
                  delay);
}

static void entities(const struct draft *d, struct buffer *out)
{
    if (d->entity_count == 0)
        return;
    buffer_add_text(out, "\n# Who and what windows are kept for: `by NAME` below.\nentities:\n");
    for (uint32_t i = 0; i < d->entity_count; i++) {
        char path[2 * FIELD_NAME_MAX];

        path_format(d->entity[i].field, path, sizeof path);
        buffer_format(out, "  %s: ", d->entity[i].name);
        yaml_print(text_of(path), false, out);
        comment(out, d->entity[i].why);
    }
}

struct window {
    const char *text;
    int64_t us;
};

static const struct window windows[] = {
    {"1h", US_PER_HOUR}, {"1d", US_PER_DAY}, {"7d", 7 * US_PER_DAY}, {"30d", 30 * US_PER_DAY}};

enum { WINDOWS = sizeof windows / sizeof windows[0] };

/* A window longer than half of the data never fills. */
static bool fits(const struct draft *d, const struct window *w)
{
    return d->span_us == 0 || w->us <= d->span_us / 2 || w->us <= US_PER_DAY;
}

static void time_features(struct drafting *g)
{
    if (g->d->time.field == NULL)
        return;
    feature(g, "UTC; a zone is the second argument: hour(time, '+07:00')", "hour", "hour(time)");
    feature(g, NULL, "weekend", "is_weekend(time)");
    feature(g, NULL, "night", "hour(time) <= 6");
}

static void entity_windows(struct drafting *g, const struct draft_entity *e, const char *amount)
{
    char name[3 * DRAFT_NAME_MAX];

    for (int i = 0; i < WINDOWS; i++) {
        if (!fits(g->d, &windows[i]))
            continue;
        snprintf(name, sizeof name, "%s_n_%s", e->name, windows[i].text);
        feature(g, i == 0 ? "how often, this event counted" : NULL, name, "count() by %s over %s",
                e->name, windows[i].text);
        if (amount == NULL)
            continue;
        snprintf(name, sizeof name, "%s_mean_%s", e->name, windows[i].text);
        feature(g, NULL, name, "mean(%s) by %s over %s", amount, e->name, windows[i].text);
    }
}

static void entity_features(struct drafting *g, const struct draft_entity *e, const char *amount)
{
    const struct draft *d = g->d;
    char name[3 * DRAFT_NAME_MAX], delay[TIME_TEXT_MAX], path[2 * FIELD_NAME_MAX];
    const struct window *longest = &windows[1];

    buffer_format(g->out, "  # per %s\n", e->name);
    entity_windows(g, e, amount);
    for (int i = 0; i < WINDOWS; i++) {
        if (fits(d, &windows[i]))
            longest = &windows[i];
    }
    if (amount != NULL && !e->is_merchant) {
        snprintf(name, sizeof name, "%s_ratio", e->name);
        feature(g, "against what is usual", name, "%s / mean(%s) by %s over %s prior", amount,
                amount, e->name, longest->text);
    }
    snprintf(name, sizeof name, "%s_hours_since", e->name);
    feature(g, "since the event before", name, "hours(time - prev(time) by %s)", e->name);
    for (uint32_t i = 0; i < d->entity_count && !e->is_merchant; i++) {
        const struct draft_entity *other = &d->entity[i];

        if (other == e || !other->is_merchant)
            continue;
        path_format(other->field, path, sizeof path);
        snprintf(name, sizeof name, "%s_new_%s", e->name, other->name);
        feature(g, "never seen together before", name, "is_new(%s) by %s", path, e->name);
    }
    if (!e->is_merchant || d->label.field == NULL)
        return;
    duration_format(draft_label_delay_us(d), delay);
    for (int i = 1; i < WINDOWS; i++) {
        if (!fits(d, &windows[i]))
            continue;
        snprintf(name, sizeof name, "%s_risk_%s", e->name, windows[i].text);
        feature(g, i == 1 ? "share of fraud, as known after the label's delay" : NULL, name,
                "coalesce(mean(label) by %s over %s delay %s, 0)", e->name, windows[i].text, delay);
    }
}

/* How many there are. */
static uint32_t features(const struct draft *d, struct buffer *out)
{
    struct drafting *g = mem_alloc(sizeof *g);
    char amount[2 * FIELD_NAME_MAX], name[DRAFT_NAME_MAX], path[4][2 * FIELD_NAME_MAX];
    uint32_t count;

    g->d = d;
    g->out = out;
    buffer_add_text(out,
                    "\n# What the model and the rules see. docs/functions.md has all functions.\n"
                    "features:\n");
    if (d->amount.field != NULL) {
        path_format(d->amount.field, amount, sizeof amount);
        feature(g, NULL, "amount", "%s", amount);
    }
    time_features(g);
    for (uint32_t i = 0; i < d->input_count; i++) {
        draft_name(d->input[i].field, name);
        path_format(d->input[i].field, path[0], sizeof path[0]);
        feature(g, d->input[i].why, name, "%s", path[0]);
    }
    if (d->place[0][0] != NULL && d->place[1][0] != NULL) {
        for (int i = 0; i < 4; i++)
            path_format(d->place[i / 2][i % 2], path[i], sizeof path[i]);
        feature(g, "how far from the usual place", "distance_km", "geo_km(%s, %s, %s, %s)", path[0],
                path[1], path[2], path[3]);
    }
    for (uint32_t i = 0; i < d->entity_count && d->time.field != NULL; i++)
        entity_features(g, &d->entity[i], d->amount.field != NULL ? amount : NULL);
    count = g->count;
    mem_free(g);
    return count;
}

/* A rule that fits these data, as a comment. */
static void rule_example(const struct draft *d, struct buffer *out)
{
    if (d->entity_count > 0 && d->time.field != NULL)
        buffer_format(out, "#   NIGHT_SPREE: {when: night and %s_n_1h >= 5, then: review}\n",
                      d->entity[0].name);
    else if (d->amount.field != NULL)
        buffer_add_text(out, "#   VERY_LARGE: {when: amount > 10000, then: review}\n");
    else
        buffer_add_text(out, "#   NAME: {when: CONDITION, then: review}\n");
}

static void model(const struct draft *d, uint32_t feature_count, struct buffer *out)
{
    if (d->label.field == NULL) {
        buffer_add_text(out, "model: none  # nothing says which events were fraud, so there is "
                             "nothing to learn from\n");
        return;
    }
    if (feature_count == 0) {
        buffer_add_text(out, "model: none  # no field is left to learn from: join the files that "
                             "belong together first\n");
        return;
    }
    buffer_add_text(out, "model:\n  kind: boost  # gradient-boosted trees\n");
    if (d->time.field != NULL)
        buffer_add_text(out, "  validate: {by: time, share: 0.2}  # train on the past, test on the "
                             "last fifth\n");
    else
        buffer_add_text(out, "  validate: {by: stratified, share: 0.2}  # no time is known: a "
                             "random fifth is tested on\n");
}

static void left_out(const struct draft *d, struct buffer *out)
{
    if (d->left_count == 0)
        return;
    buffer_add_text(out, "\n# Not used:\n");
    for (uint32_t i = 0; i < d->left_count; i++) {
        char line[2 * FIELD_NAME_MAX];

        snprintf(line, sizeof line, "  %s: %s", d->left[i].field, d->left[i].why);
        yaml_comment(text_of(line), out);
        buffer_add_char(out, '\n');
    }
}

/* Types that the reader would not guess. */
static void overrides(const struct draft *d, struct buffer *out)
{
    if (d->label_type == NULL)
        return;
    buffer_add_text(out, "    fields: {");
    yaml_print(text_of(d->label.field), true, out);
    buffer_format(out, ": %s}  # its words are read as yes and no\n", d->label_type);
}

bool draft_format(const struct draft *d, struct buffer *out)
{
    uint32_t count;

    buffer_add_text(out,
                    "# Made by `assay init` from a look at the data. Each guess has its reason; "
                    "change what is wrong.\n"
                    "# `assay check` tells what does not fit, `assay help settings` has all keys.\n"
                    "name: ");
    yaml_print(text_of(d->name), false, out);
    buffer_add_text(out, "\n\nsources:\n  transactions:\n    file: ");
    yaml_print(text_of(d->file), false, out);
    buffer_add_char(out, '\n');
    overrides(d, out);
    event(d, out);
    entities(d, out);
    count = features(d, out);
    buffer_add_text(out, "\n# Conditions that lead to an outcome whatever the score, such as\n");
    rule_example(d, out);
    buffer_add_text(out, "rules: {}\n\n");
    model(d, count, out);
    buffer_add_text(out,
                    "\noutcomes: [approve, challenge, review, decline]  # mildest first\n"
                    "decision: {review: 300, decline: 800}  # from which score on, 0 to 1000\n");
    left_out(d, out);
    return d->label.field != NULL && count > 0;
}
