/* Distance, and speed, on the sphere by the haversine formula (Sinnott, "Virtues of the Haversine",
 * Sky and Telescope 68, 1984), radius 6371.0088 km (the mean radius of WGS 84, Moritz 1980). */
#include "core/base/elementary.h"
#include "core/lang/kernels.h"

static const double radius_km = 6371.0088;
static const double radian = 0x1.1df46a2529d39p-6; /* pi / 180 */

static double haversine_km(double lat1, double lon1, double lat2, double lon2)
{
    double across = em_sin((lat2 - lat1) * radian / 2), along = em_sin((lon2 - lon1) * radian / 2);
    double h = across * across + em_cos(lat1 * radian) * em_cos(lat2 * radian) * (along * along);

    return 2 * radius_km * em_asin(sqrt(h < 1 ? h : 1));
}

static bool is_place(double lat, double lon)
{
    return fabs(lat) <= 90 && fabs(lon) <= 360;
}

void kernel_geo_km(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        double lat1 = c->arg[0]->real[i], lon1 = c->arg[1]->real[i];
        double lat2 = c->arg[2]->real[i], lon2 = c->arg[3]->real[i];
        uint8_t null = c->arg[0]->null[i] | c->arg[1]->null[i] | c->arg[2]->null[i] |
                       c->arg[3]->null[i] | !is_place(lat1, lon1) | !is_place(lat2, lon2);

        store_real(c->out->real, c->out->null, i, null ? 0 : haversine_km(lat1, lon1, lat2, lon2),
                   null);
    }
}

/* The speed that it takes to be at the second place in time; null where no time passes. */
void kernel_speed_kmh(const struct call *c)
{
    for (uint32_t i = 0; i < c->rows; i++) {
        double lat1 = c->arg[0]->real[i], lon1 = c->arg[1]->real[i];
        double lat2 = c->arg[3]->real[i], lon2 = c->arg[4]->real[i];
        int64_t us = c->arg[5]->integer[i] - c->arg[2]->integer[i];
        uint8_t null = (uint8_t)(us <= 0 || !is_place(lat1, lon1) || !is_place(lat2, lon2));

        for (uint32_t j = 0; j < c->count; j++)
            null |= c->arg[j]->null[i];
        store_real(c->out->real, c->out->null, i,
                   null ? 0
                        : haversine_km(lat1, lon1, lat2, lon2) / ((double)us / (double)US_PER_HOUR),
                   null);
    }
}
