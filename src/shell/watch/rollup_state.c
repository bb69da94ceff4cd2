#include "shell/watch/rollup_state.h"

#include <inttypes.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/watch/rollup_db.h"
#include "shell/watch/rollup_store_inside.h"

#define SOURCES "audit.rollup_source"
#define STATES  "audit.rollup_state"

enum { PIECES_BYTES = 1 << 20 /* of an INSERT, then it is sent */ };

void rollup_stand_fini(struct rollup_stand *s)
{
    mem_free(s->form);
    mem_free(s->position);
    *s = (struct rollup_stand){0};
}

static void add_table(struct rollup_store *s, const char *table, struct buffer *sql)
{
    (void)!rollup_store_db(s)->ops->name_add(sql, text_of(table));
}

static void add_where(const char *name, struct buffer *sql)
{
    buffer_add_text(sql, " WHERE name = ");
    rollup_quoted_add(sql, text_of(name));
}

static bool read_stand(void *context, const struct text *cell, uint32_t cells)
{
    struct rollup_stand *s = context;
    int64_t rows = 0, timeless = 0;

    (void)cells;
    rollup_stand_fini(s);
    s->form = mem_text(cell[0].bytes, cell[0].length);
    s->position = mem_text(cell[1].bytes, cell[1].length);
    (void)!number_parse_int(cell[2], &rows);
    (void)!number_parse_int(cell[3], &timeless);
    s->counts = (struct rollup_counts){(uint64_t)rows, (uint64_t)timeless};
    return true;
}

static bool ask_stand(struct rollup_store *s, const char *name, struct rollup_stand *stand,
                      struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    struct buffer sql;
    bool ok;

    buffer_init(&sql, ROLLUP_SQL_MAX);
    buffer_add_text(&sql, "SELECT form, position, rows, without_time FROM ");
    add_table(s, SOURCES, &sql);
    add_where(name, &sql);
    ok = db->ops->ask(db, buffer_text(&sql), read_stand, stand, e);
    buffer_fini(&sql);
    return ok;
}

bool rollup_state_read(struct rollup_store *s, const char *name, struct rollup_stand *stand,
                       struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    bool has;

    *stand = (struct rollup_stand){0};
    return db->ops->has_table(db, text_of(STATES), &has, e) &&
           (!has || ask_stand(s, name, stand, e));
}

/* ---- loading ---- */

struct loading {
    struct rollup_groups *groups;
    struct buffer bytes;
    struct error *e;
    bool has_failed;
};

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(struct text t, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i + 1 < t.length; i += 2) {
        int high = digit(t.bytes[i]), low = digit(t.bytes[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buffer_add_u8(out, (uint8_t)(high << 4 | low));
    }
    return t.length % 2 == 0 && !out->overflow;
}

static bool load_piece(void *context, const struct text *cell, uint32_t cells)
{
    struct loading *l = context;
    struct rollup_piece p = {.measure = -2};
    int64_t measure, part;

    (void)cells;
    if (number_parse_int(cell[0], &measure) && number_parse_int(cell[1], &p.start_us) &&
        number_parse_int(cell[2], &part) && unhex(cell[3], &l->bytes)) {
        p.measure = (int32_t)measure;
        p.part = (uint32_t)part;
        p.state = (struct text){l->bytes.bytes, l->bytes.length};
    }
    l->has_failed = !rollup_groups_load(l->groups, &p, l->e);
    return !l->has_failed;
}

bool rollup_state_load(struct rollup_store *s, const char *name, const struct rollup_counts *counts,
                       struct rollup_groups *g, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    struct loading l = {.groups = g, .e = e};
    struct buffer sql;
    bool ok;

    buffer_init(&sql, ROLLUP_SQL_MAX);
    buffer_init(&l.bytes, ROLLUP_SQL_MAX);
    buffer_add_text(&sql, "SELECT measure, start_us, part, state FROM ");
    add_table(s, STATES, &sql);
    add_where(name, &sql);
    ok = db->ops->ask(db, buffer_text(&sql), load_piece, &l, e) && !l.has_failed;
    if (ok)
        rollup_groups_loaded(g, counts);
    buffer_fini(&sql);
    buffer_fini(&l.bytes);
    return ok;
}

/* ---- writing ---- */

static bool run(struct rollup_store *s, struct buffer *sql, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    bool ok = !sql->overflow
                  ? db->ops->exec(db, buffer_text(sql), e)
                  : error_set(e, ERROR_FULL, "a statement over %d bytes", ROLLUP_SQL_MAX);

    buffer_clear(sql);
    return ok;
}

static bool make_tables(struct rollup_store *s, struct buffer *sql, struct error *e)
{
    struct rollup_db *db = rollup_store_db(s);
    const char *const *type = db->ops->type_name;
    bool has;

    if (!db->ops->has_table(db, text_of(STATES), &has, e))
        return false;
    if (has)
        return true;
    buffer_add_text(sql, "CREATE TABLE IF NOT EXISTS ");
    add_table(s, SOURCES, sql);
    buffer_format(sql,
                  " (name %s PRIMARY KEY, source %s NOT NULL, form %s NOT NULL, position %s NOT "
                  "NULL, rows %s NOT NULL, without_time %s NOT NULL); CREATE TABLE IF NOT EXISTS ",
                  type[ROLLUP_TEXT], type[ROLLUP_TEXT], type[ROLLUP_TEXT], type[ROLLUP_TEXT],
                  type[ROLLUP_INT], type[ROLLUP_INT]);
    add_table(s, STATES, sql);
    buffer_format(sql,
                  " (name %s NOT NULL, measure %s NOT NULL, start_us %s NOT NULL, part %s NOT "
                  "NULL, state %s NOT NULL, PRIMARY KEY (name, measure, start_us, part))",
                  type[ROLLUP_TEXT], type[ROLLUP_INT], type[ROLLUP_INT], type[ROLLUP_INT],
                  type[ROLLUP_TEXT]);
    return run(s, sql, e);
}

struct keeping {
    struct rollup_store *store;
    const char *name;
    bool goes_on;
    struct buffer sql;
};

static void add_hex(struct buffer *out, struct text t)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < t.length; i++) {
        buffer_add_char(out, digits[(uint8_t)t.bytes[i] >> 4]);
        buffer_add_char(out, digits[(uint8_t)t.bytes[i] & 15]);
    }
}

static bool keep_piece(void *context, const struct rollup_piece *p, struct error *e)
{
    struct keeping *k = context;
    struct buffer *sql = &k->sql;

    if (k->goes_on && p->measure == ROLLUP_OF_GROUPS && p->part == 0) {
        buffer_add_text(sql, "DELETE FROM ");
        add_table(k->store, STATES, sql);
        add_where(k->name, sql);
        buffer_format(sql, " AND measure = %d AND start_us = %" PRId64 "; ", ROLLUP_OF_GROUPS,
                      p->start_us);
    }
    buffer_add_text(sql, "INSERT INTO ");
    add_table(k->store, STATES, sql);
    buffer_add_text(sql, " (name, measure, start_us, part, state) VALUES (");
    rollup_quoted_add(sql, text_of(k->name));
    buffer_format(sql, ", %" PRId32 ", %" PRId64 ", %u, '", p->measure, p->start_us, p->part);
    add_hex(sql, p->state);
    buffer_add_text(sql, "'); ");
    return sql->length < PIECES_BYTES || run(k->store, sql, e);
}

/* That it still stands where it was when this run began. */
static bool check_stand(struct rollup_store *s, const struct rollup *one, bool *is_overtaken,
                        struct error *e)
{
    struct rollup_stand stand = {0};
    bool ok = ask_stand(s, one->setting->name, &stand, e);

    *is_overtaken =
        ok && (stand.position == NULL || strcmp(stand.position, one->taken.before) != 0 ||
               strcmp(stand.form, one->taken.form) != 0);
    rollup_stand_fini(&stand);
    if (*is_overtaken)
        return error_set(e, ERROR_CONFLICT, "another run has written it meanwhile: run this again");
    return ok;
}

static bool put_stand(struct keeping *k, const struct rollup *one, struct error *e)
{
    struct buffer *sql = &k->sql;

    buffer_add_text(sql, "DELETE FROM ");
    add_table(k->store, SOURCES, sql);
    add_where(k->name, sql);
    buffer_add_text(sql, "; ");
    if (!one->taken.goes_on) {
        buffer_add_text(sql, "DELETE FROM ");
        add_table(k->store, STATES, sql);
        add_where(k->name, sql);
        buffer_add_text(sql, "; ");
    }
    if (one->taken.now == NULL)
        return run(k->store, sql, e);
    buffer_add_text(sql, "INSERT INTO ");
    add_table(k->store, SOURCES, sql);
    buffer_add_text(sql, " (name, source, form, position, rows, without_time) VALUES (");
    rollup_quoted_add(sql, text_of(k->name));
    buffer_add_text(sql, ", ");
    rollup_quoted_add(sql, text_of(one->setting->source));
    buffer_format(sql, ", '%s', ", one->taken.form);
    rollup_quoted_add(sql, text_of(one->taken.now));
    buffer_format(sql, ", %" PRIu64 ", %" PRIu64 "); ", one->counts.rows, one->counts.timeless);
    return run(k->store, sql, e);
}

bool rollup_state_write(struct rollup_store *s, const struct rollup *one, bool *is_overtaken,
                        struct error *e)
{
    struct keeping k = {.store = s, .name = one->setting->name, .goes_on = one->taken.goes_on};
    bool ok;

    *is_overtaken = false;
    buffer_init(&k.sql, ROLLUP_SQL_MAX);
    ok = make_tables(s, &k.sql, e) &&
         (!one->taken.goes_on || check_stand(s, one, is_overtaken, e)) && put_stand(&k, one, e);
    if (ok && one->taken.now != NULL)
        ok = rollup_groups_keep(one->groups, keep_piece, &k, e) &&
             (k.sql.length == 0 || run(s, &k.sql, e));
    buffer_fini(&k.sql);
    return ok;
}
