/* The settings' reference tables, looked up for each event before it reaches the engine: what was
 * found becomes fields of the event ("customers.balance"), so the log has it as values and replay
 * asks nothing outside. Immutable after lookups_open; any number of threads may fill frames. */
#ifndef ASSAY_RUN_LOOKUP_H
#define ASSAY_RUN_LOOKUP_H

#include "core/data/frame.h"
#include "shell/settings/settings.h"

enum { LOOKUP_BYTES_MAX = 1 << 30 }; /* of one table in memory */

struct lookups;

/* Loads every source of the settings that has a key. `schema` has the events' own fields, which the
 * keys are named like. `plan` (may be NULL, may be the same) has the tables' fields as they were
 * when a model was trained: columns are read in those types; otherwise they are guessed. Without
 * such a source `*l` has no table and fills nothing. Errors have their place in the settings. */
bool lookups_open(const struct settings *s, const struct schema *schema, const struct schema *plan,
                  struct lookups **l, struct error *e) MUST_USE;
struct lookups *lookups_ref(struct lookups *l); /* takes NULL */
void lookups_free(struct lookups *l);           /* gives a reference back; takes NULL */

/* Appends the fields of all tables; refused where the events have one of them themselves. */
bool lookups_extend(const struct lookups *l, const struct settings *s, struct schema *schema,
                    struct error *e) MUST_USE;
/* Whether the schema (a plan's) has the tables' fields as they are now, and no other looked-up
 * field; ERROR_INVALID names one that differs. */
bool lookups_match(const struct lookups *l, const struct schema *schema, struct error *e) MUST_USE;
/* Fills them in rows [first, first + rows) of a frame of a schema that matches, as of each event's
 * time; events without a time field have the time `otherwise_us`. A NULL `l` has no table. */
void lookups_fill(const struct lookups *l, const struct schema *schema, int64_t otherwise_us,
                  struct frame *f, uint32_t first, uint32_t rows);

/* The i-th table that has no valid_from and so may tell an event what was known only later; NULL
 * past the last. */
const char *lookups_undated(const struct lookups *l, uint32_t i);

#endif
