/* Expressions from bytes: parse, check, print, parse again, run over a few rows. */
#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/lang/lang.h"

static struct schema *make_schema(void)
{
    static const struct {
        const char *name;
        enum type type;
    } fields[] = {{"id", TYPE_TEXT},    {"at", TYPE_TIME},        {"b", TYPE_BOOL},
                  {"n", TYPE_INT},      {"amount", TYPE_DECIMAL}, {"r", TYPE_REAL},
                  {"t", TYPE_TEXT},     {"w", TYPE_DURATION},     {"is_fraud", TYPE_BOOL},
                  {"a b", TYPE_DECIMAL}};
    struct schema *s = schema_new();
    struct error e;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ASSERT(schema_add(s, text_of(fields[i].name), fields[i].type, &e));
    s->id = 0;
    s->time = 1;
    s->label = 8;
    return s;
}

static struct zone *find_zone(void *context, struct text name, struct error *e)
{
    const char *rules = "-10800 1541300400/-7200 std3dst2,M3.2.0,M11.1.0";

    return zone_parse_text(name, text_of(rules), e);
}

static void make_rows(struct frame *f)
{
    static const int64_t words[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1000000};
    static const double reals[] = {0, 1, -1, 1.7e308, 5e-324, 0.1};
    static const int64_t times[] = {0, 1, TIME_MAX_US, TIME_MIN_US, 1, 86400000000};

    for (uint32_t row = 0; row < 6; row++) {
        for (uint32_t i = 0; i < f->columns; i++) {
            struct value v = {.type = f->column[i].type, .is_null = row == 4};

            if (v.type == TYPE_TEXT)
                v.text = text_of(row & 1 ? "caf\xc3\xa9" : "12.5");
            else if (v.type == TYPE_REAL)
                v.real = reals[row];
            else
                v.integer = v.type == TYPE_BOOL   ? row & 1
                            : v.type == TYPE_TIME ? times[row]
                                                  : words[row];
            column_set(&f->column[i], row, &v);
        }
        f->rows++;
    }
}

static void run(const struct program *p, const struct frame *f)
{
    struct registers r;

    registers_init(&r, p, 6);
    registers_begin(&r, f, 0, 6);
    for (int level = 0; level < program_levels(p); level++)
        program_run(p, &r, level);
    registers_fini(&r);
}

/* What was printed whole must parse to the same node. */
static void print_again(struct program *p, int node)
{
    struct buffer printed;
    struct error e;
    int again;

    buffer_init(&printed, LANG_TEXT_MAX);
    program_print(p, node, &printed);
    if (!printed.overflow &&
        program_add_feature(p, text_of("again"), (struct text){printed.bytes, printed.length},
                            &again, &e))
        ASSERT(again == node);
    buffer_fini(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct schema *s = make_schema();
    struct program *p = program_new(s);
    struct frame f;
    struct error e;
    int node;

    program_lend_zones(p, &(struct zone_source){.find = find_zone});
    ASSERT(program_add_entity(p, text_of("customer"), text_of("lower(t)"), &e));
    frame_init(&f, s, 6, 1 << 12);
    make_rows(&f);
    if (program_add_feature(p, text_of("f"), (struct text){(const char *)bytes, length}, &node, &e))
        print_again(p, node);
    program_finish(p);
    run(p, &f);
    program_free(p);
    frame_fini(&f);
    schema_free(s);
    return 0;
}
