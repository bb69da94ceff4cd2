/* The command line, by the tables of options. */
#include <string.h>

#include "core/base/number.h"
#include "shell/cmd/cmd.h"

const struct option global_options[] = {
    {"config", 'c', "FILE", "settings file (default: assay.yaml)"},
    {"set", 0, "KEY=VALUE",
     "set one key of the settings, such as server.port=9090; may be repeated"},
    {"json", 0, NULL, "results and errors as JSON on standard output"},
    {"quiet", 'q', NULL, "no progress"},
    {"help", 'h', NULL, "this help; after a command: that command's"},
    {"version", 0, NULL, "version, and what this build can do"},
    {0},
};

enum { CANDIDATES_MAX = 128 };

/* Of the command's own options (from its name on) and of the global ones. */
static const struct option *option_find(const struct command *c, struct text name, char letter)
{
    const struct option *const tables[] = {c != NULL ? c->options : NULL, global_options};

    for (int i = 0; i < 2; i++) {
        for (const struct option *o = tables[i]; o != NULL && o->name != NULL; o++) {
            if (letter != 0 ? o->letter == letter : text_is(name, o->name))
                return o;
        }
    }
    return NULL;
}

static bool refuse_option(const struct command *c, const char *dashes, struct text name,
                          struct error *e)
{
    const struct option *const tables[] = {c != NULL ? c->options : NULL, global_options};
    struct text candidate[CANDIDATES_MAX];
    size_t n = 0;
    int nearest;

    for (int i = 0; i < 2; i++) {
        for (const struct option *o = tables[i]; o != NULL && o->name != NULL && n < CANDIDATES_MAX;
             o++)
            candidate[n++] = text_of(o->name);
    }
    nearest = text_nearest(name, candidate, n);
    if (nearest >= 0)
        return error_set(e, ERROR_USAGE, "no such option \"%s%.*s\"; did you mean \"--%.*s\"?",
                         dashes, TEXT_ARG(name), TEXT_ARG(candidate[nearest]));
    return error_set(e, ERROR_USAGE, "no such option \"%s%.*s\"; `assay help%s%s` lists them",
                     dashes, TEXT_ARG(name), c != NULL ? " " : "", c != NULL ? c->name : "");
}

static bool give(struct invocation *v, const struct option *o, const char *value, struct error *e)
{
    if (v->given_count == OPTIONS_GIVEN_MAX)
        return error_set(e, ERROR_USAGE, "over %d options", OPTIONS_GIVEN_MAX);
    v->given[v->given_count++] = (struct option_given){o, value};
    return true;
}

/* One word that begins with a dash; takes the next word where the option needs one. */
static bool parse_option(struct invocation *v, const char *word, const char *next, bool *took_next,
                         struct error *e)
{
    bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    struct text name = {word + 1 + is_long, 0};
    const struct option *o;
    const char *value = NULL;

    name.length = equals != NULL ? (size_t)(equals - name.bytes) : strlen(name.bytes);
    o = option_find(v->command, name, is_long ? 0 : word[1]);
    if (o == NULL)
        return refuse_option(v->command, is_long ? "--" : "-", name, e);
    if (equals != NULL)
        value = equals + 1;
    else if (!is_long && word[2] != 0)
        value = word + 2; /* -cFILE */
    if (o->value == NULL && value != NULL)
        return error_set(e, ERROR_USAGE, "option \"--%s\" takes no value, found \"%s\"", o->name,
                         value);
    if (o->value != NULL && value == NULL) {
        if (next == NULL)
            return error_set(e, ERROR_USAGE, "option \"--%s\" needs a value: --%s %s", o->name,
                             o->name, o->value);
        value = next;
        *took_next = true;
    }
    return give(v, o, value, e);
}

bool command_refuse(const char *word, struct error *e)
{
    struct text candidate[CANDIDATES_MAX];
    int nearest;

    for (size_t i = 0; i < command_count; i++)
        candidate[i] = text_of(commands[i]->name);
    nearest = text_nearest(text_of(word), candidate, command_count);
    if (nearest >= 0)
        return error_set(e, ERROR_USAGE, "no such command \"%s\"; did you mean \"%s\"?", word,
                         commands[nearest]->name);
    return error_set(e, ERROR_USAGE, "no such command \"%s\"; `assay help` lists them", word);
}

static bool parse_word(struct invocation *v, const char *word, struct error *e)
{
    if (v->command == NULL) {
        v->command = command_find(text_of(word));
        return v->command != NULL || command_refuse(word, e);
    }
    if (v->argument_count == ARGUMENTS_MAX)
        return error_set(e, ERROR_USAGE, "over %d arguments", ARGUMENTS_MAX);
    v->argument[v->argument_count++] = word;
    return true;
}

static bool check_arguments(const struct invocation *v, struct error *e)
{
    const struct command *c = v->command;

    if (c == NULL || option_has(v, "help"))
        return true;
    if (v->argument_count < c->least)
        return error_set(e, ERROR_USAGE, "%s: expected %s; `assay help %s` tells more", c->name,
                         c->arguments, c->name);
    if (v->argument_count > c->most)
        return error_set(e, ERROR_USAGE,
                         "%s: too many arguments, from \"%s\" on; `assay help %s` "
                         "tells more",
                         c->name, v->argument[c->most], c->name);
    return true;
}

bool options_parse(struct invocation *v, int argc, char *const *argv, struct error *e)
{
    bool ended = false;

    for (int i = 1; i < argc; i++) {
        bool took_next = false;

        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && argv[i][0] == '-' && argv[i][1] != 0) {
            if (!parse_option(v, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &took_next, e))
                return false;
            i += took_next;
        } else if (!parse_word(v, argv[i], e)) {
            return false;
        }
    }
    v->json = option_has(v, "json");
    return check_arguments(v, e);
}

bool option_has(const struct invocation *v, const char *name)
{
    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, name) == 0)
            return true;
    }
    return false;
}

const char *option_get(const struct invocation *v, const char *name)
{
    const char *value = NULL;

    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, name) == 0)
            value = v->given[i].value;
    }
    return value;
}

bool option_whole(const struct invocation *v, const char *name, int64_t least, int64_t most,
                  int64_t *value, struct error *e)
{
    const char *words = option_get(v, name);
    int64_t number;

    if (words == NULL)
        return true;
    if (!number_parse_int(text_of(words), &number) || number < least || number > most)
        return error_set(e, ERROR_USAGE,
                         "option \"--%s\": expected a whole number from %lld to %lld, found \"%s\"",
                         name, (long long)least, (long long)most, words);
    *value = number;
    return true;
}
