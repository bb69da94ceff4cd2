/* The data dictionary: what each feature of a plan is, of what, over which windows, and how much of
 * the past it needs. */
#ifndef ASSAY_RUN_DICTIONARY_H
#define ASSAY_RUN_DICTIONARY_H

#include "shell/settings/settings.h"

enum { DESCRIPTION_WINDOWS_MAX = 64, DESCRIPTION_UNIT_MAX = FIELD_NAME_MAX + 16 };

/* Where the log that there is begins; without one, when a feature is warm can only be said as a
 * span. */
struct past {
    bool has_log;
    int64_t begins_us; /* its first event */
};

/* One feature, taken apart. Borrows settings, plan and past. */
struct description {
    const struct settings *settings;
    const struct plan *plan;
    const struct past *past;
    const char *name;
    enum type type;
    struct buffer expression; /* canonical: features and entities written out */
    uint64_t fingerprint;
    const struct aggregate *window[DESCRIPTION_WINDOWS_MAX];
    uint32_t windows; /* all of them; over DESCRIPTION_WINDOWS_MAX the rest is not listed */
    bool reads_label;
    uint8_t *reads; /* by field */
    char unit[DESCRIPTION_UNIT_MAX];
};

void description_init(struct description *d, const struct settings *s, const struct plan *plan,
                      const struct past *past, uint32_t feature);
void description_fini(struct description *d);
uint32_t description_windows(const struct description *d); /* that are listed */
/* What stands in for a field that an event lacks; NULL: nothing does. */
const char *description_missing(const struct description *d, uint32_t field);
/* From when on its value is what it would be with all of the past, in words. */
void description_warm(const struct description *d, struct buffer *out);
void description_json(const struct description *d, struct buffer *out);

/* {"features": [...]}, all of the plan's. */
void dictionary_json(const struct settings *s, const struct plan *plan, const struct past *past,
                     struct buffer *out);

#endif
