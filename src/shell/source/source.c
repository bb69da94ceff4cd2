#include "shell/source/source.h"

#include <stdio.h>
#include <sys/stat.h>

#include "core/base/panic.h"
#include "shell/source/format.h"
#include "shell/source/join.h"

#define WORD(w)                                                                                    \
    {                                                                                              \
        w, sizeof(w) - 1                                                                           \
    }

const struct text source_null_words[] = {
    WORD("NA"),   WORD("N/A"), WORD("#N/A"), WORD("n/a"),  WORD("null"), WORD("NULL"),
    WORD("Null"), WORD("NaN"), WORD("nan"),  WORD("None"), WORD("\\N"),  WORD("-"),
};
const uint32_t source_null_word_count = sizeof source_null_words / sizeof source_null_words[0];

static const char *const format_names[SOURCE_FORMATS] = {"auto", "csv", "ndjson", "json"};

const char *source_format_name(enum source_format format)
{
    return format_names[format];
}

bool source_format_find(struct text name, enum source_format *format)
{
    for (int i = 0; i < SOURCE_FORMATS; i++) {
        if (text_is(name, format_names[i])) {
            *format = (enum source_format)i;
            return true;
        }
    }
    return false;
}

void source_options_init(struct source_options *o, const char *path)
{
    *o = (struct source_options){.path = path, .reject_share = 0.01};
}

/* ---- what the formats ask for ---- */

static const struct source_field *said_of(const struct source *s, struct text name)
{
    for (uint32_t i = 0; i < s->options.field_count; i++) {
        if (text_is(name, s->fields[i].name))
            return &s->fields[i];
    }
    return NULL;
}

static bool is_required(const struct source *s, struct text name)
{
    for (uint32_t i = 0; i < s->required_count; i++) {
        if (text_is(name, s->required[i]))
            return true;
    }
    return false;
}

bool source_add_field(struct source *s, struct text name, const struct guess *g, struct error *e)
{
    const struct source_field *said = said_of(s, name);
    uint32_t index = s->schema->count;
    struct field *f;

    if (!schema_add(s->schema, name, said != NULL ? said->type : g->type, e))
        return error_prefix(e, "%s", s->file);
    s->notes = mem_resize(s->notes, index + 1, sizeof *s->notes);
    s->is_said = mem_resize(s->is_said, index + 1, sizeof *s->is_said);
    s->is_required = mem_resize(s->is_required, index + 1, sizeof *s->is_required);
    f = &s->schema->fields[index];
    f->point = g->point;
    f->group = g->group;
    f->layout = g->layout;
    s->is_said[index] = said != NULL;
    s->is_required[index] = is_required(s, name);
    if (said == NULL) {
        memcpy(s->notes[index], g->note, sizeof g->note);
        return true;
    }
    if (said->has_layout)
        f->layout = said->layout;
    snprintf(s->notes[index], GUESS_NOTE_MAX, "said in the settings");
    return true;
}

bool source_check_fields(const struct source *s, struct error *e)
{
    const struct schema *schema = source_schema(s);

    for (uint32_t i = 0; i < s->options.field_count; i++) {
        struct text name = text_of(s->fields[i].name);
        const char *nearest;

        if (schema_find(schema, name) != FIELD_NONE)
            continue;
        nearest = schema_nearest(schema, name);
        return error_set(e, ERROR_INVALID, "%s has no field \"%s\"%s%s%s", s->file,
                         s->fields[i].name, nearest != NULL ? "; did you mean \"" : "",
                         nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    }
    return true;
}

bool source_is_null_word(const struct source *s, struct text t)
{
    for (uint32_t i = 0; i < s->options.null_count; i++) {
        if (text_equal(t, s->null_words[i]))
            return true;
    }
    return false;
}

static bool too_many_rejects(struct source *s, uint64_t rows, struct error *e)
{
    double all = (double)(rows + s->rejects.count);

    return error_set(
        e, ERROR_INVALID,
        "%llu of %.0f rows could not be read (%.2f %%, at most %.2f %% may be); the "
        "first: %s; %s%s",
        (unsigned long long)s->rejects.count, all, 100 * (double)s->rejects.count / all,
        100 * s->options.reject_share, s->rejects.first,
        s->rejects.path != NULL ? "all are in " : "name a rejects file to see them all",
        s->rejects.path != NULL ? s->rejects.path : "");
}

static bool is_past_share(const struct source *s, uint64_t rows)
{
    return (double)s->rejects.count > s->options.reject_share * (double)(rows + s->rejects.count);
}

bool source_reject(struct source *s, const struct frame *f, uint64_t line, const char *column,
                   struct text value, const char *reason, struct error *e)
{
    struct reject one = {s->file, line, column, value, reason};
    uint64_t rows = s->counts.rows - s->refused + (f != NULL ? f->rows : 0);

    if (!rejects_add(&s->rejects, &one, e))
        return false;
    if (s->rejects.count >= SOURCE_REJECTS_MIN && is_past_share(s, rows)) {
        return rejects_finish(&s->rejects, e) && too_many_rejects(s, rows, e);
    }
    return true;
}

bool source_refuse(struct source *s, const char *file, uint64_t line, const char *column,
                   struct text value, const char *reason, struct error *e)
{
    const struct reject one = {file, line, column, value, reason};

    s->refused++;
    return rejects_add(&s->rejects, &one, e) && rejects_finish(&s->rejects, e);
}

/* ---- opening ---- */

static void copy_required(struct source *s, const struct source_options *o)
{
    s->required = mem_array(o->required_count, sizeof *s->required);
    for (uint32_t i = 0; i < o->required_count; i++) {
        const char *name = o->required[i];

        if (name != NULL)
            s->required[s->required_count++] = mem_text(name, strlen(name));
    }
}

static void copy_joins(struct source *s, const struct source_options *o)
{
    if (o->join_count == 0)
        return;
    s->joins = mem_array(o->join_count, sizeof *s->joins);
    for (uint32_t i = 0; i < o->join_count; i++)
        s->joins[i] = mem_text(o->joins[i], strlen(o->joins[i]));
    if (o->join_key != NULL)
        s->options.join_key = mem_text(o->join_key, strlen(o->join_key));
}

static char *text_copy(const char *text)
{
    return text != NULL ? mem_text(text, strlen(text)) : NULL;
}

static bool is_database(const struct source *s)
{
    return s->table != NULL || s->query != NULL;
}

static void copy_topic(struct source *s, const struct source_topic *t)
{
    struct kafka_property *copy;

    s->options.topic.name = s->topic = text_copy(t->name);
    s->options.topic.kafka = &s->kafka;
    if (t->name == NULL)
        return;
    s->kafka = *t->kafka;
    s->kafka.brokers = text_copy(t->kafka->brokers);
    s->kafka.client_id = s->kafka.acks = NULL;
    s->kafka.property = copy = mem_array(t->kafka->properties + 1, sizeof *copy);
    for (uint32_t i = 0; i < t->kafka->properties; i++)
        copy[i] = (struct kafka_property){text_copy(t->kafka->property[i].name),
                                          text_copy(t->kafka->property[i].value)};
}

static void free_topic(struct source *s)
{
    for (uint32_t i = 0; i < s->kafka.properties; i++) {
        mem_free((void *)(uintptr_t)s->kafka.property[i].name);
        mem_free((void *)(uintptr_t)s->kafka.property[i].value);
    }
    mem_free((void *)(uintptr_t)s->kafka.property);
    mem_free((void *)(uintptr_t)s->kafka.brokers);
    mem_free(s->topic);
}

static void copy_options(struct source *s, const struct source_options *o)
{
    bool given = o->null_words != NULL;
    const struct text *words = given ? o->null_words : source_null_words;
    uint32_t count = given ? o->null_count : source_null_word_count;

    s->options = *o;
    s->path = mem_text(o->path, strlen(o->path));
    s->options.path = s->path;
    s->options.database.url = s->url = text_copy(o->database.url);
    s->options.database.table = s->table = text_copy(o->database.table);
    s->options.database.query = s->query = text_copy(o->database.query);
    copy_topic(s, &o->topic);
    if (is_database(s)) { /* as COPY writes it */
        s->options.delimiter = ',';
        s->options.header = SOURCE_HEADER_YES;
    }
    if (s->options.sample_rows == 0)
        s->options.sample_rows = SOURCE_SAMPLE_ROWS;
    s->fields = mem_array(o->field_count, sizeof *s->fields);
    for (uint32_t i = 0; i < o->field_count; i++) {
        s->fields[i] = o->fields[i];
        s->fields[i].name = mem_text(o->fields[i].name, strlen(o->fields[i].name));
    }
    s->options.fields = s->fields;
    copy_required(s, o);
    copy_joins(s, o);
    s->null_words = mem_array(count, sizeof *s->null_words);
    for (uint32_t i = 0; i < count; i++)
        s->null_words[i] =
            (struct text){mem_text(words[i].bytes, words[i].length), words[i].length};
    s->options.null_words = s->null_words;
    s->options.null_count = count;
    rejects_init(&s->rejects, o->rejects_path);
}

static bool check_options(const struct source_options *o, struct error *e)
{
    if (o->null_words != NULL && o->null_count > CSV_NULL_WORDS_MAX)
        return error_set(e, ERROR_INVALID, "more than %d null words", CSV_NULL_WORDS_MAX);
    for (uint32_t i = 0; o->null_words != NULL && i < o->null_count; i++) {
        if (o->null_words[i].length == 0 || o->null_words[i].length > CSV_NULL_WORD_MAX)
            return error_set(e, ERROR_INVALID, "null word \"%.40s\" has %zu bytes: 1 to %d may be",
                             o->null_words[i].bytes, o->null_words[i].length, CSV_NULL_WORD_MAX);
    }
    if (o->delimiter == '"' || o->delimiter == '\n' || o->delimiter == '\r')
        return error_set(e, ERROR_INVALID, "a quote or line end cannot be the delimiter");
    if (o->point != 0 && o->point != '.' && o->point != ',')
        return error_set(e, ERROR_INVALID, "the decimal mark is '.' or ',', not '%c'", o->point);
    return true;
}

static void sum_file_sizes(struct source *s)
{
    for (size_t i = 0; i < s->files.count; i++) {
        struct stat st;

        if (stat(s->files.path[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            s->counts.bytes_total = 0;
            return;
        }
        s->counts.bytes_total += (uint64_t)st.st_size;
    }
}

static void take_pieces(struct source *s)
{
    s->files.count = s->options.piece_count;
    s->files.path = mem_array(s->files.count + 1, sizeof *s->files.path);
    s->pieces = mem_array(s->files.count + 1, sizeof *s->pieces);
    for (size_t i = 0; i < s->files.count; i++) {
        s->pieces[i] = s->options.pieces[i];
        s->files.path[i] = text_copy(s->pieces[i].path);
    }
}

static bool list_files(struct source *s, struct error *e)
{
    if (is_database(s) || s->topic != NULL || strcmp(s->path, "-") == 0) {
        s->files.path = mem_array(1, sizeof *s->files.path);
        s->files.path[0] = mem_text(s->path, strlen(s->path));
        s->files.count = 1;
        return true;
    }
    if (s->options.pieces != NULL)
        take_pieces(s);
    else if (!file_list(s->path, &s->files, e))
        return false;
    sum_file_sizes(s);
    return true;
}

/* Rows of JSON are taken as they are: the first bytes say the shape. */
static bool needs_no_sample(const struct source *s)
{
    struct text head = text_trim(stream_window(s->stream));

    return s->options.as_text && head.length > 0 && s->options.format != SOURCE_CSV &&
           (s->options.format != SOURCE_AUTO || head.bytes[0] == '[' || head.bytes[0] == '{');
}

/* Enough of the file for guessing: so many bytes or so many lines. */
static bool fill_head(struct source *s, struct error *e)
{
    uint64_t lines = 0;
    size_t seen = 0;

    while (!stream_at_end(s->stream) && seen < SOURCE_HEAD_BYTES &&
           lines <= s->options.sample_rows && !needs_no_sample(s)) {
        struct text head;
        const char *p, *end;

        if (!stream_more(s->stream, e))
            return false;
        head = stream_window(s->stream);
        end = head.bytes + head.length;
        for (p = head.bytes + seen; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
            lines++;
        seen = head.length;
    }
    return true;
}

static void skip_byte_order_mark(struct source *s)
{
    struct text head = stream_window(s->stream);

    if (head.length >= 3 && memcmp(head.bytes, "\xef\xbb\xbf", 3) == 0)
        stream_take(s->stream, 3);
}

/* By the first byte that is not blank. */
static void choose_format(struct source *s)
{
    struct text head = text_trim(stream_window(s->stream));

    s->format = s->options.format;
    if (is_database(s))
        s->format = SOURCE_CSV;
    else if (s->topic != NULL)
        s->format = SOURCE_NDJSON;
    if (s->format == SOURCE_AUTO)
        s->format = head.length == 0       ? SOURCE_CSV
                    : head.bytes[0] == '[' ? SOURCE_JSON
                    : head.bytes[0] == '{' ? SOURCE_NDJSON
                                           : SOURCE_CSV;
    s->ops = s->format == SOURCE_CSV ? &csv_format : &json_format;
}

static void close_file(struct source *s)
{
    if (s->stream == NULL)
        return;
    s->bytes_before += stream_bytes_done(s->stream);
    stream_digest(s->stream, s->digest);
    stream_close(s->stream);
    s->stream = NULL;
    if (s->csv != NULL)
        s->counts.rounded += csv_reader_rounded(s->csv);
    csv_reader_free(s->csv);
    s->csv = NULL;
}

static bool open_stream(struct source *s, struct error *e)
{
    if (is_database(s))
        return stream_open_database(s->file, &s->options.database, &s->stream, e);
    if (s->topic != NULL)
        return stream_open_topic(&s->options.topic, &s->stream, e);
    if (s->pieces != NULL)
        return stream_open_until(s->file, s->pieces[s->next_file - 1].until, &s->stream, e);
    return stream_open(s->file, &s->stream, e);
}

/* Past what was read before; its lines are counted. */
static bool skip_to(struct source *s, uint64_t from, struct error *e)
{
    while (stream_taken(s->stream) < from) {
        struct text window = stream_window(s->stream);
        uint64_t left = from - stream_taken(s->stream);
        size_t taken = window.length < left ? window.length : (size_t)left;

        if (window.length == 0 && stream_at_end(s->stream))
            return error_set(e, ERROR_WORLD, "%s has become shorter while it was read", s->file);
        for (size_t i = 0; i < taken; i++)
            s->line += window.bytes[i] == '\n';
        stream_take(s->stream, taken);
        if (taken == window.length && !stream_at_end(s->stream) && !stream_more(s->stream, e))
            return false;
    }
    if (s->csv != NULL)
        csv_reader_at_line(s->csv, s->line);
    return true;
}

/* Of a file that is there for its names and types alone, nothing. */
static bool skip_piece(struct source *s, struct error *e)
{
    const struct source_piece *p = s->pieces != NULL ? &s->pieces[s->next_file - 1] : NULL;

    if (p == NULL || p->from == 0 || s->schema == NULL)
        return true;
    if (p->from < p->until)
        return skip_to(s, p->from, e);
    close_file(s);
    return true;
}

static void pass_over_pieces(struct source *s)
{
    while (s->pieces != NULL && s->schema != NULL && s->next_file < s->files.count &&
           s->pieces[s->next_file].from == s->pieces[s->next_file].until)
        s->next_file++;
}

static bool open_next_file(struct source *s, struct error *e)
{
    s->file = s->files.path[s->next_file++];
    s->counts.files++;
    if (!open_stream(s, e) || !fill_head(s, e))
        return false;
    skip_byte_order_mark(s);
    if (text_trim(stream_window(s->stream)).length == 0 && stream_at_end(s->stream))
        return error_set(e, ERROR_INVALID, "%s%s is empty: %s expected",
                         s->topic != NULL ? "topic " : "", s->file,
                         s->topic != NULL ? "messages were" : "a header and rows were");
    if (s->schema == NULL)
        choose_format(s);
    s->line = 1;
    if (!s->ops->begin(s, e))
        return false;
    if (s->first_file == NULL && s->schema != NULL)
        s->first_file = s->file;
    return skip_piece(s, e);
}

/* The next one that has rows for us, or none. */
static bool open_next_rows(struct source *s, struct error *e)
{
    for (pass_over_pieces(s); s->stream == NULL && s->next_file < s->files.count;
         pass_over_pieces(s)) {
        if (!open_next_file(s, e))
            return false;
    }
    return true;
}

bool source_open(const struct source_options *o, struct source **source, struct error *e)
{
    struct source *s;

    if (!check_options(o, e))
        return false;
    s = mem_alloc(sizeof *s);
    copy_options(s, o);
    if (!list_files(s, e))
        goto fail;
    while (s->schema == NULL) {
        if (s->next_file == s->files.count) {
            error_set(e, ERROR_INVALID, "%s has a header and no rows", s->file);
            goto fail;
        }
        close_file(s);
        if (!open_next_file(s, e))
            goto fail;
    }
    if (!open_next_rows(s, e) || !join_open(s, e) || !source_check_fields(s, e))
        goto fail;
    *source = s;
    return true;
fail:
    source_close(s);
    return false;
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    close_file(s);
    join_close(s);
    for (uint32_t i = 0; i < s->options.join_count; i++)
        mem_free(s->joins[i]);
    if (s->options.join_count > 0)
        mem_free((void *)(uintptr_t)s->options.join_key);
    mem_free(s->joins);
    for (uint32_t i = 0; i < s->options.field_count; i++)
        mem_free((void *)(uintptr_t)s->fields[i].name);
    for (uint32_t i = 0; i < s->options.null_count; i++)
        mem_free((void *)(uintptr_t)s->null_words[i].bytes);
    for (uint32_t i = 0; i < s->required_count; i++)
        mem_free(s->required[i]);
    mem_free(s->required);
    mem_free(s->fields);
    mem_free(s->null_words);
    mem_free(s->path);
    mem_free(s->url);
    mem_free(s->table);
    mem_free(s->query);
    free_topic(s);
    file_list_fini(&s->files);
    mem_free(s->pieces);
    schema_free(s->schema);
    mem_free(s->notes);
    mem_free(s->is_said);
    mem_free(s->is_required);
    mem_free(s->column_field);
    mem_free(s->places.file);
    mem_free(s->places.line);
    json_reader_free(s->json);
    mem_free(s->cells);
    arena_fini(&s->cell_memory);
    rejects_fini(&s->rejects);
    mem_free(s);
}

/* ---- reading ---- */

static bool end_of_source(struct source *s, struct error *e)
{
    if (!rejects_finish(&s->rejects, e))
        return false;
    if (is_past_share(s, s->counts.rows - s->refused))
        return too_many_rejects(s, s->counts.rows - s->refused, e);
    return true;
}

static void make_places(struct source *s, uint32_t capacity)
{
    if (!s->options.keep_places || s->places.capacity >= capacity)
        return;
    s->places.file = mem_resize(s->places.file, capacity, sizeof *s->places.file);
    s->places.line = mem_resize(s->places.line, capacity, sizeof *s->places.line);
    s->places.capacity = capacity;
}

static void note_files(struct source *s, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end && s->options.keep_places; i++)
        s->places.file[i] = s->file;
}

bool source_read(struct source *s, struct frame *f, struct error *e)
{
    ASSERT(f->columns >= source_schema(s)->count && f->capacity > 0);
    frame_clear(f);
    make_places(s, f->capacity);
    while (s->stream != NULL) {
        uint32_t before = f->rows;
        bool end;

        if (s->csv != NULL)
            csv_reader_keep_lines(s->csv, s->places.line);
        if (!s->ops->read(s, f, &end, e))
            return false;
        note_files(s, before, f->rows);
        if (f->rows > before) {
            s->row_file = s->file;
            s->row_line = s->csv != NULL ? csv_reader_row_line(s->csv) : s->json_line;
        }
        if (!end)
            break;
        close_file(s);
        if (!open_next_rows(s, e))
            return false;
    }
    s->counts.rows += f->rows;
    if (!join_fill(s, f, e))
        return false;
    return s->stream != NULL || end_of_source(s, e);
}

bool source_next(struct source *s, struct buffer *out, bool *end, struct error *e)
{
    size_t before = out->length;
    bool ok = true, file_end = false;

    s->row_text = out;
    while (ok && s->stream != NULL && out->length == before) {
        ok = s->ops->next(s, &file_end, e);
        if (ok && file_end) {
            close_file(s);
            ok = open_next_rows(s, e);
        }
    }
    s->row_text = NULL;
    *end = out->length == before;
    if (!ok)
        return false;
    s->counts.rows += !*end;
    return !*end || end_of_source(s, e);
}

bool source_is_idle(const struct source *s)
{
    struct text window;

    if (s->stream == NULL || stream_at_end(s->stream))
        return false;
    window = stream_window(s->stream);
    return memchr(window.bytes, '\n', window.length) == NULL && stream_is_idle(s->stream);
}

/* ---- telling ---- */

const struct schema *source_schema(const struct source *s)
{
    return s->whole != NULL ? s->whole : s->schema;
}

const char *source_note(const struct source *s, uint32_t field)
{
    ASSERT(field < source_schema(s)->count);
    return s->notes[field];
}

enum source_format source_format(const struct source *s)
{
    return s->format;
}

char source_delimiter(const struct source *s)
{
    return s->delimiter;
}

void source_counts(const struct source *s, struct source_counts *c)
{
    *c = s->counts;
    c->rejects = s->rejects.count;
    c->bytes_done = s->bytes_before;
    if (s->stream != NULL)
        c->bytes_done += stream_bytes_done(s->stream);
    if (s->csv != NULL)
        c->rounded += csv_reader_rounded(s->csv);
}

void source_database_digest(const struct source *s, uint8_t digest[32])
{
    memcpy(digest, s->digest, sizeof s->digest);
}

void source_place(const struct source *s, uint32_t row, const char **file, uint64_t *line)
{
    ASSERT(row < s->places.capacity);
    *file = s->places.file[row];
    *line = s->places.line[row];
}

void source_position(const struct source *s, const char **file, uint64_t *line)
{
    *file = s->row_file;
    *line = s->row_line;
}
