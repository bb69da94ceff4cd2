#include "shell/serve/sparse.h"

#include <string.h>

#include "core/base/memory.h"
#include "shell/serve/outline.h"

struct wanted {
    struct text name[SPARSE_FIELDS_MAX];
    unsigned count;
};

static bool split(const char *list, struct wanted *w)
{
    w->count = 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");

        if (w->count == SPARSE_FIELDS_MAX)
            return false;
        w->name[w->count++] = (struct text){at, length};
        at += length;
        if (*at == 0)
            return true;
    }
}

bool sparse_check(struct exchange *x)
{
    const struct route *r = x->route;
    const char *list = r->rows != NULL ? exchange_query(x, "fields") : NULL;
    struct buffer known;
    struct wanted w;

    if (list == NULL)
        return true;
    if (!split(list, &w)) {
        problem_answer(x, 400, "query parameter fields: over %d names", SPARSE_FIELDS_MAX);
        return false;
    }
    for (unsigned i = 0; i < w.count; i++) {
        if (outline_has(r->row_outline, w.name[i]))
            continue;
        buffer_init(&known, ERROR_TEXT_MAX);
        outline_names(r->row_outline, &known);
        problem_answer(x, 400, "query parameter fields: \"%.*s\" is none of %s",
                       (int)(w.name[i].length < 64 ? w.name[i].length : 64), w.name[i].bytes,
                       buffer_text(&known));
        buffer_fini(&known);
        return false;
    }
    return true;
}

/* ---- writing a document again ---- */

static bool is_wanted(const struct wanted *w, struct text name)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (text_equal(w->name[i], name))
            return true;
    }
    return false;
}

static void write_object(const struct json *v, const struct wanted *w, struct buffer *out)
{
    bool is_first = true;

    buffer_add_char(out, '{');
    for (uint32_t i = 0; i < v->count; i++) {
        if (!is_wanted(w, v->keys[i]))
            continue;
        if (!is_first)
            buffer_add_char(out, ',');
        is_first = false;
        json_add_text(out, v->keys[i]);
        buffer_add_char(out, ':');
        json_add_json(out, &v->items[i]);
    }
    buffer_add_char(out, '}');
}

static void write_rows(const struct json *v, const struct wanted *w, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < v->count; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        if (v->items[i].kind == JSON_OBJECT)
            write_object(&v->items[i], w, out);
        else
            json_add_json(out, &v->items[i]);
    }
    buffer_add_char(out, ']');
}

static void write_answer(const struct json *root, const char *rows, const struct wanted *w,
                         struct buffer *out)
{
    buffer_add_char(out, '{');
    for (uint32_t i = 0; i < root->count; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_add_text(out, root->keys[i]);
        buffer_add_char(out, ':');
        if (text_is(root->keys[i], rows) && root->items[i].kind == JSON_ARRAY)
            write_rows(&root->items[i], w, out);
        else
            json_add_json(out, &root->items[i]);
    }
    buffer_add_text(out, "}\n");
}

void sparse_apply(struct server *s, struct exchange *x)
{
    const struct route *r = x->route;
    const char *list = exchange_query(x, "fields");
    struct json_document *d;
    struct buffer sparse;
    struct wanted w;
    struct error e;

    if (list == NULL || !split(list, &w))
        return;
    d = json_parse(seat_get(s)->json, x->answer.bytes, x->answer.length, &e);
    if (d == NULL) {
        problem_answer(x, 500, "the answer cannot be cut down: %s", e.text);
        return;
    }
    buffer_init(&sparse, HTTP_ANSWER_BYTES_MAX);
    write_answer(&d->root, r->rows, &w, &sparse);
    buffer_fini(&x->answer);
    x->answer = sparse;
    json_free(d);
}
