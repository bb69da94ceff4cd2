/* `assay rebuild`: the store anew from the log. */
#include <inttypes.h>
#include <stdio.h>

#include "shell/cmd/cmd.h"
#include "shell/run/data_directory.h"
#include "shell/store/place.h"
#include "shell/store/project.h"
#include "shell/watch/watch.h"

static void print_json(const struct rebuilt *r, struct buffer *out)
{
    buffer_format(out,
                  "{\"records\":%" PRIu64 ",\"decisions\":%" PRIu64 ",\"labels\":%" PRIu64
                  ",\"labelled\":%" PRIu64 ",\"skipped\":%" PRIu64 "}\n",
                  r->records, r->totals.decisions, r->totals.labels, r->totals.labelled,
                  r->skipped);
}

static void print_words(const struct rebuilt *r, const struct store_place *place,
                        struct buffer *out)
{
    store_place_print(place, out);
    buffer_format(
        out, ": %" PRIu64 " decisions, %" PRIu64 " labels, from %" PRIu64 " records of the log\n",
        r->totals.decisions, r->totals.labels, r->records);
    if (r->skipped > 0)
        buffer_format(out,
                      "%" PRIu64 " records could not be read under their plan and are left out\n",
                      r->skipped);
}

/* The tables alone, with the rights of whoever the URL names. */
static bool make_tables(const struct settings *s, struct error *e)
{
    char path[STORE_PATH_MAX];
    struct store_place place;
    struct store *store;

    if (!store_place_find(s, path, &place, e) || !store_open(&place, STORE_WRITE, &store, e))
        return false;
    store_close(store);
    return true;
}

static bool rebuild(struct invocation *v, const struct settings *s, struct error *e)
{
    char shard[DATA_PATH_MAX], log[DATA_PATH_MAX + 16], store[STORE_PATH_MAX];
    char data[DATA_PATH_MAX];
    struct watch *watch = watch_new();
    struct project_options o = {.log_directory = log, .fold = watch_project(watch)};
    struct rebuilt r;
    struct buffer out;
    bool ok;

    if (!data_shard_directory(s, shard, e) || !store_place_find(s, store, &o.store, e) ||
        !data_directory(s, data, e) || !watch_attach(watch, NULL, data, e)) {
        watch_free(watch);
        return false;
    }
    snprintf(log, sizeof log, "%s/log", shard);
    o.plans = plans_new(shard);
    ok = store_rebuild(&o, term_progress(&v->term), &r, e);
    plans_free(o.plans);
    watch_free(watch);
    term_clear(&v->term);
    if (!ok)
        return false;
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        print_json(&r, &out);
    else
        print_words(&r, &o.store, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool rebuild_run(struct invocation *v, struct error *e)
{
    struct settings *s;
    bool ok;

    if (!invocation_settings(v, &s, e))
        return false;
    ok = option_has(v, "tables") ? make_tables(s, e) : rebuild(v, s, e);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"tables", 0, NULL, "only make the tables, or bring them up to this version; rows stay"},
    {0},
};

const struct command command_rebuild = {
    .name = "rebuild",
    .group = GROUP_LOOK,
    .summary = "makes the store anew from the log, while no server runs",
    .arguments = "",
    .words = "The store only helps searching; the log has everything. Equal logs give equal rows.",
    .options = options,
    .examples = "  assay rebuild\n"
                "  assay rebuild --tables --set store.url=\"$OWNER_URL\"\n",
    .run = rebuild_run,
};
