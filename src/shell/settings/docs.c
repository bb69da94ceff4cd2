/* docs/settings.md, from the table of keys. */
#include "core/base/memory.h"
#include "shell/settings/keys.h"
#include "shell/settings/value.h"

static const char docs_head[] =
    "# Settings\n"
    "\n"
    "Made from the table in `src/shell/settings/keys.c` by `assay help settings`.\n"
    "\n"
    "Settings are one YAML file, `assay.yaml` unless `-c FILE` names another. Relative paths start "
    "at its folder.\n"
    "`*` stands for a name of yours. Durations are whole numbers with `s`, `m`, `h`, `d` or `w`; "
    "sizes have `B`, `KiB`, `MiB`, `GiB` or `TiB`.\n"
    "`${NAME}` takes a value from the environment, `${NAME:-default}` with a default; `$${` is a "
    "plain `${`. `file:PATH` reads a secret from a file.\n"
    "\n"
    "A key whose whole path is known here can be set from outside: `ASSAY_SERVER_PORT=9090` in the "
    "environment goes over the file, `--set server.port=9090` goes over both.\n"
    "`assay check --resolved` prints every value and where it came from.\n";

/* The default: what the row says, or what code puts into fresh settings. */
static void print_default(const struct key *k, const struct settings *fresh, struct buffer *out)
{
    if (k->flags & KEY_REQUIRED) {
        buffer_add_text(out, "required");
    } else if (k->computed != NULL) {
        buffer_add_text(out, k->computed);
    } else if (k->standard != NULL) {
        buffer_format(out, "`%s`", k->standard);
    } else if (k->kind == KEY_WHOLE || k->kind == KEY_REAL) {
        buffer_add_char(out, '`');
        setting_print(k, (const char *)fresh, false, out);
        buffer_add_char(out, '`');
    } else {
        buffer_add_text(out, "none");
    }
}

static void print_row(const struct key *k, const struct settings *fresh, struct buffer *out)
{
    struct buffer expected;

    buffer_init(&expected, ERROR_TEXT_MAX);
    setting_expected(k, &expected);
    buffer_format(out, "| `%s` | %s | ", k->path, buffer_text(&expected));
    if (k->kind == KEY_SECTION)
        buffer_add_text(out, " ");
    else
        print_default(k, fresh, out);
    buffer_format(out, " | %s |\n", k->words);
    buffer_fini(&expected);
}

void settings_print_docs(struct buffer *out)
{
    struct settings *fresh = settings_new();

    buffer_add_text(out, docs_head);
    for (size_t i = 0; i < key_count; i++) {
        const struct key *k = &keys[i];
        bool is_top = strchr(k->path, '.') == NULL;

        if (k->flags & KEY_TWIN)
            continue;
        if (is_top)
            buffer_format(out, "\n## %s\n\n%s\n", k->path, k->words);
        if (is_top && k->kind == KEY_SECTION && key_below(k, NULL) == NULL)
            continue;
        if (is_top)
            buffer_add_text(out, "\n| key | takes | default | what it is |\n|---|---|---|---|\n");
        if (!is_top || k->kind != KEY_SECTION)
            print_row(k, fresh, out);
    }
    settings_free(fresh);
}
