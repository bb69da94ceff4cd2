/* What a source holds, in one pass and bounded memory: per field how much is missing, how many
 * distinct values, range, mean, the most frequent values; and from that what the fields seem to be,
 * each guess with its reason in one line.
 *
 * Distinct values are exact up to distinct_exact of them; beyond, they are estimated from those
 * whose hash falls into an ever smaller part of all hashes (adaptive sampling: Flajolet 1990), with
 * an error of about 1 %.
 *
 * Asked for it (is_deep), it also tells how the values are spread: quantiles (core/stats/sketch.h:
 * exact up to spread_exact values of a field), a histogram, outliers, values that look like
 * stand-ins for "not known", and rows and frauds by day.
 */
#ifndef ASSAY_SOURCE_PROFILE_H
#define ASSAY_SOURCE_PROFILE_H

#include "core/base/progress.h"
#include "shell/source/source.h"

enum {
    PROFILE_TOP = 5,
    PROFILE_VALUE_MAX = 64,           /* bytes of a value that are kept */
    PROFILE_DISTINCT_EXACT = 1 << 16, /* fewer where there are very many fields */
    PROFILE_MEMORY_BYTES = 256 << 20,
    PROFILE_ENTITIES_MAX = 8,
    PROFILE_LEAKS_MAX = 64,
    PROFILE_SPREAD_EXACT = 1 << 16, /* values; fewer where there are very many fields */
    PROFILE_QUANTILES = 9,
    PROFILE_BARS = 20,
    PROFILE_SUSPECTS = 4, /* of one field */
};

/* 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99 */
extern const double profile_share[PROFILE_QUANTILES];

struct profile_options {
    const char *label; /* field; NULL: by its name */
    const char *time;  /* field; NULL: guessed */
    bool is_deep;
    const struct progress *progress;
};

struct profile_value {
    char text[PROFILE_VALUE_MAX];
    uint64_t count;
};

/* How the values of a number, duration or time are spread: as they are, in seconds, and in
 * microseconds since 1970. Counts are estimates where it is not exact. */
struct profile_spread {
    bool is_exact;
    double quantile[PROFILE_QUANTILES]; /* at profile_share; each is a value that occurs */
    double low, high; /* of the histogram: all, or the middle 98 % of long tails */
    uint32_t bars;    /* of equal width; 0: all values are one */
    uint64_t bar[PROFILE_BARS];
    uint64_t below, above;        /* values outside of it */
    bool has_fence;               /* false: the middle half is one value */
    double fence_low, fence_high; /* quartiles -/+ 3 times their distance (Tukey's far fences) */
    uint64_t outliers;            /* beyond the fences */
};

/* A value that may mean something else than it says. */
struct profile_suspect {
    char text[PROFILE_VALUE_MAX];
    uint64_t count;
    const char *why;
};

struct profile_day {
    int64_t day; /* since 1970-01-01 */
    uint64_t rows;
    uint64_t labelled, positive;
};

struct profile_field {
    const char *name;
    enum type type;
    enum time_layout layout;
    const char *note; /* why it has its type */
    uint64_t nulls;
    uint64_t distinct; /* of the values that are not null */
    bool is_distinct_exact;
    bool is_unique; /* no value stands twice (if not exact: none of the sampled ones) */
    bool has_range;
    double least, most, mean;       /* numbers (decimals as such), durations in seconds */
    int64_t earliest_us, latest_us; /* times */
    uint32_t top_count;             /* 0 where there are too many values to tell */
    struct profile_value top[PROFILE_TOP];
    bool has_spread;
    struct profile_spread spread;
    const char *stands_in; /* for a missing value, as the settings say; NULL: nothing. Borrowed */
    uint32_t suspect_count;
    struct profile_suspect suspect[PROFILE_SUSPECTS];
};

struct profile {
    uint64_t rows;
    uint64_t rejects;
    uint32_t count;
    struct profile_field *fields;
    uint32_t distinct_exact;
    struct profile_guesses *guesses;
    struct schema *schema; /* names of the fields */
    char (*notes)[160];
    uint32_t spread_exact;   /* deep: values of a field up to which its spread is exact */
    struct profile_day *day; /* deep, by the time field: days that have rows, ascending */
    uint32_t days;
    uint64_t undated; /* rows without a time, or of more days than can be kept */
};

/* A field and why; field = FIELD_NONE: none, and the reason says so. */
struct profile_guess {
    int field;
    char reason[192];
};

struct profile_entity {
    struct profile_guess is;
    char name[32]; /* "customer", "terminal", ... */
};

struct profile_guesses {
    struct profile_guess id, time, label, amount;
    char positive[PROFILE_VALUE_MAX]; /* the label's value that means fraud */
    double positive_share;
    uint32_t entity_count;
    struct profile_entity entities[PROFILE_ENTITIES_MAX];
    uint32_t leak_count; /* fields that are the answer under another name: never features */
    struct profile_guess leaks[PROFILE_LEAKS_MAX];
};

/* Reads the source to its end. ERROR_CANCELLED where the progress callback says so,
 * ERROR_NOT_FOUND where a field of the options does not exist. */
bool profile_source(struct source *s, const struct profile_options *o, struct profile **profile,
                    struct error *e) MUST_USE;
void profile_free(struct profile *p);

/* What the fields seem to be; owned by the profile. */
const struct profile_guesses *profile_guess(const struct profile *p);

#endif
