#include "core/stats/interval.h"

#include <math.h>

static const double z = 1.959963984540054; /* 97.5 % point of the normal distribution */

void interval_of_share(double hits, double rows, double *low, double *high)
{
    double share = hits / rows, z2 = z * z / rows;
    double middle = (share + z2 / 2) / (1 + z2);
    double half = z * sqrt(share * (1 - share) / rows + z2 / (4 * rows)) / (1 + z2);

    *low = hits <= 0 ? 0 : middle - half;
    *high = hits >= rows ? 1 : middle + half;
    if (!(rows > 0))
        *low = *high = NAN;
}
