#include "shell/run/current.h"

#include <string.h>

#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"
#include "shell/run/lookup.h"
#include "shell/run/shard_key.h"
#include "shell/run/shared_layout.h"
#include "shell/run/token_key.h"

static bool fetch(const struct settings *s, const char *directory, struct current *c,
                  struct error *e)
{
    struct data_artifacts shared;

    return registry_refresh(directory, data_artifacts(s, &shared), REGISTRY_IN_FORCE, c->warning,
                            e);
}

static bool read_model(const struct settings *s, enum current_use use, struct current *c,
                       struct error *e)
{
    char directory[DATA_PATH_MAX];

    if (!settings_has_model(s))
        return true;
    if (!data_directory(s, directory, e) || (use != CURRENT_CACHED && !fetch(s, directory, c, e)))
        return false;
    if (!registry_champion(directory, c->model_path, e))
        return e->kind == ERROR_NOT_FOUND && c->warning[0] != 0
                   ? error_set(e, ERROR_WORLD, "%s, and there is no champion", c->warning)
                   : false;
    return file_read(c->model_path, &c->model, e) &&
           (c->model.length > 0 || error_set(e, ERROR_INVALID,
                                             "%s is empty: the model is damaged; hint: run "
                                             "`assay train` again, or take the file from a copy",
                                             c->model_path));
}

/* The registry's model of that alias, where it has one that is not the champion. */
static bool read_rival(const char *directory, const struct aliases *a, enum alias alias,
                       struct model **m, struct error *e)
{
    const struct model_id *id = &a->model[alias], *champion = &a->model[ALIAS_CHAMPION];
    char path[REGISTRY_PATH_MAX];
    struct buffer bytes;
    bool ok;

    *m = NULL;
    if (!a->is_set[alias] || (strcmp(id->name, champion->name) == 0 &&
                              version_compare(id->version, champion->version) == 0))
        return true;
    buffer_init(&bytes, MODEL_BYTES_MAX);
    ok = registry_path(directory, id, "model", path, e) && file_read(path, &bytes, e) &&
         (model_parse(bytes.bytes, bytes.length, m, e) || error_prefix(e, "%s", path));
    buffer_fini(&bytes);
    return ok;
}

/* The bytes of the champion with the models that are scored beside it; as they are without any. */
static bool add_rivals(const struct settings *s, struct current *c, struct error *e)
{
    static const enum alias alias[MODEL_RIVALS] = {ALIAS_CHALLENGER, ALIAS_SHADOW};
    char directory[DATA_PATH_MAX];
    struct model *champion, *rival[MODEL_RIVALS] = {NULL};
    struct aliases a;
    bool ok = true;

    if (!s->model.rivals || c->model.length == 0)
        return true;
    if (!data_directory(s, directory, e) || !registry_aliases(directory, &a, e))
        return false;
    for (int r = 0; r < MODEL_RIVALS && ok; r++)
        ok = !a.is_set[ALIAS_CHAMPION] || read_rival(directory, &a, alias[r], &rival[r], e);
    if (!ok || (rival[RIVAL_CHALLENGER] == NULL && rival[RIVAL_SHADOW] == NULL) ||
        !model_parse(c->model.bytes, c->model.length, &champion, e)) {
        model_free(rival[RIVAL_CHALLENGER]);
        model_free(rival[RIVAL_SHADOW]);
        return ok && rival[RIVAL_CHALLENGER] == NULL && rival[RIVAL_SHADOW] == NULL;
    }
    for (int r = 0; r < MODEL_RIVALS; r++) {
        if (rival[r] != NULL)
            model_set_rival(champion, (enum model_rival)r, rival[r]);
    }
    if (rival[RIVAL_CHALLENGER] != NULL)
        model_set_challenger_share(champion, s->model.challenger);
    buffer_clear(&c->model);
    model_format(champion, &c->model);
    model_free(champion);
    return !c->model.overflow ||
           error_set(e, ERROR_FULL, "champion, challenger and shadow have over %d MiB together",
                     MODEL_BYTES_MAX >> 20);
}

/* The fields of the events that the model was trained on travel in its notes. */
static bool schema_of_model(const struct current *c, struct schema **schema, struct error *e)
{
    struct model *m;
    struct settings *trained;
    bool ok;

    if (!model_parse(c->model.bytes, c->model.length, &m, e))
        return error_prefix(e, "%s", c->model_path);
    ok = settings_parse(text_of(model_notes(m)->settings), c->model_path, &trained, e);
    if (ok) {
        *schema = settings_schema(trained);
        settings_free(trained);
        ok = *schema != NULL ||
             error_set(e, ERROR_INVALID, "%s does not say what fields it was trained on",
                       c->model_path);
    }
    model_free(m);
    return ok;
}

/* The fields of reference tables, unless they are said too. */
static bool add_tables(const struct settings *s, struct schema *schema, struct error *e)
{
    struct lookups *l;
    bool ok;

    if (schema->count > 0 && schema->fields[schema->count - 1].is_looked_up)
        return true;
    if (!lookups_open(s, schema, NULL, &l, e))
        return false;
    ok = lookups_extend(l, s, schema, e);
    lookups_free(l);
    return ok;
}

/* Events that come by Kafka alone: their fields as they are said, else as what is in the topic has
 * them. */
static bool schema_of_topic(const struct settings *s, struct schema **schema, struct error *e)
{
    *schema = settings_schema(s);
    if (*schema != NULL)
        return add_tables(s, *schema, e);
    return feed_schema(s, NULL, schema, e) ||
           error_prefix(e, "the fields of the events are not known: say them under `schema:`, or "
                           "by a `file` beside `kafka`, or train a model first");
}

static bool has_file(const struct settings *s)
{
    for (uint32_t i = 0; i < s->source_count; i++) {
        const struct source_setting *source = &s->sources[i];

        if (source->kafka != NULL && source->file == NULL && source->table == NULL &&
            source->query == NULL)
            return false;
    }
    return true;
}

static bool read_token_key(struct settings *s, bool make, struct error *e)
{
    char directory[DATA_PATH_MAX];

    return data_shard_directory(s, directory, e) &&
           token_key_load(directory, make, &s->token_key, e);
}

/* With what several nodes share: the plan again, over events that bring the values of it. */
static bool share(struct settings *s, struct schema *schema, struct current *c, struct error *e)
{
    uint32_t fields = schema->count;

    if (!shard_key_check_nodes(s, c->made.plan, e) || !shared_extend(s, c->made.plan, schema, e))
        return error_prefix(e, "%s", s->path);
    if (schema->count == fields)
        return true;
    made_plan_fini(&c->made);
    return plan_make(s, schema, c->model.length > 0 ? c->model.bytes : NULL, c->model.length,
                     &c->made, e);
}

bool current_open(struct settings *s, const char *path, enum current_use use, struct current *c,
                  struct error *e)
{
    struct schema *schema = NULL;
    bool ok = true;

    *c = (struct current){0};
    buffer_init(&c->model, MODEL_BYTES_MAX);
    ok = read_token_key(s, use == CURRENT_SERVED, e);
    if (ok && use != CURRENT_MODEL_NOT_USED)
        ok = read_model(s, use, c, e) && add_rivals(s, c, e);
    ok = ok && (c->model.length > 0            ? schema_of_model(c, &schema, e)
                : path == NULL && !has_file(s) ? schema_of_topic(s, &schema, e)
                                               : feed_schema(s, path, &schema, e));
    ok = ok &&
         plan_make(s, schema, c->model.length > 0 ? c->model.bytes : NULL, c->model.length,
                   &c->made, e) &&
         (use != CURRENT_SERVED || share(s, schema, c, e));
    schema_free(schema);
    if (!ok)
        current_close(c);
    return ok;
}

void current_close(struct current *c)
{
    made_plan_fini(&c->made);
    buffer_fini(&c->model);
}
