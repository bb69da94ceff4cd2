/* Values that may mean something else than they say: stand-ins for "not known", and constants. A
 * suspicion is a question to whoever knows the data, never a change of them. */
#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "shell/source/profile_guess.h"

enum {
    STAND_IN_ROWS_MIN = 5,
    NEIGHBOUR_FACTOR = 5, /* a stand-in is that much more frequent than the value beside it */
    SPIKE_DISTINCT_MIN = 100,
    SPIKE_FACTOR = 10,
};

static const double nearly_all = 0.99, spike_share = 0.1;
static const char only_value[] = "the only value there is", nearly_only[] = "in nearly every row",
                  stand_in[] = "at the edge, far more frequent than its neighbour: a stand-in for "
                               "\"not known\"?",
                  spike[] = "far more frequent than any other value: a default?",
                  odd_time[] = "a date that systems write for \"none\"",
                  placeholder[] = "a word for \"not known\" or for trying out";

static void add(struct profile_field *f, const char *text, uint64_t count, const char *why)
{
    struct profile_suspect *s = &f->suspect[f->suspect_count];

    for (uint32_t i = 0; i < f->suspect_count; i++) {
        if (strcmp(f->suspect[i].text, text) == 0)
            return;
    }
    if (f->suspect_count == PROFILE_SUSPECTS)
        return;
    snprintf(s->text, sizeof s->text, "%s", text);
    s->count = count;
    s->why = why;
    f->suspect_count++;
}

static void add_number(struct profile_field *f, const struct sketch_item *item, const char *why)
{
    char text[PROFILE_VALUE_MAX];

    profile_show_number(f->type, item->value, text);
    add(f, text, item->weight, why);
}

/* 99, 999, ...; -1, -9, -99, -999, ... */
static bool is_stand_in_number(double v)
{
    if (v == -1 || v == -9)
        return true;
    for (double nines = 99; nines < 1e13; nines = 10 * nines + 9) {
        if (fabs(v) == nines)
            return true;
    }
    return false;
}

/* At an edge; one below 0 only where nothing else is. */
static void look_at_edges(struct profile_field *f, const struct sketch *k)
{
    const struct sketch_item *first = &k->item[0], *last = &k->item[k->items - 1];

    if (k->items < 3)
        return;
    if (is_stand_in_number(first->value) && first->value < 0 && first[1].value >= 0 &&
        first->weight >= STAND_IN_ROWS_MIN && first->weight > NEIGHBOUR_FACTOR * first[1].weight)
        add_number(f, first, stand_in);
    if (is_stand_in_number(last->value) && last->value > 0 && last->weight >= STAND_IN_ROWS_MIN &&
        last->weight > NEIGHBOUR_FACTOR * last[-1].weight)
        add_number(f, last, stand_in);
}

/* The most frequent value, and whether it is alone so far above the second. */
static void look_at_spike(struct profile_field *f, const struct sketch *k)
{
    const struct sketch_item *best = &k->item[0];
    uint64_t second = 0;

    for (uint32_t i = 1; i < k->items; i++) {
        if (k->item[i].weight > best->weight) {
            second = best->weight;
            best = &k->item[i];
        } else if (k->item[i].weight > second) {
            second = k->item[i].weight;
        }
    }
    if (k->items == 1)
        add_number(f, best, only_value);
    else if ((double)best->weight >= nearly_all * (double)k->count)
        add_number(f, best, nearly_only);
    else if (k->items > SPIKE_DISTINCT_MIN && best->weight > SPIKE_FACTOR * second &&
             (double)best->weight >= spike_share * (double)k->count)
        add_number(f, best, spike);
}

static bool is_odd_time(double us)
{
    static const struct civil odd[] = {
        {.year = 1, .month = 1, .day = 1},      {.year = 1899, .month = 12, .day = 30},
        {.year = 1900, .month = 1, .day = 1},   {.year = 1970, .month = 1, .day = 1},
        {.year = 9999, .month = 12, .day = 31},
    };

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        if (floor(us / US_PER_DAY) ==
            (double)days_from_civil(odd[i].year, odd[i].month, odd[i].day))
            return true;
    }
    return false;
}

static void look_at_times(struct profile_field *f, const struct sketch *k)
{
    if (k->items > 1 && is_odd_time(k->item[0].value))
        add_number(f, &k->item[0], odd_time);
    if (k->items > 1 && is_odd_time(k->item[k->items - 1].value))
        add_number(f, &k->item[k->items - 1], odd_time);
}

static bool is_placeholder(const char *text)
{
    static const char *const words[] = {
        "unknown", "undefined", "missing", "none", "null", "n/a", "na",  "nil",  "test", "dummy",
        "default", "tbd",       "xxx",     "?",    "??",   "-1",  "999", "9999", "0000"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static void look_at_words(struct profile_field *f, const struct evidence *ev, uint64_t cells)
{
    for (uint32_t i = 0; i < ev->words; i++) {
        const struct tally_item *item = tally_find(&ev->tally, ev->word[i].hash);

        if (item != NULL && f->type == TYPE_TEXT && is_placeholder(ev->word[i].text))
            add(f, ev->word[i].text, item->count, placeholder);
    }
    if (f->top_count == 0)
        return;
    if (f->distinct == 1)
        add(f, f->top[0].text, f->top[0].count, only_value);
    else if ((double)f->top[0].count >= nearly_all * (double)cells)
        add(f, f->top[0].text, f->top[0].count, nearly_only);
}

void make_suspects(struct profile_field *f, const struct evidence *ev, uint64_t rows)
{
    uint64_t cells = rows - f->nulls;

    if (cells == 0)
        return;
    if (!f->has_spread) {
        look_at_words(f, ev, cells);
        return;
    }
    if (f->type == TYPE_TIME)
        look_at_times(f, &ev->sketch);
    else
        look_at_edges(f, &ev->sketch);
    look_at_spike(f, &ev->sketch);
}
