/* `assay daily`: the daily risk table, as management reads it. */
#include <stdio.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/cmd/cmd.h"
#include "shell/os/file.h"
#include "shell/watch/daily.h"
#include "shell/watch/rollup_take.h"

static bool write_page(const struct invocation *v, const struct daily *d, struct error *e)
{
    const char *path = option_get(v, "html");
    struct buffer page;
    bool ok;

    if (path == NULL)
        return true;
    buffer_init(&page, REPORT_BYTES_MAX);
    daily_html(d, ASSAY_VERSION, &page);
    ok = !page.overflow ? file_write(path, page.bytes, page.length, 0644, e)
                        : error_set(e, ERROR_FULL, "the page is over %d bytes", REPORT_BYTES_MAX);
    buffer_fini(&page);
    return ok;
}

static bool print_days(const struct invocation *v, const struct daily *d, struct error *e)
{
    const struct terminal t = terminal_of(STDOUT_FILENO);
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        daily_json(d, &out);
    else if (option_has(v, "csv"))
        daily_csv(d, &out);
    else
        daily_terminal(&t, d, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* Only the newest so many. */
static bool cut(const struct invocation *v, struct daily *d, struct error *e)
{
    int64_t days = d->rows;

    if (!option_whole(v, "days", 1, 100000, &days, e))
        return false;
    if (days < (int64_t)d->rows) {
        d->row += d->rows - (uint32_t)days;
        d->rows = (uint32_t)days;
    }
    return true;
}

static bool show(const struct invocation *v, const struct settings *s, const struct rollup *r,
                 struct error *e)
{
    struct daily_row *rows;
    struct daily d;
    bool ok;

    if (!daily_take(s, r, &d, &rows, e))
        return false;
    ok = cut(v, &d, e) && write_page(v, &d, e) && print_days(v, &d, e);
    mem_free(rows);
    return ok;
}

static bool daily_run(struct invocation *v, struct error *e)
{
    const struct rollup_setting *daily;
    struct rollups *r = NULL;
    struct settings *s;
    bool ok;

    if (!invocation_settings(v, &s, e))
        return false;
    ok = daily_find(s, v->argument_count > 0 ? v->argument[0] : NULL, &daily, e) &&
         rollups_open(s, daily->name, &r, e) &&
         rollups_take(r, NULL, true, term_progress(&v->term), e) && rollups_finish(r, e);
    term_clear(&v->term);
    ok = ok && show(v, s, rollups_find(r, daily->name), e);
    rollups_free(r);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"days", 0, "N", "only the newest so many days"},
    {"html", 0, "FILE", "the same as a page with a chart"},
    {"csv", 0, NULL, "CSV instead of the table"},
    {0},
};

const struct command command_daily = {
    .name = "daily",
    .group = GROUP_LOOK,
    .summary = "shows which day was how risky, and why",
    .arguments = "[ROLLUP]",
    .most = 1,
    .words = "Of the rollup that has levels, or of the one named: made from its sources as they "
             "are now, whether\n`assay rollup` has written it or not.",
    .options = options,
    .examples = "  assay daily\n"
                "  assay daily --days 30 --html daily.html\n"
                "  assay daily daily_fraud_alert --json\n",
    .run = daily_run,
};
