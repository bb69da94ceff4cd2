/* Decisions into a table of an SQLite file: one row for each event's id, so rows that come again
 * after a crash change nothing. A batch is one transaction. */
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "shell/link/sqlite.h"
#include "shell/os/file.h"
#include "shell/run/data_directory.h"
#include "shell/stream/sink.h"

enum { TEXTS_MAX = 512 << 20, SQL_MAX = 4096, ROWS_FIRST = 1024 };

enum {
    AT_ID = 1,
    AT_TIME,
    AT_RECEIVED,
    AT_OUTCOME,
    AT_LEVEL,
    AT_SCORE,
    AT_PROBABILITY,
    AT_DECISION,
    AT_PARTITION,
    AT_OFFSET
};

struct kept {
    size_t id, json, end; /* in texts: [id, json) and [json, end) */
    int64_t time_us, received_us, offset;
    const char *outcome, *level; /* the plan's */
    double probability;
    int score;
    int32_t partition;
};

struct sink_sqlite {
    struct sink sink;
    struct sqlite_link *db;
    struct sqlite_statement *insert;
    struct buffer texts;
    struct kept *row;
    uint32_t rows, capacity;
};

static void sqlite_close(struct sink *s)
{
    struct sink_sqlite *t = (struct sink_sqlite *)s;

    sqlite_statement_free(t->insert);
    sqlite_link_close(t->db);
    buffer_fini(&t->texts);
    mem_free(t->row);
    mem_free(t);
}

static bool make_table(struct sink_sqlite *t, const char *name, struct error *e)
{
    struct buffer make, insert;
    bool ok;

    buffer_init(&make, SQL_MAX);
    buffer_init(&insert, SQL_MAX);
    buffer_add_text(&make, "PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS ");
    ok = sqlite_link_name_add(&make, text_of(name));
    buffer_add_text(&make, "(event_id TEXT PRIMARY KEY, \"time\" TEXT NOT NULL, received TEXT NOT "
                           "NULL, outcome TEXT NOT NULL, level TEXT NOT NULL, score INTEGER NOT "
                           "NULL, probability REAL NOT NULL, decision TEXT NOT NULL, partition "
                           "INTEGER NOT NULL, \"offset\" INTEGER NOT NULL)");
    buffer_add_text(&insert, "INSERT INTO ");
    ok = sqlite_link_name_add(&insert, text_of(name)) && ok;
    buffer_add_text(&insert, " VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT (event_id) DO NOTHING");
    if (!ok)
        error_set(e, ERROR_INVALID, "\"%.80s\" is no name of a table", name);
    ok = ok && sqlite_link_exec(t->db, buffer_text(&make), e) &&
         sqlite_link_prepare(t->db, buffer_text(&insert), &t->insert, e);
    buffer_fini(&make);
    buffer_fini(&insert);
    return ok;
}

static bool url_of(const struct sink_setting *s, const struct sink_context *c, char *url,
                   size_t size, struct error *e)
{
    int length = s->sqlite[0] == '/'
                     ? snprintf(url, size, "sqlite:%s", s->sqlite)
                     : snprintf(url, size, "sqlite:%s/%s", c->settings->directory, s->sqlite);

    return length < (int)size ||
           error_set(e, ERROR_INVALID, "sqlite: the path is over %zu bytes", size);
}

static bool sqlite_open(const struct sink_setting *s, const struct sink_context *c,
                        struct sink **out, struct error *e)
{
    struct sink_sqlite *t = mem_alloc(sizeof *t);
    char url[DATA_PATH_MAX];

    buffer_init(&t->texts, TEXTS_MAX);
    if (!url_of(s, c, url, sizeof url, e) || !sqlite_link_open(url, true, &t->db, e) ||
        !make_table(t, s->table, e)) {
        sqlite_close(&t->sink);
        return false;
    }
    *out = &t->sink;
    return true;
}

static bool sqlite_add(struct sink *s, const struct sink_row *r, struct error *e)
{
    struct sink_sqlite *t = (struct sink_sqlite *)s;
    struct kept row = {.time_us = r->time_us,
                       .received_us = r->received_us,
                       .offset = r->offset,
                       .outcome = plan_outcome_name(r->plan, r->decision->outcome),
                       .level = plan_level_name(r->plan, r->decision->level),
                       .probability = r->decision->probability,
                       .score = r->decision->score,
                       .partition = r->partition};

    row.id = t->texts.length;
    buffer_add(&t->texts, r->id.bytes, r->id.length);
    row.json = t->texts.length;
    buffer_add(&t->texts, r->json.bytes, r->json.length);
    row.end = t->texts.length;
    if (t->texts.overflow)
        return error_set(e, ERROR_FULL,
                         "table: over %d MiB in one transaction; make stream.events smaller",
                         TEXTS_MAX >> 20);
    if (t->rows == t->capacity) {
        t->capacity = t->capacity > 0 ? 2 * t->capacity : ROWS_FIRST;
        t->row = mem_resize(t->row, t->capacity, sizeof *t->row);
    }
    t->row[t->rows++] = row;
    return true;
}

static bool insert(struct sink_sqlite *t, const struct kept *r, struct error *e)
{
    char time[TIME_TEXT_MAX], received[TIME_TEXT_MAX];
    const char *texts = t->texts.bytes;
    bool has;

    sqlite_bind_text_at(t->insert, AT_ID, (struct text){texts + r->id, r->json - r->id});
    sqlite_bind_text_at(t->insert, AT_TIME, (struct text){time, time_format(r->time_us, time)});
    sqlite_bind_text_at(t->insert, AT_RECEIVED,
                        (struct text){received, time_format(r->received_us, received)});
    sqlite_bind_text_at(t->insert, AT_OUTCOME, text_of(r->outcome));
    sqlite_bind_text_at(t->insert, AT_LEVEL, text_of(r->level));
    sqlite_bind_int_at(t->insert, AT_SCORE, r->score);
    sqlite_bind_real_at(t->insert, AT_PROBABILITY, r->probability);
    sqlite_bind_text_at(t->insert, AT_DECISION, (struct text){texts + r->json, r->end - r->json});
    sqlite_bind_int_at(t->insert, AT_PARTITION, r->partition);
    sqlite_bind_int_at(t->insert, AT_OFFSET, r->offset);
    return sqlite_step(t->insert, &has, e);
}

static void sqlite_forget(struct sink *s)
{
    struct sink_sqlite *t = (struct sink_sqlite *)s;

    buffer_clear(&t->texts);
    t->rows = 0;
}

static bool sqlite_deliver(struct sink *s, struct error *e)
{
    struct sink_sqlite *t = (struct sink_sqlite *)s;
    struct error ignored;
    bool ok;

    if (t->rows == 0)
        return true;
    if (!sqlite_link_exec(t->db, "BEGIN IMMEDIATE", e))
        return false;
    ok = true;
    for (uint32_t i = 0; ok && i < t->rows; i++)
        ok = insert(t, &t->row[i], e);
    if (!ok || !sqlite_link_exec(t->db, "COMMIT", e)) {
        (void)!sqlite_link_exec(t->db, "ROLLBACK", &ignored);
        return false;
    }
    sqlite_forget(s);
    return true;
}

static bool sqlite_committed(struct sink *s, struct error *e)
{
    (void)s, (void)e;
    return true;
}

const struct sink_ops sink_sqlite_ops = {.name = "sqlite",
                                         .open = sqlite_open,
                                         .close = sqlite_close,
                                         .add = sqlite_add,
                                         .deliver = sqlite_deliver,
                                         .committed = sqlite_committed,
                                         .forget = sqlite_forget};
