/* docs/functions.md, from the tables of functions and aggregates. */
#include "core/lang/lang.h"

static const char head[] =
    "# Functions and aggregates\n"
    "\n"
    "Made from the tables `src/core/lang/function_docs.c` and `aggregate_docs.c` by `assay help "
    "functions`; every example on it is a test. The language itself is in [language.md]"
    "(language.md).\n"
    "\n"
    "A function is null where an argument is null, and where its column `null where` says so.\n";

static const char of_text[] =
    "Positions and lengths count characters. Letters change case and count as such in ASCII only.\n"
    "\n"
    "A `pattern` is a regular expression of PCRE2, a literal that is compiled with the plan; a "
    "wrong one is refused with its place. `\\w`, `\\d`, `\\s` and `[[:alpha:]]` mean ASCII, `.` is "
    "a character, `(?i)` ignores case; `\\p`, `\\P`, `\\X` and script runs are refused, since "
    "their meaning changes with the machine's Unicode version. At most 32 groups. A search takes "
    "at most 10,000 steps from each place in the text, and goes back at most 10,000 levels; past "
    "that it is null.\n";

static const char of_likeness[] =
    "They compare characters as they are: put `lower(...)` around both where case does not count. "
    "The work is up to 512 x 512 steps; longer texts give null.\n";

static const char of_time[] =
    "A `zone` is a literal: an offset such as `'+07:00'`, `'UTC'`, or a name of the time zone "
    "database such as `'Asia/Jakarta'`. Without one it is `time_zone` of the settings, else UTC. "
    "The rules of a named zone are read from the machine once, when the settings are compiled "
    "(`$TZDIR`, else `/usr/share/zoneinfo`), and become part of the plan. Weeks start on Monday.\n";

static const char of_places[] = "The sphere has a radius of 6,371.0088 km (haversine formula).\n";

static const struct {
    const char *group, *words;
} notes[] = {
    {"Text", of_text},
    {"Likeness of texts", of_likeness},
    {"Time", of_time},
    {"Places", of_places},
};

static const char aggregates_head[] =
    "\n## Aggregates\n\n"
    "`mean(amount) by customer over 7d delay 1d prior where (country = 'ID')`: over the earlier "
    "events of the same key, this one counted unless `prior`. Nulls are skipped. The examples are "
    "values at the last of these events; a label is known a day after its event.\n";

/* A cell of a table: | would end it. */
static void add_cell(struct buffer *out, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '|')
            buffer_add_char(out, '\\');
        buffer_add_char(out, *text);
    }
}

static void add_code(struct buffer *out, const char *text)
{
    buffer_add_text(out, "`");
    add_cell(out, text);
    buffer_add_text(out, "`");
}

/* The columns that functions and aggregates share. */
static void add_row(struct buffer *out, const char *signature, const char *summary,
                    const char *nulls, const char *example, const char *result)
{
    buffer_add_text(out, "| ");
    add_code(out, signature);
    buffer_add_text(out, " | ");
    add_cell(out, summary);
    buffer_add_text(out, " | ");
    add_cell(out, nulls);
    buffer_add_text(out, " | ");
    add_code(out, example);
    buffer_add_text(out, " | ");
    add_code(out, result);
    buffer_add_text(out, " |\n");
}

static void add_group(struct buffer *out, const char *group)
{
    buffer_format(out, "\n## %s\n\n", group);
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (strcmp(notes[i].group, group) == 0)
            buffer_format(out, "%s\n", notes[i].words);
    }
    buffer_add_text(out, "| function | what | null where | example | value |\n"
                         "|---|---|---|---|---|\n");
}

static void add_history(struct buffer *out)
{
    const struct history *h = lang_history();

    buffer_add_text(out, "\n|");
    for (int i = 0; i < HISTORY_FIELDS; i++)
        buffer_format(out, " %s |", h->field[i].name);
    buffer_add_text(out, "\n|");
    for (int i = 0; i < HISTORY_FIELDS; i++)
        buffer_add_text(out, "---|");
    for (uint32_t row = 0; row < h->events; row++) {
        buffer_add_text(out, "\n|");
        for (int i = 0; i < HISTORY_FIELDS; i++)
            buffer_format(out, " %s |", h->event[row][i]);
    }
    buffer_add_char(out, '\n');
}

static void add_aggregates(struct buffer *out)
{
    size_t count;
    const struct aggregate_info *info = lang_aggregates(&count);

    buffer_add_text(out, aggregates_head);
    add_history(out);
    buffer_add_text(out, "\n| aggregate | what | of nothing | example | value |\n"
                         "|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        add_row(out, info[i].signature, info[i].summary, info[i].nulls, info[i].example,
                info[i].result);
}

void lang_print_functions(struct buffer *out)
{
    size_t count;
    const struct function_info *info = lang_functions(&count);

    buffer_add_text(out, head);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(info[i].group, info[i - 1].group) != 0)
            add_group(out, info[i].group);
        add_row(out, info[i].signature, info[i].summary, info[i].nulls, info[i].example,
                info[i].result);
    }
    add_aggregates(out);
}
