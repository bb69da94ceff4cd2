/* Which model plays which part: models/aliases.json, replaced as a whole, and
 * models/history.ndjson, one line for each change, only ever added to.
 *
 * The aliases say how long the history is, and are replaced after the line is on the disk: of a
 * change that was cut short nothing is seen, and the next one writes over its line.
 *
 * A plain struct, the caller's. Changing it on the disk is for the holder of the registry's lock.
 */
#ifndef ASSAY_REGISTRY_ALIASES_H
#define ASSAY_REGISTRY_ALIASES_H

#include "core/base/buffer.h"
#include "shell/registry/version.h"

enum {
    ALIASES_EARLIER_MAX = 64, /* champions that rollback can go back to; the oldest is forgotten */
    ALIASES_BYTES_MAX = 64 << 10,
    ALIAS_BY_MAX = 64, /* bytes of a user's name */
    HISTORY_BYTES_MAX = 64 << 20,
};

struct aliases {
    bool is_set[ALIASES];
    struct model_id model[ALIASES];
    struct model_id earlier[ALIASES_EARLIER_MAX]; /* champions, the newest last */
    uint32_t earlier_count;
    uint64_t history_bytes;
};

/* Who did what: written down as it was, never read by the engine. */
struct alias_change {
    const char *action; /* "promote", "rollback" */
    enum alias alias;
    struct model_id model;
    bool is_forced; /* though it is marked no better than chance */
    const char *by; /* the user, as the operating system calls them */
    int64_t at_us;
};

/* `directory` is that of the models. No file: nothing is set. ERROR_INVALID where it is damaged. */
bool aliases_load(const char *directory, struct aliases *a, struct error *e) MUST_USE;
/* Where several machines share them: takes what they are after a change, before it is on the disk:
 * the line of aliases.json, then the lines of the history. */
struct aliases_sharing {
    bool (*publish)(void *context, struct text whole, struct error *e);
    void *context;
};

/* Writes the line, then the aliases with the change in them; *a is as on the disk afterwards.
 * `sharing` may be NULL. */
bool aliases_promote(const char *directory, struct aliases *a, const struct alias_change *change,
                     const struct aliases_sharing *sharing, struct error *e) MUST_USE;
/* The champion before this one; ERROR_NOT_FOUND where there was none. change->model is set here. */
bool aliases_rollback(const char *directory, struct aliases *a, struct alias_change *change,
                      const struct aliases_sharing *sharing, struct error *e) MUST_USE;
/* As they are, to who has none yet. */
bool aliases_publish(const char *directory, const struct aliases *a,
                     const struct aliases_sharing *sharing, struct error *e) MUST_USE;
/* What was published, without adopting it. ERROR_INVALID where it is damaged. */
bool aliases_read(struct text whole, struct aliases *a, struct error *e) MUST_USE;
/* What was published is on the disk, and *a; a history of our own that is no part of it is kept as
 * history.own.ndjson. ERROR_INVALID where `whole` is damaged. */
bool aliases_adopt(const char *directory, struct aliases *a, struct text whole,
                   struct error *e) MUST_USE;
/* The lines that count. */
bool aliases_history(const char *directory, const struct aliases *a, struct buffer *out,
                     struct error *e) MUST_USE;

#endif
