/* A feed for a plan: what its features read must be in the file. */
#include "shell/run/feed.h"

#include <stdio.h>

struct looking {
    const struct feed *feed;
    const char *part; /* the feature or rule that is looked at */
    const char *reader;
    int field; /* the first one that is missing; FIELD_NONE: none */
};

static void see_field(void *context, int field)
{
    struct looking *l = context;

    if (l->field == FIELD_NONE && l->feed->absent[field]) {
        l->field = field;
        l->reader = l->part;
    }
}

static void look_at(struct looking *l, const struct plan *p, const char *part, int node)
{
    l->part = part;
    program_fields(plan_program(p), node, see_field, l);
}

static bool has_all(const struct feed *f, const struct plan *p, struct error *e)
{
    struct looking l = {.feed = f, .field = FIELD_NONE};

    for (uint32_t i = 0; i < plan_feature_count(p); i++)
        look_at(&l, p, plan_feature_name(p, i), plan_feature_node(p, i));
    for (uint32_t i = 0; i < plan_rule_count(p); i++)
        look_at(&l, p, plan_rule_name(p, i), plan_rule_node(p, i));
    return l.field == FIELD_NONE ||
           error_set(
               e, ERROR_INVALID,
               "the events have no column \"%s\", which %s reads; hint: give the file that column "
               "(it may be empty), or take %s out of the settings and train again",
               f->schema->fields[l.field].name, l.reader, l.reader);
}

bool feed_load_for(const struct settings *s, const char *path, const struct plan *plan,
                   const struct progress *progress, struct feed *f, struct error *e)
{
    if (!feed_load(s, path, plan_schema(plan), progress, f, e))
        return false;
    if (has_all(f, plan, e))
        return true;
    feed_free(f);
    return false;
}
