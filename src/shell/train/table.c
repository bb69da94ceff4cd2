#include "shell/train/table.h"

struct filling {
    struct table *table;
    struct plan *plan;
    const uint8_t *part;
};

/* Rows of the batch that the table takes. */
static uint32_t choose(const struct filling *f, const struct pass_batch *b, uint32_t *row)
{
    uint32_t rows = 0;

    for (uint32_t i = 0; i < b->rows; i++) {
        if (f->part[b->at + i] != 0)
            row[rows++] = i;
    }
    return rows;
}

/* Behind the table's rows. Where nothing is null its mark is not written: memory that nobody has
 * written to costs nothing. */
static bool copy_cells(struct table *t, struct column *to, const struct column *from,
                       const uint32_t *row, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = t->rows + i;

        if (from->null[row[i]])
            to->null[at] = 1;
        if (to->type != TYPE_TEXT) {
            to->integer[at] = from->integer[row[i]];
            continue;
        }
        to->text[at] = from->text[row[i]];
        to->text[at].bytes = to->text[at].length == 0
                                 ? ""
                                 : arena_text(&t->text, to->text[at].bytes, to->text[at].length);
        if (to->text[at].bytes == NULL)
            return false;
    }
    return true;
}

static bool fill(void *context, const struct pass_batch *b, struct error *e)
{
    struct filling *f = context;
    struct table *t = f->table;
    uint32_t row[PASS_BATCH], rows = choose(f, b, row);

    for (uint32_t k = 0; k < t->features; k++) {
        int node = plan_feature_node(f->plan, k);

        if (!copy_cells(t, &t->column[k], &b->registers->column[node], row, rows))
            return error_set(e, ERROR_FULL, "texts of the features are over %d MiB in all",
                             TABLE_TEXT_MAX >> 20);
    }
    for (uint32_t i = 0; i < rows; i++)
        t->event[t->rows + i] = b->at + row[i];
    t->rows += rows;
    return true;
}

bool table_build(const struct settings *s, struct plan *p, struct feed *f, const uint8_t *part,
                 uint32_t rows, const struct state_options *o, const struct progress *progress,
                 struct table *t, struct error *e)
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
    occupancy_of(state.engine, p, &t->occupancy);
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
