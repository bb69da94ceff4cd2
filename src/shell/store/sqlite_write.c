/* The store as an SQLite file: opening, the schema, and the writer's side. */
#include "shell/store/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"

enum { FILE_NAME_MAX = 4096, STORE_WAIT_MS = 5000 };

static const char schema_sql[] =
    "CREATE TABLE meta(projected_seq INTEGER NOT NULL);"
    "INSERT INTO meta VALUES (0);"
    "CREATE TABLE name(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);"
    "CREATE TABLE decision("
    " seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL,"
    " received_us INTEGER NOT NULL, time_us INTEGER NOT NULL, probability REAL NOT NULL,"
    " score INTEGER NOT NULL, outcome INTEGER NOT NULL, level INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, plan INTEGER NOT NULL, rules TEXT, label INTEGER);"
    "CREATE INDEX decision_time ON decision(time_us, seq);"
    "CREATE INDEX decision_score ON decision(score, seq);"
    "CREATE INDEX decision_rules ON decision(time_us, seq) WHERE rules IS NOT NULL;"
    "CREATE INDEX decision_label ON decision(label, time_us, seq) WHERE label IS NOT NULL;"
    "CREATE TABLE traffic("
    " span INTEGER NOT NULL, start INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    " band INTEGER NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (span, start, outcome, band)) WITHOUT ROWID;"
    "CREATE TABLE event("
    " bucket INTEGER NOT NULL, hash INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, hash, seq)) WITHOUT ROWID;"
    "CREATE TABLE entity("
    " bucket INTEGER NOT NULL, entity INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (bucket, entity, seq)) WITHOUT ROWID;"
    "CREATE TABLE label("
    " seq INTEGER PRIMARY KEY, event_seq INTEGER NOT NULL, event_id TEXT NOT NULL,"
    " label INTEGER, source TEXT NOT NULL, effective_us INTEGER NOT NULL,"
    " received_us INTEGER NOT NULL);"
    "CREATE INDEX label_event ON label(event_seq, seq);";

/* synchronous = NORMAL: a power cut may lose the newest transactions, never more; the projector
 * then goes on from the projected_seq that is there. OFF while a new file becomes one with a WAL:
 * that is one page, which a power cut leaves empty, whole or no database, and then it is made anew
 * from the log. */
static const char writer_sql[] = "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = NORMAL;"
                                 "PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -65536;";
static const char reader_sql[] = "PRAGMA query_only = 1; PRAGMA cache_size = -16384;";

static bool version_check(struct sqlite_store *s, bool *is_new, struct error *e)
{
    sqlite3_stmt *q;
    int version;

    if (!sqlite_prepare(s, "PRAGMA user_version", &q, e))
        return false;
    if (sqlite3_step(q) != SQLITE_ROW) {
        sqlite3_finalize(q);
        return sqlite_failed(s, "cannot read", e);
    }
    version = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    *is_new = version == 0;
    if (version != 0 && version != STORE_VERSION)
        return error_set(e, ERROR_INVALID,
                         "%s: made as version %d, this is version %d; "
                         "make it anew by `assay rebuild`",
                         s->path, version, STORE_VERSION);
    return true;
}

static bool schema_make(struct sqlite_store *s, struct error *e)
{
    char version[64];
    struct buffer watch;
    bool ok;

    snprintf(version, sizeof version, "PRAGMA user_version = %d; COMMIT", STORE_VERSION);
    buffer_init(&watch, STORE_SQL_MAX);
    store_sql_expand(store_watch_schema, "", &watch);
    ok = sqlite_exec(s, "BEGIN IMMEDIATE", e) && sqlite_exec(s, schema_sql, e) &&
         sqlite_exec(s, buffer_text(&watch), e) && sqlite_exec(s, version, e);
    buffer_fini(&watch);
    return ok;
}

static bool writer_prepare(struct sqlite_store *s, struct error *e)
{
    const struct {
        sqlite3_stmt **q;
        const char *sql;
    } statements[] = {
        {&s->begin, "BEGIN IMMEDIATE"},
        {&s->commit, "COMMIT"},
        {&s->rollback, "ROLLBACK"},
        {&s->name_find, "SELECT id FROM name WHERE word = ?1"},
        {&s->name_add, "INSERT INTO name(word) VALUES (?1)"},
        {&s->decision_add, "INSERT OR IGNORE INTO decision VALUES "
                           "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL)"},
        {&s->event_add, "INSERT OR IGNORE INTO event SELECT bucket, key, seq FROM new_events"},
        {&s->entity_add, "INSERT OR IGNORE INTO entity SELECT bucket, key, seq FROM new_entities"},
        {&s->label_add, "INSERT OR IGNORE INTO label VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&s->label_apply, "UPDATE decision SET label = ?2 WHERE seq = ?1"},
        {&s->projected_get, "SELECT projected_seq FROM meta"},
        {&s->projected_set, "UPDATE meta SET projected_seq = ?1"},
        {&s->traffic_add,
         "INSERT INTO traffic SELECT ?1, received_us / ?1 * ?1, outcome, min(score / ?2, ?3 - 1),"
         " count(*) FROM decision WHERE seq > (SELECT projected_seq FROM meta) AND seq <= ?4"
         " GROUP BY 2, 3, 4 ON CONFLICT DO UPDATE SET count = count + excluded.count"},
        {&s->traffic_drop, "DELETE FROM traffic WHERE span = ?1 AND start <"
                           " (SELECT max(start) FROM traffic WHERE span = ?1) - ?2"},
    };

    if (!store_keys_show(s, &s->events, "new_events", e) ||
        !store_keys_show(s, &s->entities, "new_entities", e))
        return false;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!sqlite_prepare(s, statements[i].sql, statements[i].q, e))
            return false;
    }
    return true;
}

static bool reader_prepare(struct sqlite_store *s, struct error *e)
{
    return sqlite_prepare(s, "SELECT id FROM name WHERE word = ?1", &s->name_find, e) &&
           sqlite_prepare(s, "SELECT projected_seq FROM meta", &s->projected_get, e);
}

static bool store_set_up(struct sqlite_store *s, enum store_mode mode, struct error *e)
{
    bool is_new = false;

    sqlite3_busy_timeout(s->db, STORE_WAIT_MS);
    if (!sqlite_exec(s, mode == STORE_WRITE ? writer_sql : reader_sql, e) ||
        !version_check(s, &is_new, e))
        return false;
    if (mode == STORE_READ)
        return is_new ? error_set(e, ERROR_NOT_FOUND, "%s: nothing is projected yet", s->path)
                      : reader_prepare(s, e);
    return (!is_new || schema_make(s, e)) && writer_prepare(s, e);
}

static void sqlite_close(struct store *is)
{
    struct sqlite_store *s = sqlite_of(is);

    for (sqlite3_stmt *q; s->db != NULL && (q = sqlite3_next_stmt(s->db, NULL)) != NULL;)
        sqlite3_finalize(q);
    sqlite3_close(s->db);
    store_keys_fini(&s->events);
    store_keys_fini(&s->entities);
    mem_free(s->path);
    mem_free(s);
}

static bool sqlite_open(const char *path, enum store_mode mode, struct store **s, bool *is_damaged,
                        struct error *e)
{
    struct sqlite_store *made;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (mode == STORE_READ && access(path, F_OK) != 0)
        return error_set(e, ERROR_NOT_FOUND, "%s: nothing is projected yet", path);
    made = mem_alloc(sizeof *made);
    made->is.ops = &sqlite_ops;
    made->path = mem_text(path, strlen(path));
    flags |= SQLITE_OPEN_READWRITE | (mode == STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(path, &made->db, flags, mode == STORE_WRITE ? sqlite_paced() : NULL) !=
        SQLITE_OK)
        sqlite_failed(made, "cannot open", e);
    else if (store_set_up(made, mode, e)) {
        sqlite_watch_steps(made);
        *s = &made->is;
        return true;
    }
    *is_damaged = made->is.is_damaged;
    sqlite_close(&made->is);
    return false;
}

static bool sqlite_is_there(struct store *is)
{
    int has_moved = 0;

    return sqlite3_file_control(sqlite_of(is)->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) !=
               SQLITE_OK ||
           has_moved == 0;
}

static bool sqlite_remove(const char *path, struct error *e)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char name[FILE_NAME_MAX];

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (snprintf(name, sizeof name, "%s%s", path, endings[i]) >= (int)sizeof name)
            return error_set(e, ERROR_INVALID, "%s: path is over %d bytes", path,
                             FILE_NAME_MAX - 8);
        if (unlink(name) != 0 && errno != ENOENT)
            return error_set(e, ERROR_WORLD, "%s: cannot delete: %s", name, strerror(errno));
    }
    return true;
}

/* ---- writing ---- */

static bool sqlite_begin(struct store *is, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    return sqlite_run(s, s->begin, "cannot begin", e);
}

/* The few names of a plan come with every decision: they are looked up once. */
static bool name_is_known(const struct sqlite_store *s, struct text word, int64_t *id)
{
    for (uint32_t i = 0; i < s->name_count; i++) {
        if (text_equal(text_of(s->name[i].word), word)) {
            *id = s->name[i].id;
            return true;
        }
    }
    return false;
}

static void name_note(struct sqlite_store *s, struct text word, int64_t id)
{
    struct store_name *n;

    if (word.length >= sizeof s->name[0].word)
        return;
    if (s->name_count == STORE_NAMES) /* a plan came with others: they are met again soon */
        s->name_count = 0;
    n = &s->name[s->name_count++];
    memcpy(n->word, word.bytes, word.length);
    n->word[word.length] = 0;
    n->id = id;
}

static bool name_id(struct sqlite_store *s, struct text word, int64_t *id, struct error *e)
{
    bool is_known = name_is_known(s, word, id);

    if (is_known)
        return true;
    sqlite_bind_text_of(s->name_find, 1, word);
    is_known = sqlite3_step(s->name_find) == SQLITE_ROW;
    if (is_known)
        *id = sqlite3_column_int64(s->name_find, 0);
    sqlite3_reset(s->name_find);
    if (!is_known) {
        sqlite_bind_text_of(s->name_add, 1, word);
        if (!sqlite_run(s, s->name_add, "cannot add a name", e))
            return false;
        *id = sqlite3_last_insert_rowid(s->db);
    }
    name_note(s, word, *id);
    return true;
}

static void add_key(struct store_keys *k, uint64_t seq, int64_t key)
{
    store_keys_add(k, (struct store_key){{(int64_t)(seq >> STORE_BUCKET_BITS), key, (int64_t)seq}});
}

static bool sqlite_add_decision(struct store *is, const struct store_decision *d, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q = s->decision_add;
    int64_t outcome, level, plan;

    if (!name_id(s, d->outcome, &outcome, e) || !name_id(s, d->level, &level, e) ||
        !name_id(s, d->plan, &plan, e))
        return false;
    add_key(&s->events, d->seq, (int64_t)hash_bytes(d->event_id.bytes, d->event_id.length, 0));
    for (uint32_t i = 0; i < d->entities; i++) {
        if (d->entity[i] != 0)
            add_key(&s->entities, d->seq, d->entity[i]);
    }
    sqlite3_bind_int64(q, 1, (int64_t)d->seq);
    sqlite_bind_text_of(q, 2, d->event_id);
    sqlite3_bind_int64(q, 3, d->received_us);
    sqlite3_bind_int64(q, 4, d->time_us);
    sqlite3_bind_double(q, 5, d->probability);
    sqlite3_bind_int(q, 6, d->score);
    sqlite3_bind_int64(q, 7, outcome);
    sqlite3_bind_int64(q, 8, level);
    sqlite3_bind_int(q, 9, d->flags);
    sqlite3_bind_int64(q, 10, plan);
    if (d->rules.length <= 2) /* [] */
        sqlite3_bind_null(q, 11);
    else
        sqlite_bind_text_of(q, 11, d->rules);
    return sqlite_run(s, q, "cannot add a decision", e);
}

static void bind_label(sqlite3_stmt *q, int at, uint8_t label)
{
    if (label == LABEL_UNKNOWN)
        sqlite3_bind_null(q, at);
    else
        sqlite3_bind_int(q, at, label);
}

static bool sqlite_add_label(struct store *is, const struct store_label *l, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    sqlite3_stmt *q = s->label_add;

    sqlite3_bind_int64(q, 1, (int64_t)l->seq);
    sqlite3_bind_int64(q, 2, (int64_t)l->event_seq);
    sqlite_bind_text_of(q, 3, l->event_id);
    bind_label(q, 4, l->label);
    sqlite_bind_text_of(q, 5, l->source);
    sqlite3_bind_int64(q, 6, l->effective_us);
    sqlite3_bind_int64(q, 7, l->received_us);
    if (!sqlite_run(s, q, "cannot add a label", e))
        return false;
    if (sqlite3_changes(s->db) == 0) /* there already: a later label may have been applied since */
        return true;
    sqlite3_bind_int64(s->label_apply, 1, (int64_t)l->event_seq);
    bind_label(s->label_apply, 2, l->label);
    return sqlite_run(s, s->label_apply, "cannot set a decision's label", e);
}

/* The batch's rows are counted where they stand: those up to the seq of before were. */
static bool count_traffic(struct sqlite_store *s, uint64_t projected_seq, struct error *e)
{
    for (enum store_span span = 0; span < STORE_SPANS; span++) {
        sqlite3_bind_int64(s->traffic_add, 1, store_span_us(span));
        sqlite3_bind_int(s->traffic_add, 2, STORE_BAND_WIDTH);
        sqlite3_bind_int(s->traffic_add, 3, STORE_BANDS);
        sqlite3_bind_int64(s->traffic_add, 4, (int64_t)projected_seq);
        sqlite3_bind_int64(s->traffic_drop, 1, store_span_us(span));
        sqlite3_bind_int64(s->traffic_drop, 2, store_span_keep_us(span));
        if (!sqlite_run(s, s->traffic_add, "cannot count decisions", e) ||
            !sqlite_run(s, s->traffic_drop, "cannot drop old counts", e))
            return false;
    }
    return true;
}

static bool sqlite_commit(struct store *is, uint64_t projected_seq, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);

    if (!store_keys_flush(s, &s->events, s->event_add, e) ||
        !store_keys_flush(s, &s->entities, s->entity_add, e) || !count_traffic(s, projected_seq, e))
        return false;
    sqlite3_bind_int64(s->projected_set, 1, (int64_t)projected_seq);
    return sqlite_run(s, s->projected_set, "cannot note how far the log is projected", e) &&
           sqlite_run(s, s->commit, "cannot commit", e);
}

static void sqlite_rollback(struct store *is)
{
    struct sqlite_store *s = sqlite_of(is);
    struct error ignored; /* SQLite has rolled back by itself after some failures */

    s->name_count = 0; /* those that it added are gone */
    store_keys_clear(&s->events);
    store_keys_clear(&s->entities);
    if (!sqlite3_get_autocommit(s->db) && !sqlite_run(s, s->rollback, "cannot roll back", &ignored))
        return;
}

static bool sqlite_projected(struct store *is, uint64_t *seq, struct error *e)
{
    struct sqlite_store *s = sqlite_of(is);
    bool is_there = sqlite3_step(s->projected_get) == SQLITE_ROW;

    if (is_there)
        *seq = (uint64_t)sqlite3_column_int64(s->projected_get, 0);
    else
        sqlite_failed(s, "cannot read how far the log is projected", e);
    sqlite3_reset(s->projected_get);
    return is_there;
}

const struct store_ops sqlite_ops = {
    .open = sqlite_open,
    .is_there = sqlite_is_there,
    .remove = sqlite_remove,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .add_decision = sqlite_add_decision,
    .add_label = sqlite_add_label,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .projected = sqlite_projected,
    .query = sqlite_query,
    .find = sqlite_find,
    .entity_decisions = sqlite_entity_decisions,
    .label_of = sqlite_label_of,
    .traffic = sqlite_traffic,
    .count = sqlite_count,
    .ask = sqlite_ask,
};
