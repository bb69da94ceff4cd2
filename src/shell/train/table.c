#include "shell/train/table.h"

struct filling {
    struct table *table;
    struct plan *plan;
    const uint8_t *part;
};

static bool copy_cell(struct table *t, struct column *to, const struct column *from, uint32_t row)
{
    struct value v = column_get(from, row);

    if (v.type == TYPE_TEXT && !v.is_null) {
        v.text.bytes = arena_text(&t->text, v.text.bytes, v.text.length);
        if (v.text.bytes == NULL)
            return false;
    }
    column_set(to, t->rows, &v);
    return true;
}

static bool fill(void *context, const struct pass_batch *b, struct error *e)
{
    struct filling *f = context;
    struct table *t = f->table;

    for (uint32_t i = 0; i < b->rows; i++) {
        if (f->part[b->at + i] == 0)
            continue;
        for (uint32_t k = 0; k < t->features; k++) {
            int node = plan_feature_node(f->plan, k);

            if (!copy_cell(t, &t->column[k], &b->registers->column[node], i))
                return error_set(e, ERROR_FULL, "texts of the features are over %d MiB in all",
                                 TABLE_TEXT_MAX >> 20);
        }
        t->event[t->rows++] = b->at + i;
    }
    return true;
}

bool table_build(const struct settings *s, struct plan *p, const struct feed *f,
                 const uint8_t *part, uint32_t rows, const struct state_options *o,
                 const struct progress *progress, struct table *t, struct error *e)
{
    struct filling filling = {.table = t, .plan = p, .part = part};
    struct pass pass = {.plan = p,
                        .next_seq = 1,
                        .visit = fill,
                        .context = &filling,
                        .progress = progress,
                        .stage = "computing features"};
    struct state state;
    bool ok;

    if (!state_open(&state, p, o, e))
        return false;
    *t = (struct table){.features = plan_feature_count(p)};
    t->column = mem_array(t->features, sizeof *t->column);
    t->event = mem_array(rows, sizeof *t->event);
    arena_init(&t->text, TABLE_TEXT_MAX);
    for (uint32_t k = 0; k < t->features; k++)
        column_init(&t->column[k], program_type(plan_program(p), plan_feature_node(p, k)), rows);
    pass.engine = state.engine;
    ok = list_feed_open(s, &pass.lists, e) && pass_run(&pass, f, e);
    list_feed_close(pass.lists);
    state_close(&state);
    if (!ok)
        table_free(t);
    return ok;
}

void table_free(struct table *t)
{
    for (uint32_t k = 0; k < t->features; k++)
        column_fini(&t->column[k]);
    mem_free(t->column);
    mem_free(t->event);
    arena_fini(&t->text);
    *t = (struct table){0};
}
