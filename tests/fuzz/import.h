/* What the targets of the importers share: a file that is accepted is made a model, written, read
 * again, scored and explained. */
#ifndef ASSAY_FUZZ_IMPORT_H
#define ASSAY_FUZZ_IMPORT_H

#include <math.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "core/model/import.h"
#include "core/model/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void fuzz_score(const struct model *m)
{
    struct model_scratch *s = model_scratch_new(m, SIMD_SCALAR);
    double *x = mem_array(m->inputs + 1, sizeof *x), *share = mem_array(m->inputs + 1, sizeof *x);
    static const double values[] = {0, NAN, 1.5, -3, 1e30, INFINITY};

    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        double margin, sum;

        for (uint32_t j = 0; j < m->inputs; j++)
            x[j] = values[(k + j) % (sizeof values / sizeof *values)];
        model_score_encoded(m, s, x, 1, &margin);
        sum = model_explain_encoded(m, s, x, share);
        ASSERT(!isnan(margin) && !isnan(model_probability(m, margin)));
        (void)sum;
    }
    mem_free(x);
    mem_free(share);
    model_scratch_free(s);
}

static void fuzz_rewrite(const struct model *m)
{
    struct buffer bytes;
    struct model *again = NULL;
    struct error e;

    buffer_init(&bytes, MODEL_BYTES_MAX);
    model_format(m, &bytes);
    ASSERT(bytes.overflow || model_parse(bytes.bytes, bytes.length, &again, &e));
    model_free(again);
    buffer_fini(&bytes);
}

static void fuzz_use(struct import *found)
{
    struct import_feature *f = mem_array((size_t)found->inputs + 1, sizeof *f);
    struct model *m;
    struct error e;
    uint32_t count = 0;

    for (uint32_t j = 0; j < found->inputs; j++) {
        if (found->input[j].is_used)
            f[count++] = (struct import_feature){text_of("x"), j, found->input[j].is_category, j};
    }
    m = import_model(found, f, count, &e);
    if (m != NULL) {
        fuzz_rewrite(m);
        fuzz_score(m);
    }
    model_free(m);
    mem_free(f);
}

static int fuzz_import(enum import_format format, const uint8_t *bytes, size_t length)
{
    struct import *found = NULL;
    struct error e;

    if (import_guess(bytes, length) == format &&
        import_parse(bytes, length, &(struct import_options){0}, &found, &e))
        fuzz_use(found);
    import_free(found);
    return 0;
}

#endif
