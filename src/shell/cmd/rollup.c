/* `assay rollup`: tables by period, made and written. */
#include <inttypes.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/os/clock.h"
#include "shell/watch/rollup_take.h"

static bool read_time(const struct invocation *v, const char *name, int64_t *us, struct error *e)
{
    const char *said = option_get(v, name);

    return said == NULL || time_parse(text_of(said), TIME_ISO, us) ||
           error_set(e, ERROR_USAGE,
                     "--%s: expected a day or time such as 2026-01-31, found \"%.80s\"", name,
                     said);
}

/* Of a source, not of another rollup. */
static bool is_source(const struct rollup *r)
{
    return r->groups != NULL || r->taken.why != NULL || r->taken.rows > 0;
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
    if (is_source(r))
        buffer_format(out, ",\"read\":\"%s\",\"rows_read\":%" PRIu64,
                      r->taken.goes_on ? "new" : "all", r->taken.rows);
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
    if (r->taken.goes_on)
        buffer_format(out, ", %" PRIu64 " of them new", r->taken.rows);
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

/* Which sources were read whole though they were read before, and why. */
static void add_whole(const struct rollups *r, struct buffer *out)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rollup *one = &r->rollup[i];
        bool is_said = false;

        for (uint32_t k = 0; k < i; k++)
            is_said |= strcmp(r->rollup[k].setting->source, one->setting->source) == 0 &&
                       r->rollup[k].taken.why != NULL;
        if (one->taken.why != NULL && !is_said)
            buffer_format(out, "%s was read whole, as each time: %s\n", one->setting->source,
                          one->taken.why);
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
    else
        add_whole(r, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool read_options(const struct invocation *v, struct rollup_write *w, struct error *e)
{
    *w = (struct rollup_write){.from_us = INT64_MIN,
                               .until_us = INT64_MAX,
                               .rebuild = option_has(v, "rebuild"),
                               .keeps_state = true,
                               .now_us = clock_now_us()};
    if (!read_time(v, "from", &w->from_us, e) || !read_time(v, "to", &w->until_us, e))
        return false;
    if (w->rebuild && (option_has(v, "from") || option_has(v, "to")))
        return error_set(e, ERROR_USAGE, "--rebuild makes whole tables: without --from and --to");
    if (w->from_us >= w->until_us)
        return error_set(e, ERROR_USAGE, "--from %.40s --to %.40s: expected a --to after --from",
                         option_get(v, "from"), option_get(v, "to"));
    return true;
}

/* Reads and makes; `anew`: all of it. */
static bool make(struct invocation *v, const struct settings *s, struct rollup_store *store,
                 bool anew, struct rollups **r, struct error *e)
{
    return rollups_open(s, v->argument_count > 0 ? v->argument[0] : NULL, r, e) &&
           rollups_take(*r, store, anew, term_progress(&v->term), e) && rollups_finish(*r, e);
}

static bool was_overtaken(const struct rollup_written *written)
{
    bool is = false;

    for (uint32_t i = 0; i < SETTINGS_ROLLUPS_MAX; i++)
        is |= written[i].is_overtaken;
    return is;
}

/* Where another run was faster, what this one went on from is gone: it reads all, which cannot be
 * overtaken. */
static bool make_and_write(struct invocation *v, const struct settings *s,
                           const struct rollup_write *w, struct rollups **r,
                           struct rollup_written *written, struct error *e)
{
    char *place = mem_alloc(ROLLUP_URL_MAX);
    struct rollup_store *store = NULL;
    bool ok = rollup_store_place(s, option_get(v, "url"), place, e) &&
              rollup_store_open(place, &store, e);

    for (int round = 0; ok && round < 2; round++) {
        memset(written, 0, SETTINGS_ROLLUPS_MAX * sizeof *written);
        rollups_free(*r);
        *r = NULL;
        ok = make(v, s, store, w->rebuild || round > 0, r, e);
        if (!ok || rollup_store_write(store, *r, w, written, e))
            break;
        ok = was_overtaken(written) && round == 0;
    }
    rollup_store_close(store);
    mem_free(place);
    return ok;
}

static bool rollup_run_command(struct invocation *v, struct error *e)
{
    struct rollup_written written[SETTINGS_ROLLUPS_MAX] = {0};
    struct rollups *r = NULL;
    struct rollup_write w;
    struct settings *s;
    bool ok;

    if (!read_options(v, &w, e) || !invocation_settings(v, &s, e))
        return false;
    if (option_has(v, "dry-run"))
        ok = make(v, s, NULL, true, &r, e);
    else
        ok = make_and_write(v, s, &w, &r, written, e);
    term_clear(&v->term);
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
