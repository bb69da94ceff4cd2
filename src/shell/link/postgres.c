#include "shell/link/postgres.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"

enum { PLACE_MAX = 300, WORDS_MAX = 500, PARAMETERS_BYTES_MAX = 1 << 20 };

struct statement {
    uint64_t hash;
    uint64_t number; /* its name in the session; 0: free */
};

struct postgres {
    PGconn *connection;
    char *url;
    char place[PLACE_MAX];
    uint64_t session;
    uint32_t limit_ms;
    int64_t wait_ms, retry_us; /* how long after a failure, and until when */
    char failure[WORDS_MAX];   /* of the last try */
    struct statement statement[POSTGRES_STATEMENTS_MAX];
    uint64_t statements; /* made in this session */
    char *copied;        /* the row given out last */
    bool is_copying;     /* out, and not at its end */
    bool is_reading;     /* a transaction that only reads, by our own word */
};

/* libpq's result itself; the name is only ours. */
struct postgres_rows {
    PGresult *result;
};

/* ---- words ---- */

/* One line, without the word that every message begins with. */
static void words_of(const char *message, char out[WORDS_MAX])
{
    static const char *const begin[] = {"ERROR:  ", "FATAL:  "};
    size_t length;

    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) {
        if (strncmp(message, begin[i], strlen(begin[i])) == 0)
            message += strlen(begin[i]);
    }
    snprintf(out, WORDS_MAX, "%s", message);
    length = strlen(out);
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == ' '))
        out[--length] = 0;
    for (size_t i = 0; i < length; i++) {
        if (out[i] == '\n' || out[i] == '\t')
            out[i] = ' ';
    }
}

/* By SQLSTATE, the first that begins so. */
static const struct {
    const char *state;
    enum error_kind kind;
    const char *hint;
} states[] = {
    {"57014", ERROR_FULL, "; more work than one statement may do: ask for a shorter time range"},
    {"53", ERROR_FULL, "; the server has no room left: free some, then it goes on"},
    {"42501", ERROR_INVALID, "; grant it, as deploy/postgres/roles.sql does"},
    {"42P01", ERROR_NOT_FOUND, ""},
    {"3F000", ERROR_NOT_FOUND, ""},
    {"08", ERROR_WORLD, ""},
    {"57P", ERROR_WORLD, ""},
    {"40", ERROR_WORLD, "; try again"},
    {"55P03", ERROR_WORLD, "; try again"},
    {"25006", ERROR_WORLD, "; the server is a read-only replica: name the primary"},
};

static bool failed(struct postgres *p, const PGresult *r, const char *what, struct error *e)
{
    const char *state = r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *detail = r != NULL ? PQresultErrorField(r, PG_DIAG_CONTEXT) : NULL;
    char words[WORDS_MAX], context[WORDS_MAX];

    words_of(message != NULL ? message : PQerrorMessage(p->connection), words);
    words_of(detail != NULL && strncmp(detail, "COPY", 4) == 0 ? detail : "", context);
    if (PQstatus(p->connection) == CONNECTION_BAD)
        return error_set(e, ERROR_WORLD, "%s: %s: the connection is lost: %s", p->place, what,
                         words);
    if (p->is_reading && state != NULL && strcmp(state, "25006") == 0)
        return error_set(e, ERROR_INVALID, "%s: %s: %s; a query here only reads", p->place, what,
                         words);
    for (size_t i = 0; state != NULL && i < sizeof states / sizeof *states; i++) {
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
            return error_set(e, states[i].kind, "%s: %s: %s%s", p->place, what, words,
                             states[i].hint);
    }
    return error_set(e, ERROR_INVALID, "%s: %s: %s%s%.200s%s", p->place, what, words,
                     context[0] != 0 ? " (" : "", context, context[0] != 0 ? ")" : "");
}

/* ---- connecting ---- */

static void silent(void *context, const PGresult *r)
{
    (void)context; /* notices: a library prints nothing */
    (void)r;
}

static const char *value_of(const PQconninfoOption *o, const char *keyword)
{
    for (; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0)
            return o->val != NULL ? o->val : "";
    }
    return "";
}

static bool place_read(const char *url, char out[PLACE_MAX])
{
    char *words = NULL;
    PQconninfoOption *o = PQconninfoParse(url, &words);
    const char *host, *port;

    if (words != NULL)
        PQfreemem(words); /* it may quote the password */
    if (o == NULL)
        return false;
    host = value_of(o, "host");
    port = value_of(o, "port");
    snprintf(out, PLACE_MAX, "postgresql://%.120s%s%.20s/%.100s", host[0] != 0 ? host : "localhost",
             port[0] != 0 ? ":" : "", port, value_of(o, "dbname"));
    PQconninfoFree(o);
    return true;
}

void postgres_place_of(const char *url, struct buffer *out)
{
    char place[PLACE_MAX];

    if (url == NULL || url[0] == 0)
        url = getenv("DATABASE_URL");
    buffer_add_text(out, url != NULL && place_read(url, place) ? place : "PostgreSQL");
}

static PGconn *connect_to(const char *url)
{
    static const char *const keyword[] = {"connect_timeout",
                                          "fallback_application_name",
                                          "keepalives_idle",
                                          "tcp_user_timeout",
                                          "dbname",
                                          "client_encoding",
                                          NULL};
    char seconds[12];
    const char *value[] = {seconds, "assay", "30", "30000", url, "UTF8", NULL};

    snprintf(seconds, sizeof seconds, "%d", POSTGRES_CONNECT_SECONDS);
    return PQconnectdbParams(keyword, value, 1); /* what the URL says goes over what is before it */
}

static bool session_begin(struct postgres *p, struct error *e)
{
    char limit[64];

    p->session++;
    p->is_copying = p->is_reading = false;
    p->statements = 0;
    memset(p->statement, 0, sizeof p->statement);
    PQsetNoticeReceiver(p->connection, silent, NULL);
    snprintf(limit, sizeof limit, "SET statement_timeout = %u", p->limit_ms);
    return postgres_exec(p,
                         "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; "
                         "SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex'; "
                         "SET extra_float_digits = 1; SET standard_conforming_strings = on",
                         e) &&
           postgres_exec(p, limit, e);
}

static bool connect_now(struct postgres *p, struct error *e)
{
    PQfinish(p->connection);
    p->connection = connect_to(p->url);
    if (p->connection == NULL)
        return error_set(e, ERROR_FULL, "%s: no memory for a connection", p->place);
    if (PQstatus(p->connection) == CONNECTION_OK && session_begin(p, e)) {
        p->wait_ms = 0;
        return true;
    }
    words_of(PQerrorMessage(p->connection), p->failure);
    p->wait_ms = p->wait_ms == 0 ? POSTGRES_WAIT_LEAST_MS : 2 * p->wait_ms;
    if (p->wait_ms > POSTGRES_WAIT_MOST_MS)
        p->wait_ms = POSTGRES_WAIT_MOST_MS;
    p->retry_us = clock_monotonic_us() + p->wait_ms * 1000;
    return error_set(e, ERROR_WORLD,
                     "%s: cannot connect: %s; see that the server runs and that the URL is right",
                     p->place, p->failure);
}

bool postgres_open(const char *url, struct postgres **p, struct error *e)
{
    struct postgres *made;
    char place[PLACE_MAX];

    if (url == NULL || url[0] == 0)
        url = getenv("DATABASE_URL");
    if (url == NULL || url[0] == 0)
        return error_set(e, ERROR_INVALID,
                         "no PostgreSQL is named: give its URL, or set DATABASE_URL, such as "
                         "postgresql://user:password@host:5432/database");
    if (strlen(url) > POSTGRES_URL_MAX || !place_read(url, place))
        return error_set(e, ERROR_INVALID,
                         "the URL of PostgreSQL (not shown: it may hold a password) cannot be "
                         "read; expected postgresql://user:password@host:5432/database");
    made = mem_alloc(sizeof *made);
    made->url = mem_text(url, strlen(url));
    memcpy(made->place, place, sizeof place);
    if (!connect_now(made, e)) {
        postgres_close(made);
        return false;
    }
    *p = made;
    return true;
}

void postgres_close(struct postgres *p)
{
    if (p == NULL)
        return;
    PQfreemem(p->copied);
    PQfinish(p->connection);
    mem_free(p->url);
    mem_free(p);
}

const char *postgres_place(const struct postgres *p)
{
    return p->place;
}

bool postgres_is_lost(const struct postgres *p)
{
    return PQstatus(p->connection) != CONNECTION_OK;
}

uint64_t postgres_session(const struct postgres *p)
{
    return p->session;
}

bool postgres_ready(struct postgres *p, struct error *e)
{
    int64_t now_us;

    if (!postgres_is_lost(p))
        return true;
    now_us = clock_monotonic_us();
    if (p->wait_ms > 0 && now_us < p->retry_us && p->retry_us - now_us <= p->wait_ms * 1000)
        return error_set(e, ERROR_WORLD, "%s: not reachable: %s; the next try is in %lld ms",
                         p->place, p->failure, (long long)(p->retry_us - now_us) / 1000);
    return connect_now(p, e);
}

bool postgres_limit(struct postgres *p, uint32_t ms, struct error *e)
{
    char sql[64];

    p->limit_ms = ms;
    snprintf(sql, sizeof sql, "SET statement_timeout = %u", ms);
    return postgres_exec(p, sql, e);
}

/* ---- statements ---- */

bool postgres_exec(struct postgres *p, const char *sql, struct error *e)
{
    PGresult *r = PQexec(p->connection, sql);
    ExecStatusType status = PQresultStatus(r);
    bool ok =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;

    if (!ok)
        failed(p, r, "a statement failed", e);
    PQclear(r);
    return ok;
}

static void statement_name(uint64_t number, char out[24])
{
    snprintf(out, 24, "s%llu", (unsigned long long)number);
}

/* Prepared under a name; of too many the oldest goes. */
static bool prepare(struct postgres *p, const char *sql, char name[24], struct error *e)
{
    uint64_t hash = hash_bytes(sql, strlen(sql), 7);
    struct statement *at = &p->statement[p->statements % POSTGRES_STATEMENTS_MAX];
    PGresult *r;
    bool ok;

    for (size_t i = 0; i < POSTGRES_STATEMENTS_MAX; i++) {
        if (p->statement[i].number != 0 && p->statement[i].hash == hash) {
            statement_name(p->statement[i].number, name);
            return true;
        }
    }
    if (at->number != 0) {
        char old[48] = "DEALLOCATE ";

        statement_name(at->number, old + strlen(old));
        if (!postgres_exec(p, old, e))
            return false;
        at->number = 0;
    }
    statement_name(p->statements + 1, name);
    r = PQprepare(p->connection, name, sql, 0, NULL);
    ok = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (ok)
        *at = (struct statement){hash, ++p->statements};
    else
        failed(p, r, "cannot prepare a statement", e);
    PQclear(r);
    return ok;
}

/* libpq takes texts with a zero at their end. */
static bool parameters_fill(struct postgres *p, const struct text *parameter, uint32_t count,
                            struct buffer *bytes, const char *value[], struct error *e)
{
    size_t at[POSTGRES_PARAMETERS_MAX];

    ASSERT(count <= POSTGRES_PARAMETERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        at[i] = bytes->length;
        if (parameter[i].bytes == NULL)
            continue;
        if (memchr(parameter[i].bytes, 0, parameter[i].length) != NULL)
            return error_set(e, ERROR_INVALID, "%s: a text has a zero byte, which no text may",
                             p->place);
        buffer_add_slice(bytes, parameter[i]);
        buffer_add_char(bytes, 0);
    }
    if (bytes->overflow)
        return error_set(e, ERROR_INVALID, "%s: the values of a statement are over %d bytes",
                         p->place, PARAMETERS_BYTES_MAX);
    for (uint32_t i = 0; i < count; i++)
        value[i] = parameter[i].bytes != NULL ? bytes->bytes + at[i] : NULL;
    return true;
}

bool postgres_ask(struct postgres *p, const char *sql, const struct text *parameter, uint32_t count,
                  struct postgres_rows **rows, struct error *e)
{
    const char *value[POSTGRES_PARAMETERS_MAX];
    struct buffer bytes;
    PGresult *r = NULL;
    char name[24];
    bool ok;

    buffer_init(&bytes, PARAMETERS_BYTES_MAX);
    ok = parameters_fill(p, parameter, count, &bytes, value, e) && prepare(p, sql, name, e);
    if (ok) {
        r = PQexecPrepared(p->connection, name, (int)count, value, NULL, NULL, 0);
        ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
        if (!ok)
            failed(p, r, "a statement failed", e);
    }
    buffer_fini(&bytes);
    if (!ok) {
        PQclear(r);
        return false;
    }
    *rows = mem_alloc(sizeof **rows);
    (*rows)->result = r;
    return true;
}

uint32_t postgres_rows_count(const struct postgres_rows *r)
{
    return (uint32_t)PQntuples(r->result);
}

uint32_t postgres_columns(const struct postgres_rows *r)
{
    return (uint32_t)PQnfields(r->result);
}

uint64_t postgres_changed(const struct postgres_rows *r)
{
    int64_t rows = 0;

    return number_parse_int(text_of(PQcmdTuples(r->result)), &rows) ? (uint64_t)rows : 0;
}

bool postgres_is_null(const struct postgres_rows *r, uint32_t row, uint32_t column)
{
    return PQgetisnull(r->result, (int)row, (int)column) != 0;
}

struct text postgres_cell(const struct postgres_rows *r, uint32_t row, uint32_t column)
{
    return (struct text){PQgetvalue(r->result, (int)row, (int)column),
                         (size_t)PQgetlength(r->result, (int)row, (int)column)};
}

int64_t postgres_int(const struct postgres_rows *r, uint32_t row, uint32_t column)
{
    int64_t v;

    return number_parse_int(postgres_cell(r, row, column), &v) ? v : 0;
}

bool postgres_is_bool(const struct postgres_rows *r, uint32_t column)
{
    enum { OID_OF_BOOL = 16 }; /* fixed in every server; its header is not for clients */

    return PQftype(r->result, (int)column) == OID_OF_BOOL;
}

const char *postgres_column_name(const struct postgres_rows *r, uint32_t column)
{
    return PQfname(r->result, (int)column);
}

void postgres_rows_free(struct postgres_rows *r)
{
    if (r == NULL)
        return;
    PQclear(r->result);
    mem_free(r);
}

/* ---- COPY ---- */

static bool copy_begin(struct postgres *p, const char *sql, ExecStatusType wanted, struct error *e)
{
    PGresult *r = PQexec(p->connection, sql);
    bool ok = PQresultStatus(r) == wanted;

    if (!ok)
        failed(p, r, "cannot copy", e);
    PQclear(r);
    return ok;
}

/* What the server says at the end, and whatever follows it. */
static bool copy_result(struct postgres *p, uint64_t *rows, struct error *e)
{
    bool ok = true;
    PGresult *r;

    while ((r = PQgetResult(p->connection)) != NULL) {
        int64_t n = 0;

        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            ok = ok && failed(p, r, "cannot copy", e);
        else if (number_parse_int(text_of(PQcmdTuples(r)), &n) && rows != NULL)
            *rows = (uint64_t)n;
        PQclear(r);
    }
    return ok;
}

bool postgres_copy_in(struct postgres *p, const char *sql, struct error *e)
{
    return copy_begin(p, sql, PGRES_COPY_IN, e);
}

bool postgres_copy_put(struct postgres *p, struct text bytes, struct error *e)
{
    enum { PIECE = 1 << 20 };

    for (size_t at = 0; at < bytes.length; at += PIECE) {
        size_t left = bytes.length - at;

        if (PQputCopyData(p->connection, bytes.bytes + at, (int)(left < PIECE ? left : PIECE)) == 1)
            continue;
        if (copy_result(p, NULL, e)) /* it had no words of its own */
            failed(p, NULL, "cannot copy", e);
        return false;
    }
    return true;
}

bool postgres_copy_end(struct postgres *p, uint64_t *rows, struct error *e)
{
    if (PQputCopyEnd(p->connection, NULL) != 1)
        return failed(p, NULL, "cannot copy", e);
    return copy_result(p, rows, e);
}

void postgres_copy_cancel(struct postgres *p, const char *why)
{
    struct error ignored; /* the server says back what we said */

    if (PQputCopyEnd(p->connection, why) == 1 && copy_result(p, NULL, &ignored))
        return;
}

void postgres_copy_cell(struct buffer *out, struct text t)
{
    size_t from = 0;

    for (size_t i = 0; i < t.length; i++) {
        char c = t.bytes[i];
        char letter = c == '\\' ? '\\' : c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;

        if (letter == 0)
            continue;
        buffer_add(out, t.bytes + from, i - from);
        buffer_add_char(out, '\\');
        buffer_add_char(out, letter);
        from = i + 1;
    }
    buffer_add(out, t.bytes + from, t.length - from);
}

bool postgres_copy_out(struct postgres *p, const char *sql, struct error *e)
{
    p->is_copying = copy_begin(p, sql, PGRES_COPY_OUT, e);
    return p->is_copying;
}

bool postgres_copy_next(struct postgres *p, int wake, struct text *row, struct error *e)
{
    *row = (struct text){"", 0};
    PQfreemem(p->copied);
    p->copied = NULL;
    while (p->is_copying) {
        struct pollfd wait[2] = {{.fd = PQsocket(p->connection), .events = POLLIN},
                                 {.fd = wake, .events = POLLIN}};
        int length = PQgetCopyData(p->connection, &p->copied, 1);

        if (length > 0) {
            *row = (struct text){p->copied, (size_t)length};
            return true;
        }
        p->is_copying = length == 0;
        if (length == -1)
            return copy_result(p, NULL, e);
        if (length == -2)
            return failed(p, NULL, "cannot copy", e);
        if (poll(wait, wake >= 0 ? 2 : 1, -1) > 0 && wake >= 0 && wait[1].revents != 0)
            return true;
        if (PQconsumeInput(p->connection) != 1)
            return failed(p, NULL, "cannot copy", e);
    }
    return true;
}

void postgres_quote_add(struct buffer *out, struct text part)
{
    buffer_add_char(out, '"');
    for (size_t i = 0; i < part.length; i++) {
        if (part.bytes[i] == '"')
            buffer_add_char(out, '"');
        buffer_add_char(out, part.bytes[i]);
    }
    buffer_add_char(out, '"');
}

bool postgres_name_add(struct buffer *out, struct text name)
{
    size_t from = 0;

    for (size_t i = 0; i <= name.length; i++) {
        if (i < name.length && name.bytes[i] != '.')
            continue;
        if (i == from || i - from > POSTGRES_NAME_MAX)
            return false;
        if (from > 0)
            buffer_add_char(out, '.');
        postgres_quote_add(out, (struct text){name.bytes + from, i - from});
        from = i + 1;
    }
    return true;
}

/* "SELECT * FROM ..." as one may stand in brackets: without a last ';'. */
static bool select_format(struct postgres *p, const char *table, const char *query,
                          struct buffer *out, struct error *e)
{
    struct text t = text_trim(text_of(query != NULL ? query : ""));

    if (table != NULL) {
        buffer_add_text(out, "SELECT * FROM ");
        return postgres_name_add(out, text_of(table)) ||
               error_set(e, ERROR_INVALID, "\"%.80s\" is no table's name; expected schema.table",
                         table);
    }
    while (t.length > 0 && t.bytes[t.length - 1] == ';')
        t = text_trim((struct text){t.bytes, t.length - 1});
    if (t.length > POSTGRES_QUERY_MAX)
        return error_set(e, ERROR_INVALID, "%s: a query of over %d bytes", p->place,
                         POSTGRES_QUERY_MAX);
    buffer_add_slice(out, t);
    return true;
}

static void columns_format(const struct postgres_rows *rows, struct buffer *sql)
{
    for (uint32_t i = 0; i < postgres_columns(rows); i++) {
        struct text name = text_of(postgres_column_name(rows, i));

        buffer_add_text(sql, i > 0 ? ", " : "");
        postgres_quote_add(sql, name);
        if (!postgres_is_bool(rows, i))
            continue;
        buffer_add_text(sql, "::text AS ");
        postgres_quote_add(sql, name);
    }
}

bool postgres_copy_format(struct postgres *p, const char *table, const char *query,
                          struct buffer *sql, struct error *e)
{
    struct postgres_rows *rows = NULL;
    struct buffer select, look;
    bool ok;

    buffer_init(&select, 2 * POSTGRES_QUERY_MAX);
    buffer_init(&look, 2 * POSTGRES_QUERY_MAX + 64);
    ok = select_format(p, table, query, &select, e);
    buffer_format(&look, "SELECT * FROM (");
    buffer_add_slice(&look, (struct text){select.bytes, select.length});
    buffer_add_text(&look, "\n) AS rows LIMIT 0");
    ok = ok && postgres_exec(p, "BEGIN TRANSACTION READ ONLY", e) &&
         postgres_ask(p, buffer_text(&look), NULL, 0, &rows, e);
    p->is_reading = ok;
    if (ok) {
        buffer_add_text(sql, "COPY (SELECT ");
        columns_format(rows, sql);
        buffer_add_text(sql, " FROM (");
        buffer_add_slice(sql, (struct text){select.bytes, select.length});
        buffer_add_text(sql, "\n) AS rows) ");
        postgres_rows_free(rows);
        ok = !sql->overflow || error_set(e, ERROR_INVALID, "%s: a query of over %d bytes", p->place,
                                         POSTGRES_QUERY_MAX);
    }
    buffer_fini(&select);
    buffer_fini(&look);
    return ok;
}
