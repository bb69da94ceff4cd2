#include "shell/run/carrier.h"

#include <string.h>

#include "core/base/number.h"
#include "core/data/event.h"
#include "shell/run/unseal.h"

enum { FOREIGN_TEXT_MAX = 64 << 20 };

struct carrier {
    struct plans *plans;
    const struct schema *to;
    struct plan *from; /* the plan of the records now read; NULL at first */
    uint32_t from_seq;
    bool is_same;         /* both schemas have the same fields */
    struct frame foreign; /* one row under `from`'s schema */
    int *field;           /* target field -> field of `from`, or FIELD_NONE */
    struct unseal unseal;
    const char *kind; /* of events of `from`, where it has no kinds and the target has */
};

struct carrier *carrier_new(struct plans *plans, const struct plan *plan)
{
    struct carrier *c = mem_alloc(sizeof *c);

    c->plans = plans;
    unseal_init(&c->unseal, plans);
    c->to = plan_schema(plan);
    c->field = mem_array(c->to->count, sizeof *c->field);
    return c;
}

static void drop_from(struct carrier *c)
{
    if (c->from != NULL)
        frame_fini(&c->foreign);
    plan_unref(c->from);
    c->from = NULL;
}

void carrier_free(struct carrier *c)
{
    if (c == NULL)
        return;
    drop_from(c);
    unseal_fini(&c->unseal);
    mem_free(c->field);
    mem_free(c);
}

static bool same_fields(const struct schema *a, const struct schema *b)
{
    if (a->count != b->count || a->time != b->time || a->kind != b->kind)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->fields[i].type != b->fields[i].type ||
            strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return false;
    }
    return true;
}

/* Where kinds of event came or went, the id and the time may be called otherwise: they are the
 * same. */
static int source_of(const struct schema *from, const struct schema *to, int field)
{
    int at = schema_find(from, text_of(to->fields[field].name));

    if (from->kind == to->kind)
        return at;
    if (field == to->time && from->time != FIELD_NONE)
        return from->time;
    if (field == to->id && from->id != FIELD_NONE)
        return from->id;
    return at;
}

/* Events from before there were kinds are of the kind that is decided. */
static const char *first_decided(const struct schema *s)
{
    for (uint32_t i = 0; i < s->kind_count; i++) {
        if (s->kinds[i].is_decided)
            return s->kinds[i].name;
    }
    return NULL;
}

static bool read_under(struct carrier *c, uint32_t plan_seq, struct error *e)
{
    const struct schema *from;
    struct plan *p;

    if (c->from != NULL && c->from_seq == plan_seq)
        return true;
    if (!plans_get(c->plans, plan_seq, &p, e))
        return false;
    drop_from(c);
    c->from = p;
    c->from_seq = plan_seq;
    from = plan_schema(p);
    frame_init(&c->foreign, from, 1, FOREIGN_TEXT_MAX);
    c->is_same = same_fields(from, c->to);
    for (uint32_t i = 0; i < c->to->count; i++)
        c->field[i] = source_of(from, c->to, (int)i);
    c->kind = from->kind == FIELD_NONE ? first_decided(c->to) : NULL;
    return true;
}

static void carry_cell(struct column *to, uint32_t row, const struct column *from)
{
    struct value v = column_get(from, 0);
    int64_t scaled;

    if (v.is_null || v.type == to->type) {
        v.type = to->type;
        column_set(to, row, &v);
        return;
    }
    column_set_null(to, row);
    if (v.type == TYPE_INT && to->type == TYPE_DECIMAL &&
        !__builtin_mul_overflow(v.integer, DECIMAL_ONE, &scaled)) {
        v = (struct value){.type = TYPE_DECIMAL, .integer = scaled};
        column_set(to, row, &v);
    } else if (to->type == TYPE_REAL && (v.type == TYPE_INT || v.type == TYPE_DECIMAL)) {
        double scale = v.type == TYPE_DECIMAL ? (double)DECIMAL_ONE : 1.0;

        v = (struct value){.type = TYPE_REAL, .real = (double)v.integer / scale};
        column_set(to, row, &v);
    }
}

static bool keep_text(struct frame *f, struct column *c, struct error *e)
{
    struct text *t = &c->text[f->rows];

    t->bytes = arena_text(&f->text, t->bytes, t->length);
    if (t->bytes != NULL)
        return true;
    column_set_null(c, f->rows);
    return error_set(e, ERROR_FULL, "texts of a batch are over their limit of %zu MiB",
                     f->text.limit_bytes >> 20);
}

static bool carry_row(const struct carrier *c, struct frame *into, struct error *e)
{
    for (uint32_t i = 0; i < into->columns; i++) {
        struct column *to = &into->column[i];

        if ((int)i == c->to->kind && c->kind != NULL) {
            struct value v = {.type = TYPE_TEXT, .text = text_of(c->kind)};

            column_set(to, into->rows, &v);
            continue;
        }
        if (c->field[i] == FIELD_NONE) {
            column_set_null(to, into->rows);
            continue;
        }
        carry_cell(to, into->rows, &c->foreign.column[c->field[i]]);
        if (to->type == TYPE_TEXT && !to->null[into->rows] && !keep_text(into, to, e))
            return false;
    }
    into->rows++;
    return true;
}

bool carrier_decode(struct carrier *c, const struct record *r, uint32_t plan_seq, struct text event,
                    struct frame *into, bool *is_erased, struct error *e)
{
    struct reader in;

    if (!read_under(c, plan_seq, e))
        return false;
    reader_init(&in, event.bytes, event.length);
    if (c->is_same)
        return event_decode(&in, c->to, into, e) &&
               unseal_add(&c->unseal, r, c->to, into, is_erased, e);
    frame_clear(&c->foreign);
    return event_decode(&in, plan_schema(c->from), &c->foreign, e) &&
           unseal_add(&c->unseal, r, plan_schema(c->from), &c->foreign, is_erased, e) &&
           carry_row(c, into, e);
}

struct text carrier_personal(const struct carrier *c)
{
    return c->unseal.personal;
}

const struct schema *carrier_source(const struct carrier *c)
{
    return c->from != NULL ? plan_schema(c->from) : NULL;
}
