/* `assay profile`: what the data hold, before anything is made of them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shell/cmd/cmd.h"
#include "shell/os/file.h"
#include "shell/report/profile_report.h"
#include "shell/run/feed.h"

enum { PAGE_MAX = 64 << 20 };

static const struct option options[] = {
    {"html", 0, "FILE", "write a page of its own, with pictures"},
    {"kind", 0, "NAME", "of several kinds of event the one to look at (default: the first)"},
    {"label", 0, "FIELD", "the field that says fraud (default: the settings', or by its name)"},
    {"time", 0, "FIELD", "the field with the event's time (default: the settings', or a guess)"},
    {0},
};

/* One run of the command. */
struct profiling {
    struct invocation *v;
    struct settings *settings; /* NULL where a file is named */
    struct source *source;
    struct profile *profile;
    const char *title;
};

static const struct kind_setting *kind_of(const struct profiling *p)
{
    const char *name = option_get(p->v, "kind");
    const struct settings *s = p->settings;

    for (uint32_t i = 0; i < s->kind_count; i++) {
        if (name == NULL || strcmp(s->kinds[i].name, name) == 0)
            return &s->kinds[i];
    }
    return NULL;
}

static const char *source_name(const struct profiling *p)
{
    const struct kind_setting *kind = kind_of(p);

    return kind != NULL ? kind->source : "transactions";
}

static const char *time_field(const struct profiling *p)
{
    const struct kind_setting *kind = kind_of(p);

    return kind != NULL ? kind->time : p->settings->event.time;
}

/* With several kinds of event not each has the label; with one a missing label is a mistake. */
static bool is_field(const struct profiling *p, const char *name)
{
    return p->settings->kind_count == 0 ||
           (name != NULL && schema_find(source_schema(p->source), text_of(name)) != FIELD_NONE);
}

/* A file that is named is looked at as it is; else the settings say which, and how it is read. */
static bool open_data(struct profiling *p, struct profile_options *o, struct error *e)
{
    struct source_options source;

    if (p->v->argument_count > 0) {
        p->title = p->v->argument[0];
        source_options_init(&source, p->title);
        return source_open(&source, &p->source, e);
    }
    if (!invocation_settings(p->v, &p->settings, e) ||
        !feed_source(p->settings, option_get(p->v, "kind"), &p->source, e))
        return false;
    p->title = source_setting_words(settings_source(p->settings, source_name(p)));
    if (o->label == NULL && is_field(p, p->settings->event.label))
        o->label = p->settings->event.label;
    if (o->time == NULL)
        o->time = time_field(p);
    return true;
}

/* What the settings put in the place of missing values. */
static void note_missing(const struct profiling *p)
{
    const struct settings *s = p->settings;

    for (uint32_t i = 0; s != NULL && i < s->missing_count; i++) {
        for (uint32_t k = 0; k < p->profile->count; k++) {
            struct profile_field *f = &p->profile->fields[k];

            if (strcmp(f->name, s->missing[i].name) == 0)
                f->stands_in = s->missing[i].source;
        }
    }
}

static bool look(struct profiling *p, struct error *e)
{
    struct profile_options o = {.label = option_get(p->v, "label"),
                                .time = option_get(p->v, "time"),
                                .is_deep = true,
                                .progress = term_progress(&p->v->term)};

    if (!open_data(p, &o, e) || !profile_source(p->source, &o, &p->profile, e))
        return false;
    note_missing(p);
    return p->profile->rows > 0 || error_set(e, ERROR_INVALID, "\"%s\" has no rows", p->title);
}

static bool write_page(const struct profiling *p, struct error *e)
{
    const char *path = option_get(p->v, "html");
    struct buffer out;
    bool ok;

    if (path == NULL)
        return true;
    buffer_init(&out, PAGE_MAX);
    profile_html(p->profile, p->title, ASSAY_VERSION, &out);
    ok = out.overflow ? error_set(e, ERROR_FULL, "the page is over %d bytes", PAGE_MAX)
                      : file_write(path, out.bytes, out.length, 0644, e);
    buffer_fini(&out);
    return ok;
}

static bool print_found(const struct profiling *p, struct error *e)
{
    struct terminal t = terminal_of(STDOUT_FILENO);
    struct buffer out;
    bool ok;

    term_clear(&p->v->term);
    t.colour = t.colour && p->v->term.has_colour;
    buffer_init(&out, OUTPUT_MAX);
    if (p->v->json)
        profile_json(p->profile, p->title, &out);
    else
        profile_terminal(&t, p->profile, p->title, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool profile_run(struct invocation *v, struct error *e)
{
    struct profiling p = {.v = v};
    bool ok = look(&p, e) && write_page(&p, e) && print_found(&p, e);

    profile_free(p.profile);
    source_close(p.source);
    settings_free(p.settings);
    return ok;
}

const struct command command_profile = {
    .name = "profile",
    .group = GROUP_LOOK,
    .summary = "tells what the data hold: missing, spread, odd values, frauds over time",
    .arguments = "[FILE]",
    .most = 1,
    .words = "Reads the whole file (default: the settings' source) once, in bounded memory.\n"
             "Quantiles and histograms are exact up to 65,536 values of a field (fewer with very\n"
             "many fields), beyond that estimates whose ranks are off by far less than 1 %.\n"
             "Outliers lie more than three times the distance of the quartiles outside of them.",
    .options = options,
    .examples = "  assay profile transactions.csv\n"
                "  assay profile --html profile.html      # the settings' source, as a page\n"
                "  assay profile 'data/*.csv.zst' --label fraud --json\n",
    .run = profile_run,
};
