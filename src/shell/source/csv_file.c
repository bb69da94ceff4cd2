/* CSV files: delimiter, header and types are found in the head of the first file; rows are read by
 * core/data/csv.h. */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "core/base/number.h"
#include "core/base/panic.h"
#include "shell/source/format.h"

enum { LOOK_RECORDS = 200, SPLIT_MEMORY = CSV_RECORD_MAX + 65536 };

/* The first record and what follows it. */
struct head {
    struct text bytes;
    bool last;
    struct arena memory; /* of cells that had quotes */
    struct text *cells;
};

static void head_init(struct head *h, const struct source *s)
{
    *h = (struct head){.bytes = stream_window(s->stream), .last = stream_at_end(s->stream)};
    h->cells = mem_array(CSV_COLUMNS_MAX, sizeof *h->cells);
    arena_init(&h->memory, SPLIT_MEMORY);
}

static void head_fini(struct head *h)
{
    mem_free(h->cells);
    arena_fini(&h->memory);
}

static bool is_blank_record(const struct head *h, const struct csv_record *r)
{
    return r->count == 1 && h->cells[0].length == 0 && !r->any_quote;
}

/* The record at *at, which then stands behind it; false at the end of the head. */
static bool next_record(struct head *h, size_t *at, char delimiter, struct csv_record *r)
{
    do {
        arena_clear(&h->memory);
        *r = csv_split(h->bytes.bytes + *at, h->bytes.length - *at, h->last, delimiter, &h->memory,
                       h->cells, CSV_COLUMNS_MAX);
        *at += r->used;
    } while (r->used > 0 && r->fault == FAULT_NONE && is_blank_record(h, r));
    return r->used > 0;
}

/* Of the delimiters that part the first record, the one by which most records have as many cells as
 * the first, and of equal ones the one that gives more cells. */
static char find_delimiter(struct head *h)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    double best_score = 0;
    char best = ',';

    for (size_t i = 0; i < sizeof candidates; i++) {
        struct csv_record r;
        size_t at = 0;
        unsigned records = 0, agree = 0, columns = 0;
        double score;

        while (records < LOOK_RECORDS && next_record(h, &at, candidates[i], &r)) {
            if (r.fault != FAULT_NONE)
                r.count = 0;
            if (records++ == 0)
                columns = r.count;
            agree += r.count == columns;
        }
        if (columns < 2)
            continue;
        score = (double)agree / records + columns * 1e-6;
        if (score > best_score) {
            best_score = score;
            best = candidates[i];
        }
    }
    return best;
}

/* Excel writes "sep=;" as a first line. */
static void take_separator_line(struct source *s)
{
    struct text head = stream_window(s->stream);
    size_t used = 5;

    if (head.length < 6 || memcmp(head.bytes, "sep=", 4) != 0)
        return;
    if (head.bytes[used] == '\r' && head.length > used + 1)
        used++;
    if (head.bytes[used] != '\n')
        return;
    if (s->options.delimiter == 0)
        s->delimiter = head.bytes[4];
    stream_take(s->stream, used + 1);
    s->line++;
}

static bool looks_like_value(const struct source *s, struct text cell)
{
    double real;
    int64_t us;

    cell = text_trim(cell);
    return number_parse_real(cell, '.', &real) || number_parse_real(cell, ',', &real) ||
           time_parse(cell, TIME_ISO, &us) || time_parse(cell, TIME_DAY_FIRST, &us) ||
           time_parse(cell, TIME_MONTH_FIRST, &us) || source_is_null_word(s, cell);
}

static bool has_header(const struct source *s, const struct head *h, uint32_t count)
{
    bool any = false;

    if (s->options.header != SOURCE_HEADER_AUTO)
        return s->options.header == SOURCE_HEADER_YES;
    for (uint32_t i = 0; i < count; i++) {
        any |= text_trim(h->cells[i]).length > 0;
        if (looks_like_value(s, h->cells[i]))
            return false;
    }
    return any;
}

/* Names of the columns; those without one are called column_N. Owned by the caller. */
static char **column_names(const struct head *h, uint32_t count, bool header)
{
    char **names = mem_array(count, sizeof *names);

    for (uint32_t i = 0; i < count; i++) {
        struct text name = header ? text_trim(h->cells[i]) : (struct text){"", 0};
        char made[32];

        if (name.length == 0)
            name = (struct text){made, (size_t)snprintf(made, sizeof made, "column_%u", i + 1)};
        names[i] = mem_text(name.bytes, name.length);
    }
    return names;
}

static void free_names(char **names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}

static uint64_t look_at_rows(const struct source *s, struct head *h, size_t at,
                             struct guess_column *columns, uint32_t count)
{
    struct csv_record r;
    uint64_t rows = 0;

    while (rows < s->options.sample_rows && next_record(h, &at, s->delimiter, &r)) {
        rows++;
        if (r.fault != FAULT_NONE || r.count != count)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            struct text cell = text_trim(h->cells[i]);

            if (cell.length == 0 || source_is_null_word(s, cell))
                guess_add_null(&columns[i]);
            else
                guess_add(&columns[i], cell);
        }
    }
    return rows;
}

/* The schema from the sample; none where there is no row. */
static bool make_schema(struct source *s, struct head *h, size_t at, char **names, uint32_t count,
                        struct error *e)
{
    struct guess_column *columns = mem_array(count, sizeof *columns);
    bool good = true, comma;

    if (look_at_rows(s, h, at, columns, count) > 0) {
        s->schema = schema_new();
        comma = guess_needs_comma(columns, count);
        for (uint32_t i = 0; i < count && good; i++) {
            struct guess g = guess_type(&columns[i], text_of(names[i]), s->options.point, comma);

            good = source_add_field(s, text_of(names[i]), &g, e);
        }
    }
    mem_free(columns);
    return good;
}

static bool map_columns(struct source *s, char **names, uint32_t count, struct error *e)
{
    bool *seen = mem_array(s->schema->count, sizeof *seen);
    bool good = true;

    s->column_field = mem_resize(s->column_field, count, sizeof *s->column_field);
    s->columns = count;
    for (uint32_t i = 0; i < count && good; i++) {
        int field = schema_find(s->schema, text_of(names[i]));

        if (field == FIELD_NONE)
            good =
                error_set(e, ERROR_INVALID,
                          "%s has the column \"%s\", which %s does not have: files of one source "
                          "must have the same columns",
                          s->file, names[i], s->first_file);
        else if (seen[field])
            good = error_set(e, ERROR_INVALID, "%s: column \"%s\" appears twice: rename one",
                             s->file, names[i]);
        else
            seen[field] = true;
        s->column_field[i] = field;
    }
    for (uint32_t i = 0; i < s->schema->count && good; i++) {
        if (!seen[i])
            good = error_set(e, ERROR_INVALID,
                             "%s lacks the column \"%s\", which %s has: files of one source must "
                             "have the same columns",
                             s->file, s->schema->fields[i].name, s->first_file);
    }
    mem_free(seen);
    return good;
}

static void open_reader(struct source *s)
{
    struct csv_column *columns = mem_array(s->columns, sizeof *columns);
    struct csv_layout layout = {.delimiter = s->delimiter,
                                .columns = s->columns,
                                .column = columns,
                                .null_words = s->null_words,
                                .null_count = s->options.null_count};

    for (uint32_t i = 0; i < s->columns; i++) {
        int field = s->column_field[i];

        columns[i] = (struct csv_column){field, s->is_said[field], s->is_required[field]};
    }
    s->csv = csv_reader_new(&layout, s->schema, s->line);
    mem_free(columns);
}

static uint64_t count_lines(struct text t)
{
    const char *p = t.bytes, *end = t.bytes + t.length;
    uint64_t lines = 0;

    for (; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines++;
    return lines;
}

static bool begin_records(struct source *s, struct head *h, struct error *e)
{
    struct csv_record first;
    size_t at = 0, data;
    bool header, good;
    char **names;

    if (!next_record(h, &at, s->delimiter, &first) || first.fault != FAULT_NONE)
        return error_set(e, ERROR_INVALID, "%s: the first record is no header: %s", s->file,
                         first.fault != FAULT_NONE ? fault_text(first.fault)
                                                   : fault_text(FAULT_RECORD_LONG));
    if (first.count > SCHEMA_FIELDS_MAX)
        return error_set(e, ERROR_INVALID, "%s has %u columns, at most %d may be", s->file,
                         first.count, SCHEMA_FIELDS_MAX);
    for (uint32_t i = 0; i < first.count; i++) {
        if (cell_check_text(h->cells[i]) != FAULT_NONE)
            return error_set(e, ERROR_INVALID, "%s: the name of column %u is no text: %s", s->file,
                             i + 1, fault_text(cell_check_text(h->cells[i])));
    }
    header = has_header(s, h, first.count);
    data = header ? at : 0;
    names = column_names(h, first.count, header);
    good = (s->schema != NULL || make_schema(s, h, data, names, first.count, e)) &&
           (s->schema == NULL || map_columns(s, names, first.count, e));
    free_names(names, first.count);
    if (!good || s->schema == NULL)
        return good;
    s->line += count_lines((struct text){h->bytes.bytes, data});
    stream_take(s->stream, data);
    open_reader(s);
    return true;
}

static bool csv_begin(struct source *s, struct error *e)
{
    struct head h;
    bool good;

    s->delimiter = s->options.delimiter;
    take_separator_line(s);
    head_init(&h, s);
    if (s->delimiter == 0)
        s->delimiter = find_delimiter(&h);
    good = begin_records(s, &h, e);
    head_fini(&h);
    return good;
}

static bool reject_record(struct source *s, const struct frame *f, const struct csv_bad *bad,
                          struct error *e)
{
    bool is_cell = bad->fault >= FAULT_NUL;
    const struct field *field = is_cell ? &s->schema->fields[s->column_field[bad->column]] : NULL;
    char reason[GUESS_NOTE_MAX];

    if (bad->fault == FAULT_COLUMNS)
        snprintf(reason, sizeof reason, "%u cells, the header has %u", bad->cells, s->columns);
    else if (bad->fault == FAULT_TYPE)
        snprintf(reason, sizeof reason, "is no %s (%s%s)", type_name(field->type),
                 s->is_said[s->column_field[bad->column]] ? "" : "guessed: ",
                 s->notes[s->column_field[bad->column]]);
    else
        snprintf(reason, sizeof reason, "%s", fault_text(bad->fault));
    return source_reject(s, f, bad->line, is_cell ? field->name : "", bad->value, reason, e);
}

static bool csv_file_read(struct source *s, struct frame *f, bool *end, struct error *e)
{
    *end = false;
    for (;;) {
        struct text window = stream_window(s->stream);
        bool last = stream_at_end(s->stream);
        struct csv_bad bad;
        size_t used;
        enum csv_stop stop = csv_read(s->csv, window.bytes, window.length, last, f, &used, &bad);

        if (stop == CSV_BAD && !reject_record(s, f, &bad, e))
            return false;
        stream_take(s->stream, used);
        if (stop == CSV_FULL && f->rows == 0)
            return error_set(e, ERROR_FULL,
                             "%s: the texts of one row are larger than a frame may be", s->file);
        if (stop == CSV_FULL)
            return true;
        if (stop != CSV_MORE)
            continue;
        if (last) {
            *end = true;
            return true;
        }
        if (!stream_more(s->stream, e))
            return false;
    }
}

/* ---- rows as JSON ---- */

static bool is_json_number(struct text t)
{
    size_t i = 0, first;

    i += t.length > 0 && t.bytes[0] == '-';
    for (first = i; i < t.length && isdigit((unsigned char)t.bytes[i]); i++)
        ;
    if (i == first || (t.bytes[first] == '0' && i > first + 1))
        return false;
    if (i < t.length && t.bytes[i] == '.') {
        for (first = ++i; i < t.length && isdigit((unsigned char)t.bytes[i]); i++)
            ;
        if (i == first)
            return false;
    }
    if (i < t.length && (t.bytes[i] == 'e' || t.bytes[i] == 'E')) {
        i++;
        i += i < t.length && (t.bytes[i] == '-' || t.bytes[i] == '+');
        for (first = i; i < t.length && isdigit((unsigned char)t.bytes[i]); i++)
            ;
        if (i == first)
            return false;
    }
    return i == t.length && t.length > 0;
}

/* "+1.234,50" as 1234.50: the digits stay. False where it is none in that form. */
static bool add_number(struct buffer *out, const struct field *f, struct text t)
{
    char digits[NUMBER_TEXT_MAX];
    size_t n = 0;

    if (is_json_number(t) && f->point != ',') {
        buffer_add_slice(out, t);
        return true;
    }
    for (size_t i = t.length > 0 && t.bytes[0] == '+'; i < t.length; i++) {
        char c = t.bytes[i];

        if (n == sizeof digits)
            return false;
        if (c == f->group && f->group != 0)
            continue;
        if (c == f->point && f->point != 0) {
            if (n == 0 || (n == 1 && digits[0] == '-'))
                digits[n++] = '0';
            c = '.';
        }
        if (n < sizeof digits)
            digits[n++] = c;
    }
    if (!is_json_number((struct text){digits, n}))
        return false;
    buffer_add(out, digits, n);
    return true;
}

static bool is_word(struct text t, const char *word)
{
    return t.length == strlen(word) && strncasecmp(t.bytes, word, t.length) == 0;
}

static void add_cell(const struct source *s, const struct field *f, struct text cell,
                     bool is_quoted, struct buffer *out)
{
    struct text t = text_trim(cell);
    bool is_number = f->type == TYPE_INT || f->type == TYPE_DECIMAL || f->type == TYPE_REAL ||
                     f->type == TYPE_TIME;

    if (t.length == 0 || (!is_quoted && source_is_null_word(s, t)))
        buffer_add_text(out, "null");
    else if (f->type == TYPE_BOOL && (is_word(t, "true") || is_word(t, "false")))
        buffer_add_text(out, is_word(t, "true") ? "true" : "false");
    else if (!is_number || !add_number(out, f, t))
        json_add_text(out, cell);
}

/* Cells that had quotes inside are copies; the others lie behind their first quote. */
static bool is_quoted(struct text cell, struct text window)
{
    return cell.bytes < window.bytes || cell.bytes >= window.bytes + window.length ||
           (cell.bytes > window.bytes && cell.bytes[-1] == '"');
}

static bool add_row(struct source *s, struct text window, const struct csv_record *r,
                    struct error *e)
{
    for (uint32_t i = 0; i < r->count; i++) {
        enum fault fault = cell_check_text(s->cells[i]);

        if (fault != FAULT_NONE)
            return source_reject(s, NULL, s->line, s->schema->fields[s->column_field[i]].name,
                                 s->cells[i], fault_text(fault), e);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        const struct field *f = &s->schema->fields[s->column_field[i]];

        buffer_add_char(s->row_text, i == 0 ? '{' : ',');
        json_add_text(s->row_text, text_of(f->name));
        buffer_add_char(s->row_text, ':');
        add_cell(s, f, s->cells[i], is_quoted(s->cells[i], window), s->row_text);
    }
    buffer_add_char(s->row_text, '}');
    return true;
}

static bool next_row(struct source *s, struct text window, const struct csv_record *r,
                     struct error *e)
{
    struct text whole = {window.bytes, r->used};
    char words[GUESS_NOTE_MAX];

    if (r->fault != FAULT_NONE)
        return source_reject(s, NULL, s->line, "", whole, fault_text(r->fault), e);
    if (r->count == 1 && s->cells[0].length == 0 && !r->any_quote)
        return true;
    if (r->count == s->columns)
        return add_row(s, window, r, e);
    snprintf(words, sizeof words, "%u cells, the header has %u", r->count, s->columns);
    return source_reject(s, NULL, s->line, "", whole, words, e);
}

static bool csv_file_next(struct source *s, bool *end, struct error *e)
{
    size_t before = s->row_text->length;

    if (s->cells == NULL) {
        s->cells = mem_array(CSV_COLUMNS_MAX, sizeof *s->cells);
        arena_init(&s->cell_memory, SPLIT_MEMORY);
    }
    *end = false;
    while (s->row_text->length == before && !*end) {
        struct text window = stream_window(s->stream);
        bool last = stream_at_end(s->stream);
        struct csv_record r;

        arena_clear(&s->cell_memory);
        r = csv_split(window.bytes, window.length, last, s->delimiter, &s->cell_memory, s->cells,
                      CSV_COLUMNS_MAX);
        *end = r.used == 0 && last;
        if (r.used == 0 && !last && !stream_more(s->stream, e))
            return false;
        if (r.used > 0 && !next_row(s, window, &r, e))
            return false;
        s->line += count_lines((struct text){window.bytes, r.used});
        stream_take(s->stream, r.used);
    }
    return true;
}

const struct format_ops csv_format = {csv_begin, csv_file_read, csv_file_next};
