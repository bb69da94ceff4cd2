/* The query as a whole: which values are columns, in which stage, and the text around them. */
#include "core/lang/sql.h"

#include <stdio.h>
#include <string.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/lang/sql_build.h"

enum { INLINE_MAX = 2000 }; /* bytes of an expression that is not a column */

static const char *const sql_types[TYPES] = {"boolean", "bigint", "numeric", "double precision",
                                             "text",    "bigint", "bigint"};

bool sql_dialect_find(struct text name, enum sql_dialect *dialect, struct error *e)
{
    if (!text_is(name, "postgres"))
        return error_set(e, ERROR_INVALID,
                         "dialect: expected postgres, found \"%.*s\": no other is supported yet",
                         (int)(name.length > 40 ? 40 : name.length), name.bytes);
    *dialect = SQL_POSTGRES;
    return true;
}

/* ---- pieces of text */

void sql_add_name(struct buffer *out, struct text name)
{
    buffer_add_char(out, '"');
    for (size_t i = 0; i < name.length; i++) {
        if (name.bytes[i] == '"')
            buffer_add_char(out, '"');
        buffer_add_char(out, name.bytes[i]);
    }
    buffer_add_char(out, '"');
}

static void add_text(struct buffer *out, struct text t)
{
    bool has_backslash = memchr(t.bytes, '\\', t.length) != NULL;

    buffer_add_text(out, has_backslash ? "E'" : "'");
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] == '\'' || t.bytes[i] == '\\')
            buffer_add_char(out, t.bytes[i]);
        buffer_add_char(out, t.bytes[i]);
    }
    buffer_add_char(out, '\'');
}

/* As an operand of anything: a sign is inside parentheses. */
void sql_add_value(struct buffer *out, const struct value *v)
{
    char digits[NUMBER_TEXT_MAX];

    if (v->is_null) {
        buffer_format(out, "NULL::%s", sql_types[v->type]);
        return;
    }
    switch (v->type) {
    case TYPE_BOOL:
        buffer_add_text(out, v->integer ? "true" : "false");
        return;
    case TYPE_TEXT:
        add_text(out, v->text);
        buffer_add_text(out, "::text");
        return;
    case TYPE_REAL:
        number_format_real(v->real, digits);
        break;
    case TYPE_DECIMAL:
        number_format_decimal(v->integer, digits);
        break;
    default:
        number_format_int(v->integer, digits);
    }
    buffer_format(out, digits[0] == '-' ? "(%s)::%s" : "%s::%s", digits, sql_types[v->type]);
}

/* ---- which nodes are needed */

static bool is_folded(const struct node *n)
{
    return n->kind == NODE_CONSTANT || n->is_constant;
}

/* `user` writes the text of `node` so many times. */
static void use(struct sql_query *q, int node, uint32_t mentions, uint32_t owner)
{
    struct sql_value *v;

    if (node < 0)
        return;
    v = &q->values[node];
    v->uses += mentions;
    if (owner < v->owner)
        v->owner = owner;
}

/* Users have larger numbers than what they use. Aggregates read columns. */
static void find_uses(struct sql_query *q)
{
    const struct program *p = q->program;

    for (uint32_t i = 0; i < p->count; i++)
        q->values[i].owner = UINT32_MAX;
    for (uint32_t i = 0; i < q->feature_count; i++)
        use(q, q->features[i].node, 2, i);
    for (uint32_t i = p->count; i-- > 0;) {
        const struct node *n = &p->nodes[i];
        uint32_t owner = q->values[i].owner;

        if (owner == UINT32_MAX || is_folded(n))
            continue;
        for (uint32_t k = 0; n->kind == NODE_CALL && k < n->count; k++)
            use(q, n->args[k], sql_call_mentions(p, n, k), owner);
        if (n->kind == NODE_AGGREGATE) {
            const struct aggregate *a = p->aggregates[n->param];

            use(q, a->operand, 2, owner);
            use(q, a->where, 2, owner);
            for (int k = 0; k < a->key_count; k++)
                use(q, a->keys[k], 2, owner);
        }
    }
}

/* ---- columns */

const char *sql_column(struct sql_query *q, const char *name, struct buffer *text, int stage)
{
    struct sql_column *c;
    char made[64];

    for (uint32_t i = 0; name == NULL && i < q->column_count; i++) {
        if (q->columns[i].stage == stage && strcmp(q->columns[i].text, buffer_text(text)) == 0)
            return q->columns[i].name;
    }
    if (q->column_count == q->column_capacity) {
        q->column_capacity = q->column_capacity > 0 ? q->column_capacity * 2 : 64;
        q->columns = mem_resize(q->columns, q->column_capacity, sizeof *q->columns);
    }
    c = &q->columns[q->column_count++];
    *c = (struct sql_column){.stage = stage, .text = mem_text(text->bytes, text->length)};
    if (name == NULL) {
        snprintf(made, sizeof made, "%.40s%u", buffer_text(&q->prefix), ++q->names);
        name = made;
    }
    c->name = mem_text(name, strlen(name));
    return c->name;
}

/* The feature's own name where the node is one's value. */
static void name_column(const struct sql_query *q, uint32_t node, struct buffer *name)
{
    for (uint32_t i = 0; i < q->feature_count; i++) {
        if (q->features[i].node == (int)node) {
            sql_add_name(name, text_of(q->features[i].name));
            return;
        }
    }
}

static void place_value(struct sql_query *q, uint32_t node, struct buffer *text, int stage)
{
    struct sql_value *v = &q->values[node];
    struct buffer name;
    const char *column;

    v->stage = stage;
    if (v->uses < 2 && text->length <= INLINE_MAX) {
        v->text = mem_text(text->bytes, text->length);
        return;
    }
    buffer_init(&name, SQL_TEXT_MAX);
    name_column(q, node, &name);
    column = sql_column(q, name.length > 0 ? buffer_text(&name) : NULL, text, ++v->stage);
    v->text = mem_text(column, strlen(column));
    buffer_fini(&name);
}

/* ---- nodes */

static bool refuse(const struct sql_query *q, uint32_t node, const char *why, struct error *e)
{
    struct buffer text;

    buffer_init(&text, LANG_CANONICAL_MAX);
    program_print(q->program, (int)node, &text);
    error_set(e, ERROR_INVALID, "%.200s%s has no exact form in postgres: %s", buffer_text(&text),
              text.length > 200 ? "..." : "", why);
    buffer_fini(&text);
    return false;
}

static void value_folded(struct sql_query *q, uint32_t node)
{
    struct value v = column_get(&q->constants.column[node], 0);
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    sql_add_value(&text, &v);
    q->values[node].text = mem_text(text.bytes, text.length);
    buffer_fini(&text);
}

static void value_field(struct sql_query *q, uint32_t node)
{
    const struct program *p = q->program;
    struct buffer text;

    buffer_init(&text, SQL_TEXT_MAX);
    sql_add_name(&text, text_of(p->schema->fields[p->nodes[node].param].name));
    q->values[node].text = mem_text(text.bytes, text.length);
    buffer_fini(&text);
}

static bool value_call(struct sql_query *q, uint32_t node, struct error *e)
{
    const struct node *n = &q->program->nodes[node];
    const char *why = sql_call_refusal(q->program, n);
    struct buffer text;
    int stage = 0;

    if (why != NULL)
        return refuse(q, node, why, e);
    for (uint32_t i = 0; i < n->count; i++) {
        if (q->values[n->args[i]].stage > stage)
            stage = q->values[n->args[i]].stage;
    }
    buffer_init(&text, SQL_TEXT_MAX);
    sql_add_call(q, n, &text);
    place_value(q, node, &text, stage);
    buffer_fini(&text);
    return true;
}

static bool value_aggregate(struct sql_query *q, uint32_t node, struct error *e)
{
    const struct aggregate *a = q->program->aggregates[q->program->nodes[node].param];
    const char *why = sql_aggregate_refusal(a);
    struct buffer text;
    int stage;

    if (why != NULL)
        return refuse(q, node, why, e);
    buffer_init(&text, SQL_TEXT_MAX);
    sql_add_aggregate(q, a, &text, &stage);
    place_value(q, node, &text, stage);
    buffer_fini(&text);
    return true;
}

static bool make_values(struct sql_query *q, uint32_t *at, struct error *e)
{
    const struct program *p = q->program;

    for (uint32_t i = 0; i < p->count; i++) {
        if (q->values[i].owner == UINT32_MAX)
            continue;
        *at = q->values[i].owner;
        if (is_folded(&p->nodes[i]))
            value_folded(q, i);
        else if (p->nodes[i].kind == NODE_FIELD)
            value_field(q, i);
        else if (!(p->nodes[i].kind == NODE_AGGREGATE ? value_aggregate : value_call)(q, i, e))
            return false;
    }
    *at = q->feature_count;
    return true;
}

/* ---- the text */

/* An event's field as the query keeps it. Adding 0 makes 0 of -0. */
static void add_field(struct buffer *out, const struct field *f)
{
    struct buffer name;

    buffer_init(&name, SQL_TEXT_MAX);
    sql_add_name(&name, text_of(f->name));
    if (f->type == TYPE_TIME)
        buffer_format(out, "(extract(epoch FROM %s) * 1000000)::bigint", buffer_text(&name));
    else
        buffer_format(out,
                      f->type == TYPE_REAL      ? "%s::%s + 0"
                      : f->type == TYPE_DECIMAL ? "round(%s::%s, 6)"
                                                : "%s::%s",
                      buffer_text(&name), sql_types[f->type]);
    buffer_fini(&name);
}

/* True fraud, false legitimate, null unknown: engine_label_of in SQL. */
static void add_label_column(struct buffer *out, const struct field *f)
{
    struct buffer name;

    buffer_init(&name, SQL_TEXT_MAX);
    sql_add_name(&name, text_of(f->name));
    if (f->type == TYPE_BOOL)
        buffer_add_text(out, buffer_text(&name));
    else if (f->type == TYPE_TEXT)
        buffer_format(out,
                      "CASE WHEN lower(%s) IN ('fraud', 'true', 'yes', 'y', '1') THEN true WHEN "
                      "lower(%s) IN ('legit', 'legitimate', 'false', 'no', 'n', '0', 'genuine') "
                      "THEN false END",
                      buffer_text(&name), buffer_text(&name));
    else
        buffer_format(out, "%s <> 0", buffer_text(&name));
    buffer_fini(&name);
}

static void add_table(struct buffer *out, struct text table)
{
    while (table.length > 0) {
        const char *dot = memchr(table.bytes, '.', table.length);
        size_t length = dot != NULL ? (size_t)(dot - table.bytes) : table.length;

        sql_add_name(out, (struct text){table.bytes, length});
        if (dot == NULL)
            return;
        buffer_add_char(out, '.');
        table.bytes += length + 1;
        table.length -= length + 1;
    }
}

static bool is_read(const struct sql_query *q, int field)
{
    const struct program *p = q->program;

    if (field == p->schema->id)
        return true;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->nodes[i].kind == NODE_FIELD && p->nodes[i].param == field)
            return q->values[i].owner != UINT32_MAX;
    }
    return false;
}

/* The rows in the engine's order, with the columns that are read. */
static void add_base(struct sql_query *q, struct buffer *out)
{
    const struct schema *s = q->program->schema;
    const char *prefix = buffer_text(&q->prefix);

    buffer_add_text(out, "WITH s0 AS (\n  SELECT row_number() OVER (ORDER BY ");
    sql_add_name(out, text_of(s->fields[s->time].name));
    buffer_add_text(out, ", ");
    sql_add_name(out, q->options->arrival);
    buffer_format(out, ") AS %spos,\n    ", prefix);
    add_field(out, &s->fields[s->time]);
    buffer_format(out, " AS %sus", prefix);
    for (int i = 0; i < (int)s->count; i++) {
        if (!is_read(q, i))
            continue;
        buffer_add_text(out, ",\n    ");
        add_field(out, &s->fields[i]);
        buffer_add_text(out, " AS ");
        sql_add_name(out, text_of(s->fields[i].name));
    }
    if (q->needs_label) {
        buffer_add_text(out, ",\n    ");
        add_label_column(out, &s->fields[s->label]);
        buffer_format(out, " AS %slabel", prefix);
    }
    buffer_add_text(out, "\n  FROM ");
    add_table(out, q->options->table);
    buffer_add_text(out, "\n)");
}

/* OFFSET 0 keeps the planner from writing a stage's expressions into the next, which could double
 * the text at each of them; a window function does that by itself. */
static void add_stage(const struct sql_query *q, int stage, struct buffer *out)
{
    bool has_window = false;

    buffer_format(out, ", s%d AS (\n  SELECT *", stage);
    for (uint32_t i = 0; i < q->column_count; i++) {
        const struct sql_column *c = &q->columns[i];

        if (c->stage != stage)
            continue;
        buffer_format(out, ",\n    %s AS %s", c->text, c->name);
        has_window |= strstr(c->text, " OVER (") != NULL;
    }
    buffer_format(out, "\n  FROM s%d%s\n)", stage - 1, has_window ? "" : " OFFSET 0");
}

static void add_result(const struct sql_query *q, const char *name, const char *text,
                       enum type type, struct buffer *out)
{
    if (type == TYPE_TIME)
        buffer_format(
            out,
            "timestamp '0001-01-01' + (%s + 62135596800000000) / 86400000000 * interval "
            "'1 day' + (%s + 62135596800000000) %% 86400000000 * interval '1 microsecond'",
            text, text);
    else
        buffer_format(out, "%s::%s", text, sql_types[type]);
    buffer_add_text(out, " AS ");
    sql_add_name(out, text_of(name));
}

/* Of several kinds of event only those that are decided have a row. */
static void add_decided(const struct sql_query *q, struct buffer *out)
{
    const struct schema *s = q->program->schema;
    const char *comma = "";

    if (s->kind == FIELD_NONE)
        return;
    buffer_add_text(out, "WHERE coalesce(");
    sql_add_name(out, text_of(KIND_FIELD));
    buffer_add_text(out, " IN (");
    for (uint32_t i = 0; i < s->kind_count; i++) {
        struct value v = {.type = TYPE_TEXT, .text = text_of(s->kinds[i].name)};

        if (!s->kinds[i].is_decided)
            continue;
        buffer_add_text(out, comma);
        sql_add_value(out, &v);
        comma = ", ";
    }
    buffer_add_text(out, "), true)\n");
}

static void add_results(const struct sql_query *q, int last, struct buffer *out)
{
    const struct schema *s = q->program->schema;
    struct buffer id;

    buffer_init(&id, SQL_TEXT_MAX);
    if (s->id != FIELD_NONE)
        sql_add_name(&id, text_of(s->fields[s->id].name));
    else
        buffer_format(&id, "%.40spos", q->prefix.bytes);
    buffer_add_text(out, "\nSELECT ");
    add_result(q, s->id != FIELD_NONE ? s->fields[s->id].name : "row", buffer_text(&id),
               s->id != FIELD_NONE ? s->fields[s->id].type : TYPE_INT, out);
    for (uint32_t i = 0; i < q->feature_count; i++) {
        int node = q->features[i].node;

        buffer_add_text(out, ",\n  ");
        add_result(q, q->features[i].name, q->values[node].text, q->program->nodes[node].type, out);
    }
    buffer_format(out, "\nFROM s%d\n", last);
    add_decided(q, out);
    buffer_add_text(out, "ORDER BY ");
    buffer_format(out, "%.40spos;\n", q->prefix.bytes);
    buffer_fini(&id);
}

static int last_stage(const struct sql_query *q)
{
    int last = 0;

    for (uint32_t i = 0; i < q->column_count; i++)
        last = q->columns[i].stage > last ? q->columns[i].stage : last;
    return last;
}

/* ---- checks before and after */

static bool check_name(struct text name, const char *what, struct error *e)
{
    if (name.length > 0 && name.length <= SQL_NAME_MAX)
        return true;
    return error_set(e, ERROR_INVALID, "%s \"%.*s\": expected a name of 1 to %d bytes, found %zu",
                     what, (int)(name.length > 80 ? 80 : name.length), name.bytes, SQL_NAME_MAX,
                     name.length);
}

static bool check_names(const struct sql_query *q, uint32_t *at, struct error *e)
{
    const struct schema *s = q->program->schema;

    *at = q->feature_count;
    if (s->time == FIELD_NONE)
        return error_set(e, ERROR_INVALID,
                         "expected event.time: without it the order of events is that of receipt, "
                         "which a table does not have");
    if (!check_name(q->options->arrival, "arrival", e))
        return false;
    for (int i = 0; i < (int)s->count; i++) {
        if ((is_read(q, i) || i == s->time || i == s->label) &&
            !check_name(text_of(s->fields[i].name), "field", e))
            return false;
    }
    for (uint32_t i = 0; i < q->feature_count; i++) {
        *at = i;
        if (!check_name(text_of(q->features[i].name), "feature", e))
            return false;
    }
    *at = q->feature_count;
    return true;
}

static bool begins(const char *name, struct buffer *prefix)
{
    return strncmp(name, buffer_text(prefix), prefix->length) == 0;
}

static bool prefix_is_free(struct sql_query *q)
{
    const struct schema *s = q->program->schema;

    for (uint32_t i = 0; i < s->count; i++) {
        if (begins(s->fields[i].name, &q->prefix))
            return false;
    }
    for (uint32_t i = 0; i < q->feature_count; i++) {
        if (begins(q->features[i].name, &q->prefix))
            return false;
    }
    return true;
}

static void query_init(struct sql_query *q, const struct program *p,
                       const struct sql_feature *features, uint32_t count,
                       const struct sql_options *o)
{
    *q = (struct sql_query){
        .program = p, .features = features, .feature_count = count, .options = o};
    q->values = mem_array(p->count, sizeof *q->values);
    registers_init(&q->constants, p, 1);
    buffer_init(&q->prefix, FIELD_NAME_MAX + 2);
    do
        buffer_add_char(&q->prefix, '_');
    while (!prefix_is_free(q));
}

static void query_fini(struct sql_query *q)
{
    for (uint32_t i = 0; i < q->program->count; i++)
        mem_free(q->values[i].text);
    mem_free(q->values);
    for (uint32_t i = 0; i < q->column_count; i++) {
        mem_free(q->columns[i].name);
        mem_free(q->columns[i].text);
    }
    mem_free(q->columns);
    registers_fini(&q->constants);
    buffer_fini(&q->prefix);
}

static bool add_query(struct sql_query *q, struct buffer *out, struct error *e)
{
    int last = last_stage(q);

    if (q->column_count + q->program->schema->count + 3 > SQL_COLUMNS_MAX)
        return error_set(e, ERROR_INVALID,
                         "the query has %u columns besides the %u fields, expected at most %d "
                         "together: print fewer features at a time",
                         q->column_count, q->program->schema->count, SQL_COLUMNS_MAX - 3);
    add_base(q, out);
    for (int i = 1; i <= last; i++)
        add_stage(q, i, out);
    add_results(q, last, out);
    return !out->overflow || error_set(e, ERROR_FULL, "the query is over %zu bytes", out->max);
}

bool sql_print(const struct program *p, const struct sql_feature *features, uint32_t count,
               const struct sql_options *o, struct buffer *out, uint32_t *at, struct error *e)
{
    struct sql_query q;
    struct buffer text;
    bool ok;

    ASSERT(p->is_finished);
    query_init(&q, p, features, count, o);
    buffer_init(&text, SQL_TEXT_MAX);
    find_uses(&q);
    ok = check_names(&q, at, e) && make_values(&q, at, e) && add_query(&q, &text, e);
    if (ok)
        buffer_add_slice(out, (struct text){text.bytes, text.length});
    buffer_fini(&text);
    query_fini(&q);
    return ok;
}
