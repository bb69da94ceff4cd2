/* What `assay score`, `features` and `top` have in common: settings, plan, events, one pass. */
#ifndef ASSAY_CMD_PASS_COMMAND_H
#define ASSAY_CMD_PASS_COMMAND_H

#include "shell/cmd/cmd.h"
#include "shell/run/scoring.h"

/* Of those that decide. */
#define OPTION_SETTINGS_ONLY                                                                       \
    {                                                                                              \
        "settings-only", 0, NULL,                                                                  \
            "decide by the settings' rules alone, without those of the API that are in force"      \
    }

/* Opens the settings and the plan for the events of the first argument (none: the settings' source)
 * after those of --after, and has `work` do the rest: set visit and context, scoring_run, print. */
bool pass_command(struct invocation *v, bool decides,
                  bool (*work)(struct invocation *v, struct scoring_options *o, struct scoring *s,
                               void *context, struct error *e),
                  void *context, struct error *e) MUST_USE;

/* What was read and what the state holds, as members of a JSON object; or as words. */
void pass_command_counts_json(const struct scoring *s, struct buffer *out);
void pass_command_counts(const struct scoring *s, struct buffer *out);

/* Run the pass with results going to --output; the file is finished, or nothing is left of it. */
struct output;
bool pass_command_write(struct invocation *v, struct scoring_options *o, struct scoring *s,
                        struct output *output, struct error *e) MUST_USE;

#endif
