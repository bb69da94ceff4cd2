/* What a source holds, in one pass and bounded memory: per field how much is missing, how many
 * distinct values, range, mean, the most frequent values; and from that what the fields seem to be,
 * each guess with its reason in one line.
 *
 * Distinct values are exact up to distinct_exact of them; beyond, they are estimated from those
 * whose hash falls into an ever smaller part of all hashes (adaptive sampling: Flajolet 1990), with
 * an error of about 1 %.
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
};

struct profile_value {
    char text[PROFILE_VALUE_MAX];
    uint64_t count;
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

/* Reads the source to its end. ERROR_CANCELLED where the progress callback says so. */
bool profile_source(struct source *s, const struct progress *progress, struct profile **profile,
                    struct error *e) MUST_USE;
void profile_free(struct profile *p);

/* What the fields seem to be; owned by the profile. */
const struct profile_guesses *profile_guess(const struct profile *p);

#endif
