/* Rows and frauds by day, in bounded memory; private to the profile. */
#ifndef ASSAY_SOURCE_DAILY_H
#define ASSAY_SOURCE_DAILY_H

#include "shell/source/profile.h"

enum { DAILY_DAYS_MAX = 1 << 14 /* days that have rows; rows of others are counted only */ };

/* A hash table by day; one thread; daily_fini frees. */
struct daily {
    struct profile_day *item; /* rows = 0: free */
    uint32_t capacity, used;
    uint64_t left_out; /* rows of days for which there was no room */
};

void daily_init(struct daily *d);
void daily_fini(struct daily *d); /* also of a zeroed struct */
void daily_add(struct daily *d, int64_t time_us, bool is_labelled, bool is_positive);
/* The days that have rows, ascending; the caller frees. */
struct profile_day *daily_sorted(const struct daily *d, uint32_t *count);

#endif
