/* Isotonic regression of labels on margins by pooling adjacent violators (Ayer et al. 1955), as
 * scikit-learn does it: equal margins are one point first; each pool of equal probability is kept
 * by its first and its last margin, between two points the probability is on the line. Where there
 * would be more points than a model keeps, neighbouring pools are joined two by two. */
#include "core/learn/learn.h"

#include <stdlib.h>

struct pool {
    double first, last; /* margins */
    double frauds, rows;
};

struct point {
    double margin;
    uint8_t label;
};

static int compare_points(const void *a, const void *b)
{
    double x = ((const struct point *)a)->margin, y = ((const struct point *)b)->margin;

    return (x > y) - (x < y);
}

static double share(const struct pool *p)
{
    return p->frauds / p->rows;
}

static void join(struct pool *into, const struct pool *next)
{
    into->last = next->last;
    into->frauds += next->frauds;
    into->rows += next->rows;
}

static uint32_t pool_rows(const struct point *point, uint32_t rows, struct pool *pool)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rows;) {
        struct pool p = {point[i].margin, point[i].margin, 0, 0};

        for (; i < rows && point[i].margin == p.first; i++) {
            p.frauds += point[i].label != 0;
            p.rows++;
        }
        pool[count++] = p;
        while (count > 1 && share(&pool[count - 2]) >= share(&pool[count - 1])) {
            join(&pool[count - 2], &pool[count - 1]);
            count--;
        }
    }
    return count;
}

/* Every other pool joins its neighbour until there are few enough. */
static uint32_t thin(struct pool *pool, uint32_t count, uint32_t most)
{
    while (2 * count > most) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < count; i += 2) {
            pool[kept] = pool[i];
            if (i + 1 < count)
                join(&pool[kept], &pool[i + 1]);
            kept++;
        }
        count = kept;
    }
    return count;
}

uint32_t isotonic_fit(const double *margin, const uint8_t *label, uint32_t rows,
                      uint32_t points_max, double *x, double *y)
{
    struct point *point = mem_array(rows + 1, sizeof *point);
    struct pool *pool = mem_array(rows + 1, sizeof *pool);
    uint32_t frauds = 0, count = 0, points = 0;

    for (uint32_t i = 0; i < rows; i++) {
        point[i] = (struct point){margin[i], label[i]};
        frauds += label[i] != 0;
    }
    if (frauds > 0 && frauds < rows) {
        qsort(point, rows, sizeof *point, compare_points);
        count = thin(pool, pool_rows(point, rows, pool), points_max);
    }
    for (uint32_t i = 0; i < count; i++) {
        x[points] = pool[i].first;
        y[points++] = share(&pool[i]);
        if (pool[i].last > pool[i].first) {
            x[points] = pool[i].last;
            y[points++] = share(&pool[i]);
        }
    }
    mem_free(point);
    mem_free(pool);
    return points;
}
