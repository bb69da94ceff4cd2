#include <stdio.h>

#include "core/base/calendar.h"
#include "core/sample/sample.h"
#include "shell/cmd/cmd.h"
#include "shell/run/output.h"

enum { ROWS_USUAL = 100000, DAYS_USUAL = 90 };

/* Rows and days are both asked for, and a population has whole customers: few rows fill fewer
 * days. */
static void say_days(const struct sample_options *o, int64_t last_us)
{
    uint32_t days = (uint32_t)((last_us - o->start_us) / US_PER_DAY) + 1;
    char text[TIME_TEXT_MAX];

    if (days == o->days)
        return;
    time_format(last_us, text);
    fprintf(stderr, "note: %llu rows fill %u of %u days (to %.10s); hint: more --rows fill more\n",
            (unsigned long long)o->rows, days, o->days, text);
}

static bool write_frames(struct invocation *v, struct sampler *s, struct output *o,
                         const struct sample_options *asked, struct error *e)
{
    const struct schema *schema = sampler_schema(s);
    int64_t last_us = asked->start_us;
    uint64_t done = 0;
    struct frame f;
    bool ok = true;

    frame_init(&f, schema, SAMPLE_FRAME_ROWS, 64 << 20);
    while (ok && sampler_next(s, &f) > 0) {
        for (uint32_t i = 0; i < f.rows; i++) {
            for (uint32_t k = 0; k < f.columns; k++) {
                struct value cell = column_get(&f.column[k], i);

                output_value(o, &cell);
            }
        }
        done += f.rows;
        last_us = column_get(&f.column[schema->time], f.rows - 1).integer;
        frame_clear(&f);
        ok = output_flush(o, e);
        if (ok && !progress_report(term_progress(&v->term), "generating",
                                   (double)done / (double)asked->rows))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    term_clear(&v->term);
    if (ok)
        say_days(asked, last_us);
    frame_fini(&f);
    return ok;
}

static bool generate(struct invocation *v, const struct sample_options *o, struct error *e)
{
    const char *name[SCHEMA_FIELDS_MAX];
    struct sampler *s = sampler_new(o);
    const struct schema *schema = sampler_schema(s);
    struct output *output;
    bool ok;

    for (uint32_t i = 0; i < schema->count; i++)
        name[i] = schema->fields[i].name;
    ok = output_open(option_get(v, "output"), name, schema->count, &output, e);
    if (ok) {
        ok = write_frames(v, s, output, o, e);
        if (ok)
            ok = output_finish(output, e);
        else
            output_abandon(output);
    }
    sampler_free(s);
    return ok;
}

static bool generate_run(struct invocation *v, struct error *e)
{
    const char *scenario = option_get(v, "scenario"), *start = option_get(v, "start");
    int64_t rows = ROWS_USUAL, days = DAYS_USUAL, seed = 1;
    struct sample_options o = {.scenario = SAMPLE_CARDS};

    if (!option_whole(v, "rows", 1, SAMPLE_ROWS_MAX, &rows, e) ||
        !option_whole(v, "days", 1, SAMPLE_DAYS_MAX, &days, e) ||
        !option_whole(v, "seed", 0, INT64_MAX, &seed, e))
        return false;
    if (scenario != NULL && !sample_scenario_find(text_of(scenario), &o.scenario))
        return error_set(e, ERROR_USAGE,
                         "--scenario: expected cards, wallet or predict-api, found \"%s\"",
                         scenario);
    if (!time_parse(text_of(start != NULL ? start : "2026-01-01"), TIME_ISO, &o.start_us))
        return error_set(e, ERROR_USAGE, "--start: expected a day such as 2026-01-01, found \"%s\"",
                         start);
    o.rows = (uint64_t)rows;
    o.days = (uint32_t)days;
    o.seed = (uint64_t)seed;
    return generate(v, &o, e);
}

static const struct option options[] = {
    {"scenario", 0, "NAME", "cards (default), wallet or predict-api"},
    {"rows", 0, "N", "transactions (default 100000)"},
    {"days", 0, "N", "days over which they are spread (default 90)"},
    {"seed", 0, "N", "other transactions of the same kind (default 1)"},
    {"start", 0, "DAY", "the first day (default 2026-01-01)"},
    {"output", 'o', "FILE", "CSV, or NDJSON for .ndjson; - or none: standard output"},
    {0},
};

const struct command command_generate = {
    .name = "generate",
    .group = GROUP_START,
    .summary = "makes realistic labelled transactions",
    .arguments = "",
    .words = "  cards        card payments at terminals (the Fraud Detection Handbook's method)\n"
             "  wallet       a mobile wallet: balances, transfers, account takeover, mules\n"
             "  predict-api  six plain fields per request, five named fraud scenarios\n"
             "The same options give the same rows on every machine.",
    .options = options,
    .examples = "  assay generate --rows 200000 --days 120 -o transactions.csv\n"
                "  assay generate --scenario wallet --rows 1000 --seed 7 -o - | head\n",
    .run = generate_run,
};
