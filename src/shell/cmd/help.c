#include "shell/cmd/cmd.h"

#include <stdio.h>

#include "shell/serve/metrics.h"
#include "shell/serve/route.h"

static const char *const group_words[GROUPS] = {
    "From a file to a service",
    "Decide",
    "Look",
    "About",
};

static void print_options(const struct option *options, struct buffer *out)
{
    for (const struct option *o = options; o != NULL && o->name != NULL; o++) {
        char left[64];

        snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : "",
                 o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
                 o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        buffer_format(out, "  %-26s %s\n", left, o->words);
    }
}

void help_print(struct buffer *out)
{
    buffer_add_text(out, "assay: finds fraud in transactions, and shows why\n"
                         "\n"
                         "usage: assay [-c FILE] [--json] COMMAND [OPTIONS] [ARGUMENTS]\n");
    for (int group = 0; group < GROUPS; group++) {
        bool has_heading = false;

        for (size_t i = 0; i < command_count; i++) {
            const struct command *c = commands[i];
            char left[64];

            if (c->group != (enum command_group)group)
                continue;
            if (!has_heading)
                buffer_format(out, "\n%s\n", group_words[group]);
            has_heading = true;
            snprintf(left, sizeof left, "%s %s", c->name, c->arguments);
            buffer_format(out, "  %-26s %s\n", left, c->summary);
        }
    }
    buffer_add_text(out, "\nOptions of all commands\n");
    print_options(global_options, out);
    buffer_add_text(out,
                    "\nExamples\n"
                    "  assay init transactions.csv   # looks at the data, writes assay.yaml\n"
                    "  assay check                   # what is wrong with it, if anything\n"
                    "  assay help init               # more about one command\n"
                    "\n"
                    "Exit code: 0 done, 1 refused, 2 wrong use, 3 disk or network failed, "
                    "130 stopped by Ctrl-C\n"
                    "Environment: ASSAY_SIMD=scalar|avx2|avx512, NO_COLOR, and ASSAY_<KEY> for "
                    "each key of the settings\n");
}

void help_print_command(const struct command *c, struct buffer *out)
{
    buffer_format(out, "assay %s: %s\n\nusage: assay %s%s%s%s\n", c->name, c->summary, c->name,
                  c->options != NULL ? " [OPTIONS]" : "", c->arguments[0] != 0 ? " " : "",
                  c->arguments);
    if (c->words != NULL)
        buffer_format(out, "\n%s\n", c->words);
    if (c->options != NULL) {
        buffer_add_text(out, "\nOptions\n");
        print_options(c->options, out);
    }
    buffer_add_text(out, "\nOptions of all commands\n");
    print_options(global_options, out);
    buffer_format(out, "\nExamples\n%s", c->examples);
}

static bool help_run(struct invocation *v, struct error *e)
{
    struct buffer out;
    const struct command *c = NULL;
    const char *topic = v->argument_count > 0 ? v->argument[0] : NULL;
    bool ok = true;

    buffer_init(&out, OUTPUT_MAX);
    if (topic == NULL) {
        help_print(&out);
    } else if (strcmp(topic, "settings") == 0) {
        settings_print_docs(&out);
    } else if (strcmp(topic, "metrics") == 0) {
        metrics_print_docs(&out);
    } else if (strcmp(topic, "routes") == 0) {
        routes_print(v->json, &out);
    } else if (strcmp(topic, "functions") == 0) {
        lang_print_functions(&out);
    } else {
        c = command_find(text_of(topic));
        if (c != NULL)
            help_print_command(c, &out);
        else
            ok = command_refuse(topic, e);
    }
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

const struct command command_help = {
    .name = "help",
    .group = GROUP_ABOUT,
    .summary = "tells about one command, or all",
    .arguments = "[COMMAND]",
    .most = 1,
    .words =
        "`assay help settings` prints all keys of assay.yaml (docs/settings.md), `assay help\n"
        "functions` all functions and aggregates of the language (docs/functions.md),\n"
        "`assay help routes` the routes of the service and the roles that may take them, and `assay\n"
        "help metrics` all metrics of the service (docs/service-metrics.md).",
    .examples = "  assay help\n"
                "  assay help init\n"
                "  assay help settings\n"
                "  assay help functions\n"
                "  assay help routes --json\n"
                "  assay help metrics\n",
    .run = help_run,
};
