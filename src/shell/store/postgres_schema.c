/* The schemas of the store in PostgreSQL, as migrations: rows are only ever added at the end. */
#include <stdio.h>

#include "shell/store/postgres_store.h"

#define LOCK "4270771" /* of migrations, below the same number of the writer */

struct migration {
    const char *name;
    const char *sql;
};

static const struct migration migrations[] = {
    {"schemas", "CREATE SCHEMA IF NOT EXISTS raw; CREATE SCHEMA IF NOT EXISTS feature;"
                "CREATE SCHEMA IF NOT EXISTS label; CREATE SCHEMA IF NOT EXISTS score;"
                "CREATE SCHEMA IF NOT EXISTS alert; CREATE SCHEMA IF NOT EXISTS model;"},
    {"decisions",
     "CREATE TABLE audit.projection("
     " log smallint PRIMARY KEY CHECK (log = 0), projected_seq bigint NOT NULL,"
     " projected_at timestamptz NOT NULL DEFAULT now());"
     "INSERT INTO audit.projection(log, projected_seq) VALUES (0, 0);"
     "CREATE TABLE score.decision("
     " seq bigint NOT NULL, event_id text NOT NULL, received_at timestamptz NOT NULL,"
     " \"time\" timestamptz NOT NULL, probability double precision NOT NULL,"
     " score smallint NOT NULL, outcome text NOT NULL, level text NOT NULL,"
     " flags integer NOT NULL, plan text NOT NULL, rules json, label smallint,"
     " PRIMARY KEY (seq, received_at)) PARTITION BY RANGE (received_at);"
     "CREATE INDEX decision_time ON score.decision(\"time\", seq);"
     "CREATE INDEX decision_score ON score.decision(score, seq);"
     "CREATE INDEX decision_event ON score.decision(event_id);"
     "CREATE TABLE score.entity("
     " entity bigint NOT NULL, seq bigint NOT NULL, received_at timestamptz NOT NULL,"
     " PRIMARY KEY (entity, seq, received_at)) PARTITION BY RANGE (received_at);"
     "CREATE TABLE label.label("
     " seq bigint PRIMARY KEY, event_seq bigint NOT NULL, event_id text NOT NULL, label smallint,"
     " source text NOT NULL, effective_at timestamptz NOT NULL, received_at timestamptz NOT NULL);"
     "CREATE INDEX label_event ON label.label(event_seq, seq);"
     "CREATE FUNCTION score.make_month(month date) RETURNS void LANGUAGE plpgsql"
     " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$"
     " DECLARE start date := make_date(extract(year FROM month)::int,"
     "  extract(month FROM month)::int, 1);"
     "  ending date := (start + interval '1 month')::date; part text;"
     " BEGIN"
     "  FOREACH part IN ARRAY ARRAY['decision', 'entity'] LOOP"
     "   IF to_regclass(format('score.%I', part || to_char(start, '_YYYY_MM'))) IS NULL THEN"
     "    EXECUTE format('CREATE TABLE score.%I PARTITION OF score.%I"
     " FOR VALUES FROM (%L) TO (%L)',"
     "     part || to_char(start, '_YYYY_MM'), part, start || ' 00:00:00+00',"
     "     ending || ' 00:00:00+00');"
     "   END IF;"
     "  END LOOP;"
     " END $$;"
     "REVOKE ALL ON FUNCTION score.make_month(date) FROM PUBLIC;"},
    {"traffic",
     "CREATE INDEX decision_rules ON score.decision(\"time\", seq) WHERE rules IS NOT NULL;"
     "CREATE INDEX decision_label ON score.decision(label, \"time\", seq) WHERE label IS NOT NULL;"
     "CREATE TABLE score.traffic("
     " span_s integer NOT NULL, start_at timestamptz NOT NULL, outcome text NOT NULL,"
     " band smallint NOT NULL, count bigint NOT NULL,"
     " PRIMARY KEY (span_s, start_at, outcome, band));"
     "INSERT INTO score.traffic SELECT s, to_timestamp(floor(extract(epoch FROM received_at) / s)"
     "  * s), outcome, least(score / 50, 19), count(*)"
     " FROM score.decision, (VALUES (60), (3600)) v(s)"
     " WHERE received_at >= (SELECT max(received_at) FROM score.decision)"
     "  - CASE s WHEN 60 THEN interval '3 days' ELSE interval '100 days' END"
     " GROUP BY 1, 2, 3, 4;"},
    {"alerts", store_watch_schema},
};

enum { MIGRATIONS = sizeof migrations / sizeof *migrations };

/* The newest that was applied; 0: none, *has false where there is no table of them. */
static bool version_read(struct postgres *db, bool *has, int64_t *version, struct error *e)
{
    struct postgres_rows *rows;
    bool ok = true;

    *version = 0;
    if (!postgres_ask(db, "SELECT to_regclass('audit.migration') IS NOT NULL", NULL, 0, &rows, e))
        return false;
    *has = text_is(postgres_cell(rows, 0, 0), "t");
    postgres_rows_free(rows);
    if (!*has)
        return true;
    if (!postgres_ask(db,
                      "SELECT version, name, applied_at::text FROM audit.migration "
                      "ORDER BY version DESC LIMIT 1",
                      NULL, 0, &rows, e))
        return false;
    if (postgres_rows_count(rows) > 0)
        *version = postgres_int(rows, 0, 0);
    if (*version > MIGRATIONS)
        ok = error_set(e, ERROR_INVALID,
                       "%s: a newer Assay has applied migration %lld \"%.*s\" (%.*s); this one "
                       "knows %d: use the newer one, or another database",
                       postgres_place(db), (long long)*version, TEXT_ARG(postgres_cell(rows, 0, 1)),
                       TEXT_ARG(postgres_cell(rows, 0, 2)), MIGRATIONS);
    postgres_rows_free(rows);
    return ok;
}

bool postgres_schema_check(struct postgres *db, bool *has, bool *is_old, struct error *e)
{
    int64_t version;

    if (!version_read(db, has, &version, e))
        return false;
    *is_old = version < MIGRATIONS;
    return true;
}

static bool apply(struct postgres *db, int64_t number, struct error *e)
{
    const struct migration *m = &migrations[number - 1];
    struct postgres_rows *rows;
    char digits[24];
    struct buffer sql;
    bool ok;

    snprintf(digits, sizeof digits, "%lld", (long long)number);
    buffer_init(&sql, STORE_SQL_MAX);
    store_sql_expand(m->sql, POSTGRES_WATCH, &sql);
    ok = postgres_exec(db, buffer_text(&sql), e);
    buffer_fini(&sql);
    if (!ok)
        return error_prefix(e, "migration %lld \"%s\"", (long long)number, m->name);
    if (!postgres_ask(db, "INSERT INTO audit.migration(version, name) VALUES ($1::int, $2)",
                      (struct text[]){text_of(digits), text_of(m->name)}, 2, &rows, e))
        return false;
    postgres_rows_free(rows);
    return true;
}

static bool migrate(struct postgres *db, struct error *e)
{
    int64_t version;
    bool has;

    if (!postgres_exec(db, "SELECT pg_advisory_xact_lock(" LOCK ", 1)", e) ||
        !version_read(db, &has, &version, e))
        return false;
    if (!has &&
        !postgres_exec(db,
                       "CREATE SCHEMA IF NOT EXISTS audit;"
                       "CREATE TABLE audit.migration(version int PRIMARY KEY, name text NOT NULL,"
                       " applied_at timestamptz NOT NULL DEFAULT now(),"
                       " applied_by text NOT NULL DEFAULT session_user)",
                       e))
        return false;
    for (int64_t i = version + 1; i <= MIGRATIONS; i++) {
        if (!apply(db, i, e))
            return false;
    }
    return true;
}

bool postgres_schema_migrate(struct postgres *db, struct error *e)
{
    struct error ignored;

    if (!postgres_exec(db, "BEGIN", e))
        return false;
    if (migrate(db, e) && postgres_exec(db, "COMMIT", e))
        return true;
    if (!postgres_exec(db, "ROLLBACK", &ignored))
        return false; /* the connection is lost: nothing stays of it either way */
    return false;
}
