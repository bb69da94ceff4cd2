/* /v1/views: filters that a person keeps under a name. */
#include <stdio.h>

#include "shell/run/verdict.h"
#include "shell/serve/watched.h"

struct listing {
    struct buffer *out;
    uint32_t rows;
    struct text sought;
    bool is_there;
};

static void add_view(void *context, const struct view_row *v)
{
    struct listing *l = context;

    l->is_there |= text_equal(v->name, l->sought);
    buffer_add_text(l->out, l->rows++ > 0 ? ",{\"name\":" : "{\"name\":");
    json_add_text(l->out, v->name);
    buffer_add_text(l->out, ",\"query\":");
    json_add_text(l->out, v->query);
    verdict_add_time(l->out, "changed", v->changed_us);
    buffer_add_char(l->out, '}');
}

static enum http_next answer_views(struct exchange *x, struct store *store, struct text sought,
                                   struct listing *l)
{
    char me[ACTOR_MAX];
    struct error e;

    *l = (struct listing){.out = &x->answer, .sought = sought};
    caller_words(x, me);
    buffer_clear(&x->answer);
    buffer_add_text(&x->answer, "{\"views\":[");
    if (!views_read(store, text_of(me), add_view, l, &e))
        return watch_refuse(x, &e);
    buffer_add_text(&x->answer, "]}\n");
    x->status = 200;
    return HTTP_ANSWERED;
}

enum http_next list_views(struct server *s, struct exchange *x)
{
    struct listing l;
    struct store *store;

    if (!watch_ready(s, x, &store))
        return HTTP_ANSWERED;
    return answer_views(x, store, text_of(""), &l);
}

/* The change, with the caller's views as they are then. */
static enum http_next change_views(struct server *s, struct exchange *x, const char *kind,
                                   struct text name, struct text query, bool is_removal)
{
    struct control_change change = change_of(x);
    char subject[VIEW_NAME_MAX + 8];
    struct listing l;
    struct buffer data;
    struct store *store;
    struct error e = {0};
    bool ok;

    if (!watch_ready(s, x, &store))
        return HTTP_ANSWERED;
    if (!watch_change_begin(s->o.watch, &e))
        return watch_refuse(x, &e);
    buffer_init(&data, WATCH_DATA_MAX);
    buffer_add_text(&data, "\"name\":");
    json_add_text(&data, name);
    buffer_add_text(&data, ",\"query\":");
    json_add_text(&data, query);
    snprintf(subject, sizeof subject, "view/%.*s", TEXT_ARG(name));
    change.kind = text_of(kind);
    change.subject = text_of(subject);
    answer_views(x, store, name, &l);
    ok = x->status == 200;
    if (ok && is_removal && !l.is_there)
        ok = error_set(&e, ERROR_NOT_FOUND, "there is no view of this name");
    if (ok && !is_removal && !l.is_there && l.rows >= VIEWS_MAX)
        ok = error_set(&e, ERROR_CONFLICT, "there are %d views: remove one first", VIEWS_MAX);
    ok = ok && watch_change(s->o.watch, &change, (struct text){data.bytes, data.length}, NULL, &e);
    watch_change_end(s->o.watch);
    buffer_fini(&data);
    if (ok)
        return answer_views(x, store, name, &l);
    return e.kind != ERROR_NONE ? watch_refuse(x, &e) : HTTP_ANSWERED;
}

enum http_next save_view(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"name", "query", NULL};
    struct json_document *body = body_object(s, x, known);
    struct text name, query;
    enum http_next next;
    struct error e;

    if (body == NULL)
        return HTTP_ANSWERED;
    if (!member_text(&body->root, "name", VIEW_NAME_MAX, &name, &e) ||
        !member_text(&body->root, "query", VIEW_QUERY_MAX, &query, &e)) {
        next = watch_refuse(x, &e);
    } else if (name.length == 0 || !text_is_plain(name)) {
        error_set(&e, ERROR_INVALID, "name: expected 1 to %d plain bytes", VIEW_NAME_MAX);
        next = watch_refuse(x, &e);
    } else {
        next = change_views(s, x, "view.saved", name, query, false);
    }
    json_free(body);
    return next;
}

enum http_next remove_view(struct server *s, struct exchange *x)
{
    struct text name = x->parameter;

    if (name.length == 0 || name.length > VIEW_NAME_MAX || !text_is_plain(name)) {
        problem_answer(x, 404, "there is no view of this name");
        return HTTP_ANSWERED;
    }
    return change_views(s, x, "view.removed", name, text_of(""), true);
}
