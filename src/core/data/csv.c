/* How it is fast: 64 bytes at a time become a mask of the bytes that end a cell (delimiter, LF,
 * CR), and the reader goes from bit to bit; quotes play no part in the mask, since only a cell that
 * begins with one is quoted, and such a cell is scanned by itself. Cells go straight from the
 * bytes into the columns of the frame: a record's row counts only once all of it was good.
 * Short numbers and full times are read in one machine word here; whatever is out of the ordinary
 * goes through cell_parse, so there is one set of rules.
 */
#include "core/data/csv.h"

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cells are read as little-endian words"
#endif

enum { BLOCK = 64, SLAB_BYTES = 16 << 10, DATE_BYTES = 10, TIME_BYTES = 19 };

/* ---- marks: the bytes that end a cell ---- */

struct scan {
    const char *bytes;
    size_t length;
    size_t block;  /* where the mask's first bit stands */
    uint64_t mask; /* marks not yet passed */
    char delimiter;
};

#ifdef __SSE2__
static inline uint64_t block_marks(const char *p, char delimiter)
{
    const __m128i d = _mm_set1_epi8(delimiter), lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    uint64_t mask = 0;

    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + 16 * i));
        __m128i any = _mm_or_si128(_mm_cmpeq_epi8(v, d),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr)));

        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(any) << (16 * i);
    }
    return mask;
}
#else
static inline uint64_t block_marks(const char *p, char delimiter)
{
    uint64_t mask = 0;

    for (int i = 0; i < BLOCK; i++)
        mask |= (uint64_t)(p[i] == delimiter || p[i] == '\n' || p[i] == '\r') << i;
    return mask;
}
#endif

static inline uint64_t marks_at(const struct scan *s, size_t block)
{
    char tail[BLOCK] = {0};

    if (block + BLOCK <= s->length)
        return block_marks(s->bytes + block, s->delimiter);
    if (block >= s->length)
        return 0;
    memcpy(tail, s->bytes + block, s->length - block);
    return block_marks(tail, s->delimiter) & ((1ull << (s->length - block)) - 1);
}

static inline void scan_seek(struct scan *s, size_t at)
{
    s->block = at & ~(size_t)(BLOCK - 1);
    s->mask = marks_at(s, s->block) & ~0ull << (at & (BLOCK - 1));
}

/* Position of the next mark, which is then passed; `length` where there is none. */
static inline size_t scan_next(struct scan *s)
{
    size_t at;

    while (s->mask == 0) {
        s->block += BLOCK;
        if (s->block >= s->length) {
            s->block = s->length & ~(size_t)(BLOCK - 1);
            return s->length;
        }
        s->mask = marks_at(s, s->block);
    }
    at = s->block + (size_t)__builtin_ctzll(s->mask);
    s->mask &= s->mask - 1;
    return at;
}

/* ---- cells ---- */

enum cell_end { END_CELL, END_RECORD, END_BYTES /* more are needed */, END_BROKEN };

struct cell {
    struct text text; /* without the outer quotes; inner ones still doubled */
    bool quoted;
    bool doubled;
    uint32_t newlines;
    size_t next; /* where the next cell or record begins */
};

/* After the mark at `end`: cell, or record with its CR LF taken together. */
static inline enum cell_end end_at(struct scan *s, size_t end, bool last, size_t *next)
{
    if (end == s->length) {
        *next = end;
        return last ? END_RECORD : END_BYTES;
    }
    *next = end + 1;
    if (s->bytes[end] == s->delimiter)
        return END_CELL;
    if (s->bytes[end] == '\r') {
        if (end + 1 == s->length)
            return last ? END_RECORD : END_BYTES;
        if (s->bytes[end + 1] == '\n') {
            (void)scan_next(s);
            *next = end + 2;
        }
    }
    return END_RECORD;
}

/* `record` is where the record began: a quote not closed within CSV_RECORD_MAX of it never is. */
static enum cell_end quoted_cell(struct scan *s, size_t start, size_t record, bool last,
                                 struct cell *c)
{
    const char *first = s->bytes + start + 1, *p = first;
    const char *end = s->bytes + s->length;

    if ((size_t)(end - (s->bytes + record)) > CSV_RECORD_MAX)
        end = s->bytes + record + CSV_RECORD_MAX;
    *c = (struct cell){.quoted = true};
    for (;; p += 2) {
        p = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (p == NULL)
            return !last && end == s->bytes + s->length && s->length - record < CSV_RECORD_MAX
                       ? END_BYTES
                       : END_BROKEN;
        if (p + 1 == s->bytes + s->length) {
            if (!last)
                return END_BYTES;
            break;
        }
        if (p[1] != '"')
            break;
        c->doubled = true;
    }
    c->text = (struct text){first, (size_t)(p - first)};
    for (const char *n = first; (n = memchr(n, '\n', (size_t)(p - n))) != NULL; n++)
        c->newlines++;
    p++;
    if (p < s->bytes + s->length && *p != s->delimiter && *p != '\n' && *p != '\r')
        return END_BROKEN;
    scan_seek(s, (size_t)(p - s->bytes));
    return end_at(s, scan_next(s), last, &c->next);
}

static inline enum cell_end next_cell(struct scan *s, size_t start, size_t record, bool last,
                                      struct cell *c)
{
    size_t end;

    if (start < s->length && s->bytes[start] == '"')
        return quoted_cell(s, start, record, last, c);
    end = scan_next(s);
    *c = (struct cell){.text = {s->bytes + start, end - start}};
    return end_at(s, end, last, &c->next);
}

/* Doubled quotes become one. */
static struct text undouble(struct text t, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < t.length; i++) {
        out[length++] = t.bytes[i];
        if (t.bytes[i] == '"')
            i++;
    }
    return (struct text){out, length};
}

/* ---- records without types ---- */

struct csv_record csv_split(const char *bytes, size_t length, bool last, char delimiter,
                            struct arena *a, struct text *cells, uint32_t max_cells)
{
    struct scan s = {.bytes = bytes, .length = length, .delimiter = delimiter};
    struct csv_record out = {0};
    struct cell c = {0};
    enum cell_end end = END_CELL;

    if (length == 0)
        return out;
    scan_seek(&s, 0);
    while (end == END_CELL) {
        end = next_cell(&s, c.next, 0, last, &c);
        if (end == END_BYTES && length <= CSV_RECORD_MAX)
            return (struct csv_record){0};
        if (end == END_BROKEN || end == END_BYTES || c.next > CSV_RECORD_MAX + 2) {
            const char *lf = memchr(bytes, '\n', length);

            out.fault = end == END_BROKEN ? FAULT_QUOTE : FAULT_RECORD_LONG;
            out.used = lf != NULL ? (size_t)(lf - bytes) + 1 : length;
            return out;
        }
        out.any_quote |= c.quoted;
        if (out.count < max_cells && c.doubled) {
            char *copy = arena_alloc(a, c.text.length);

            c.text = copy != NULL ? undouble(c.text, copy) : c.text;
        }
        if (out.count < max_cells)
            cells[out.count] = c.text;
        out.count++;
    }
    out.used = c.next;
    return out;
}

/* ---- typed cells ---- */

struct plan {
    const struct field *field; /* NULL: not looked at */
    struct column *column;
    int index;
    bool leading_zeros;
    char date[DATE_BYTES]; /* the last one read, and its time: most rows have their neighbour's */
    int64_t date_us;
};

struct csv_reader {
    char delimiter;
    uint32_t columns;
    struct plan *plan;
    uint32_t *absent; /* fields that no column has */
    uint32_t absents;
    uint32_t *required; /* columns */
    uint32_t requireds;
    struct text null_words[CSV_NULL_WORDS_MAX];
    char null_bytes[CSV_NULL_WORDS_MAX][CSV_NULL_WORD_MAX];
    uint32_t null_count;
    size_t null_longest;
    bool null_first[256]; /* bytes that begin a null word */
    const struct schema *schema;
    uint64_t line;
    uint64_t row_line;
    uint64_t *lines; /* by row of the frame, or NULL */
    uint64_t rounded;
    bool skipping; /* inside a record that is too long: on to its line's end */
    /* of the call: */
    struct frame *frame;
    char *slab, *slab_end;
    bool text_full;
};

struct csv_reader *csv_reader_new(const struct csv_layout *l, const struct schema *s, uint64_t line)
{
    struct csv_reader *r = mem_alloc(sizeof *r);
    bool *present = mem_array(s->count, sizeof *present);

    ASSERT(l->columns > 0 && l->columns <= CSV_COLUMNS_MAX && l->null_count <= CSV_NULL_WORDS_MAX);
    r->delimiter = l->delimiter;
    r->columns = l->columns;
    r->schema = s;
    r->line = line;
    r->plan = mem_array(l->columns, sizeof *r->plan);
    r->required = mem_array(l->columns, sizeof *r->required);
    for (uint32_t i = 0; i < l->columns; i++) {
        int field = l->column[i].field;

        r->plan[i].index = field;
        r->plan[i].leading_zeros = l->column[i].leading_zeros;
        if (field == FIELD_NONE)
            continue;
        r->plan[i].field = &s->fields[field];
        present[field] = true;
        if (l->column[i].required)
            r->required[r->requireds++] = i;
    }
    r->absent = mem_array(s->count, sizeof *r->absent);
    for (uint32_t i = 0; i < s->count; i++) {
        if (!present[i])
            r->absent[r->absents++] = i;
    }
    for (uint32_t i = 0; i < l->null_count; i++) {
        struct text word = l->null_words[i];

        ASSERT(word.length > 0 && word.length <= CSV_NULL_WORD_MAX);
        memcpy(r->null_bytes[i], word.bytes, word.length);
        r->null_words[i] = (struct text){r->null_bytes[i], word.length};
        r->null_first[(unsigned char)word.bytes[0]] = true;
        if (word.length > r->null_longest)
            r->null_longest = word.length;
    }
    r->null_count = l->null_count;
    mem_free(present);
    return r;
}

void csv_reader_free(struct csv_reader *r)
{
    if (r == NULL)
        return;
    mem_free(r->plan);
    mem_free(r->absent);
    mem_free(r->required);
    mem_free(r);
}

uint64_t csv_reader_rounded(const struct csv_reader *r)
{
    return r->rounded;
}

uint64_t csv_reader_row_line(const struct csv_reader *r)
{
    return r->row_line;
}

void csv_reader_at_line(struct csv_reader *r, uint64_t line)
{
    r->line = line;
}

void csv_reader_keep_lines(struct csv_reader *r, uint64_t *lines)
{
    r->lines = lines;
}

static bool is_null_word(const struct csv_reader *r, struct text t)
{
    for (uint32_t i = 0; i < r->null_count; i++) {
        if (text_equal(t, r->null_words[i]))
            return true;
    }
    return false;
}

static inline bool may_be_null(const struct csv_reader *r, struct text t)
{
    return t.length <= r->null_longest && r->null_first[(unsigned char)t.bytes[0]];
}

static char *slab_take(struct csv_reader *r, size_t bytes)
{
    char *p;

    if ((size_t)(r->slab_end - r->slab) < bytes) {
        size_t size = bytes > SLAB_BYTES ? bytes : SLAB_BYTES;

        p = arena_alloc(&r->frame->text, size);
        if (p == NULL && size > bytes) {
            size = bytes;
            p = arena_alloc(&r->frame->text, size);
        }
        if (p == NULL) {
            r->text_full = true;
            return NULL;
        }
        r->slab = p;
        r->slab_end = p + size;
    }
    p = r->slab;
    r->slab += bytes;
    return p;
}

static inline void put_integer(struct column *c, uint32_t row, int64_t v)
{
    column_clear_null(c, row);
    c->integer[row] = v;
}

static bool is_rounded(struct text t, char point)
{
    const char *mark = memchr(t.bytes, point, t.length);
    int64_t v;

    return mark != NULL && t.bytes + t.length - mark > 1 + DECIMAL_DIGITS &&
           !number_parse_decimal(t, point, &v);
}

/* Null, blanks, separators, odd forms. */
static __attribute__((noinline)) enum fault store_odd(struct csv_reader *r, const struct plan *p,
                                                      const struct cell *cell, uint32_t row)
{
    struct text trimmed = text_trim(cell->text);
    struct value v;
    enum fault fault;

    if (trimmed.length == 0 || (!cell->quoted && is_null_word(r, trimmed))) {
        column_set_null(p->column, row);
        return FAULT_NONE;
    }
    if (!p->leading_zeros && type_is_number(p->field->type) && cell_has_leading_zero(trimmed))
        return FAULT_LEADING_ZERO;
    fault = cell_parse(trimmed, p->field, &v);
    if (fault != FAULT_NONE)
        return fault;
    column_set(p->column, row, &v);
    if (v.type == TYPE_DECIMAL && is_rounded(trimmed, p->field->point))
        r->rounded++;
    return FAULT_NONE;
}

static inline enum fault store_text(struct csv_reader *r, const struct plan *p,
                                    const struct cell *cell, uint32_t row)
{
    struct text t = cell->text;
    enum fault fault = cell_check_text(t);
    char *copy;

    if (fault != FAULT_NONE)
        return fault;
    copy = slab_take(r, t.length);
    if (copy == NULL)
        return FAULT_NONE;
    if (cell->doubled) {
        t = undouble(t, copy);
    } else {
        memcpy(copy, t.bytes, t.length);
        t.bytes = copy;
    }
    column_clear_null(p->column, row);
    p->column->text[row] = t;
    return FAULT_NONE;
}

/* As cell_has_leading_zero, for the fast way; t is not empty. */
static inline bool has_zero_first(struct text t)
{
    size_t at = t.bytes[0] == '-';

    return t.length > at + 1 && t.bytes[at] == '0' && (unsigned char)(t.bytes[at + 1] - '0') <= 9;
}

#define ZEROS 0x3030303030303030u

static inline bool all_digits(uint64_t w)
{
    return ((w & 0xf0f0f0f0f0f0f0f0u) | (((w + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4)) ==
           0x3333333333333333u;
}

/* Eight ASCII digits to their value (see base/number.cc). */
static inline uint64_t eight_value(uint64_t w)
{
    w = (w & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
    w = (w & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    return (w & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
}

/* The last `length` bytes (1..8) of a word whose first ones are '0'. */
static inline uint64_t short_word(const char *p, size_t length, bool whole_word)
{
    uint64_t w = 0;
    unsigned shift = 64 - 8 * (unsigned)length;

    if (whole_word)
        memcpy(&w, p, 8);
    else
        memcpy(&w, p, length);
    return shift == 0 ? w : w << shift | ZEROS >> (64 - shift);
}

/* Up to eight digits. */
static inline bool short_int(struct text t, bool whole_word, int64_t *v)
{
    uint64_t w;

    if (t.length > 8 || (t.bytes[0] == '0' && t.length > 1))
        return false;
    w = short_word(t.bytes, t.length, whole_word);
    if (!all_digits(w))
        return false;
    *v = (int64_t)eight_value(w);
    return true;
}

/* Up to seven digits and a point between them: the point is closed up, the digits read as one
 * number, and the number scaled. */
static inline bool short_decimal(struct text t, char point, bool whole_word, int64_t *v)
{
    static const int32_t scale[8] = {0, 1000000, 100000, 10000, 1000, 100, 10, 1};
    uint64_t w, hit, below;
    unsigned at;

    if (t.length > 8 || (t.bytes[0] == '0' && t.length > 1 && t.bytes[1] != point))
        return false;
    w = short_word(t.bytes, t.length, whole_word);
    hit = w ^ 0x0101010101010101u * (unsigned char)point;
    hit = (hit - 0x0101010101010101u) & ~hit & 0x8080808080808080u;
    if (hit == 0) {
        if (!all_digits(w))
            return false;
        *v = (int64_t)eight_value(w) * DECIMAL_ONE;
        return true;
    }
    at = (unsigned)__builtin_ctzll(hit) / 8; /* 0..7, the lowest hit is exact */
    if (at == 0 || t.bytes[0] == point || at == 7)
        return false;
    below = (1ull << (8 * at)) - 1;
    w = (w & ~(below << 8 | 0xff)) | (w & below) << 8 | '0';
    if (!all_digits(w))
        return false;
    *v = (int64_t)eight_value(w) * scale[8 - at];
    return true;
}

/* "2018-04-01 00:00:31" with the date of the row before: only the clock is read. */
static inline bool known_date(const struct plan *p, struct text t, int64_t *us)
{
    uint64_t w;
    int64_t hour, minute, second;

    if (t.length != TIME_BYTES || memcmp(t.bytes, p->date, DATE_BYTES) != 0 ||
        (t.bytes[10] != ' ' && t.bytes[10] != 'T'))
        return false;
    memcpy(&w, t.bytes + 11, 8);
    if ((w & 0x0000ff0000ff0000u) != 0x00003a00003a0000u) /* the colons */
        return false;
    w = (w & ~0x0000ff0000ff0000ull) | 0x0000300000300000u;
    if (!all_digits(w))
        return false;
    hour = (int64_t)((w & 15) * 10 + (w >> 8 & 15));
    minute = (int64_t)((w >> 24 & 15) * 10 + (w >> 32 & 15));
    second = (int64_t)((w >> 48 & 15) * 10 + (w >> 56 & 15));
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *us = p->date_us + (hour * 3600 + minute * 60 + second) * US_PER_SECOND;
    return true;
}

static enum fault store_time(struct csv_reader *r, struct plan *p, const struct cell *cell,
                             uint32_t row)
{
    struct text t = cell->text;
    int64_t us;

    if (known_date(p, t, &us)) {
        put_integer(p->column, row, us);
        return FAULT_NONE;
    }
    if (!time_parse(t, p->field->layout, &us))
        return store_odd(r, p, cell, row);
    put_integer(p->column, row, us);
    if (p->field->layout == TIME_ISO && t.length == TIME_BYTES) {
        int64_t of_day = us % US_PER_DAY;

        memcpy(p->date, t.bytes, DATE_BYTES);
        p->date_us = us - of_day - (of_day < 0 ? US_PER_DAY : 0);
    }
    return FAULT_NONE;
}

static inline enum fault store_cell(struct csv_reader *r, struct plan *p, const struct cell *cell,
                                    uint32_t row, const char *end)
{
    struct text t = cell->text;
    bool whole_word = end - t.bytes >= 8;
    int64_t v;

    if (p->field == NULL)
        return FAULT_NONE;
    if (t.length == 0 || (may_be_null(r, t) && !cell->quoted && is_null_word(r, t))) {
        column_set_null(p->column, row);
        return FAULT_NONE;
    }
    switch (p->field->type) {
    case TYPE_INT:
        if (short_int(t, whole_word, &v) || (!has_zero_first(t) && number_parse_int(t, &v))) {
            put_integer(p->column, row, v);
            return FAULT_NONE;
        }
        break;
    case TYPE_DECIMAL:
        if (short_decimal(t, p->field->point, whole_word, &v) ||
            (!has_zero_first(t) && number_parse_decimal(t, p->field->point, &v))) {
            put_integer(p->column, row, v);
            return FAULT_NONE;
        }
        break;
    case TYPE_REAL:
        if (!has_zero_first(t) && number_parse_real(t, p->field->point, &p->column->real[row])) {
            column_clear_null(p->column, row);
            return FAULT_NONE;
        }
        break;
    case TYPE_TIME:
        return store_time(r, p, cell, row);
    case TYPE_TEXT:
        return store_text(r, p, cell, row);
    case TYPE_BOOL:
    case TYPE_DURATION:
    case TYPES:
        break;
    }
    return store_odd(r, p, cell, row);
}

/* ---- records ---- */

static void set_bad(struct csv_bad *bad, enum fault fault, uint32_t column, struct text value)
{
    *bad = (struct csv_bad){.fault = fault, .column = column, .value = value};
}

/* One record from `start`. END_RECORD: it ends before *next, *bad tells of a fault if it has one;
 * END_BYTES: it is not all there; END_BROKEN: its quotes are wrong. */
static inline enum cell_end read_record(struct csv_reader *r, struct scan *s, size_t start,
                                        bool last, size_t *next, uint32_t *newlines,
                                        struct csv_bad *bad)
{
    uint32_t row = r->frame->rows, count = 0;
    const char *bytes_end = s->bytes + s->length;
    enum cell_end end = END_CELL;
    struct cell cell;

    bad->fault = FAULT_NONE;
    *newlines = 0;
    cell.next = start;
    while (end == END_CELL) {
        end = next_cell(s, cell.next, start, last, &cell);
        if (end >= END_BYTES)
            return end;
        if (count < r->columns && bad->fault == FAULT_NONE) {
            enum fault fault = store_cell(r, &r->plan[count], &cell, row, bytes_end);

            if (__builtin_expect(fault != FAULT_NONE, 0))
                set_bad(bad, fault, count, cell.text);
        }
        *newlines += cell.newlines;
        count++;
    }
    *next = cell.next;
    if (count != r->columns) {
        set_bad(bad, FAULT_COLUMNS, 0, (struct text){s->bytes + start, cell.next - start});
        bad->cells = count;
    }
    if (cell.next - start > CSV_RECORD_MAX + 2)
        set_bad(bad, FAULT_RECORD_LONG, 0, (struct text){s->bytes + start, CSV_RECORD_MAX});
    return END_RECORD;
}

/* To behind the line's end, or to the end of the bytes. */
static size_t skip_line(struct csv_reader *r, const struct scan *s, size_t at)
{
    const char *lf = memchr(s->bytes + at, '\n', s->length - at);

    r->skipping = lf == NULL;
    if (lf == NULL)
        return s->length;
    r->line++;
    return (size_t)(lf - s->bytes) + 1;
}

static size_t skip_empty_lines(struct csv_reader *r, const struct scan *s, size_t at, bool last)
{
    while (at < s->length) {
        if (s->bytes[at] == '\n') {
            at++;
        } else if (s->bytes[at] == '\r') {
            if (at + 1 == s->length && !last)
                break;
            at += at + 1 < s->length && s->bytes[at + 1] == '\n' ? 2 : 1;
        } else {
            break;
        }
        r->line++;
    }
    return at;
}

static void begin_call(struct csv_reader *r, struct frame *f)
{
    r->frame = f;
    r->slab = r->slab_end = NULL;
    r->text_full = false;
    for (uint32_t i = 0; i < r->columns; i++) {
        if (r->plan[i].field != NULL)
            r->plan[i].column = &f->column[r->plan[i].index];
    }
}

static inline void check_required(const struct csv_reader *r, struct csv_bad *bad)
{
    for (uint32_t i = 0; i < r->requireds && bad->fault == FAULT_NONE; i++) {
        if (r->plan[r->required[i]].column->null[r->frame->rows])
            set_bad(bad, FAULT_NULL, r->required[i], (struct text){"", 0});
    }
}

static inline void commit_row(struct csv_reader *r)
{
    for (uint32_t i = 0; i < r->absents; i++)
        column_set_null(&r->frame->column[r->absent[i]], r->frame->rows);
    if (r->lines != NULL)
        r->lines[r->frame->rows] = r->line;
    r->frame->rows++;
    r->row_line = r->line;
}

/* A record that is not all there, or is not one: what to do about it. */
static enum csv_stop read_partial(struct csv_reader *r, struct scan *s, size_t start,
                                  enum cell_end end, size_t *used, struct csv_bad *bad)
{
    size_t length = s->length - start;

    *used = start;
    if (end == END_BYTES && length <= CSV_RECORD_MAX)
        return CSV_MORE;
    set_bad(bad, end == END_BYTES ? FAULT_RECORD_LONG : FAULT_QUOTE, 0,
            (struct text){s->bytes + start, length < CSV_RECORD_MAX ? length : CSV_RECORD_MAX});
    bad->line = r->line;
    *used = skip_line(r, s, start);
    return CSV_BAD;
}

enum csv_stop csv_read(struct csv_reader *r, const char *bytes, size_t length, bool last,
                       struct frame *f, size_t *used, struct csv_bad *bad)
{
    struct scan s = {.bytes = bytes, .length = length, .delimiter = r->delimiter};
    size_t at = 0;

    ASSERT(f->columns >= r->schema->count);
    begin_call(r, f);
    if (r->skipping)
        at = skip_line(r, &s, 0);
    scan_seek(&s, at);
    for (;;) {
        size_t next;
        uint32_t newlines;
        enum cell_end end;

        if (at < length && (bytes[at] == '\n' || bytes[at] == '\r')) {
            at = skip_empty_lines(r, &s, at, last);
            scan_seek(&s, at);
        }
        *used = at;
        if (at == length || bytes[at] == '\r')
            return CSV_MORE;
        if (f->rows == f->capacity)
            return CSV_FULL;
        end = read_record(r, &s, at, last, &next, &newlines, bad);
        if (__builtin_expect(end != END_RECORD, 0))
            return read_partial(r, &s, at, end, used, bad);
        if (__builtin_expect(r->text_full, 0))
            return CSV_FULL;
        check_required(r, bad);
        if (__builtin_expect(bad->fault != FAULT_NONE, 0)) {
            bad->line = r->line;
            r->line += 1 + newlines;
            *used = next;
            return CSV_BAD;
        }
        commit_row(r);
        r->line += 1 + newlines;
        at = next;
    }
}

void csv_add_cell(struct buffer *b, struct text t, char delimiter)
{
    bool plain = t.length == 0 || (t.bytes[0] != ' ' && t.bytes[t.length - 1] != ' ');

    for (size_t i = 0; i < t.length && plain; i++)
        plain = t.bytes[i] != delimiter && t.bytes[i] != '"' && t.bytes[i] != '\n' &&
                t.bytes[i] != '\r';
    if (plain) {
        buffer_add_slice(b, t);
        return;
    }
    buffer_add_char(b, '"');
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] == '"')
            buffer_add_char(b, '"');
        buffer_add_char(b, t.bytes[i]);
    }
    buffer_add_char(b, '"');
}
