#include "shell/cmd/pass_command.h"

#include <stdio.h>

#include "shell/rules/overlay.h"
#include "shell/run/data_directory.h"
#include "shell/run/output.h"

/* What decides: the settings with the rules of the API that are in force, as in the service. */
static bool lay_rules(const struct invocation *v, const struct settings *s, struct overlay *o,
                      struct error *e)
{
    char data[DATA_PATH_MAX];

    if (option_has(v, "settings-only"))
        return overlay_init(o, s, NULL, NULL, e);
    return data_directory(s, data, e) && overlay_of_directory(o, s, data, e);
}

bool pass_command(struct invocation *v, bool decides,
                  bool (*work)(struct invocation *v, struct scoring_options *o, struct scoring *s,
                               void *context, struct error *e),
                  void *context, struct error *e)
{
    struct scoring_options o = {.path = v->argument_count > 0 ? v->argument[0] : NULL,
                                .after = option_get(v, "after"),
                                .decides = decides,
                                .simd = v->simd,
                                .progress = term_progress(&v->term)};
    struct overlay overlay = {0};
    struct settings *settings;
    struct scoring s;
    bool ok;

    if (!invocation_settings(v, &settings, e))
        return false;
    o.settings = settings;
    ok = !decides || lay_rules(v, settings, &overlay, e);
    if (ok && decides)
        o.settings = &overlay.settings;
    if (ok && scoring_open(&o, &s, e)) {
        if (s.current.warning[0] != 0)
            fprintf(stderr, "assay: %s\n", s.current.warning);
        ok = work(v, &o, &s, context, e);
        scoring_close(&s);
    } else if (ok) {
        ok = decides ? overlay_blame(&overlay, e) : false;
    }
    overlay_fini(&overlay);
    settings_free(settings);
    return ok;
}

bool pass_command_write(struct invocation *v, struct scoring_options *o, struct scoring *s,
                        struct output *output, struct error *e)
{
    bool ok = scoring_run(o, s, e);

    term_clear(&v->term);
    if (ok)
        return output_finish(output, e);
    output_abandon(output);
    return false;
}

void pass_command_counts_json(const struct scoring *s, struct buffer *out)
{
    const struct feed_counts *c = &s->feed.counts;

    buffer_format(out,
                  "\"rows\":%lu,\"rejected\":%lu,\"repeated\":%lu,\"conflicting\":%lu,"
                  "\"moved_by_sorting\":%lu,\"spilled_bytes\":%lu,\"state\":",
                  (unsigned long)c->rows, (unsigned long)c->rejects, (unsigned long)c->repeated,
                  (unsigned long)c->conflicting, (unsigned long)c->moved,
                  (unsigned long)c->spilled_bytes);
    occupancy_add_json(&s->occupancy, s->current.made.plan, out);
}

void pass_command_counts(const struct scoring *s, struct buffer *out)
{
    const struct feed_counts *c = &s->feed.counts;

    buffer_format(out, "rejected %lu, repeated %lu, conflicting %lu, moved by sorting %lu\n",
                  (unsigned long)c->rejects, (unsigned long)c->repeated,
                  (unsigned long)c->conflicting, (unsigned long)c->moved);
    if (c->spilled_bytes > 0)
        buffer_format(out, "sorted on disk: %lu MiB\n",
                      (unsigned long)((c->spilled_bytes + (1 << 20) - 1) >> 20));
    occupancy_add_words(&s->occupancy, s->current.made.plan, out);
}
