#include "shell/train/fits.h"

#include <pthread.h>
#include <string.h>

#include "core/learn/dataset.h"
#include "shell/os/digest.h"

enum {
    EXPECTED_MAX = 1024,
    KEPT_MAX = 1024,
    KEPT_BYTES_MAX = 32 << 20, /* of all model files; beyond it fits are made again */
};

/* A model that was learned, as its file. */
struct kept {
    const struct recipe *recipe; /* an expected one like it */
    uint8_t dataset[DIGEST_BYTES];
    struct buffer model;
    struct learned learned;
    uint32_t left; /* times that it is still expected */
};

struct fits {
    pthread_mutex_t lock;
    uint32_t expected;
    const struct recipe *expect[EXPECTED_MAX];
    uint32_t count;
    struct kept kept[KEPT_MAX];
    size_t bytes;
};

struct fits *fits_new(void)
{
    struct fits *f = mem_alloc(sizeof *f);

    pthread_mutex_init(&f->lock, NULL);
    return f;
}

static void drop(struct fits *f, uint32_t i)
{
    f->bytes -= f->kept[i].model.length;
    buffer_fini(&f->kept[i].model);
    f->kept[i] = f->kept[--f->count];
}

void fits_clear(struct fits *f)
{
    while (f->count > 0)
        drop(f, f->count - 1);
}

void fits_free(struct fits *f)
{
    if (f == NULL)
        return;
    fits_clear(f);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

void fits_expect(struct fits *f, const struct recipe *r)
{
    for (uint32_t k = 0; k < r->members; k++)
        fits_expect(f, r->member[k]);
    if (f->expected < EXPECTED_MAX)
        f->expect[f->expected++] = r;
}

/* How often such a recipe is expected, and the first of them. */
static uint32_t count_expected(const struct fits *f, const struct recipe *r,
                               const struct recipe **first)
{
    uint32_t count = 0;

    for (uint32_t i = f->expected; i-- > 0;) {
        if (!recipe_learns_alike(f->expect[i], r))
            continue;
        *first = f->expect[i];
        count++;
    }
    return count;
}

/* Rows, labels and what stands in for null; the table, the inputs and the seed are one training's.
 */
static void digest_dataset(const struct dataset *d, uint8_t out[DIGEST_BYTES])
{
    struct digest *digest = digest_new();
    uint64_t *line = mem_array((size_t)d->rows + 1, sizeof *line);

    for (uint32_t i = 0; i < d->rows; i++)
        line[i] = (uint64_t)dataset_row(d, i) << 8 | dataset_label(d, i);
    digest_start(digest);
    digest_add(digest, line, d->rows * sizeof *line);
    if (d->fill != NULL)
        digest_add(digest, d->fill, d->inputs * sizeof *d->fill);
    digest_finish(digest, out);
    digest_free(digest);
    mem_free(line);
}

static bool find(void *context, const struct recipe *r, const struct dataset *d, struct model **m,
                 struct learned *learned)
{
    const struct fits_memory *memory = context;
    struct fits *f = memory->fits;
    const struct recipe *first;
    uint8_t dataset[DIGEST_BYTES];
    struct error e;
    bool found = false;

    if (d->input != memory->input || count_expected(f, r, &first) < 2)
        return false;
    digest_dataset(d, dataset);
    pthread_mutex_lock(&f->lock);
    for (uint32_t i = 0; i < f->count && !found; i++) {
        struct kept *k = &f->kept[i];

        if (k->recipe != first || memcmp(k->dataset, dataset, DIGEST_BYTES) != 0)
            continue;
        found = model_parse(k->model.bytes, k->model.length, m, &e);
        if (!found)
            break;
        *learned = k->learned;
        if (--k->left == 0)
            drop(f, i);
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

static void keep(void *context, const struct recipe *r, const struct dataset *d,
                 const struct model *m, const struct learned *learned)
{
    const struct fits_memory *memory = context;
    struct fits *f = memory->fits;
    struct kept k = {.learned = *learned};
    uint32_t times;
    bool fits;

    if (d->input != memory->input)
        return;
    times = count_expected(f, r, &k.recipe);
    if (times < 2)
        return;
    k.left = times - 1;
    digest_dataset(d, k.dataset);
    buffer_init(&k.model, MODEL_BYTES_MAX);
    model_format(m, &k.model);
    pthread_mutex_lock(&f->lock);
    fits = !k.model.overflow && f->count < KEPT_MAX && f->bytes + k.model.length <= KEPT_BYTES_MAX;
    if (fits) {
        f->bytes += k.model.length;
        f->kept[f->count++] = k;
    }
    pthread_mutex_unlock(&f->lock);
    if (!fits)
        buffer_fini(&k.model);
}

void fits_memory_init(struct fits_memory *m, struct fits *f, const struct column *const *input)
{
    *m = (struct fits_memory){.fits = f, .input = input};
    m->memory = (struct learn_memory){find, keep, m};
}
