/* The ranges of a search over the options of a recipe. An option is a row of the table of keys
 * below `model`, so its type, limits and text are those of the settings. */
#include "shell/settings/search.h"

#include <math.h>
#include <stdio.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/base/random.h"
#include "shell/settings/keys.h"
#include "shell/settings/value.h"

enum { STREAM = 0x5ea7c };

/* Usual ranges, `|` between the values. */
static const struct {
    enum model_kind kind;
    const char *name, *values;
} usual[] = {
    {MODEL_BOOST, "boost.learning_rate", "0.02|0.2|log"},
    {MODEL_BOOST, "boost.leaves", "4|64|log"},
    {MODEL_BOOST, "boost.min_leaf_rows", "2|200|log"},
    {MODEL_BOOST, "boost.l2", "0.1|30|log"},
    {MODEL_BOOST, "boost.column_share", "0.3|1"},
    {MODEL_FOREST, "forest.depth", "4|24"},
    {MODEL_FOREST, "forest.min_leaf_rows", "1|50|log"},
    {MODEL_FOREST, "forest.column_share", "0.1|0.8"},
    {MODEL_LOGISTIC, "logistic.l2", "1e-6|0.1|log"},
    {MODEL_ISOLATION, "isolation.samples", "64|2048|log"},
};

bool settings_searches(const struct recipe_setting *r)
{
    return r->search.trials > 0 || r->search.time_us > 0;
}

static void add_values(struct range_setting *range, const char *values)
{
    range->values = mem_array(3, sizeof *range->values);
    while (*values != 0) {
        size_t length = strcspn(values, "|");

        range->values[range->count++] = mem_text(values, length);
        values += length + (values[length] == '|');
    }
}

void settings_search_fill(struct recipe_setting *r)
{
    struct search_setting *s = &r->search;

    if (!settings_searches(r) || s->over_count > 0)
        return;
    s->over = mem_array(SETTINGS_RANGES_MAX, sizeof *s->over);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        struct range_setting *range = &s->over[s->over_count];

        if (usual[i].kind != r->recipe.kind)
            continue;
        range->name = mem_text(usual[i].name, strlen(usual[i].name));
        add_values(range, usual[i].values);
        s->over_count++;
    }
}

/* The row of an option, one value that is part of struct recipe; NULL: there is none. */
static const struct key *option_row(const char *name)
{
    const size_t first = offsetof(struct settings, model.asked.recipe);

    for (const struct key *k = keys; k < keys + key_count; k++) {
        bool is_value = k->kind == KEY_WHOLE || k->kind == KEY_REAL || k->kind == KEY_WORD ||
                        k->kind == KEY_BOOL;

        if (is_value && strncmp(k->path, "model.", 6) == 0 && strcmp(k->path + 6, name) == 0 &&
            k->at >= first && k->at < first + sizeof(struct recipe))
            return k;
    }
    return NULL;
}

static bool is_interval(const struct key *k, const struct range_setting *range)
{
    return (k->kind == KEY_WHOLE || k->kind == KEY_REAL) &&
           (range->count == 2 || (range->count == 3 && strcmp(range->values[2], "log") == 0));
}

static double value_of(const char *text)
{
    double v = NAN;

    (void)!number_parse_real(text_of(text), '.', &v);
    return v;
}

bool range_check(const struct range_setting *range, struct error *e)
{
    const struct key *k = option_row(range->name);
    struct buffer expected;
    uint64_t scratch;
    uint32_t values;
    bool ok = true;

    if (k == NULL)
        return error_set(e, ERROR_INVALID,
                         "no such option: expected one below `model`, such as boost.leaves");
    if (range->count < 2)
        return error_set(e, ERROR_INVALID,
                         "expected [low, high], [low, high, log] or values to choose among");
    values = is_interval(k, range) ? 2 : range->count;
    buffer_init(&expected, ERROR_TEXT_MAX);
    setting_expected(k, &expected);
    for (uint32_t i = 0; i < values && ok; i++)
        ok = setting_parse(k, text_of(range->values[i]), &scratch) ||
             error_set(e, ERROR_INVALID, "expected %s, found \"%.80s\"", buffer_text(&expected),
                       range->values[i]);
    buffer_fini(&expected);
    if (!ok || !is_interval(k, range))
        return ok;
    if (!(value_of(range->values[0]) < value_of(range->values[1])))
        return error_set(e, ERROR_INVALID, "expected the lower value first, found [%.40s, %.40s]",
                         range->values[0], range->values[1]);
    if (range->count == 3 && !(value_of(range->values[0]) > 0))
        return error_set(e, ERROR_INVALID, "a logarithmic range begins above 0");
    return true;
}

/* Three digits of a real are enough, and short to write down. */
static void draw_interval(const struct key *k, const struct range_setting *range, double u,
                          char text[NUMBER_TEXT_MAX])
{
    double low = value_of(range->values[0]), high = value_of(range->values[1]), v;
    bool is_whole = k->kind == KEY_WHOLE;

    if (range->count == 3)
        v = em_exp(em_log(low) + u * (em_log(high) - em_log(low)));
    else
        v = low + u * (high - low + is_whole);
    if (is_whole)
        snprintf(text, NUMBER_TEXT_MAX, "%.0f",
                 fmin(high, fmax(low, range->count == 3 ? floor(v + 0.5) : floor(v))));
    else
        snprintf(text, NUMBER_TEXT_MAX, "%.3g", v);
    if (value_of(text) < low || value_of(text) > high) /* rounded out of the range */
        snprintf(text, NUMBER_TEXT_MAX, "%s", range->values[value_of(text) > high]);
}

void settings_search_draw(const struct recipe_setting *r, uint64_t seed, uint32_t trial,
                          uint32_t range, char text[NUMBER_TEXT_MAX], struct recipe *recipe)
{
    const struct range_setting *from = &r->search.over[range];
    const struct key *k = option_row(from->name);
    bool ok;
    double u = (double)(random_at(seed, STREAM + range, trial) >> 11) * 0x1p-53;

    ASSERT(k != NULL);
    if (is_interval(k, from))
        draw_interval(k, from, u, text);
    else
        snprintf(text, NUMBER_TEXT_MAX, "%s", from->values[(uint32_t)(u * from->count)]);
    ok = setting_parse(k, text_of(text),
                       (char *)recipe + (k->at - offsetof(struct settings, model.asked.recipe)));
    ASSERT(ok); /* range_check has seen to it */
}
