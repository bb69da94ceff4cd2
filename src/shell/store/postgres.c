/* The store in PostgreSQL: opening, and the writer's side. */
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/velocity/velocity.h"
#include "shell/os/clock.h"
#include "shell/store/postgres_store.h"

enum {
    BATCH_BYTES_MAX = 1 << 30,
    LOCK_TRIES = 6, /* for the lock of a writer that was killed just now */
    LOCK_SLEEP_US = 100000,
};

#define WRITER_LOCK "4270771, 0"

/* ---- sessions ---- */

static bool take_writer_lock(struct postgres_store *s, struct error *e)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct postgres_rows *rows;
        bool is_ours;

        if (!postgres_ask(s->db, "SELECT pg_try_advisory_lock(" WRITER_LOCK ")", NULL, 0, &rows, e))
            return false;
        is_ours = text_is(postgres_cell(rows, 0, 0), "t");
        postgres_rows_free(rows);
        if (is_ours)
            return true;
        clock_sleep_us(LOCK_SLEEP_US);
    }
    return error_set(e, ERROR_CONFLICT,
                     "%s: another Assay projects into this database: give each log a database of "
                     "its own, or stop the other one",
                     postgres_place(s->db));
}

static bool read_projected(struct postgres_store *s, uint64_t *seq, struct error *e)
{
    struct postgres_rows *rows;
    bool is_there;

    if (!postgres_ask(s->db, "SELECT projected_seq FROM audit.projection WHERE log = 0", NULL, 0,
                      &rows, e))
        return false;
    is_there = postgres_rows_count(rows) == 1;
    if (is_there)
        *seq = (uint64_t)postgres_int(rows, 0, 0);
    postgres_rows_free(rows);
    return is_there ||
           error_set(e, ERROR_INVALID, "%s: audit.projection has lost its row: run `assay rebuild`",
                     postgres_place(s->db));
}

static bool writer_set_up(struct postgres_store *s, struct error *e)
{
    bool has, is_old;

    s->known_count = 0;
    return postgres_exec(s->db, "SET synchronous_commit = off", e) &&
           postgres_schema_check(s->db, &has, &is_old, e) &&
           (!is_old || postgres_schema_migrate(s->db, e)) && take_writer_lock(s, e) &&
           read_projected(s, &s->projected, e);
}

static bool reader_set_up(struct postgres_store *s, struct error *e)
{
    bool has, is_old;

    if (!postgres_exec(s->db, "SET default_transaction_read_only = on", e) ||
        !postgres_limit(s->db, POSTGRES_QUERY_MS, e) ||
        !postgres_schema_check(s->db, &has, &is_old, e))
        return false;
    if (!has)
        return error_set(e, ERROR_NOT_FOUND, "%s: nothing is projected yet", postgres_place(s->db));
    return !is_old || error_set(e, ERROR_INVALID,
                                "%s: its tables are of an older version; `assay serve` or `assay "
                                "rebuild` brings them up",
                                postgres_place(s->db));
}

bool postgres_store_ready(struct postgres_store *s, struct error *e)
{
    if (!postgres_ready(s->db, e))
        return false;
    if (s->session == postgres_session(s->db))
        return true;
    if (!(s->mode == STORE_WRITE ? writer_set_up(s, e) : reader_set_up(s, e)))
        return false;
    s->session = postgres_session(s->db);
    return true;
}

static void postgres_store_close(struct store *is)
{
    struct postgres_store *s = postgres_of(is);

    postgres_close(s->db);
    buffer_fini(&s->decision);
    buffer_fini(&s->entity);
    buffer_fini(&s->label);
    mem_free(s);
}

static bool postgres_store_open(const char *where, enum store_mode mode, struct store **s,
                                bool *is_damaged, struct error *e)
{
    struct postgres_store *made = mem_alloc(sizeof *made);

    (void)is_damaged;
    made->is.ops = &postgres_ops;
    made->mode = mode;
    buffer_init(&made->decision, BATCH_BYTES_MAX);
    buffer_init(&made->entity, BATCH_BYTES_MAX);
    buffer_init(&made->label, BATCH_BYTES_MAX);
    if (!postgres_open(where, &made->db, e) || !postgres_store_ready(made, e)) {
        postgres_store_close(&made->is);
        return false;
    }
    *s = &made->is;
    return true;
}

static bool postgres_store_is_there(struct store *is)
{
    (void)is;
    return true;
}

static bool postgres_store_remove(const char *where, struct error *e)
{
    struct store *s;
    struct buffer watch;
    bool ok, ignored;

    if (!postgres_store_open(where, STORE_WRITE, &s, &ignored, e))
        return false;
    buffer_init(&watch, STORE_SQL_MAX);
    store_sql_expand(store_watch_empty, POSTGRES_WATCH, &watch);
    ok = postgres_exec(postgres_of(s)->db,
                       "TRUNCATE score.decision, score.entity, score.traffic, label.label; "
                       "UPDATE audit.projection SET projected_seq = 0, projected_at = now()",
                       e) &&
         postgres_exec(postgres_of(s)->db, buffer_text(&watch), e);
    buffer_fini(&watch);
    postgres_store_close(s);
    return ok;
}

/* ---- a batch ---- */

static void batch_clear(struct postgres_store *s)
{
    buffer_clear(&s->decision);
    buffer_clear(&s->entity);
    buffer_clear(&s->label);
    s->decision.overflow = s->entity.overflow = s->label.overflow = false;
    s->decision_seq = s->label_seq = 0;
    s->wanted_count = 0;
}

static bool postgres_store_begin(struct store *is, struct error *e)
{
    struct postgres_store *s = postgres_of(is);
    uint64_t before = s->projected;

    batch_clear(s);
    if (!postgres_store_ready(s, e))
        return false;
    if (s->projected < before)
        return error_set(
            e, ERROR_WORLD, "%s: the server came back with less than it had: record %llu of %llu",
            postgres_place(s->db), (unsigned long long)s->projected, (unsigned long long)before);
    return true;
}

const char *postgres_time(int64_t time_us, char out[TIME_TEXT_MAX])
{
    if (time_us < TIME_MIN_US)
        return "-infinity";
    if (time_us > TIME_MAX_US)
        return "infinity";
    time_format(time_us, out);
    return out;
}

/* Each cell ends with what stands before the next. */
static void add_whole(struct buffer *out, int64_t v, char end)
{
    char digits[NUMBER_TEXT_MAX];

    buffer_add(out, digits, number_format_int(v, digits));
    buffer_add_char(out, end);
}

static void add_words(struct buffer *out, struct text t, char end)
{
    postgres_copy_cell(out, t);
    buffer_add_char(out, end);
}

static void add_time(struct buffer *out, int64_t time_us, char end)
{
    char text[TIME_TEXT_MAX];

    buffer_add_text(out, postgres_time(time_us, text));
    buffer_add_char(out, end);
}

static void add_label_cell(struct buffer *out, uint8_t label, char end)
{
    if (label != LABEL_UNKNOWN) {
        add_whole(out, label, end);
        return;
    }
    buffer_add_text(out, "\\N");
    buffer_add_char(out, end);
}

static bool no_overflow(const struct postgres_store *s, const struct buffer *b, struct error *e)
{
    return !b->overflow || error_set(e, ERROR_FULL, "%s: one batch has over %d bytes",
                                     postgres_place(s->db), BATCH_BYTES_MAX);
}

static bool has_month(const int32_t *months, uint32_t count, int32_t month)
{
    for (uint32_t i = 0; i < count; i++) {
        if (months[i] == month)
            return true;
    }
    return false;
}

/* Its own, and the next one ahead of its time. */
static bool want_month(struct postgres_store *s, int64_t time_us, struct error *e)
{
    struct civil c;
    int32_t month;

    if (time_us < TIME_MIN_US || time_us > TIME_MAX_US)
        return error_set(e, ERROR_INVALID, "a decision's time of receipt is in no calendar");
    c = civil_from_time(time_us);
    month = c.year * 12 + c.month - 1;
    for (int32_t m = month; m <= month + 1; m++) {
        if (has_month(s->known, s->known_count, m) || has_month(s->wanted, s->wanted_count, m))
            continue;
        if (s->wanted_count == POSTGRES_MONTHS_MAX)
            return error_set(e, ERROR_INVALID, "one batch has decisions of over %d months",
                             POSTGRES_MONTHS_MAX);
        s->wanted[s->wanted_count++] = m;
    }
    return true;
}

static bool add_entities(struct postgres_store *s, const struct store_decision *d, struct error *e)
{
    for (uint32_t i = 0; i < d->entities; i++) {
        bool is_there = d->entity[i] == 0;

        for (uint32_t k = 0; k < i; k++)
            is_there = is_there || d->entity[k] == d->entity[i];
        if (is_there)
            continue;
        add_whole(&s->entity, d->entity[i], '\t');
        add_whole(&s->entity, (int64_t)d->seq, '\t');
        add_time(&s->entity, d->received_us, '\n');
    }
    return no_overflow(s, &s->entity, e);
}

static bool postgres_add_decision(struct store *is, const struct store_decision *d, struct error *e)
{
    struct postgres_store *s = postgres_of(is);
    struct buffer *out = &s->decision;
    char digits[NUMBER_TEXT_MAX];

    if (d->seq <= s->projected || d->seq <= s->decision_seq)
        return true;
    if (!want_month(s, d->received_us, e))
        return false;
    s->decision_seq = d->seq;
    add_whole(out, (int64_t)d->seq, '\t');
    add_words(out, d->event_id, '\t');
    add_time(out, d->received_us, '\t');
    add_time(out, d->time_us, '\t');
    buffer_add(out, digits, number_format_real(d->probability, digits));
    buffer_add_char(out, '\t');
    add_whole(out, d->score, '\t');
    add_words(out, d->outcome, '\t');
    add_words(out, d->level, '\t');
    add_whole(out, d->flags, '\t');
    add_words(out, d->plan, '\t');
    if (d->rules.length <= 2) /* [] */
        buffer_add_text(out, "\\N\n");
    else
        add_words(out, d->rules, '\n');
    return no_overflow(s, out, e) && add_entities(s, d, e);
}

static bool postgres_add_label(struct store *is, const struct store_label *l, struct error *e)
{
    struct postgres_store *s = postgres_of(is);
    struct buffer *out = &s->label;

    if (l->seq <= s->projected || l->seq <= s->label_seq)
        return true;
    s->label_seq = l->seq;
    add_whole(out, (int64_t)l->seq, '\t');
    add_whole(out, (int64_t)l->event_seq, '\t');
    add_words(out, l->event_id, '\t');
    add_label_cell(out, l->label, '\t');
    add_words(out, l->source, '\t');
    add_time(out, l->effective_us, '\t');
    add_time(out, l->received_us, '\n');
    return no_overflow(s, out, e);
}

static bool make_months(struct postgres_store *s, struct error *e)
{
    for (uint32_t i = 0; i < s->wanted_count; i++) {
        struct postgres_rows *rows;
        char day[40];
        struct text value;

        value = (struct text){day, (size_t)snprintf(day, sizeof day, "%04d-%02d-01",
                                                    s->wanted[i] / 12, s->wanted[i] % 12 + 1)};
        if (!postgres_ask(s->db, "SELECT score.make_month($1::date)", &value, 1, &rows, e))
            return false;
        postgres_rows_free(rows);
    }
    return true;
}

static bool copy_rows(struct postgres_store *s, const char *sql, const struct buffer *b,
                      struct error *e)
{
    return b->length == 0 || (postgres_copy_in(s->db, sql, e) &&
                              postgres_copy_put(s->db, (struct text){b->bytes, b->length}, e) &&
                              postgres_copy_end(s->db, NULL, e));
}

/* One statement with one number; it changes what it changes. */
static bool run_with(struct postgres_store *s, const char *sql, uint64_t seq, struct error *e)
{
    struct postgres_rows *rows;
    char digits[NUMBER_TEXT_MAX];
    struct text value = {digits, number_format_int((int64_t)seq, digits)};

    if (!postgres_ask(s->db, sql, &value, 1, &rows, e))
        return false;
    postgres_rows_free(rows);
    return true;
}

/* The batch's rows are counted where they stand, as in SQLite. */
static bool count_traffic(struct postgres_store *s, uint64_t projected_seq, struct error *e)
{
    for (enum store_span span = 0; span < STORE_SPANS; span++) {
        char seconds[NUMBER_TEXT_MAX], keep[NUMBER_TEXT_MAX];
        char since[NUMBER_TEXT_MAX], until[NUMBER_TEXT_MAX];
        const struct text count[] = {
            {seconds, number_format_int(store_span_us(span) / 1000000, seconds)},
            {since, number_format_int((int64_t)s->projected, since)},
            {until, number_format_int((int64_t)projected_seq, until)}};
        const struct text drop[] = {
            count[0], {keep, number_format_int(store_span_keep_us(span) / 1000000, keep)}};
        struct postgres_rows *rows;

        if (!postgres_ask(s->db,
                          "INSERT INTO score.traffic SELECT $1::integer, to_timestamp(floor("
                          "extract(epoch FROM received_at) / $1::integer) * $1::integer), outcome, "
                          "least(score / 50, 19), count(*) FROM score.decision WHERE seq > "
                          "$2::bigint AND seq <= $3::bigint GROUP BY 1, 2, 3, 4 ON CONFLICT "
                          "(span_s, start_at, outcome, band) DO UPDATE SET count = traffic.count + "
                          "excluded.count",
                          count, 3, &rows, e))
            return false;
        postgres_rows_free(rows);
        if (!postgres_ask(s->db,
                          "DELETE FROM score.traffic WHERE span_s = $1::integer AND start_at < "
                          "(SELECT max(start_at) FROM score.traffic WHERE span_s = $1::integer) - "
                          "make_interval(secs => $2::bigint)",
                          drop, 2, &rows, e))
            return false;
        postgres_rows_free(rows);
    }
    return true;
}

_Static_assert(STORE_BAND_WIDTH == 50 && STORE_BANDS == 20, "as the statement has it");

static const char apply_labels[] =
    "UPDATE score.decision d SET label = l.label FROM (SELECT DISTINCT ON (event_seq) event_seq, "
    "label FROM label.label WHERE seq > $1::bigint ORDER BY event_seq, seq DESC) l "
    "WHERE d.seq = l.event_seq AND d.label IS DISTINCT FROM l.label";

static bool write_batch(struct postgres_store *s, uint64_t projected_seq, struct error *e)
{
    return make_months(s, e) &&
           copy_rows(s,
                     "COPY score.decision(seq, event_id, received_at, \"time\", probability, "
                     "score, outcome, level, flags, plan, rules) FROM STDIN",
                     &s->decision, e) &&
           copy_rows(s, "COPY score.entity(entity, seq, received_at) FROM STDIN", &s->entity, e) &&
           copy_rows(s,
                     "COPY label.label(seq, event_seq, event_id, label, source, effective_at, "
                     "received_at) FROM STDIN",
                     &s->label, e) &&
           (s->decision.length == 0 || count_traffic(s, projected_seq, e)) &&
           (s->label.length == 0 || run_with(s, apply_labels, s->projected, e)) &&
           run_with(s,
                    "UPDATE audit.projection SET projected_seq = $1::bigint, projected_at = now() "
                    "WHERE log = 0",
                    projected_seq, e);
}

static void know_months(struct postgres_store *s)
{
    for (uint32_t i = 0; i < s->wanted_count; i++) {
        if (s->known_count == POSTGRES_MONTHS_MAX)
            s->known_count = 0;
        s->known[s->known_count++] = s->wanted[i];
    }
}

static bool postgres_store_commit(struct store *is, uint64_t projected_seq, struct error *e)
{
    struct postgres_store *s = postgres_of(is);

    if (!s->is_open && !postgres_exec(s->db, "BEGIN", e))
        return false;
    s->is_open = true;
    if (!write_batch(s, projected_seq, e) || !postgres_exec(s->db, "COMMIT", e))
        return false;
    s->is_open = false;
    s->projected = projected_seq;
    know_months(s);
    batch_clear(s);
    return true;
}

static void postgres_store_rollback(struct store *is)
{
    struct postgres_store *s = postgres_of(is);
    struct error ignored; /* a lost connection has rolled back by itself */

    batch_clear(s);
    if (s->is_open && !postgres_is_lost(s->db) && !postgres_exec(s->db, "ROLLBACK", &ignored))
        s->session = 0; /* set up anew before the next use */
    s->is_open = false;
}

static bool postgres_store_projected(struct store *is, uint64_t *seq, struct error *e)
{
    struct postgres_store *s = postgres_of(is);

    if (!postgres_store_ready(s, e) || !read_projected(s, seq, e))
        return false;
    s->projected = *seq;
    return true;
}

const struct store_ops postgres_ops = {
    .open = postgres_store_open,
    .is_there = postgres_store_is_there,
    .remove = postgres_store_remove,
    .close = postgres_store_close,
    .begin = postgres_store_begin,
    .add_decision = postgres_add_decision,
    .add_label = postgres_add_label,
    .commit = postgres_store_commit,
    .rollback = postgres_store_rollback,
    .projected = postgres_store_projected,
    .query = postgres_query,
    .find = postgres_find,
    .entity_decisions = postgres_entity_decisions,
    .label_of = postgres_label_of,
    .traffic = postgres_traffic,
    .count = postgres_count,
    .ask = postgres_store_ask,
};
