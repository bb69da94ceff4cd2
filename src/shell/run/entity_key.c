#include "shell/run/entity_key.h"

#include <string.h>

#include "core/base/number.h"
#include "core/data/json.h"

enum { KEY_WORDS_MAX = 4096 };

/* ---- kinds ---- */

struct only_field {
    int field;
    uint32_t count;
};

static void take_field(void *context, int field)
{
    struct only_field *o = context;

    o->field = field;
    o->count++;
}

/* The field that the node is, as it is; FIELD_NONE where it is computed. */
static int field_of_node(const struct plan *p, int node)
{
    struct only_field only = {FIELD_NONE, 0};
    struct buffer words, name;
    bool is_field;

    program_fields(plan_program(p), node, take_field, &only);
    if (only.count != 1)
        return FIELD_NONE;
    buffer_init(&words, KEY_WORDS_MAX);
    buffer_init(&name, KEY_WORDS_MAX);
    program_print(plan_program(p), node, &words);
    buffer_format(&name, "`%s`", plan_schema(p)->fields[only.field].name);
    is_field = strcmp(buffer_text(&words), buffer_text(&name)) == 0 ||
               strcmp(buffer_text(&words), plan_schema(p)->fields[only.field].name) == 0;
    buffer_fini(&words);
    buffer_fini(&name);
    return is_field ? only.field : FIELD_NONE;
}

static bool is_there(const struct entity_kind *kind, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(kind[i].name, name) == 0)
            return true;
    }
    return false;
}

uint32_t entity_kinds(const struct plan *p, struct entity_kind kind[ENTITY_KINDS_MAX])
{
    const struct program *program = plan_program(p);
    uint32_t count = 0, aggregates = program != NULL ? program_aggregate_count(program) : 0;

    for (uint32_t i = 0; i < aggregates && count < ENTITY_KINDS_MAX; i++) {
        const struct aggregate *a = program_aggregate(program, i);

        if (a->key_count != 1 || is_there(kind, count, a->key_name))
            continue;
        kind[count] = (struct entity_kind){a->key_name, field_of_node(p, a->keys[0])};
        count += kind[count].field != FIELD_NONE;
    }
    return count;
}

/* ---- keys ---- */

bool entity_key_text(const struct column *c, uint32_t row, struct buffer *out)
{
    struct value v = column_get(c, row);
    char words[(int)NUMBER_TEXT_MAX + (int)TIME_TEXT_MAX];

    if (v.is_null)
        return false;
    switch (v.type) {
    case TYPE_TEXT:
        buffer_add_slice(out, v.text);
        break;
    case TYPE_REAL:
        buffer_add(out, words, number_format_real(v.real, words));
        break;
    case TYPE_DECIMAL:
        buffer_add(out, words, number_format_decimal(v.integer, words));
        break;
    case TYPE_TIME:
        buffer_add(out, words, time_format(v.integer, words));
        break;
    default:
        buffer_add(out, words, number_format_int(v.integer, words));
    }
    return true;
}

/* ---- features ---- */

struct by_kind {
    const char *kind;
    bool reads;
};

static void take_window(void *context, const struct aggregate *a)
{
    struct by_kind *b = context;

    b->reads = b->reads || strcmp(a->key_name, b->kind) == 0;
}

void entity_features_json(const struct plan *p, const struct registers *r, uint32_t row,
                          const char *kind, struct buffer *out)
{
    const char *comma = "";

    buffer_add_char(out, '{');
    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        struct by_kind b = {kind, false};
        int node = plan_feature_node(p, i);
        struct value v;

        program_aggregates(plan_program(p), node, take_window, &b);
        if (!b.reads)
            continue;
        v = column_get(&r->column[node], row);
        buffer_add_text(out, comma);
        json_add_text(out, text_of(plan_feature_name(p, i)));
        buffer_add_char(out, ':');
        json_add_value(out, &v);
        comma = ",";
    }
    buffer_add_char(out, '}');
}
