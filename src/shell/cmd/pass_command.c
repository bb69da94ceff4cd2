#include "shell/cmd/pass_command.h"

#include <stdio.h>

#include "shell/run/output.h"

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
    struct settings *settings;
    struct scoring s;
    bool ok;

    if (!invocation_settings(v, &settings, e))
        return false;
    o.settings = settings;
    ok = scoring_open(&o, &s, e);
    if (ok) {
        if (s.current.warning[0] != 0)
            fprintf(stderr, "assay: %s\n", s.current.warning);
        ok = work(v, &o, &s, context, e);
        scoring_close(&s);
    }
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
