/* Chance, twice: how far figures move when the data is drawn again (bootstrap), and how high
 * average precision gets when labels mean nothing (permutation). Inside stats/ only. */
#ifndef ASSAY_STATS_RESAMPLE_H
#define ASSAY_STATS_RESAMPLE_H

#include "core/stats/evaluation.h"

/* Number of copies of unit in resample number: Poisson with mean 1. */
uint8_t resample_copies(uint64_t seed, uint32_t number, uint32_t unit);

/* Fills low and high of each figure from options->bootstrap resamples; figures that are never
 * defined stay as they are. False with ERROR_CANCELLED. */
bool resample_intervals(const struct evaluation *v, const struct metrics_options *options,
                        struct estimate figure[FIGURES_MAX], struct error *e) MUST_USE;

/* p = (1 + permutations that reach the average precision) / (1 + permutations). */
bool resample_chance(const struct evaluation *v, const struct metrics_options *options,
                     double average_precision, double *p, struct error *e) MUST_USE;

#endif
