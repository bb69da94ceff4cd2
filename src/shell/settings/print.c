/* Settings as YAML again, row by row of the table of keys. */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/settings/keys.h"
#include "shell/settings/origins.h"
#include "shell/settings/value.h"
#include "shell/settings/yaml.h"

struct printing {
    const struct settings *settings;
    struct buffer *out;
    unsigned flags;                      /* only keys that have these */
    bool with_origins;                   /* a comment after each value */
    const struct recipe_setting *recipe; /* NULL, or: options of other kinds are left out */
    struct buffer path;
};

static void print_key(struct printing *p, const struct key *k, const char *base, int depth);

static size_t path_push(struct printing *p, struct text name)
{
    size_t before = p->path.length;

    if (before > 0)
        buffer_add_char(&p->path, '.');
    buffer_add_slice(&p->path, name);
    return before;
}

static void print_indent(struct printing *p, int depth)
{
    for (int i = 0; i < depth; i++)
        buffer_add_text(p->out, "  ");
}

static void print_origin(struct printing *p)
{
    const struct origin *o = origins_find(p->settings->origins, buffer_text(&p->path));

    if (!p->with_origins)
        return;
    if (o == NULL)
        buffer_add_text(p->out, "  # default");
    else if (o->words != NULL)
        buffer_format(p->out, "  # %s", o->words);
    else
        buffer_format(p->out, "  # %s:%u", p->settings->path, o->line);
}

static void print_name(struct printing *p, struct text name, int depth)
{
    print_indent(p, depth);
    yaml_print(name, false, p->out);
    buffer_add_char(p->out, ':');
}

static void print_below(struct printing *p, const struct key *parent, const char *base, int depth)
{
    for (const struct key *k = key_below(parent, NULL); k != NULL; k = key_below(parent, k)) {
        size_t before;

        if (!key_is_named(k))
            continue;
        before = path_push(p, text_of(key_last(k)));
        print_key(p, k, base, depth);
        p->path.length = before;
    }
}

static void print_array(struct printing *p, const struct key *k, const char *base, int depth);

static bool key_has_below(const struct key *k)
{
    return k->kind == KEY_SECTION || k->kind == KEY_ENTRIES || k->kind == KEY_RECORDS;
}

static bool has_scalars_only(const struct key *section)
{
    for (const struct key *k = key_below(section, NULL); k != NULL; k = key_below(section, k)) {
        if (key_has_below(k))
            return false;
    }
    return true;
}

/* A section of which nothing but its shorthand is given. */
static const struct key *only_shorthand(const struct key *each, const char *element)
{
    const struct key *found = NULL;

    for (const struct key *k = key_below(each, NULL); k != NULL; k = key_below(each, k)) {
        if (!setting_is_given(k, element))
            continue;
        if (found != NULL || each->shorthand == NULL || strcmp(key_last(k), each->shorthand) != 0)
            return NULL;
        found = k;
    }
    return found;
}

/* One element of an array under a name: "customer: customer_id" or a section. */
static void print_entry(struct printing *p, const struct key *each, const char *element, int depth)
{
    struct text name = text_of(*(char *const *)element);
    size_t before = path_push(p, name);

    print_name(p, name, depth);
    if (each->kind == KEY_SECTION && has_scalars_only(each) && only_shorthand(each, element)) {
        each = only_shorthand(each, element);
        path_push(p, text_of(key_last(each)));
    }
    if (each->kind == KEY_ENTRIES) {
        buffer_add_char(p->out, '\n');
        print_array(p, each, element, depth + 1);
    } else if (each->kind == KEY_SECTION) {
        size_t start = p->out->length;

        buffer_add_char(p->out, '\n');
        print_below(p, each, element, depth + 1);
        if (p->out->length == start + 1) { /* nothing said: still an entry */
            p->out->length = start;
            buffer_add_text(p->out, " {}\n");
        }
    } else {
        buffer_add_char(p->out, ' ');
        setting_print(each, element, false, p->out);
        print_origin(p);
        buffer_add_char(p->out, '\n');
    }
    p->path.length = before;
}

static void print_flow_entries(struct printing *p, const struct key *k, const char *base)
{
    const char *array = *(char *const *)(base + k->at);
    uint32_t count = *(const uint32_t *)(base + k->count_at);
    const struct key *each = key_find(k, text_of("*"));

    buffer_add_char(p->out, '{');
    for (uint32_t i = 0; i < count; i++) {
        const char *element = array + i * k->bytes;

        buffer_add_text(p->out, i > 0 ? ", " : "");
        yaml_print(text_of(*(char *const *)element), true, p->out);
        buffer_add_text(p->out, ": ");
        setting_print(each, element, true, p->out);
    }
    buffer_add_char(p->out, '}');
}

/* What stands below a key of a record: "{a: 1, b: {c: 2}}". */
static void print_flow(struct printing *p, const struct key *parent, const char *base)
{
    const char *comma = "";

    buffer_add_char(p->out, '{');
    for (const struct key *k = key_below(parent, NULL); k != NULL; k = key_below(parent, k)) {
        size_t start = p->out->length;

        if (!key_is_named(k) || (!key_has_below(k) && !setting_is_given(k, base)))
            continue;
        buffer_format(p->out, "%s%s: ", comma, key_last(k));
        if (k->kind == KEY_SECTION)
            print_flow(p, k, base);
        else if (k->kind == KEY_ENTRIES)
            print_flow_entries(p, k, base);
        else
            setting_print(k, base, true, p->out);
        if (p->out->length >= 2 && memcmp(p->out->bytes + p->out->length - 2, "{}", 2) == 0 &&
            key_has_below(k))
            p->out->length = start; /* a heading with nothing under it is none */
        else
            comma = ", ";
    }
    buffer_add_char(p->out, '}');
}

/* One map of a list, on one line. */
static void print_record(struct printing *p, const struct key *each, const char *element, int depth)
{
    print_indent(p, depth);
    buffer_add_text(p->out, "- ");
    print_flow(p, each, element);
    buffer_add_char(p->out, '\n');
}

static void print_array(struct printing *p, const struct key *k, const char *base, int depth)
{
    const char *array = *(char *const *)(base + k->at);
    uint32_t count = *(const uint32_t *)(base + k->count_at);
    const struct key *each = key_find(k, text_of("*"));

    for (uint32_t i = 0; i < count; i++) {
        if (k->kind == KEY_RECORDS)
            print_record(p, each, array + i * k->bytes, depth);
        else
            print_entry(p, each, array + i * k->bytes, depth);
    }
}

static bool is_of_another_kind(const struct recipe_setting *r, const struct key *k)
{
    enum model_kind kind;

    return r != NULL && k->kind == KEY_SECTION && model_kind_find(key_last(k), &kind) &&
           kind != r->recipe.kind;
}

static void print_key(struct printing *p, const struct key *k, const char *base, int depth)
{
    size_t start = p->out->length, below;

    if (is_of_another_kind(p->recipe, k))
        return;

    if (k->kind != KEY_SECTION && (k->flags & p->flags) != p->flags)
        return;
    if (!key_has_below(k) && !setting_is_given(k, base))
        return;
    print_name(p, text_of(key_last(k)), depth);
    if (!key_has_below(k)) {
        buffer_add_char(p->out, ' ');
        setting_print(k, base, false, p->out);
        print_origin(p);
        buffer_add_char(p->out, '\n');
        return;
    }
    buffer_add_char(p->out, '\n');
    below = p->out->length;
    if (k->kind != KEY_SECTION)
        print_array(p, k, base, depth + 1);
    if (k->kind != KEY_RECORDS)
        print_below(p, k, base, depth + 1);
    if (p->out->length == below) /* a heading with nothing under it is none */
        p->out->length = start;
}

static void print_all(struct printing *p)
{
    buffer_init(&p->path, KEY_PATH_MAX);
    print_below(p, NULL, (const char *)p->settings, 0);
    buffer_fini(&p->path);
}

void settings_print(const struct settings *s, bool with_origins, struct buffer *out)
{
    struct printing p = {.settings = s, .out = out, .with_origins = with_origins};

    print_all(&p);
}

/* The rules of the zones that the program has, in the order in which it asked for them. */
static void fix_zones(struct settings *fixed, const struct program *program)
{
    uint32_t count = program != NULL ? program_zone_count(program) : 0;

    fixed->zones = mem_array(count, sizeof *fixed->zones);
    fixed->zone_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct zone *z = program_zone(program, i);
        struct buffer rules;

        buffer_init(&rules, ZONE_TEXT_MAX);
        zone_format(z, &rules);
        fixed->zones[i] = (struct named_setting){z->name, mem_text(rules.bytes, rules.length)};
        buffer_fini(&rules);
    }
}

void settings_print_plan(const struct settings *s, const struct schema *schema,
                         const struct program *program, struct buffer *out)
{
    struct settings fixed = *s;
    struct printing p = {.settings = &fixed, .out = out, .flags = KEY_DECIDES};

    fix_zones(&fixed, program);

    fixed.kinds = mem_array(schema->kind_count, sizeof *fixed.kinds);
    for (uint32_t i = 0; i < schema->kind_count; i++) { /* how times are written is known now */
        fixed.kinds[i] = s->kinds[i];
        fixed.kinds[i].has_layout = true;
        fixed.kinds[i].layout = schema->kinds[i].layout;
    }
    fixed.schema = mem_array(schema->count, sizeof *fixed.schema);
    fixed.schema_count = schema->count;
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *f = &schema->fields[i];

        fixed.schema[i] = (struct schema_setting){
            .name = f->name,
            .type = f->type,
            .layout = f->layout,
            .point = f->point,
            .group = f->group,
            .personal = f->is_personal,
            .looked_up = f->is_looked_up,
            .kinds = mem_array(schema->kind_count, sizeof(char *)),
        };
        for (uint32_t k = 0; k < schema->kind_count; k++) {
            if (f->kinds >> k & 1)
                fixed.schema[i].kinds[fixed.schema[i].kind_count++] = schema->kinds[k].name;
        }
    }
    print_all(&p);
    for (uint32_t i = 0; i < fixed.zone_count; i++)
        mem_free(fixed.zones[i].source);
    mem_free(fixed.zones);
    for (uint32_t i = 0; i < schema->count; i++)
        mem_free(fixed.schema[i].kinds);
    mem_free(fixed.schema);
    mem_free(fixed.kinds);
}

/* A copy whose goals have the scores that were found. */
static struct threshold_setting *with_scores(const struct threshold_setting *t, uint32_t count,
                                             const struct goal_found *found, uint32_t goals)
{
    struct threshold_setting *copy = mem_array(count, sizeof *copy);

    for (uint32_t i = 0; i < count; i++) {
        struct goal g = threshold_goal(&t[i]);

        copy[i] = t[i];
        for (uint32_t k = 0; k < goals && g.kind != GOAL_NONE; k++) {
            if (found[k].goal.kind != g.kind || found[k].goal.value != g.value ||
                found[k].score < 0)
                continue;
            copy[i].has_score = true;
            copy[i].score = found[k].score;
        }
    }
    return copy;
}

void settings_print_trained(const struct settings *s, const struct schema *schema,
                            const struct program *program, const struct goal_found *found,
                            uint32_t count, struct buffer *out)
{
    struct settings fixed = *s;

    fixed.decision = with_scores(s->decision, s->decision_count, found, count);
    fixed.profiles = mem_array(s->profile_count, sizeof *fixed.profiles);
    for (uint32_t i = 0; i < s->profile_count; i++) {
        fixed.profiles[i] = s->profiles[i];
        fixed.profiles[i].thresholds =
            with_scores(s->profiles[i].thresholds, s->profiles[i].count, found, count);
    }
    settings_print_plan(&fixed, schema, program, out);
    for (uint32_t i = 0; i < s->profile_count; i++)
        mem_free(fixed.profiles[i].thresholds);
    mem_free(fixed.profiles);
    mem_free(fixed.decision);
}

static void print_recipe(const struct settings *s, const struct recipe_setting *r, int depth,
                         struct buffer *out)
{
    struct printing p = {.settings = s, .out = out, .recipe = r};

    buffer_init(&p.path, KEY_PATH_MAX);
    print_below(&p, key_find(key_find(NULL, text_of("models")), text_of("*")), (const char *)r,
                depth);
    buffer_fini(&p.path);
}

void settings_print_recipe(const struct settings *s, const struct recipe_setting *r,
                           struct buffer *out)
{
    print_recipe(s, r, 0, out);
    for (uint32_t i = 0; i < r->member_count; i++) {
        const struct recipe_setting *member = settings_model(s, r->members[i].name);

        buffer_add_text(out, i == 0 ? "models:\n  " : "  ");
        yaml_print(text_of(member->name), false, out);
        buffer_add_text(out, ":\n");
        print_recipe(s, member, 2, out);
    }
}
