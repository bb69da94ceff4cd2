/* The commands: one file each, one table of them (table.c).
 *
 * A command is a row: name, words, options and a function. Parsing of the command line, --help and
 * errors about misspelt options are made from the row. To add one: write cmd/NAME.c with
 * `const struct command command_NAME`, declare it here, add it to table.c and meson.build.
 *
 * A command prints its results to stdout (JSON with --json), reports progress on the terminal, and
 * returns false with words in *e; main.c prints them and maps the kind onto the exit code. A
 * command never exits.
 */
#ifndef ASSAY_CMD_CMD_H
#define ASSAY_CMD_CMD_H

#include "core/base/buffer.h"
#include "core/base/simd.h"
#include "shell/cmd/term.h"
#include "shell/link/http_client.h"
#include "shell/settings/settings.h"

enum {
    OPTIONS_GIVEN_MAX = 128,
    ARGUMENTS_MAX = 64,
    OUTPUT_MAX = 64 << 20, /* bytes of a result that is built in memory before it is printed */
};

struct option {
    const char *name;  /* "output": --output */
    char letter;       /* 'o': -o; 0: none */
    const char *value; /* what it takes, as the help shows it ("FILE"); NULL: a switch */
    const char *words;
};

enum command_group { GROUP_START, GROUP_DECIDE, GROUP_LOOK, GROUP_ABOUT, GROUPS };

struct invocation;

struct command {
    const char *name;
    enum command_group group;
    const char *summary;          /* one line, no full stop */
    const char *arguments;        /* "FILE", "[COMMAND]" or "" */
    uint32_t least, most;         /* number of arguments */
    const char *words;            /* what help says below the usage; may be NULL */
    const struct option *options; /* ends with a row without name; may be NULL */
    const char *examples;         /* lines, each with its line end */
    bool (*run)(struct invocation *v, struct error *e);
};

/* Of each command that reads a file of events whole. */
#define OPTION_MEMORY                                                                              \
    {                                                                                              \
        "memory", 0, "SIZE", "memory for the events of a file; a larger one is sorted on disk"     \
    }

struct option_given {
    const struct option *option;
    const char *value; /* NULL for a switch */
};

/* One command line, parsed. */
struct invocation {
    const struct command *command; /* NULL: none was named */
    struct option_given given[OPTIONS_GIVEN_MAX];
    uint32_t given_count;
    const char *argument[ARGUMENTS_MAX];
    uint32_t argument_count;
    bool json;
    enum simd simd;
    struct term term;
};

extern const struct command *const commands[];
extern const size_t command_count;
extern const struct option global_options[]; /* ends with a row without name */

extern const struct command command_alert, command_case;
extern const struct command command_audit, command_explain;
extern const struct command command_erase, command_export;
extern const struct command command_backtest, command_doctor, command_size, command_status;
extern const struct command command_check, command_help, command_init, command_version;
extern const struct command command_label, command_list, command_model, command_profile,
    command_test;
extern const struct command command_demo, command_drift, command_features, command_generate,
    command_log, command_replay;
extern const struct command command_key, command_rebuild, command_reload, command_serve,
    command_user;
extern const struct command command_load, command_notify, command_produce;
extern const struct command command_mlflow;
extern const struct command command_openapi, command_sql;
extern const struct command command_daily, command_rollup;
extern const struct command command_rule, command_score, command_stream, command_top, command_train;

const struct command *command_find(struct text name);   /* or NULL */
bool command_refuse(const char *word, struct error *e); /* no such command; with the nearest */

/* Fills command, options and arguments; ERROR_USAGE with the nearest name for what is unknown.
 * A command's options stand after its name, before or after its arguments; "--" ends them. */
bool options_parse(struct invocation *v, int argc, char *const *argv, struct error *e) MUST_USE;
bool option_has(const struct invocation *v, const char *name);
const char *option_get(const struct invocation *v, const char *name); /* the last one, or NULL */
/* Left as it is where the option was not given. */
bool option_whole(const struct invocation *v, const char *name, int64_t least, int64_t most,
                  int64_t *value, struct error *e) MUST_USE;

/* Of each command that asks a running service. */
#define OPTIONS_SERVICE                                                                            \
    {"url", 0, "URL", "the service (default: server.host and server.port of the settings)"},       \
        {"key", 0, "KEY", "API key for it (default: the environment's ASSAY_KEY)"},                \
    {                                                                                              \
        "ca", 0, "FILE", "certificates to trust, for an https service of one's own (ASSAY_CA)"     \
    }

enum { SERVICE_URL_MAX = 512 };

/* Which service: --url, else where the settings (NULL: those of -c) say that it is served. `url`
 * is the peer's. */
bool invocation_service(const struct invocation *v, const struct settings *s,
                        char url[SERVICE_URL_MAX], struct http_peer *peer,
                        struct error *e) MUST_USE;
/* What to say behind a refusal: where a key is put after 401, "" after any other. */
const char *hint_of_status(int status);

/* The settings that -c names (assay.yaml), with environment and --set over them. */
bool invocation_settings(const struct invocation *v, struct settings **s, struct error *e) MUST_USE;
/* The PostgreSQL that a command works on: --url, else `store.url` of the settings that -c names,
 * else DATABASE_URL. */
struct postgres;
bool invocation_postgres(const struct invocation *v, struct postgres **p, struct error *e) MUST_USE;
/* Writes a result to stdout. */
bool print_result(struct buffer *b, struct error *e) MUST_USE;
/* The same of words that have texts of events or of people in them: what would move or colour a
 * terminal, but for line ends, is shown as "?". */
bool print_plain(struct buffer *b, struct error *e) MUST_USE;

void help_print(struct buffer *out); /* all commands */
void help_print_command(const struct command *c, struct buffer *out);

#endif
