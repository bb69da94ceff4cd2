/* Any bytes as CSV: typed and untyped, whole and in two parts; both ways must read the same rows.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/base/panic.h"
#include "core/data/csv.h"

static struct schema *fuzz_schema(void)
{
    struct schema *s = schema_new();
    struct error e;

    for (int i = 0; i < TYPES; i++) {
        bool good = schema_add(s, text_of(type_name((enum type)i)), (enum type)i, &e);

        ASSERT(good);
    }
    s->fields[TYPE_DECIMAL].group = '\'';
    return s;
}

static uint32_t read_rows(const struct schema *s, const char *bytes, size_t length, size_t cut)
{
    static const struct text nulls[] = {{"NA", 2}, {"\\N", 2}};
    struct csv_column column[TYPES];
    struct csv_layout l = {',', TYPES, column, nulls, 2};
    struct csv_reader *r;
    struct csv_bad bad;
    struct frame f;
    size_t at = 0, end = cut, used;
    uint32_t rows = 0;
    enum csv_stop stop;

    for (int i = 0; i < TYPES; i++)
        column[i] = (struct csv_column){i, i == TYPE_REAL};
    r = csv_reader_new(&l, s, 1);
    frame_init(&f, s, 16, 1 << 20);
    for (;;) {
        stop = csv_read(r, bytes + at, end - at, end == length, &f, &used, &bad);
        ASSERT(used <= end - at);
        at += used;
        rows += f.rows;
        frame_clear(&f);
        if (stop == CSV_MORE && end == length)
            break;
        if (stop == CSV_MORE)
            end = length;
    }
    frame_fini(&f);
    csv_reader_free(r);
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct schema *s = fuzz_schema();
    struct arena arena;
    struct text cells[8];
    size_t at = 0;

    ASSERT(read_rows(s, bytes, size, size) == read_rows(s, bytes, size, size / 2));
    arena_init(&arena, 1 << 20);
    while (at < size) {
        struct csv_record record = csv_split(bytes + at, size - at, true, ';', &arena, cells, 8);

        ASSERT(record.used > 0 && record.used <= size - at);
        at += record.used;
    }
    arena_fini(&arena);
    schema_free(s);
    return 0;
}
