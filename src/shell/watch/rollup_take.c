#include "shell/watch/rollup_take.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/digest.h"
#include "shell/run/feed_part.h"
#include "shell/settings/rollup.h"
#include "shell/watch/rollup_decisions.h"
#include "shell/watch/rollup_position.h"
#include "shell/watch/rollup_program.h"
#include "shell/watch/rollup_state.h"

enum { FORM_VERSION = 1 };

/* One source being taken, and how the wanted rollups of it were left. */
struct taking {
    struct rollups *rollups;
    struct rollup_store *store;
    const struct progress *progress;
    const char *name;
    const struct source_setting *source; /* NULL: the decisions */
    const char *why;                     /* it cannot go on; or NULL */
    struct rollup_stand *stand;          /* by rollup */
    const char *before;                  /* where all of them stood; or NULL */
};

static bool is_of(const struct rollup *one, const char *source)
{
    return one->is_wanted && strcmp(one->setting->source, source) == 0;
}

/* Why a source is read whole each time; NULL: it need not be. */
static const char *find_why(const struct rollups *r, const char *name,
                            const struct source_setting *source)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (is_of(&r->rollup[i], name) && r->rollup[i].setting->every == EVERY_ROW)
            return "its rows as they are make a table too";
    }
    if (source == NULL)
        return NULL;
    if (source->join_count > 0)
        return "other files are joined to it";
    if (source->file != NULL)
        return strcmp(source->file, "-") == 0 ? "standard input" : NULL;
    if (source->table == NULL && source->query == NULL)
        return "a topic";
    return source->grows == NULL ? "a table without `grows`" : NULL;
}

static bool find_before(struct taking *t, bool anew, struct error *e)
{
    struct rollups *r = t->rollups;
    bool is_first = true;

    t->why = find_why(r, t->name, t->source);
    for (uint32_t i = 0; i < r->count && t->store != NULL && t->why == NULL && !anew; i++) {
        if (!is_of(&r->rollup[i], t->name))
            continue;
        if (!rollup_state_read(t->store, r->rollup[i].setting->name, &t->stand[i], e))
            return false;
        if (is_first)
            t->before = t->stand[i].position;
        else if (t->before != NULL &&
                 (t->stand[i].position == NULL || strcmp(t->before, t->stand[i].position) != 0))
            t->before = NULL;
        is_first = false;
    }
    return true;
}

/* ---- the form of what is counted ---- */

static void add_part(struct buffer *out, const char *text)
{
    buffer_add_u8(out, text != NULL);
    buffer_add_bytes32(out, text_of(text != NULL ? text : ""));
}

static void add_source(struct buffer *out, const struct source_setting *s)
{
    add_part(out, s->file);
    add_part(out, s->postgres);
    add_part(out, s->table);
    add_part(out, s->query);
    add_part(out, s->grows);
    add_part(out, s->format);
    buffer_add_u8(out, (uint8_t)s->delimiter);
    buffer_add_u8(out, (uint8_t)s->point);
}

/* Everything that the counts depend on beside the rows themselves. */
static char *form_of(const struct taking *t, const struct rollup_setting *r,
                     const struct schema *schema)
{
    const struct settings *s = t->rollups->settings;
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    struct buffer out;

    buffer_init(&out, (size_t)64 << 20);
    buffer_add_u32(&out, FORM_VERSION);
    if (t->source != NULL)
        add_source(&out, t->source);
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct field *f = &schema->fields[i];

        add_part(&out, f->name);
        buffer_add_u8(&out, (uint8_t)f->type);
        buffer_add_u8(&out, (uint8_t)f->layout);
        buffer_add_u8(&out, (uint8_t)f->point);
        buffer_add_u8(&out, (uint8_t)f->group);
    }
    add_part(&out, s->event.id);
    add_part(&out, r->time != NULL ? r->time : s->event.time);
    add_part(&out, r->time_zone != NULL ? r->time_zone : s->time_zone);
    add_part(&out, r->where);
    buffer_add_u8(&out, (uint8_t)r->every);
    for (uint32_t i = 0; i < r->by_count; i++)
        add_part(&out, r->by[i]);
    for (uint32_t i = 0; i < r->measure_count; i++) {
        add_part(&out, r->measures[i].name);
        add_part(&out, r->measures[i].source);
    }
    digest_bytes(out.bytes, out.length, digest);
    digest_hex(digest, hex);
    buffer_fini(&out);
    return mem_text(hex, strlen(hex));
}

/* Rows of that schema come; those that stood before them go on only in the same form. */
static bool begin(struct taking *t, const struct schema *schema, struct error *e)
{
    struct rollups *r = t->rollups;
    struct schema *held = rollups_hold(r, schema);

    if (!rollups_begin(r, t->name, held, e))
        return false;
    for (uint32_t i = 0; i < r->count; i++) {
        struct rollup *one = &r->rollup[i];

        if (!is_of(one, t->name))
            continue;
        one->taken.why = t->store != NULL ? t->why : NULL;
        if (t->store == NULL || t->why != NULL)
            continue;
        mem_free(one->taken.form);
        one->taken.form = form_of(t, one->setting, held);
        if (t->before != NULL && strcmp(one->taken.form, t->stand[i].form) != 0)
            t->before = NULL;
    }
    return true;
}

/* Onto what was counted before. */
static bool load(struct taking *t, struct error *e)
{
    struct rollups *r = t->rollups;

    for (uint32_t i = 0; i < r->count; i++) {
        struct rollup *one = &r->rollup[i];

        if (!is_of(one, t->name))
            continue;
        if (!rollup_state_load(t->store, one->setting->name, &t->stand[i].counts, one->groups, e))
            return false;
        one->taken.goes_on = true;
        one->taken.before = mem_text(t->before, strlen(t->before));
    }
    return true;
}

/* All was read: where it stands now; NULL: that cannot be said. */
static void end(struct taking *t, struct buffer *now, uint64_t rows)
{
    struct rollups *r = t->rollups;

    for (uint32_t i = 0; i < r->count; i++) {
        struct rollup *one = &r->rollup[i];

        if (!is_of(one, t->name))
            continue;
        one->taken.rows = rows;
        if (now != NULL && one->taken.form != NULL && one->groups != NULL)
            one->taken.now = mem_text(now->bytes, now->length);
    }
}

/* ---- files and tables ---- */

static bool read_frames(struct taking *t, struct source *source, uint64_t *rows, struct error *e)
{
    const struct schema *schema = source_schema(source);
    struct source_counts c;
    struct frame f;
    bool ok;

    frame_init(&f, schema, SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    do {
        ok = source_read(source, &f, e) && rollups_add(t->rollups, t->name, schema, &f, e);
        source_counts(source, &c);
        if (ok && c.bytes_total > 0 &&
            !progress_report(t->progress, "reading", (double)c.bytes_done / (double)c.bytes_total))
            ok = error_set(e, ERROR_CANCELLED, "stopped: nothing is written");
    } while (ok && f.rows > 0);
    frame_fini(&f);
    *rows = c.rows + c.rejects;
    return ok;
}

static bool take_whole(struct taking *t, const struct feed_part *part, struct error *e)
{
    struct source *source;
    uint64_t rows = 0;
    bool ok;

    if (!feed_part_open(t->rollups->settings, part, NULL, NULL, &source, e))
        return false;
    ok = begin(t, source_schema(source), e) && read_frames(t, source, &rows, e);
    source_close(source);
    end(t, NULL, rows);
    return ok;
}

static bool open_pieces(struct taking *t, struct feed_part *part, const struct rollup_position *p,
                        struct source **source, struct error *e)
{
    part->pieces = p->pieces;
    part->piece_count = p->piece_count;
    *source = NULL;
    return feed_part_open(t->rollups->settings, part, NULL, NULL, source, e) &&
           begin(t, source_schema(*source), e);
}

static bool take_files(struct taking *t, struct feed_part *part, struct error *e)
{
    struct rollup_position p = {0};
    struct source *source = NULL;
    uint64_t rows = 0;
    bool ok = rollup_position_files(part->path, t->before, &p, e);

    ok = ok && open_pieces(t, part, &p, &source, e);
    if (ok && p.goes_on && t->before == NULL) { /* in another form */
        source_close(source);
        rollup_position_anew(&p);
        ok = open_pieces(t, part, &p, &source, e);
    }
    ok = ok && (!p.goes_on || load(t, e)) && read_frames(t, source, &rows, e);
    source_close(source);
    if (ok)
        end(t, p.is_kept ? &p.now : NULL, rows);
    rollup_position_fini(&p);
    return ok;
}

/* Types are those of the whole table's first rows, as in a run over all of it. */
static bool look_at_table(struct taking *t, const struct feed_part *part, struct schema **schema,
                          struct error *e)
{
    struct source *look;

    *schema = NULL;
    if (!feed_part_open(t->rollups->settings, part, NULL, NULL, &look, e))
        return false;
    *schema = schema_dup(source_schema(look));
    source_close(look);
    return true;
}

/* SQLite takes a quoted name that is no column for a text. */
static bool find_growing(const struct taking *t, const struct schema *schema, struct error *e)
{
    char path[ROLLUP_PATH_MAX];

    snprintf(path, sizeof path, "sources.%.200s.grows", t->name);
    return schema_find(schema, text_of(t->source->grows)) != FIELD_NONE ||
           rollup_no_field(t->rollups->settings, schema, t->source->grows, path, e);
}

static bool take_table(struct taking *t, struct feed_part *part, struct error *e)
{
    const struct settings *s = t->rollups->settings;
    struct rollup_position p = {0};
    struct schema *schema = NULL;
    struct source *source;
    uint64_t rows = 0;
    bool ok = look_at_table(t, part, &schema, e) && find_growing(t, schema, e) &&
              begin(t, schema, e) && rollup_position_table(s, t->source, t->before, &p, e) &&
              (!p.goes_on || load(t, e));

    if (ok && !p.is_current) {
        part->query = p.query;
        ok = feed_part_open(s, part, schema, NULL, &source, e);
        if (ok) {
            ok = read_frames(t, source, &rows, e);
            source_close(source);
        }
    }
    if (ok) {
        rollup_position_count(&p, rows);
        end(t, p.is_kept ? &p.now : NULL, rows);
    }
    if (!ok && e->kind == ERROR_INVALID)
        error_prefix(e, "source %s", t->name);
    schema_free(schema);
    rollup_position_fini(&p);
    return ok;
}

static bool take_source(struct taking *t, struct error *e)
{
    struct feed_part part = {.setting = t->source};
    char *path = mem_alloc(FEED_FILE_MAX);
    bool ok = feed_source_path(t->rollups->settings, t->source, NULL, path, e);

    part.path = path;
    if (ok && (t->store == NULL || t->why != NULL))
        ok = take_whole(t, &part, e);
    else if (ok)
        ok = t->source->file != NULL ? take_files(t, &part, e) : take_table(t, &part, e);
    mem_free(path);
    return ok;
}

/* ---- decisions ---- */

static uint64_t counted(const struct taking *t)
{
    uint64_t rows = 0;

    for (uint32_t i = 0; i < t->rollups->count; i++) {
        const struct rollup *one = &t->rollups->rollup[i];
        struct rollup_counts c = one->counts;

        if (!is_of(one, t->name))
            continue;
        if (one->groups != NULL)
            rollup_groups_counts(one->groups, &c);
        rows = c.rows + c.timeless > rows ? c.rows + c.timeless : rows;
    }
    return rows;
}

/* From where the last run stood, if the log and the form are still those. */
static bool resume(struct taking *t, struct rollup_decisions **d, uint64_t *had, struct error *e)
{
    bool goes_on;

    *had = 0;
    if (t->before == NULL)
        return true;
    if (!rollup_decisions_resume(*d, t->before, &goes_on, e))
        return false;
    if (goes_on && !begin(t, rollup_decisions_schema(*d), e))
        return false;
    if (goes_on && t->before != NULL) {
        if (!load(t, e))
            return false;
        *had = counted(t);
        return true;
    }
    t->before = NULL;
    rollup_decisions_close(*d);
    *d = NULL;
    return rollup_decisions_open(t->rollups->settings, d, e);
}

static void note_anew(struct taking *t, const struct schema *schema)
{
    for (uint32_t i = 0; i < t->rollups->count; i++) {
        struct rollup *one = &t->rollups->rollup[i];

        if (!is_of(one, t->name))
            continue;
        one->taken.goes_on = false;
        one->taken.why = t->store != NULL ? t->why : NULL;
        mem_free(one->taken.form);
        one->taken.form =
            t->store != NULL && t->why == NULL ? form_of(t, one->setting, schema) : NULL;
    }
}

static bool take_decisions(struct taking *t, struct error *e)
{
    struct rollup_decisions *d = NULL;
    struct buffer now;
    uint64_t had;
    bool ok;

    buffer_init(&now, ROLLUP_POSITION_MAX);
    ok = rollup_decisions_open(t->rollups->settings, &d, e) && resume(t, &d, &had, e) &&
         rollup_decisions_follow(d, t->rollups, UINT64_MAX, t->progress, e) &&
         rollup_decisions_position(d, &now, e);
    if (ok && rollup_decisions_is_anew(d)) {
        had = 0;
        note_anew(t, rollup_decisions_schema(d));
    }
    if (ok)
        end(t, &now, counted(t) - had);
    rollup_decisions_close(d);
    buffer_fini(&now);
    return ok;
}

static bool take(struct taking *t, bool anew, struct error *e)
{
    bool ok;

    if (!rollups_want(t->rollups, t->name))
        return true;
    t->stand = mem_array(t->rollups->count + 1, sizeof *t->stand);
    ok = find_before(t, anew, e) && (t->source != NULL ? take_source(t, e) : take_decisions(t, e));
    for (uint32_t i = 0; i < t->rollups->count; i++)
        rollup_stand_fini(&t->stand[i]);
    mem_free(t->stand);
    return ok;
}

bool rollups_take(struct rollups *r, struct rollup_store *store, bool anew,
                  const struct progress *progress, struct error *e)
{
    struct taking t = {.rollups = r, .store = store, .progress = progress};

    for (uint32_t i = 0; i < r->settings->source_count; i++) {
        t.source = &r->settings->sources[i];
        t.name = t.source->name;
        t.before = NULL;
        if (!take(&t, anew, e))
            return false;
    }
    t.source = NULL;
    t.name = ROLLUP_DECISIONS;
    t.before = NULL;
    return take(&t, anew, e);
}
