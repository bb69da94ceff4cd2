#include "shell/train/facts.h"

#include <math.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "core/decide/engine.h"

static double cell_number(const struct column *c, uint32_t row)
{
    if (c->null[row])
        return NAN;
    if (c->type == TYPE_REAL)
        return c->real[row];
    if (c->type == TYPE_DECIMAL)
        return (double)c->integer[row] / (double)DECIMAL_ONE;
    return (double)c->integer[row];
}

/* The field behind an entity (NULL: the first that is a field). */
static bool entity_field(const struct feed *f, const struct settings *s, const char *path,
                         const char *wanted, int *field, struct error *e)
{
    *field = FIELD_NONE;
    for (uint32_t i = 0; i < s->entity_count && *field == FIELD_NONE; i++) {
        if (wanted == NULL || strcmp(wanted, s->entities[i].name) == 0)
            *field = schema_find(f->schema, text_of(s->entities[i].key));
    }
    if (*field != FIELD_NONE || wanted == NULL)
        return true;
    error_set(
        e, ERROR_INVALID,
        "the key of %s is an expression: only an entity whose key is a field can be named here",
        wanted);
    return settings_blame(s, path, e);
}

/* Numbers 0..n-1 for equal keys, in order of first appearance; open addressing by token. */
enum { NUMBERING_FIRST = 1024 };

struct numbering {
    struct hash128 *token;
    uint32_t *number;
    uint64_t mask;
    uint32_t count;
};

static uint64_t numbering_slot(const struct numbering *n, struct hash128 token)
{
    uint64_t slot = token.low & n->mask;

    while (n->number[slot] != 0 &&
           (n->token[slot].low != token.low || n->token[slot].high != token.high))
        slot = (slot + 1) & n->mask;
    return slot;
}

static void numbering_grow(struct numbering *n)
{
    struct numbering old = *n;

    n->mask = old.mask > 0 ? old.mask * 2 + 1 : NUMBERING_FIRST - 1;
    n->token = mem_array(n->mask + 1, sizeof *n->token);
    n->number = mem_array(n->mask + 1, sizeof *n->number);
    for (uint64_t i = 0; old.mask > 0 && i <= old.mask; i++) {
        uint64_t slot;

        if (old.number[i] == 0)
            continue;
        slot = numbering_slot(n, old.token[i]);
        n->token[slot] = old.token[i];
        n->number[slot] = old.number[i];
    }
    mem_free(old.token);
    mem_free(old.number);
}

static uint32_t number_of(struct numbering *n, struct hash128 token)
{
    uint64_t slot = numbering_slot(n, token);

    if (n->number[slot] == 0) {
        if (2 * (uint64_t)n->count >= n->mask) {
            numbering_grow(n);
            slot = numbering_slot(n, token);
        }
        n->token[slot] = token;
        n->number[slot] = ++n->count;
    }
    return n->number[slot] - 1;
}

static struct hash128 cell_token(const struct column *c, uint32_t row)
{
    static const struct hash_key key = {1, 2};
    struct value v = column_get(c, row);

    if (v.type == TYPE_TEXT)
        return hash_token(v.text.bytes, v.text.length, &key);
    return hash_token(&v.integer, sizeof v.integer, &key);
}

/* A model is of the events that are decided and whose outcome becomes known. */
static bool is_learned(const struct schema *s, int kind)
{
    return kind == KIND_NONE || (s->kinds[kind].is_decided && schema_has(s, kind, s->label));
}

/* What is numbered in the pass: the fields behind the entity and the group; FIELD_NONE: none. */
struct collecting {
    const struct schema *schema;
    int amount, entity, group;
    struct numbering entities, groups;
};

/* Rows of equal content have equal hashes; in order of the fields. */
static uint64_t content_of(const struct frame *f, const struct schema *schema, uint32_t row)
{
    uint64_t hash = 0;

    for (uint32_t k = 0; k < f->columns; k++) {
        if ((int)k == schema->id)
            continue;
        hash = hash_mix(hash ^ (f->column[k].null[row] ? 1 : cell_token(&f->column[k], row).low));
    }
    return hash;
}

static struct text id_of(const struct column *c, uint32_t row, struct arena *texts)
{
    struct value v = column_get(c, row);
    char number[NUMBER_TEXT_MAX];
    struct text t = v.text;

    if (c->null[row])
        return text_of("");
    if (v.type != TYPE_TEXT)
        t = (struct text){number, number_format_int(v.integer, number)};
    t.bytes = arena_text(texts, t.bytes, t.length);
    return t.bytes != NULL ? t : text_of("");
}

static void open_times(const struct schema *schema, struct row_facts *facts)
{
    facts->times = mem_array(schema->count, sizeof *facts->times);
    for (uint32_t i = 0; i < schema->count && schema->time != FIELD_NONE; i++) {
        if (schema->fields[i].type == TYPE_TIME && (int)i != schema->time)
            facts->times[facts->time_count++].field = (int)i;
    }
}

static void collect_row(struct collecting *c, const struct frame *f, uint32_t i,
                        struct row_facts *facts)
{
    const struct schema *schema = c->schema;
    uint64_t at = facts->rows++;

    if (facts->learns != NULL)
        facts->learns[at] = is_learned(schema, frame_kind(f, i, schema));
    facts->learning += facts->learns == NULL || facts->learns[at];
    facts->time_us[at] = schema->time != FIELD_NONE ? f->column[schema->time].integer[i] : 0;
    facts->label[at] =
        schema->label != FIELD_NONE ? engine_label_of(&f->column[schema->label], i) : LABEL_UNKNOWN;
    if (facts->amount != NULL)
        facts->amount[at] = cell_number(&f->column[c->amount], i);
    if (facts->entity != NULL)
        facts->entity[at] = number_of(&c->entities, cell_token(&f->column[c->entity], i));
    if (facts->group != NULL)
        facts->group[at] = number_of(&c->groups, cell_token(&f->column[c->group], i));
    if (facts->content != NULL)
        facts->content[at] = content_of(f, schema, i);
    if (facts->id != NULL)
        facts->id[at] = id_of(&f->column[schema->id], i, &facts->texts);
    for (uint32_t k = 0; k < facts->time_count; k++) {
        struct time_fact *t = &facts->times[k];

        if (f->column[t->field].null[i])
            continue;
        t->rows++;
        t->later += f->column[t->field].integer[i] > facts->time_us[at];
    }
}

static bool collect_rows(struct collecting *c, struct feed *f, struct row_facts *facts,
                         struct error *e)
{
    const struct frame *frame = NULL;
    bool ok = feed_begin(f, false, e);

    while (ok && (ok = feed_next(f, &frame, e)) && frame != NULL) {
        for (uint32_t i = 0; i < frame->rows; i++)
            collect_row(c, frame, i, facts);
    }
    return ok;
}

bool row_facts_collect(struct feed *f, const struct settings *s, struct row_facts *facts,
                       struct error *e)
{
    const struct validate_setting *v = &s->model.validate;
    uint64_t rows = f->counts.rows;
    struct collecting c = {.schema = f->schema, .amount = FIELD_NONE};
    bool ok;

    if (f->schema->label == FIELD_NONE && settings_recipe(s)->recipe.kind != MODEL_ISOLATION)
        return error_set(e, ERROR_INVALID,
                         "there is no label to learn from: name the field that says fraud or not "
                         "under event.label in the settings; without any, model.kind: isolation "
                         "learns what is unusual");
    if (!entity_field(f, s, "model.validate.drop_known", v->drop_known, &c.entity, e) ||
        !entity_field(f, s, "model.validate.group", v->group, &c.group, e))
        return false;
    if (s->event.amount != NULL)
        c.amount = schema_find(f->schema, text_of(s->event.amount));
    *facts = (struct row_facts){0};
    facts->time_us = mem_array(rows, sizeof *facts->time_us);
    facts->label = mem_array(rows, 1);
    if (f->schema->kind != FIELD_NONE)
        facts->learns = mem_array(rows, 1);
    if (c.amount != FIELD_NONE && type_is_number(f->schema->fields[c.amount].type))
        facts->amount = mem_array(rows, sizeof *facts->amount);
    if (c.entity != FIELD_NONE)
        facts->entity = mem_array(rows, sizeof *facts->entity);
    if (v->group != NULL)
        facts->group = mem_array(rows, sizeof *facts->group);
    if (v->by == VALIDATE_STRATIFIED || v->by == VALIDATE_FOLDS)
        facts->content = mem_array(rows, sizeof *facts->content);
    arena_init(&facts->texts, FACTS_IDS_MAX * 64);
    if (f->schema->id != FIELD_NONE && rows <= FACTS_IDS_MAX)
        facts->id = mem_array(rows, sizeof *facts->id);
    open_times(f->schema, facts);
    numbering_grow(&c.entities);
    numbering_grow(&c.groups);
    ok = collect_rows(&c, f, facts, e);
    mem_free(c.entities.token);
    mem_free(c.entities.number);
    mem_free(c.groups.token);
    mem_free(c.groups.number);
    return ok;
}

void row_facts_free(struct row_facts *facts)
{
    mem_free(facts->time_us);
    mem_free(facts->label);
    mem_free(facts->amount);
    mem_free(facts->entity);
    mem_free(facts->group);
    mem_free(facts->learns);
    mem_free(facts->content);
    mem_free(facts->id);
    mem_free(facts->times);
    arena_fini(&facts->texts);
    *facts = (struct row_facts){0};
}
