/* `assay label import`: what events turned out to be, from a file of chargebacks or reviews.
 *
 * Without --url the labels go into the log of the data directory, as a service would write them;
 * the service must not run then (the log has one writer). With --url they go to a running service.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/label_suggest.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"
#include "shell/run/history.h"
#include "shell/run/label_known.h"
#include "shell/run/label_post.h"

enum { STATE_BATCH = 1024, QUEUE = 1024 };

static const struct option label_options[] = {
    {"url", 0, "URL",
     "send to a running service, such as http://127.0.0.1:8080; suggest: from its decisions"},
    {"id", 0, "COLUMN", "the event's id (default: as in the settings, or by usual names)"},
    {"label", 0, "COLUMN", "what it was: fraud or legit, true or false, 1 or 0"},
    {"all", 0, "WORD", "no such column: every row is fraud, or legit"},
    {"source", 0, "COLUMN", "who says so"},
    {"said-by", 0, "TEXT", "who says so where no column does (default: import)"},
    {"date", 0, "COLUMN", "when it became known (without one: now)"},
    {"reversal", 0, "COLUMN", "yes: the row takes the label back"},
    {"rejects", 0, "FILE",
     "rows not taken, with reasons (default: label-rejects.csv in the data "
     "directory)"},
    {"number", 'n', "N", "suggest: how many (default 20)"},
    {"entity", 0, "NAME", "suggest: one event of each (default: the first of `entities`)"},
    {"at", 0, "P", "suggest: nearest to this probability (default: to the thresholds)"},
    {"after", 0, "FILE", "suggest: events that came before: observed first, not suggested"},
    OPTION_MEMORY,
    {0},
};

struct importing {
    struct invocation *v;
    struct settings *settings;
    struct label_rows rows;
    struct label_known *known;
    char shard_directory[DATA_PATH_MAX], log_directory[DATA_PATH_MAX + 16];
    char rejects[DATA_PATH_MAX + 32];
    struct current current;
    struct shard *shard;
    uint64_t fates[LABEL_FATES];
};

static bool find_paths(struct importing *p, struct error *e)
{
    char data[DATA_PATH_MAX];
    const char *rejects = option_get(p->v, "rejects");

    if (!data_directory(p->settings, data, e) ||
        !data_shard_directory(p->settings, p->shard_directory, e) ||
        (rejects == NULL && !file_make_directories(data, 0700, e)))
        return false;
    snprintf(p->log_directory, sizeof p->log_directory, "%s/log", p->shard_directory);
    if (rejects != NULL)
        snprintf(p->rejects, sizeof p->rejects, "%s", rejects);
    else
        snprintf(p->rejects, sizeof p->rejects, "%s/label-rejects.csv", data);
    return true;
}

static bool read_rows(struct importing *p, struct error *e)
{
    const char *said_by = option_get(p->v, "said-by");
    const struct label_options o = {.path = p->v->argument[1],
                                    .id = option_get(p->v, "id"),
                                    .label = option_get(p->v, "label"),
                                    .source = option_get(p->v, "source"),
                                    .date = option_get(p->v, "date"),
                                    .reversal = option_get(p->v, "reversal"),
                                    .all = option_get(p->v, "all"),
                                    .said_by = said_by != NULL ? said_by : "import",
                                    .rejects = p->rejects};

    if (o.all != NULL && strcmp(o.all, "fraud") != 0 && strcmp(o.all, "legit") != 0)
        return error_set(e, ERROR_USAGE, "option \"--all\": expected fraud or legit, found \"%s\"",
                         o.all);
    if (strlen(o.said_by) == 0 || strlen(o.said_by) > LABEL_SOURCE_MAX)
        return error_set(e, ERROR_USAGE, "option \"--said-by\": expected 1 to %d bytes",
                         LABEL_SOURCE_MAX);
    return label_rows_read(&o, p->settings, &p->rows, e);
}

/* Rows that the file or the log had before. */
static void find_repeated(struct importing *p)
{
    for (uint32_t i = 0; i < p->rows.count; i++)
        p->rows.row[i].fate = label_known_add(p->known, &p->rows.row[i]);
}

static bool open_shard(struct importing *p, struct error *e)
{
    struct shard_options o = {
        .directory = p->shard_directory,
        .state = data_state_options(p->settings, p->v->simd, STATE_BATCH),
        .sync = p->settings->log_sync ? LOG_SYNC_ALWAYS : LOG_SYNC_NEVER,
        .segment_bytes = p->settings->log_segment_bytes,
        .queue = QUEUE,
        .progress = term_progress(&p->v->term),
    };
    const struct buffer *model = &p->current.model;

    return shard_open(&o, &p->current.made, model->length > 0 ? model->bytes : NULL, model->length,
                      &p->shard, e) ||
           error_prefix(e, "without --url, the labels go into the log itself");
}

/* As a service's first start does, the history is imported: its events can be labelled too. */
static bool import_into_log(struct importing *p, struct error *e)
{
    const struct progress *progress = term_progress(&p->v->term);
    struct history_result history;

    if (!current_open(p->settings, NULL, CURRENT_SERVED, &p->current, e) || !open_shard(p, e) ||
        !history_import(p->shard, p->settings, NULL, progress, &history, e) ||
        !label_known_read(p->known, p->log_directory, &p->rows, e) || !shard_start(p->shard, e))
        return false;
    find_repeated(p);
    return label_post_shard(p->shard, &p->rows, clock_now_us(), progress, e);
}

static bool import(struct importing *p, struct error *e)
{
    const char *url = option_get(p->v, "url");

    if (url == NULL)
        return import_into_log(p, e);
    find_repeated(p);
    return label_post_http(url, &p->rows, term_progress(&p->v->term), e);
}

/* ---- what became of it ---- */

static void print_json(const struct importing *p, uint64_t rejected, struct buffer *out)
{
    const uint64_t *n = p->fates;

    buffer_format(out,
                  "{\"rows\":%" PRIu64 ",\"matched\":%" PRIu64 ",\"taken\":%" PRIu64
                  ",\"repeated\":%" PRIu64 ",\"unmatched\":%" PRIu64 ",\"contradicting\":%" PRIu64
                  ",\"refused\":%" PRIu64 ",\"unusable\":%" PRIu64 ",\"rejects\":",
                  p->rows.count + p->rows.rejects, n[LABEL_TAKEN] + n[LABEL_REPEATED],
                  n[LABEL_TAKEN], n[LABEL_REPEATED], n[LABEL_UNMATCHED], n[LABEL_CONTRADICTING],
                  n[LABEL_REFUSED], p->rows.rejects);
    if (rejected > 0)
        json_add_text(out, text_of(p->rejects));
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, ",\"columns\":");
    json_add_text(out, text_of(p->rows.columns));
    buffer_add_text(out, "}\n");
}

static void print_count(struct buffer *out, uint64_t n, const char *words)
{
    if (n > 0)
        buffer_format(out, "  %10" PRIu64 " %s\n", n, words);
}

static void print_words(const struct importing *p, uint64_t rejected, struct buffer *out)
{
    const uint64_t *n = p->fates;

    buffer_format(out, "%s: %" PRIu64 " rows (%s)\n", p->v->argument[1],
                  p->rows.count + p->rows.rejects, p->rows.columns);
    buffer_format(out, "  %10" PRIu64 " labels taken\n", n[LABEL_TAKEN]);
    print_count(out, n[LABEL_REPEATED], "repeated: known before");
    print_count(out, n[LABEL_UNMATCHED], "unmatched: no such event");
    print_count(out, n[LABEL_CONTRADICTING],
                "contradicting: the same source said the opposite for the same date");
    print_count(out, n[LABEL_REFUSED], "refused by the service");
    print_count(out, p->rows.rejects, "unusable");
    if (rejected > 0)
        buffer_format(out, "what was not taken is in %s\n", p->rejects);
}

static bool tell(struct importing *p, struct error *e)
{
    struct buffer out;
    uint64_t rejected;
    bool ok;

    for (uint32_t i = 0; i < p->rows.count; i++)
        p->fates[p->rows.row[i].fate]++;
    rejected = p->rows.rejects + p->fates[LABEL_UNMATCHED] + p->fates[LABEL_CONTRADICTING] +
               p->fates[LABEL_REFUSED];
    term_clear(&p->v->term);
    buffer_init(&out, OUTPUT_MAX);
    if (p->v->json)
        print_json(p, rejected, &out);
    else
        print_words(p, rejected, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool label_run(struct invocation *v, struct error *e)
{
    struct importing p = {.v = v};
    bool ok;

    if (strcmp(v->argument[0], "suggest") == 0)
        return label_suggest(v, e);
    if (strcmp(v->argument[0], "import") != 0)
        return error_set(e, ERROR_USAGE, "label: expected import or suggest, found \"%s\"",
                         v->argument[0]);
    if (v->argument_count < 2)
        return error_set(e, ERROR_USAGE, "label import: expected a file");
    if (!invocation_settings(v, &p.settings, e))
        return false;
    p.known = label_known_new();
    ok = find_paths(&p, e) && read_rows(&p, e) && import(&p, e);
    ok = ok && label_rows_keep_rejected(&p.rows, e) && tell(&p, e);
    shard_close(p.shard);
    current_close(&p.current);
    label_known_free(p.known);
    label_rows_free(&p.rows);
    settings_free(p.settings);
    return ok;
}

const struct command command_label = {
    .name = "label",
    .group = GROUP_DECIDE,
    .summary = "imports what events turned out to be; suggests which to look at next",
    .arguments = "import FILE | suggest [FILE]",
    .least = 1,
    .most = 2,
    .words =
        "Reads CSV, NDJSON or JSON. A label takes effect at its date, but never before it is\n"
        "imported: past decisions stay as they are. Importing a file twice changes nothing: a\n"
        "row with the same event, label, source and date as one before is only counted.\n"
        "Without --url the labels go into the log in the data directory; a service must not\n"
        "run there then. With --url, a row is repeated where its event already has the label\n"
        "that the file gives it in the end.\n"
        "suggest lists the events without label whose label would teach the model most: those\n"
        "nearest to a threshold of `decision`, one of each entity: of a file, or with --url of the\n"
        "decisions that a running service has made.",
    .options = label_options,
    .examples = "  assay label import chargebacks.csv --all fraud --said-by chargeback\n"
                "  assay label import reviews.csv --id payment --date closed_at\n"
                "  assay label import reviews.csv --url http://127.0.0.1:8080 --json\n"
                "  assay label suggest new.csv -n 50 --entity customer\n"
                "  assay label suggest --url http://127.0.0.1:8080 --json\n",
    .run = label_run,
};
