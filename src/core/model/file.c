/* The model file, little-endian:
 *
 *     "ASSAYMDL"  u32 version  u32 sections
 *     section:    u32 tag  u32 length  u32 CRC-32 of the body  body
 *
 * in this order: HEAD (kind, inputs, calibration), INPT (names, fingerprints, category maps), NOTE,
 * then the body of the kind (LINR, TREE, MEMB; members are model files within). Version 3 has more
 * at the end, each at most once and in this order: CNFM (what calibration rows say, conformal.h),
 * POPU (population.h), RIVL (challenger's share,
 * challenger and shadow as model files of version 2, each may be empty); version 2 is written where
 * there is none, and by members. Nothing else may be absent, repeated or follow. Every bit is
 * either compared with the one value it can have or covered by a CRC, so a damaged file is refused;
 * and a file with honest CRCs is still not trusted: parts.h's invariants are checked before a model
 * is made of it.
 */
#include "core/model/kind.h"
#include "core/model/population.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "core/base/panic.h"

static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'M', 'D', 'L'};

enum section {
    SECTION_HEAD = 0x44414548, /* the letters, as they stand in the file */
    SECTION_INPT = 0x54504e49,
    SECTION_NOTE = 0x45544f4e,
    SECTION_CONFORMAL = 0x4d464e43,
    SECTION_POPU = 0x55504f50,
    SECTION_RIVL = 0x4c564952,
};

enum {
    FILE_SECTIONS = 4, /* that every file has */
    FILE_SECTIONS_MAX = 7,
    VERSION_PLAIN = 2, /* without more */
    POINT_BYTES = 16,
    INPUT_CATEGORY = 1,
    INPUT_FILL = 2, /* what stands in for null follows */
    CATEGORY_BYTES_MIN = 12,
};

/* ---- writing ---- */

static void add_section(struct buffer *out, uint32_t tag, struct buffer *body)
{
    uint32_t length = (uint32_t)body->length;

    if (body->overflow)
        out->overflow = true;
    buffer_add_u32(out, tag);
    buffer_add_u32(out, length);
    buffer_add_u32(out, (uint32_t)crc32(0, (const Bytef *)body->bytes, length));
    buffer_add(out, body->bytes, length);
    buffer_clear(body);
}

static void format_head(const struct model *m, struct buffer *b)
{
    const struct calibration *c = &m->calibration;

    buffer_add_u32(b, m->kind);
    buffer_add_u32(b, m->inputs);
    buffer_add_u8(b, (uint8_t)c->kind);
    buffer_add_double(b, c->slope);
    buffer_add_double(b, c->offset);
    buffer_add_u32(b, c->points);
    for (uint32_t i = 0; i < c->points; i++) {
        buffer_add_double(b, c->margin[i]);
        buffer_add_double(b, c->probability[i]);
    }
}

static void format_inputs(const struct model *m, struct buffer *b)
{
    for (uint32_t j = 0; j < m->inputs; j++) {
        const struct model_input *input = &m->input[j];
        const struct category_map *c = &m->category[j];

        buffer_add_bytes32(b, text_of(input->name));
        bool has_fill = !__builtin_isnan(input->fill);

        buffer_add_u8(b, (input->is_category ? INPUT_CATEGORY : 0) | (has_fill ? INPUT_FILL : 0));
        buffer_add_u64(b, input->fingerprint);
        if (has_fill)
            buffer_add_double(b, input->fill);
        if (!input->is_category)
            continue;
        buffer_add_double(b, c->other);
        buffer_add_u32(b, c->count);
        for (uint32_t i = 0; i < c->count; i++) {
            buffer_add_bytes32(b, c->value[i]);
            buffer_add_double(b, c->number[i]);
        }
    }
}

static void format_steps(const struct margin_steps *s, struct buffer *b)
{
    buffer_add_u32(b, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        buffer_add_double(b, s->margin[i]);
        buffer_add_double(b, s->value[i]);
    }
}

static void format_conformal(const struct conformal *c, struct buffer *b)
{
    buffer_add_double(b, c->level);
    for (int k = 0; k < 2; k++) {
        buffer_add_u32(b, c->rows[k]);
        format_steps(&c->p_value[k], b);
        format_steps(&c->bound[k], b);
    }
}

static void format_rivals(const struct model *m, struct buffer *b)
{
    buffer_add_double(b, m->challenger_share);
    for (int r = 0; r < MODEL_RIVALS; r++) {
        struct buffer file;

        buffer_init(&file, MODEL_BYTES_MAX);
        if (m->rival[r] != NULL)
            model_format(m->rival[r], &file);
        if (file.overflow)
            b->overflow = true;
        buffer_add_bytes32(b, (struct text){file.bytes, file.length});
        buffer_fini(&file);
    }
}

struct sum {
    size_t length;
    uLong crc;
};

static void sum_bytes(void *context, const void *bytes, size_t length)
{
    struct sum *s = context;

    s->crc = crc32(s->crc, bytes, (uInt)length);
    s->length += length;
}

/* A kind's body is large: it is gone through twice, for its head and for itself, so that it never
 * lies aside. */
static void add_own_section(const struct model *m, struct buffer *out)
{
    struct sum sum = {0, crc32(0, Z_NULL, 0)};
    struct buffer measured;

    buffer_init_spilling(&measured, MODEL_BYTES_MAX, sum_bytes, &sum);
    model_operations(m)->format(m, &measured);
    buffer_spill(&measured);
    out->overflow |= measured.overflow;
    buffer_fini(&measured);
    buffer_add_u32(out, model_operations(m)->section);
    buffer_add_u32(out, (uint32_t)sum.length);
    buffer_add_u32(out, (uint32_t)sum.crc);
    model_operations(m)->format(m, out);
}

void model_format(const struct model *m, struct buffer *out)
{
    const struct conformal *c = model_conformal(m);
    bool has_rivals = m->rival[RIVAL_CHALLENGER] != NULL || m->rival[RIVAL_SHADOW] != NULL;
    uint32_t optional = (uint32_t)(c != NULL) + (m->population != NULL) + has_rivals;
    struct buffer body;

    buffer_init(&body, MODEL_BYTES_MAX);
    buffer_add(out, magic, sizeof magic);
    buffer_add_u32(out, optional > 0 ? MODEL_FORMAT_VERSION : VERSION_PLAIN);
    buffer_add_u32(out, FILE_SECTIONS + optional);
    format_head(m, &body);
    add_section(out, SECTION_HEAD, &body);
    format_inputs(m, &body);
    add_section(out, SECTION_INPT, &body);
    buffer_add_bytes32(&body, text_of(m->notes.settings));
    buffer_add_bytes32(&body, text_of(m->notes.metrics));
    buffer_add_bytes32(&body, text_of(m->notes.data));
    add_section(out, SECTION_NOTE, &body);
    add_own_section(m, out);
    if (c != NULL) {
        format_conformal(c, &body);
        add_section(out, SECTION_CONFORMAL, &body);
    }
    if (m->population != NULL) {
        population_format(m->population, &body);
        add_section(out, SECTION_POPU, &body);
    }
    if (has_rivals) {
        format_rivals(m, &body);
        add_section(out, SECTION_RIVL, &body);
    }
    buffer_fini(&body);
}

/* ---- reading ---- */

bool model_damaged(struct error *e, const char *what)
{
    return error_set(e, ERROR_INVALID,
                     "model file: %s; the file is damaged or was not written by assay: "
                     "train again or restore it",
                     what);
}

static bool open_section(struct reader *in, uint32_t tag, struct reader *body, struct error *e)
{
    uint32_t found = reader_u32(in), length = reader_u32(in), crc = reader_u32(in);
    const void *bytes = reader_get(in, length);

    if (in->failed || bytes == NULL)
        return model_damaged(e, "it ends inside a section");
    if (found != tag)
        return model_damaged(e, "a section is missing or out of order");
    if ((uint32_t)crc32(0, bytes, length) != crc)
        return model_damaged(e, "a section does not match its checksum");
    reader_init(body, bytes, length);
    return true;
}

static bool close_section(const struct reader *body, const char *name, struct error *e)
{
    char what[64];

    if (!body->failed && reader_left(body) == 0)
        return true;
    snprintf(what, sizeof what, "section %s is %s", name, body->failed ? "too short" : "too long");
    return model_damaged(e, what);
}

bool reader_finite(struct reader *in, double *v)
{
    *v = reader_double(in);
    return __builtin_isfinite(*v);
}

static bool parse_points(struct reader *in, double *margin, double *probability, uint32_t points,
                         struct error *e)
{
    for (uint32_t i = 0; i < points; i++) {
        if (!reader_finite(in, &margin[i]) || !reader_finite(in, &probability[i]) ||
            probability[i] < 0 || probability[i] > 1 ||
            (i > 0 && (margin[i] <= margin[i - 1] || probability[i] < probability[i - 1])))
            return model_damaged(e, "its calibration does not rise from 0 to 1");
    }
    return true;
}

static bool parse_calibration(struct reader *in, struct model *m, struct error *e)
{
    struct calibration c = {.kind = (enum calibration_kind)reader_u8(in)};
    double *margin, *probability;
    bool good;

    if (c.kind > CALIBRATION_ISOTONIC || !reader_finite(in, &c.slope) ||
        !reader_finite(in, &c.offset))
        return model_damaged(e, "its calibration is of no known kind or not finite");
    c.points = reader_u32(in);
    if (c.points > MODEL_CALIBRATION_POINTS_MAX || c.points > reader_left(in) / POINT_BYTES ||
        (c.points > 0) != (c.kind == CALIBRATION_ISOTONIC))
        return model_damaged(e, "its calibration has no point or too many");
    margin = mem_array(c.points + 1, sizeof *margin);
    probability = mem_array(c.points + 1, sizeof *probability);
    good = parse_points(in, margin, probability, c.points, e);
    c.margin = margin;
    c.probability = probability;
    if (good)
        model_calibrate(m, &c);
    calibration_free(&c);
    return good;
}

static bool parse_head(struct reader *in, struct model **m, struct error *e)
{
    uint32_t kind, inputs;
    struct reader body;

    if (!open_section(in, SECTION_HEAD, &body, e))
        return false;
    kind = reader_u32(&body);
    inputs = reader_u32(&body);
    if (kind >= MODEL_KINDS)
        return model_damaged(e, "its kind is unknown");
    if (inputs == 0 || inputs > MODEL_INPUTS_MAX)
        return model_damaged(e, "it has no input or too many");
    *m = model_new((enum model_kind)kind, inputs);
    return parse_calibration(&body, *m, e) && close_section(&body, "HEAD", e);
}

/* Fills value and number, which have room for count. */
static bool parse_values(struct reader *in, struct text *value, double *number, uint32_t count,
                         struct error *e)
{
    for (uint32_t i = 0; i < count; i++) {
        value[i] = reader_bytes32(in);
        if (!reader_finite(in, &number[i]))
            return model_damaged(e, "a category's number is not finite");
        if (in->failed || value[i].length > TEXT_MAX || !text_is_utf8(value[i]))
            return model_damaged(e, "a category's text is cut, too long or not UTF-8");
        if (i > 0 && text_compare(value[i - 1], value[i]) >= 0)
            return model_damaged(e, "categories are not in order");
    }
    return true;
}

static bool parse_categories(struct reader *in, struct category_map *c, struct error *e)
{
    struct text *value;
    double *number, other;
    uint32_t count;
    bool good;

    if (!reader_finite(in, &other))
        return model_damaged(e, "a category's number is not finite");
    count = reader_u32(in);
    if (count > MODEL_CATEGORIES_MAX || count > reader_left(in) / CATEGORY_BYTES_MIN)
        return model_damaged(e, "an input has more categories than the file can hold");
    value = mem_array(count + 1, sizeof *value);
    number = mem_array(count + 1, sizeof *number);
    good = parse_values(in, value, number, count, e);
    if (good)
        category_map_set(c, value, number, count, other);
    mem_free(value);
    mem_free(number);
    return good;
}

static bool parse_inputs(struct reader *in, struct model *m, struct error *e)
{
    struct reader body;

    if (!open_section(in, SECTION_INPT, &body, e))
        return false;
    for (uint32_t j = 0; j < m->inputs; j++) {
        struct text name = reader_bytes32(&body);
        uint8_t flags = reader_u8(&body);
        bool is_category = (flags & INPUT_CATEGORY) != 0;
        uint64_t fingerprint = reader_u64(&body);
        double fill;

        if (body.failed || name.length == 0 || name.length > FIELD_NAME_MAX ||
            !text_is_utf8(name) || memchr(name.bytes, 0, name.length) != NULL)
            return model_damaged(e, "an input's name is empty, too long or not UTF-8");
        if (flags > INPUT_FILL)
            return model_damaged(e, "an input is of no known type");
        model_set_input(m, j, name, is_category, fingerprint);
        if (flags & INPUT_FILL) {
            if (!reader_finite(&body, &fill))
                return model_damaged(e, "what stands in for a missing value is not finite");
            model_set_fill(m, j, fill);
        }
        if (is_category && !parse_categories(&body, &m->category[j], e))
            return false;
    }
    return close_section(&body, "INPT", e);
}

static bool parse_note(struct reader *in, char **note, struct error *e)
{
    struct text t = reader_bytes32(in);

    if (in->failed || !text_is_utf8(t) || (t.length > 0 && memchr(t.bytes, 0, t.length) != NULL))
        return model_damaged(e, "a note is cut or not UTF-8");
    mem_free(*note);
    *note = mem_text(t.bytes, t.length);
    return true;
}

static bool parse_notes(struct reader *in, struct model *m, struct error *e)
{
    struct reader body;

    return open_section(in, SECTION_NOTE, &body, e) && parse_note(&body, &m->notes.settings, e) &&
           parse_note(&body, &m->notes.metrics, e) && parse_note(&body, &m->notes.data, e) &&
           close_section(&body, "NOTE", e);
}

static bool parse_body(struct reader *in, struct model *m, unsigned nesting, struct error *e)
{
    const struct model_operations *o = model_operations(m);
    struct reader body;

    return open_section(in, o->section, &body, e) && o->parse(&body, m, nesting, e) &&
           close_section(&body, o->name, e);
}

/* `sign` 1: the values never fall, -1: they never rise. */
static bool parse_steps(struct reader *in, int sign, struct margin_steps *s, struct error *e)
{
    uint32_t count = reader_u32(in);

    if (count > CONFORMAL_STEPS_MAX || count > reader_left(in) / POINT_BYTES)
        return model_damaged(e, "its conformal part has too many steps");
    s->margin = mem_array(count + 1, sizeof *s->margin);
    s->value = mem_array(count + 1, sizeof *s->value);
    s->count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!reader_finite(in, &s->margin[i]) || !reader_finite(in, &s->value[i]) ||
            s->value[i] < 0 || s->value[i] > 1 || (i > 0 && s->margin[i] <= s->margin[i - 1]) ||
            (i > 0 && sign * (s->value[i] - s->value[i - 1]) < 0))
            return model_damaged(e, "the steps of its conformal part are out of order");
    }
    return true;
}

static bool parse_conformal(struct reader *in, struct model *m, struct error *e)
{
    struct conformal *c = &m->conformal;
    struct reader body;

    if (!open_section(in, SECTION_CONFORMAL, &body, e))
        return false;
    if (!reader_finite(&body, &c->level) || !(c->level > 0 && c->level < 1))
        return model_damaged(e, "the level of its conformal part is not between 0 and 1");
    for (int k = 0; k < 2; k++) {
        c->rows[k] = reader_u32(&body);
        if (!parse_steps(&body, k == 0 ? -1 : 1, &c->p_value[k], e) ||
            !parse_steps(&body, 1, &c->bound[k], e))
            return false;
    }
    return close_section(&body, "CNFM", e);
}

static bool next_is(const struct reader *in, uint32_t tag)
{
    struct reader ahead = *in;

    return reader_u32(&ahead) == tag && !ahead.failed;
}

static bool parse_population(struct reader *in, struct model *m, struct error *e)
{
    struct population *p;
    struct reader body;

    if (!open_section(in, SECTION_POPU, &body, e) || !population_parse(&body, m->inputs, &p, e))
        return false;
    model_set_population(m, p);
    return close_section(&body, "POPU", e);
}

static bool parse_rivals(struct reader *in, struct model *m, struct error *e)
{
    struct reader body;

    if (!open_section(in, SECTION_RIVL, &body, e))
        return false;
    if (!reader_finite(&body, &m->challenger_share) || m->challenger_share < 0 ||
        m->challenger_share > 1)
        return model_damaged(e, "its challenger's share is none");
    for (int r = 0; r < MODEL_RIVALS; r++) {
        struct text file = reader_bytes32(&body);
        struct model *rival;

        if (file.length == 0)
            continue;
        if (!model_parse_nested(file.bytes, file.length, 1, &rival, e))
            return false;
        model_set_rival(m, (enum model_rival)r, rival);
    }
    return close_section(&body, "RIVL", e);
}

/* Of the sections that may be absent, `sections` are there. */
static bool parse_optional(struct reader *in, struct model *m, uint32_t sections, struct error *e)
{
    if (sections > 0 && next_is(in, SECTION_CONFORMAL)) {
        if (!parse_conformal(in, m, e))
            return false;
        sections--;
    }
    if (sections > 0 && next_is(in, SECTION_POPU)) {
        if (!parse_population(in, m, e))
            return false;
        sections--;
    }
    if (sections > 0 && next_is(in, SECTION_RIVL)) {
        if (!parse_rivals(in, m, e))
            return false;
        sections--;
    }
    return sections == 0 || model_damaged(e, "a section is missing or out of order");
}

static bool parse_file(struct reader *in, unsigned nesting, struct model **m, struct error *e)
{
    const void *start = reader_get(in, sizeof magic);
    uint32_t version, sections;

    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return error_set(e, ERROR_INVALID,
                         "model file: it does not begin with \"ASSAYMDL\"; "
                         "this is not a model of assay");
    version = reader_u32(in);
    if (version != VERSION_PLAIN && (version != MODEL_FORMAT_VERSION || nesting > 0))
        return error_set(e, ERROR_INVALID,
                         "model file: format version %u, this assay reads versions %d and %d (of a "
                         "member: %d); train the model again or use the assay that wrote it",
                         version, VERSION_PLAIN, MODEL_FORMAT_VERSION, VERSION_PLAIN);
    sections = reader_u32(in);
    if (sections < FILE_SECTIONS || sections > FILE_SECTIONS_MAX ||
        (sections > FILE_SECTIONS) != (version == MODEL_FORMAT_VERSION))
        return model_damaged(e, "its number of sections is wrong");
    if (!parse_head(in, m, e) || !parse_inputs(in, *m, e) || !parse_notes(in, *m, e))
        return false;
    if (!parse_body(in, *m, nesting, e) || !parse_optional(in, *m, sections - FILE_SECTIONS, e))
        return false;
    if (reader_left(in) != 0)
        return model_damaged(e, "bytes follow its last section");
    return model_finish(*m, e);
}

bool model_parse_nested(const void *bytes, size_t length, unsigned nesting, struct model **m,
                        struct error *e)
{
    struct model *read = NULL;
    struct reader in;

    if (length > MODEL_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "model file: %zu bytes, at most %d are read", length,
                         MODEL_BYTES_MAX);
    reader_init(&in, bytes, length);
    if (!parse_file(&in, nesting, &read, e)) {
        model_free(read);
        return false;
    }
    *m = read;
    return true;
}

bool model_parse(const void *bytes, size_t length, struct model **m, struct error *e)
{
    return model_parse_nested(bytes, length, 0, m, e);
}
