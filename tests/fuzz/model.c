/* The model file. Checksums would stop nearly every input at the door, so they are set right first;
 * what is accepted is scored and explained. */
#include <string.h>
#include <zlib.h>

#include "core/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { HEAD_BYTES = 16, SECTION_HEAD_BYTES = 12 };

static void mend_checksums(char *bytes, size_t length)
{
    size_t at = HEAD_BYTES;

    while (at + SECTION_HEAD_BYTES <= length) {
        uint8_t *head = (uint8_t *)bytes + at;
        uint32_t size = head[4] | head[5] << 8 | head[6] << 16 | (uint32_t)head[7] << 24;
        uint32_t crc;

        if (size > length - at - SECTION_HEAD_BYTES)
            return;
        crc = (uint32_t)crc32(0, head + SECTION_HEAD_BYTES, size);
        for (unsigned i = 0; i < 4; i++)
            head[8 + i] = (uint8_t)(crc >> (8 * i));
        at += SECTION_HEAD_BYTES + size;
    }
}

static void use(const struct model *m)
{
    uint32_t inputs = model_input_count(m);
    struct column *column = mem_array(inputs, sizeof *column);
    const struct column **input = mem_array(inputs, sizeof *input);
    double *contribution = mem_array(inputs, sizeof *contribution), base, margin[2];

    for (uint32_t j = 0; j < inputs; j++) {
        column_init(&column[j], model_input(m, j)->is_category ? TYPE_TEXT : TYPE_REAL, 2);
        input[j] = &column[j];
        column_set_null(&column[j], 1);
        if (column[j].type == TYPE_TEXT)
            column[j].text[0] = text_of("shop");
        else
            column[j].real[0] = j * 0.5;
    }
    for (int level = SIMD_SCALAR; level <= (int)simd_best(); level++) {
        struct model_scratch *s = model_scratch_new(m, (enum simd)level);

        model_score(m, s, input, 0, 2, margin, NULL);
        model_explain(m, s, input, 0, contribution, &base);
        model_scratch_free(s);
    }
    for (uint32_t j = 0; j < inputs; j++)
        column_fini(&column[j]);
    mem_free(column);
    mem_free(input);
    mem_free(contribution);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *copy = mem_text((const char *)bytes, length);
    struct model *m = NULL;
    struct error e;

    mend_checksums(copy, length);
    if (model_parse(copy, length, &m, &e))
        use(m);
    model_free(m);
    mem_free(copy);
    return 0;
}
