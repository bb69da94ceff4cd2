/* `assay init FILE`: looks at the data and writes settings that train without an edit. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/cmd/draft.h"
#include "shell/os/file.h"
#include "shell/source/profile.h"

enum { CATEGORIES_MAX = 64 /* different texts that are still a category */ };

static const struct option init_options[] = {
    {"output", 'o', "FILE", "where to write (default: assay.yaml)"},
    {"force", 'f', NULL, "write over a file that is there"},
    {0},
};

/* One run of the command. */
struct initing {
    struct invocation *invocation;
    const char *output;
    char file[PATH_MAX]; /* of the data, as the settings will name it */
    char name[NAME_MAX + 1];
    struct source *source;
    struct profile *profile;
    const struct profile_guesses *guesses;
    struct draft draft;
    struct draft_role *left; /* room for all fields */
    bool is_trainable;
    struct buffer text;
};

/* Relative paths in settings start at their folder; elsewhere only an absolute one is sure. */
static bool name_file(struct initing *n, const char *path, struct error *e)
{
    const char *base = strrchr(path, '/');
    size_t length;

    if (strcmp(path, "-") == 0)
        return error_set(e, ERROR_USAGE,
                         "init: expected a file: settings name it, and standard "
                         "input has no name");
    if (strchr(n->output, '/') == NULL || strpbrk(path, "*?[") != NULL)
        snprintf(n->file, sizeof n->file, "%s", path);
    else if (realpath(path, n->file) == NULL)
        return error_set(e, ERROR_NOT_FOUND, "no file \"%s\"", path);
    base = base != NULL ? base + 1 : path;
    length = strcspn(base, ".*?[");
    snprintf(n->name, sizeof n->name, "%.*s", (int)length, base);
    if (n->name[0] == 0)
        snprintf(n->name, sizeof n->name, "transactions");
    return true;
}

static bool refuse_overwrite(const struct initing *n, struct error *e)
{
    if (option_has(n->invocation, "force") || !file_exists(n->output))
        return true;
    return error_set(e, ERROR_CONFLICT,
                     "\"%s\" is there already: use --force to write over it, or -o to write "
                     "elsewhere",
                     n->output);
}

static bool look(struct initing *n, const char *path, struct error *e)
{
    const struct profile_options profile = {.progress = term_progress(&n->invocation->term)};
    struct source_options o;

    source_options_init(&o, path);
    if (!source_open(&o, &n->source, e) || !profile_source(n->source, &profile, &n->profile, e))
        return false;
    n->guesses = profile_guess(n->profile);
    if (n->profile->rows == 0)
        return error_set(e, ERROR_INVALID, "\"%s\" has no rows", path);
    return true;
}

/* --- from the profile to a draft ------------------------------------------------------------- */

static struct draft_role role_of(const struct initing *n, const struct profile_guess *g)
{
    if (g->field == FIELD_NONE)
        return (struct draft_role){NULL, g->reason};
    return (struct draft_role){n->profile->fields[g->field].name, g->reason};
}

static void leave(struct initing *n, const struct profile_field *f, const char *why)
{
    n->left[n->draft.left_count++] = (struct draft_role){f->name, why};
}

static bool is_merchant_like(const char *name)
{
    static const char *const names[] = {"terminal", "merchant", "receiver", "payee"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Two fields may be of one kind ("card" by number and by name): then each has its own name. */
static void entity_name(const struct draft *d, struct draft_entity *entity, const char *wanted)
{
    snprintf(entity->name, sizeof entity->name, "%s", wanted);
    for (uint32_t i = 0; i < d->entity_count; i++) {
        if (strcmp(d->entity[i].name, wanted) == 0)
            draft_entity_name(entity->field, entity->name);
    }
}

static void take_entities(struct initing *n)
{
    const struct profile_guesses *g = n->guesses;
    struct draft *d = &n->draft;

    for (uint32_t i = 0; i < g->entity_count; i++) {
        const struct profile_guess *is = &g->entities[i].is;
        struct draft_entity *entity = &d->entity[d->entity_count];

        if (d->entity_count == DRAFT_ENTITIES_MAX) {
            leave(n, &n->profile->fields[is->field], "one more kind of entity; four are taken");
            continue;
        }
        entity->field = n->profile->fields[is->field].name;
        entity->why = is->reason;
        entity->is_merchant = is_merchant_like(g->entities[i].name);
        entity_name(d, entity, g->entities[i].name);
        d->entity_count++;
    }
}

static bool has_word(const char *name, const char *const *words, size_t count)
{
    char plain[DRAFT_NAME_MAX];

    draft_name(name, plain);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(words[i]);

        for (const char *at = strstr(plain, words[i]); at != NULL; at = strstr(at + 1, words[i])) {
            bool begins = at == plain || at[-1] == '_';
            bool ends = at[length] == 0 || at[length] == '_';

            if (begins && ends)
                return true;
        }
    }
    return false;
}

#define HAS_WORD(name, words) has_word((name), (words), sizeof(words) / sizeof(words)[0])

/* 0 latitude, 1 longitude, -1 neither: by name and range. */
static int place_part(const struct profile_field *f)
{
    static const char *const latitude[] = {"lat", "latitude"};
    static const char *const longitude[] = {"lon", "long", "lng", "longitude"};

    if ((f->type != TYPE_REAL && f->type != TYPE_DECIMAL) || !f->has_range)
        return -1;
    if (HAS_WORD(f->name, latitude) && f->least >= -90 && f->most <= 90)
        return 0;
    return HAS_WORD(f->name, longitude) && f->least >= -180 && f->most <= 180 ? 1 : -1;
}

static void take_place(struct initing *n, const struct profile_field *f, int part)
{
    struct draft *d = &n->draft;

    for (int i = 0; i < 2; i++) {
        if (d->place[i][part] == NULL) {
            d->place[i][part] = f->name;
            return;
        }
    }
    leave(n, f, "a third place");
}

/* Why a field that has no other part is no feature as it is; NULL: it is one, *why says as what. */
static const char *why_not(const struct profile *p, const struct profile_field *f, const char **why)
{
    static const char *const clocks[] = {"time", "date",    "unix",      "step",  "day",
                                         "days", "seconds", "timestamp", "month", "year"};
    static const char *const codes[] = {"id",    "num", "number",   "no",    "zip",    "code",
                                        "index", "key", "postcode", "phone", "unnamed"};

    if (f->distinct < 2)
        return "it has one value only";
    if (f->nulls * 2 > p->rows)
        return "most rows have none";
    switch (f->type) {
    case TYPE_BOOL:
        *why = "yes or no";
        return NULL;
    case TYPE_TEXT:
        *why = "a few words: a category";
        return f->distinct <= CATEGORIES_MAX ? NULL : "too many different texts for a category";
    case TYPE_TIME:
        return "a time: its distance could be a feature, days(time - it)";
    case TYPE_DURATION:
    case TYPE_DECIMAL:
    case TYPE_REAL:
    case TYPE_INT:
    default:
        *why = "a number";
        if (HAS_WORD(f->name, clocks))
            return "by its name it follows the clock: models learn dates by heart";
        if (f->type == TYPE_INT && (f->is_unique || HAS_WORD(f->name, codes)))
            return "a code or a row number, not a quantity";
        return NULL;
    }
}

static bool has_part(const struct initing *n, int field)
{
    const struct profile_guesses *g = n->guesses;
    const int parts[] = {g->id.field, g->time.field, g->amount.field, g->label.field};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i] == field)
            return true;
    }
    for (uint32_t i = 0; i < g->entity_count; i++) {
        if (g->entities[i].is.field == field)
            return true;
    }
    return false;
}

static const char *leak_reason(const struct profile_guesses *g, int field)
{
    for (uint32_t i = 0; i < g->leak_count; i++) {
        if (g->leaks[i].field == field)
            return g->leaks[i].reason;
    }
    return NULL;
}

static void take_field(struct initing *n, int field)
{
    const struct profile_field *f = &n->profile->fields[field];
    const char *leak = leak_reason(n->guesses, field), *why = NULL, *not_because;
    struct draft *d = &n->draft;

    if (has_part(n, field))
        return;
    if (leak != NULL) {
        leave(n, f, leak);
        return;
    }
    if (place_part(f) >= 0) {
        take_place(n, f, place_part(f));
        return;
    }
    not_because = why_not(n->profile, f, &why);
    if (not_because == NULL && d->input_count == DRAFT_INPUTS_MAX)
        not_because = "there are many fields already";
    if (not_because != NULL)
        leave(n, f, not_because);
    else
        d->input[d->input_count++] = (struct draft_role){f->name, why};
}

/* A label of words is read as yes and no. */
static const char *label_type(const struct profile *p, const struct profile_guess *label)
{
    enum type type;

    if (label->field == FIELD_NONE)
        return NULL;
    type = p->fields[label->field].type;
    if (type == TYPE_INT || type == TYPE_BOOL)
        return NULL;
    return type == TYPE_DECIMAL ? "int" : "bool";
}

static void make_draft(struct initing *n)
{
    const struct profile_guesses *g = n->guesses;
    struct draft *d = &n->draft;

    n->left = mem_array(n->profile->count, sizeof *n->left);
    d->left = n->left;
    d->name = n->name;
    d->file = n->file;
    d->id = role_of(n, &g->id);
    d->time = role_of(n, &g->time);
    d->amount = role_of(n, &g->amount);
    d->label = role_of(n, &g->label);
    d->label_type = label_type(n->profile, &g->label);
    if (g->time.field != FIELD_NONE) {
        const struct profile_field *f = &n->profile->fields[g->time.field];

        d->span_us = f->latest_us - f->earliest_us;
    }
    take_entities(n);
    for (uint32_t i = 0; i < n->profile->count; i++)
        take_field(n, (int)i);
    n->is_trainable = draft_format(d, &n->text);
}

/* --- the result ------------------------------------------------------------------------------ */

/* What is written must be right: it is read and compiled before it goes to the disk. */
static bool try_draft(const struct initing *n, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    const struct text text = {n->text.bytes, n->text.length};
    struct schema *schema = schema_dup(source_schema(n->source));
    struct settings *s = NULL;
    struct plan *p = NULL;
    bool ok = settings_parse(text, n->output, &s, e);

    if (ok && n->draft.label_type != NULL) {
        enum type type;
        int label = schema_find(schema, text_of(n->draft.label.field));

        if (type_find(text_of(n->draft.label_type), &type))
            schema->fields[label].type = type;
    }
    ok = ok && settings_plan(s, schema, NULL, no_id, &p, e);
    if (!ok)
        error_prefix(e,
                     "the settings made for these data do not hold, which is a mistake of assay");
    plan_unref(p);
    settings_free(s);
    schema_free(schema);
    return ok;
}

static void print_row(const struct term *t, const char *part, const struct draft_role *r,
                      struct buffer *out)
{
    buffer_format(out, "  %-10s %s%-20s%s %s\n", part, term_colour(t, COLOUR_BOLD),
                  r->field != NULL ? r->field : "-", term_colour(t, COLOUR_NONE), r->why);
}

static void print_words(const struct initing *n, struct buffer *out)
{
    const struct draft *d = &n->draft;
    const struct term *t = &n->invocation->term;

    buffer_format(out, "%s: %llu rows, %u fields\n", d->file, (unsigned long long)n->profile->rows,
                  n->profile->count);
    print_row(t, "id", &d->id, out);
    print_row(t, "time", &d->time, out);
    print_row(t, "amount", &d->amount, out);
    print_row(t, "label", &d->label, out);
    for (uint32_t i = 0; i < d->entity_count; i++) {
        const struct draft_role r = {d->entity[i].field, d->entity[i].why};

        print_row(t, d->entity[i].name, &r, out);
    }
    for (uint32_t i = 0; i < n->guesses->leak_count; i++) {
        const struct draft_role r = role_of(n, &n->guesses->leaks[i]);

        print_row(t, "left out", &r, out);
    }
    if (n->profile->rejects > 0)
        buffer_format(out, "  %llu rows could not be read\n",
                      (unsigned long long)n->profile->rejects);
    buffer_format(out, "wrote %s; next: %s\n", n->output,
                  n->is_trainable ? "assay train" : "assay check");
}

static void json_role(struct buffer *out, const char *part, const struct draft_role *r)
{
    buffer_format(out, ",\"%s\":{\"field\":", part);
    if (r->field != NULL)
        json_add_text(out, text_of(r->field));
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, ",\"why\":");
    json_add_text(out, text_of(r->why));
    buffer_add_char(out, '}');
}

static void json_list(struct buffer *out, const char *part, const struct draft_role *r,
                      uint32_t count)
{
    buffer_format(out, ",\"%s\":[", part);
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"field\":" : "{\"field\":");
        json_add_text(out, text_of(r[i].field));
        buffer_add_text(out, ",\"why\":");
        json_add_text(out, text_of(r[i].why));
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void print_json(const struct initing *n, struct buffer *out)
{
    const struct draft *d = &n->draft;
    struct draft_role entities[DRAFT_ENTITIES_MAX];

    for (uint32_t i = 0; i < d->entity_count; i++)
        entities[i] = (struct draft_role){d->entity[i].field, d->entity[i].why};
    buffer_add_text(out, "{\"settings\":");
    json_add_text(out, text_of(n->output));
    buffer_format(out, ",\"rows\":%llu,\"rejects\":%llu,\"fields\":%u",
                  (unsigned long long)n->profile->rows, (unsigned long long)n->profile->rejects,
                  n->profile->count);
    json_role(out, "id", &d->id);
    json_role(out, "time", &d->time);
    json_role(out, "amount", &d->amount);
    json_role(out, "label", &d->label);
    json_list(out, "entities", entities, d->entity_count);
    json_list(out, "inputs", d->input, d->input_count);
    json_list(out, "left_out", d->left, d->left_count);
    buffer_add_text(out, "}\n");
}

static bool print_found(struct initing *n, struct error *e)
{
    struct buffer out;
    bool ok;

    term_clear(&n->invocation->term);
    buffer_init(&out, OUTPUT_MAX);
    if (n->invocation->json)
        print_json(n, &out);
    else
        print_words(n, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool init_run(struct invocation *v, struct error *e)
{
    struct initing n = {.invocation = v, .output = option_get(v, "output")};
    const char *path = v->argument[0];
    bool ok;

    if (n.output == NULL)
        n.output = "assay.yaml";
    buffer_init(&n.text, SETTINGS_BYTES_MAX);
    ok = name_file(&n, path, e) && refuse_overwrite(&n, e) && look(&n, path, e);
    if (ok)
        make_draft(&n);
    ok = ok && try_draft(&n, e) && file_write(n.output, n.text.bytes, n.text.length, 0644, e) &&
         print_found(&n, e);
    buffer_fini(&n.text);
    mem_free(n.left);
    profile_free(n.profile);
    source_close(n.source);
    return ok;
}

const struct command command_init = {
    .name = "init",
    .group = GROUP_START,
    .summary = "looks at a file of transactions, writes settings for it",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .words = "Reads the whole file (CSV, NDJSON or JSON, also .gz and .zst; a pattern in quotes "
             "takes several),\nguesses what its fields are, and writes assay.yaml with a reason "
             "beside each guess.\nThe settings train as they are.",
    .options = init_options,
    .examples = "  assay init transactions.csv\n"
                "  assay init 'data/2024-*.csv.zst' -o cards.yaml\n"
                "  assay init transactions.csv --force --json\n",
    .run = init_run,
};
