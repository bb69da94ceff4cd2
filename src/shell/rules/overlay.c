#include "shell/rules/overlay.h"

#include <stdio.h>

#include "core/base/memory.h"

struct laying {
    struct overlay *overlay;
    const struct rule_trial *trial;
    bool has_trial; /* it has its place */
};

static void lay(struct overlay *o, const struct rule_trial *r)
{
    uint32_t at = o->settings.rule_count++;

    o->rules = mem_resize(o->rules, at + 1, sizeof *o->rules);
    o->rules[at] = (struct rule_setting){
        .name = mem_text(r->name.bytes, r->name.length),
        .when = mem_text(r->when.bytes, r->when.length),
        .then = mem_text(r->then.bytes, r->then.length),
        .text = r->text.length > 0 ? mem_text(r->text.bytes, r->text.length) : NULL,
        .has_shadow = r->is_shadow,
        .shadow = r->is_shadow,
    };
}

static void lay_one(void *context, const struct rule_in_force *r)
{
    struct laying *l = context;
    bool is_tried = l->trial != NULL && text_is(l->trial->name, r->name);

    l->has_trial |= is_tried;
    if (is_tried && !l->trial->is_gone)
        lay(l->overlay, l->trial);
    else if (!is_tried && r->when != NULL)
        lay(l->overlay, &(struct rule_trial){.name = text_of(r->name),
                                             .when = text_of(r->when),
                                             .then = text_of(r->then),
                                             .text = text_of(r->text),
                                             .is_shadow = r->is_shadow});
}

static bool outcome_is_known(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->outcome_count; i++) {
        if (strcmp(s->outcomes[i], name) == 0)
            return true;
    }
    return false;
}

static bool check_one(const struct overlay *o, const struct rule_setting *r, struct error *e)
{
    for (uint32_t i = 0; i < o->own; i++) {
        if (strcmp(o->rules[i].name, r->name) == 0)
            return error_set(e, ERROR_INVALID,
                             "rules.%s: the settings have a rule of this name, and so has the API: "
                             "retire that one, or name one of them otherwise",
                             r->name);
    }
    for (uint32_t i = 0; i < o->settings.check_count; i++) {
        if (strcmp(o->settings.checks[i].name, r->name) == 0)
            return error_set(e, ERROR_INVALID,
                             "rules.%s: the settings have a check of this name under validate: "
                             "name one of them otherwise",
                             r->name);
    }
    return outcome_is_known(&o->settings, r->then) ||
           error_set(e, ERROR_INVALID,
                     "rules.%s.then: \"%.64s\" is no outcome of the settings; this rule came over "
                     "the API",
                     r->name, r->then);
}

bool overlay_init(struct overlay *o, const struct settings *s, struct rule_book *b,
                  const struct rule_trial *trial, struct error *e)
{
    struct laying l = {.overlay = o, .trial = trial};

    *o = (struct overlay){.settings = *s, .own = s->rule_count};
    o->rules = mem_array(s->rule_count + 1, sizeof *o->rules);
    for (uint32_t i = 0; i < s->rule_count; i++)
        o->rules[i] = s->rules[i];
    if (b != NULL)
        rule_book_each(b, lay_one, &l);
    if (trial != NULL && !l.has_trial && !trial->is_gone)
        lay(o, trial);
    o->settings.rules = o->rules;
    if (o->settings.rule_count + o->settings.check_count > PLAN_RULES_MAX)
        return error_set(
            e, ERROR_INVALID, "rules: %u of the settings and %u of the API, at most %d are taken",
            o->own + o->settings.check_count, o->settings.rule_count - o->own, PLAN_RULES_MAX);
    for (uint32_t i = o->own; i < o->settings.rule_count; i++) {
        if (!check_one(o, &o->rules[i], e))
            return false;
    }
    return true;
}

void overlay_fini(struct overlay *o)
{
    for (uint32_t i = o->own; i < o->settings.rule_count; i++) {
        mem_free(o->rules[i].name);
        mem_free(o->rules[i].when);
        mem_free(o->rules[i].then);
        mem_free(o->rules[i].text);
    }
    mem_free(o->rules);
    *o = (struct overlay){0};
}

/* Where the error's text has "rules.NAME." or "rules.NAME:"; NULL: it is not about this rule. */
static const char *part_about(const struct error *e, const char *name)
{
    char wanted[RULE_NAME_MOST + 8];
    size_t length = (size_t)snprintf(wanted, sizeof wanted, "rules.%s", name);
    const char *at = strstr(e->text, wanted);

    while (at != NULL && at[length] != '.' && at[length] != ':')
        at = strstr(at + 1, wanted);
    return at != NULL ? at + length : NULL;
}

bool overlay_blame(const struct overlay *o, struct error *e)
{
    struct error before = *e;

    if (strstr(e->text, "the API") != NULL)
        return false; /* it says so already */
    for (uint32_t i = o->own; i < o->settings.rule_count; i++) {
        if (part_about(e, o->rules[i].name) == NULL)
            continue;
        return error_set(e, before.kind,
                         "%.800s; this rule came over the API: retire it, or write it otherwise",
                         before.text);
    }
    return false;
}

bool overlay_try(const struct settings *s, struct rule_book *b, const struct rule_trial *trial,
                 const struct schema *schema, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    char name[RULE_NAME_MOST + 1];
    struct plan *plan = NULL;
    struct overlay o;
    const char *part;
    bool ok = overlay_init(&o, s, b, trial, e) &&
              settings_plan(&o.settings, schema, NULL, no_id, &plan, e);

    plan_unref(plan);
    overlay_fini(&o);
    if (ok)
        return true;
    snprintf(name, sizeof name, "%.*s", TEXT_ARG(trial->name));
    part = part_about(e, name);
    if (part != NULL) { /* "when: 1:5: ...": the caller knows which rule */
        struct error before = *e;

        error_set(e, before.kind, "%.900s", before.text + (part - e->text) + 1);
        if (*part == ':')
            error_prefix(e, "name");
    }
    return false;
}

bool overlay_of_directory(struct overlay *o, const struct settings *s, const char *data_directory,
                          struct error *e)
{
    struct rule_book *b = rule_book_new();
    bool ok = rule_book_load(b, data_directory, e);

    if (!ok)
        *o = (struct overlay){.settings = *s, .own = s->rule_count};
    ok = ok && overlay_init(o, s, b, NULL, e);
    rule_book_free(b);
    return ok;
}
