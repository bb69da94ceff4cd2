#include "shell/watch/rollup_position.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/link/postgres.h"
#include "shell/link/sqlite.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"

enum { READ_BYTES = 1 << 20 };

void rollup_position_fini(struct rollup_position *p)
{
    for (uint32_t i = 0; i < p->piece_count; i++)
        mem_free((void *)(uintptr_t)p->pieces[i].path);
    mem_free(p->pieces);
    mem_free(p->query);
    mem_free(p->greatest);
    buffer_fini(&p->now);
    *p = (struct rollup_position){0};
}

void rollup_position_anew(struct rollup_position *p)
{
    p->goes_on = p->is_current = false;
    for (uint32_t i = 0; i < p->piece_count; i++)
        p->pieces[i].from = 0;
}

/* ---- files ---- */

/* A file, as it was or as it is. */
struct stand {
    uint64_t bytes;
    int64_t changed_ns;
    char digest[DIGEST_HEX]; /* of its bytes; "-": what is added to it cannot be read alone */
    struct text path;
};

static bool read_stand(struct text line, struct stand *s)
{
    char head[160];
    int used = 0;

    snprintf(head, sizeof head, "%.*s", (int)(line.length < 159 ? line.length : 159), line.bytes);
    if (sscanf(head, "%" SCNu64 " %" SCNd64 " %64s %n", &s->bytes, &s->changed_ns, s->digest,
               &used) != 3 ||
        used == 0)
        return false;
    s->path = (struct text){line.bytes + used, line.length - (size_t)used};
    return true;
}

static void put_stand(const struct stand *s, struct buffer *out)
{
    buffer_format(out, "%" PRIu64 " %" PRId64 " %s ", s->bytes, s->changed_ns, s->digest);
    buffer_add_slice(out, s->path);
    buffer_add_char(out, '\n');
}

/* The line of a file in what was kept; both are in the order of paths, and *at goes on. */
static bool find_stand(const char **at, struct text path, struct stand *s)
{
    const char *end;

    for (; *at != NULL && (end = strchr(*at, '\n')) != NULL; *at = end + 1) {
        if (!read_stand((struct text){*at, (size_t)(end - *at)}, s))
            continue;
        if (text_compare(s->path, path) >= 0)
            return text_equal(s->path, path);
    }
    return false;
}

/* What is seen of a file's bytes in one pass. */
struct pass {
    struct digest *digest;
    uint64_t at, quotes;
    char first, last;
};

static bool pass_until(struct pass *p, int fd, uint64_t until, char *bytes, const char *path,
                       struct error *e)
{
    while (p->at < until) {
        uint64_t left = until - p->at;
        ssize_t n = file_read_at(fd, bytes, left < READ_BYTES ? (size_t)left : READ_BYTES, p->at);

        if (n < 0)
            return error_set(e, ERROR_WORLD, "cannot read %s: %m", path);
        if (n == 0)
            return error_set(e, ERROR_WORLD, "%s has become shorter while it was read", path);
        digest_add(p->digest, bytes, (size_t)n);
        for (ssize_t i = 0; i < n; i++) {
            p->quotes += bytes[i] == '"';
            if (p->first == 0 && (unsigned char)bytes[i] > ' ')
                p->first = bytes[i];
        }
        p->last = bytes[n - 1];
        p->at += (uint64_t)n;
    }
    return true;
}

/* Text of whole records: not packed, no array, not inside a quoted cell. */
static bool can_grow(const struct pass *p, const char *bytes)
{
    bool is_packed = (unsigned char)bytes[0] == 0x1f || (unsigned char)bytes[0] == 0x28;

    return p->last == '\n' && p->first != '[' && !is_packed &&
           (p->first == '{' || p->quotes % 2 == 0);
}

/* The digest of the file as it is, and whether its beginning is what it was. */
static bool look_at(struct stand *now, const struct stand *was, const char *path, bool *is_longer,
                    struct error *e)
{
    char *bytes = mem_alloc(READ_BYTES), digest[DIGEST_HEX], magic[4] = {0};
    struct pass p = {.digest = digest_new()};
    uint8_t raw[DIGEST_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0;

    if (!ok)
        error_set(e, ERROR_WORLD, "cannot open %s: %m", path);
    digest_start(p.digest);
    *is_longer = false;
    ok = ok && (now->bytes == 0 || file_read_at(fd, magic, 1, 0) >= 0 ||
                error_set(e, ERROR_WORLD, "cannot read %s: %m", path));
    if (ok && was != NULL && was->bytes <= now->bytes &&
        (ok = pass_until(&p, fd, was->bytes, bytes, path, e))) {
        digest_peek(p.digest, raw);
        digest_hex(raw, digest);
        *is_longer = strcmp(digest, was->digest) == 0;
    }
    if (ok && (ok = pass_until(&p, fd, now->bytes, bytes, path, e))) {
        digest_finish(p.digest, raw);
        digest_hex(raw, now->digest);
        if (!can_grow(&p, magic))
            snprintf(now->digest, sizeof now->digest, "-");
    }
    if (fd >= 0)
        close(fd);
    digest_free(p.digest);
    mem_free(bytes);
    return ok;
}

static bool take_file(const char *path, const char **before, struct rollup_position *p,
                      uint32_t *known, struct error *e)
{
    struct stand now = {.path = text_of(path)}, was;
    struct source_piece *piece = &p->pieces[p->piece_count];
    bool had = find_stand(before, now.path, &was), is_longer = false;
    struct stat st;

    if (stat(path, &st) != 0)
        return error_set(e, ERROR_WORLD, "cannot read %s: %m", path);
    now.bytes = (uint64_t)st.st_size;
    now.changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    *piece = (struct source_piece){.path = mem_text(path, strlen(path)), .until = now.bytes};
    p->piece_count++;
    *known += had;
    if (!S_ISREG(st.st_mode) || strchr(path, '\n') != NULL) {
        p->is_kept = false;
        p->goes_on &= !had;
        return true;
    }
    if (had && was.bytes == now.bytes && was.changed_ns == now.changed_ns) {
        piece->from = now.bytes;
        put_stand(&was, &p->now);
        return true;
    }
    if (!look_at(&now, had ? &was : NULL, path, &is_longer, e))
        return false;
    piece->from = is_longer ? was.bytes : 0;
    p->goes_on &= !had || is_longer;
    put_stand(&now, &p->now);
    return true;
}

bool rollup_position_files(const char *pattern, const char *before, struct rollup_position *p,
                           struct error *e)
{
    uint32_t known = 0, lines = 0;
    const char *at = before;
    struct file_list list;
    bool ok = true;

    *p = (struct rollup_position){.goes_on = before != NULL, .is_kept = true};
    buffer_init(&p->now, ROLLUP_POSITION_MAX);
    if (!file_list(pattern, &list, e))
        return false;
    p->pieces = mem_array(list.count + 1, sizeof *p->pieces);
    for (size_t i = 0; i < list.count && ok; i++)
        ok = take_file(list.path[i], &at, p, &known, e);
    file_list_fini(&list);
    for (const char *c = before; c != NULL && *c != 0; c++)
        lines += *c == '\n';
    p->goes_on &= known == lines; /* none is gone */
    p->is_kept &= !p->now.overflow;
    p->is_current = p->goes_on;
    for (uint32_t i = 0; i < p->piece_count && p->is_current; i++)
        p->is_current = p->pieces[i].from == p->pieces[i].until;
    if (!p->goes_on)
        rollup_position_anew(p);
    return ok;
}

/* ---- tables ---- */

/* One row of texts from the source's database; NULL cells are null. */
struct link {
    struct postgres *postgres; /* or NULL: */
    struct sqlite_link *sqlite;
};

static bool link_open(const char *url, struct link *l, struct error *e)
{
    *l = (struct link){0};
    return sqlite_link_is(url) ? sqlite_link_open(url, false, &l->sqlite, e)
                               : postgres_open(url, &l->postgres, e);
}

static void link_close(struct link *l)
{
    postgres_close(l->postgres);
    sqlite_link_close(l->sqlite);
}

static char *copied(bool is_null, struct text t)
{
    return is_null ? NULL : mem_text(t.bytes, t.length);
}

static bool link_ask(struct link *l, struct buffer *sql, char **cell, uint32_t cells,
                     struct error *e)
{
    struct sqlite_statement *q = NULL;
    struct postgres_rows *rows;
    bool has;

    if (sql->overflow)
        return error_set(e, ERROR_FULL, "a statement over %d bytes", POSTGRES_QUERY_MAX);
    if (l->postgres != NULL) {
        if (!postgres_ask(l->postgres, buffer_text(sql), NULL, 0, &rows, e))
            return false;
        for (uint32_t i = 0; i < cells; i++)
            cell[i] = copied(postgres_is_null(rows, 0, i), postgres_cell(rows, 0, i));
        postgres_rows_free(rows);
        return true;
    }
    if (!sqlite_link_prepare(l->sqlite, buffer_text(sql), &q, e))
        return false;
    if (!sqlite_step(q, &has, e)) {
        sqlite_statement_free(q);
        return false;
    }
    for (uint32_t i = 0; i < cells; i++)
        cell[i] = copied(!has || sqlite_is_null(q, i), sqlite_cell(q, i));
    sqlite_statement_free(q);
    return true;
}

/* The rows as what follows FROM. */
static bool add_rows(const struct link *l, const struct source_setting *source, struct buffer *sql,
                     struct error *e)
{
    struct text table;

    if (source->table == NULL) {
        buffer_format(sql, "(");
        buffer_add_text(sql, source->query);
        buffer_add_text(sql, ") AS grown");
        return true;
    }
    table = text_of(source->table);
    return (l->postgres != NULL ? postgres_name_add(sql, table)
                                : sqlite_link_name_add(sql, table)) ||
           error_set(e, ERROR_INVALID, "\"%.80s\" is no table's name: expected schema.table",
                     source->table);
}

static void add_quoted(struct buffer *sql, const char *text, char quote)
{
    buffer_add_char(sql, quote);
    for (; *text != 0; text++) {
        buffer_add_char(sql, *text);
        if (*text == quote)
            buffer_add_char(sql, quote);
    }
    buffer_add_char(sql, quote);
}

/* A value as it was given; SQLite compares by kind, and a number in quotes is none to it. */
static void add_bound(const struct link *l, const char *column, const char *sign, const char *value,
                      struct buffer *sql)
{
    int64_t whole;

    add_quoted(sql, column, '"');
    buffer_format(sql, " %s ", sign);
    if (l->sqlite != NULL && number_parse_int(text_of(value), &whole))
        buffer_add_text(sql, value);
    else
        add_quoted(sql, value, '\'');
}

/* How many rows lack the value, and the greatest one. */
static bool ask_greatest(struct link *l, const struct source_setting *source,
                         struct rollup_position *p, struct buffer *sql, struct error *e)
{
    char *cell[2] = {NULL, NULL};
    int64_t lacking = 0;
    bool ok;

    buffer_clear(sql);
    buffer_add_text(sql, "SELECT count(*) - count(");
    add_quoted(sql, source->grows, '"');
    buffer_add_text(sql, "), max(");
    add_quoted(sql, source->grows, '"');
    buffer_add_text(sql, ") FROM ");
    ok = add_rows(l, source, sql, e) && link_ask(l, sql, cell, 2, e);
    if (ok && cell[0] != NULL && number_parse_int(text_of(cell[0]), &lacking) && lacking > 0)
        ok = error_set(e, ERROR_INVALID,
                       "%" PRId64 " rows have no %s: a column that grows has a value in each",
                       lacking, source->grows);
    p->greatest = cell[1];
    mem_free(cell[0]);
    return ok;
}

static bool ask_count(struct link *l, const struct source_setting *source, const char *until,
                      uint64_t *rows, struct buffer *sql, struct error *e)
{
    char *cell = NULL;
    int64_t count = 0;
    bool ok;

    buffer_clear(sql);
    buffer_add_text(sql, "SELECT count(*) FROM ");
    ok = add_rows(l, source, sql, e);
    buffer_add_text(sql, " WHERE ");
    add_bound(l, source->grows, "<=", until, sql);
    ok = ok && link_ask(l, sql, &cell, 1, e);
    if (cell != NULL)
        (void)!number_parse_int(text_of(cell), &count);
    *rows = (uint64_t)count;
    mem_free(cell);
    return ok;
}

static bool say_query(const struct link *l, const struct source_setting *source, const char *after,
                      struct rollup_position *p, struct buffer *sql, struct error *e)
{
    buffer_clear(sql);
    buffer_add_text(sql, "SELECT * FROM ");
    if (!add_rows(l, source, sql, e))
        return false;
    buffer_add_text(sql, " WHERE ");
    add_bound(l, source->grows, "<=", p->greatest, sql);
    if (after != NULL) {
        buffer_add_text(sql, " AND ");
        add_bound(l, source->grows, ">", after, sql);
    }
    p->query = mem_text(buffer_text(sql), sql->length);
    return !sql->overflow ||
           error_set(e, ERROR_FULL, "a statement over %d bytes", POSTGRES_QUERY_MAX);
}

/* "rows value" */
static const char *read_before(const char *before, uint64_t *rows)
{
    const char *space = before != NULL ? strchr(before, ' ') : NULL;
    int64_t count;

    if (space == NULL ||
        !number_parse_int((struct text){before, (size_t)(space - before)}, &count) || count < 0)
        return NULL;
    *rows = (uint64_t)count;
    return space + 1;
}

bool rollup_position_table(const struct settings *s, const struct source_setting *source,
                           const char *before, struct rollup_position *p, struct error *e)
{
    uint64_t there = 0, counted = 0;
    const char *after = read_before(before, &counted);
    struct buffer sql;
    struct link l;
    bool ok;

    *p = (struct rollup_position){.is_kept = true};
    buffer_init(&p->now, ROLLUP_POSITION_MAX);
    if (!link_open(settings_source_url(s, source), &l, e))
        return false;
    buffer_init(&sql, POSTGRES_QUERY_MAX);
    ok = ask_greatest(&l, source, p, &sql, e);
    if (ok && after != NULL && p->greatest != NULL)
        ok = ask_count(&l, source, after, &there, &sql, e);
    p->goes_on = after != NULL && p->greatest != NULL && there == counted;
    p->counted = p->goes_on ? counted : 0;
    p->is_current = p->goes_on && strcmp(after, p->greatest) == 0;
    if (p->greatest == NULL)
        p->is_kept = false;
    else
        ok = ok && say_query(&l, source, p->goes_on ? after : NULL, p, &sql, e);
    buffer_fini(&sql);
    link_close(&l);
    return ok;
}

void rollup_position_count(struct rollup_position *p, uint64_t rows)
{
    if (p->greatest == NULL)
        return;
    buffer_format(&p->now, "%" PRIu64 " ", p->counted + rows);
    buffer_add_text(&p->now, p->greatest);
    p->is_kept &= !p->now.overflow;
}
