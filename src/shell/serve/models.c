/* /v1/models: the registry over HTTP. */
#include <stdio.h>

#include "shell/os/clock.h"
#include "shell/registry/registry_json.h"
#include "shell/serve/inside.h"

static enum http_next refuse(struct exchange *x, const struct error *e)
{
    problem_answer(x, error_http_status(e), "%s", e->text);
    return HTTP_ANSWERED;
}

static bool has_models(const struct server *s, struct error *e)
{
    return s->o.data_directory != NULL || error_set(e, ERROR_WORLD, "this server has no models");
}

enum http_next list_models(struct server *s, struct exchange *x)
{
    struct error e;

    if (!has_models(s, &e) || !registry_list_json(s->o.data_directory, &x->answer, &e))
        return refuse(x, &e);
    buffer_add_char(&x->answer, '\n');
    x->status = 200;
    return HTTP_ANSWERED;
}

enum http_next show_model(struct server *s, struct exchange *x)
{
    struct error e;

    if (!has_models(s, &e) ||
        !registry_show_json(s->o.data_directory, x->parameter, &x->answer, &e))
        return refuse(x, &e);
    buffer_add_char(&x->answer, '\n');
    x->status = 200;
    return HTTP_ANSWERED;
}

static bool read_alias(struct exchange *x, enum alias *alias, struct error *e)
{
    const char *as = exchange_query(x, "as");

    *alias = ALIAS_CHAMPION;
    return as == NULL || alias_find(text_of(as), alias) ||
           error_set(e, ERROR_USAGE, "as: expected champion, challenger or shadow, found \"%s\"",
                     as);
}

static bool promote(struct server *s, const struct exchange *x, struct alias_change *change,
                    struct error *e)
{
    struct registry *r;
    bool ok;

    if (!has_models(s, e) || !registry_find(s->o.data_directory, x->parameter, &change->model, e) ||
        !registry_open(s->o.data_directory, s->o.artifacts, &r, e))
        return false;
    ok = registry_promote(r, change, e);
    registry_close(r);
    return ok;
}

static bool record(struct server *s, struct exchange *x, const char *id,
                   const struct alias_change *change)
{
    char subject[MODEL_ID_TEXT_MAX + 16], data[128];

    snprintf(subject, sizeof subject, "model/%s", id);
    snprintf(data, sizeof data, "{\"as\":\"%s\",\"forced\":%s}", alias_name(change->alias),
             change->is_forced ? "true" : "false");
    return server_record(s, x, "model.promoted", subject, data);
}

enum http_next promote_model(struct server *s, struct exchange *x)
{
    char by[ALIAS_BY_MAX + 1];
    struct alias_change change = {.action = "promote", .by = by, .at_us = clock_now_us()};
    char id[MODEL_ID_TEXT_MAX];
    struct error e;

    if (!body_is_empty_object(s, x, "the queries say what it becomes") ||
        !caller_by(x, by, sizeof by) || !query_bool(x, "force", &change.is_forced))
        return HTTP_ANSWERED;
    if (read_alias(x, &change.alias, &e) && promote(s, x, &change, &e)) {
        model_id_format(&change.model, id);
        if (!record(s, x, id, &change))
            return HTTP_ANSWERED;
        x->status = 200;
        buffer_format(&x->answer, "{\"model\":\"%s\",\"as\":\"%s\"}\n", id,
                      alias_name(change.alias));
        return HTTP_ANSWERED;
    }
    return refuse(x, &e);
}
