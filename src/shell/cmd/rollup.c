/* `assay rollup`: tables by period, made and written. */
#include <inttypes.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/watch/rollup_decisions.h"
#include "shell/watch/rollup_store.h"

static bool read_time(const struct invocation *v, const char *name, int64_t *us, struct error *e)
{
    const char *said = option_get(v, name);

    return said == NULL || time_parse(text_of(said), TIME_ISO, us) ||
           error_set(e, ERROR_USAGE,
                     "--%s: expected a day or time such as 2026-01-31, found \"%.80s\"", name,
                     said);
}

static void add_json(const struct rollup *r, const struct rollup_written *w, struct buffer *out)
{
    const struct rollup_setting *s = r->setting;

    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(s->name));
    buffer_add_text(out, ",\"table\":");
    json_add_text(out, text_of(s->table != NULL ? s->table : s->name));
    buffer_format(out,
                  ",\"source_rows\":%" PRIu64 ",\"without_time\":%" PRIu64
                  ",\"rows\":%u,\"periods\":%u,\"changed\":%u",
                  r->counts.rows, r->counts.timeless, w->rows, w->periods, w->changed);
    if (r->label.has) {
        buffer_format(out, ",\"positives\":%" PRIu64 ",\"threshold\":", r->label.positives);
        if (r->label.has_threshold)
            json_add_real(out, r->label.threshold);
        else
            buffer_add_text(out, "null");
    }
    buffer_add_char(out, '}');
}

static void add_words(const struct rollup *r, const struct rollup_written *w, struct buffer *out)
{
    const struct rollup_setting *s = r->setting;
    char threshold[NUMBER_TEXT_MAX];

    buffer_format(out, "%s: %u row%s", s->table != NULL ? s->table : s->name, w->rows,
                  w->rows == 1 ? "" : "s");
    if (r->rows.period != FIELD_NONE)
        buffer_format(out, " in %u period%s, %u of them written", w->periods,
                      w->periods == 1 ? "" : "s", w->changed);
    else
        buffer_add_text(out, w->changed > 0 ? ", written" : ", as they were");
    buffer_format(out, "; of %" PRIu64 " row%s of %s", r->counts.rows,
                  r->counts.rows == 1 ? "" : "s", s->source);
    if (r->counts.timeless > 0)
        buffer_format(out, ", %" PRIu64 " more without a time left out", r->counts.timeless);
    buffer_add_char(out, '\n');
    if (r->label.has) {
        buffer_format(out, "  fraud_label: %" PRIu64 " of %u are 1", r->label.positives, w->rows);
        if (r->label.has_threshold) {
            number_format_real(r->label.threshold, threshold);
            buffer_format(out, ", from %s on, the %g. percentile", threshold, s->percentile);
        }
        buffer_add_char(out, '\n');
    }
}

static bool tell(const struct invocation *v, const struct rollups *r,
                 const struct rollup_written *written, struct error *e)
{
    struct buffer out;
    bool ok, is_first = true;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        buffer_add_text(&out, "{\"rollups\":[");
    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->rollup[i].is_wanted)
            continue;
        if (v->json)
            buffer_add_text(&out, is_first ? "" : ",");
        is_first = false;
        if (v->json)
            add_json(&r->rollup[i], &written[i], &out);
        else
            add_words(&r->rollup[i], &written[i], &out);
    }
    if (v->json)
        buffer_add_text(&out, "]}\n");
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool write_tables(const struct invocation *v, const struct settings *s,
                         const struct rollups *r, struct rollup_written *written, struct error *e)
{
    struct rollup_write w = {.from_us = INT64_MIN,
                             .until_us = INT64_MAX,
                             .rebuild = option_has(v, "rebuild"),
                             .now_us = clock_now_us()};
    char *place = mem_alloc(ROLLUP_URL_MAX);
    struct rollup_store *store;
    bool ok = read_time(v, "from", &w.from_us, e) && read_time(v, "to", &w.until_us, e);

    if (ok && w.rebuild && (option_has(v, "from") || option_has(v, "to")))
        ok = error_set(e, ERROR_USAGE, "--rebuild makes whole tables: without --from and --to");
    if (ok && w.from_us >= w.until_us)
        ok = error_set(e, ERROR_USAGE, "--from %.40s --to %.40s: expected a --to after --from",
                       option_get(v, "from"), option_get(v, "to"));
    ok = ok && rollup_store_place(s, option_get(v, "url"), place, e);
    if (ok && (ok = rollup_store_open(place, &store, e))) {
        ok = rollup_store_write(store, r, &w, written, e);
        rollup_store_close(store);
    }
    mem_free(place);
    return ok;
}

static bool rollup_run_command(struct invocation *v, struct error *e)
{
    struct rollup_written written[SETTINGS_ROLLUPS_MAX] = {0};
    struct rollups *r = NULL;
    struct settings *s;
    bool ok;

    if (!invocation_settings(v, &s, e))
        return false;
    ok = rollups_open(s, v->argument_count > 0 ? v->argument[0] : NULL, &r, e) &&
         rollups_read_all(r, term_progress(&v->term), e) && rollups_finish(r, e);
    term_clear(&v->term);
    if (ok && !option_has(v, "dry-run"))
        ok = write_tables(v, s, r, written, e);
    for (uint32_t i = 0; ok && i < r->count && option_has(v, "dry-run"); i++)
        written[i].rows = r->rollup[i].rows.frame.rows;
    ok = ok && tell(v, r, written, e);
    rollups_free(r);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"from", 0, "TIME", "write only periods that begin at this day or time, or later"},
    {"to", 0, "TIME", "and before this one"},
    {"rebuild", 0, NULL, "drop the tables and make them anew, as after a change of their columns"},
    {"dry-run", 0, NULL, "make them, and write nothing"},
    {"url", 0, "URL",
     "of the database: postgresql://... or sqlite:PATH (default: store.url, DATABASE_URL, or "
     "rollups.sqlite in the data directory)"},
    {0},
};

const struct command command_rollup = {
    .name = "rollup",
    .group = GROUP_DECIDE,
    .summary = "makes the tables by hour, day or month of the settings' rollups",
    .arguments = "[NAME]",
    .most = 1,
    .words =
        "All of them, or one with what it is made of. Only periods that have changed are written, "
        "in one\ntransaction: the same command twice changes nothing, and late rows change their "
        "own day.",
    .options = options,
    .examples = "  assay rollup\n"
                "  assay rollup fraud_daily --from 2026-01-01 --json\n"
                "  assay rollup --url sqlite:risk.sqlite --rebuild\n",
    .run = rollup_run_command,
};
