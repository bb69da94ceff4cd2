/* Lists: `x in list(blocked)`. The members of each list of a plan, as keyed tokens, in the region;
 * the values themselves are in the log, at the place that an entry names.
 *
 * A change acts from its place in the log on. An entry with an expiry is in force for events whose
 * time is before it, so what an event finds is a function of the log and of its own time, never of
 * a clock. Events are not older than `lateness` before the watermark here (the engine clamps
 * them), so an entry that expired before that can be dropped without anyone seeing it.
 *
 * Adding a value that is there replaces its entry, which moves to the end: entries are in the order
 * in which the log has them. One thread.
 */
#ifndef ASSAY_DECIDE_LISTS_H
#define ASSAY_DECIDE_LISTS_H

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/data/value.h"
#include "core/velocity/region.h"

enum {
    LIST_ENTRIES_MAX = 1 << 20, /* of one list */
    LIST_CHANGES_MAX = 1000,    /* of one record */
    LIST_VALUE_MAX = 1024,      /* bytes */
    LIST_NOTE_MAX = 512,
    LIST_BY_MAX = 128,
};

#define LIST_NEVER INT64_MAX /* expires_us of what does not expire */

/* Who an entry is from: a list's file may only take back what came from it. */
enum list_origin { LIST_BY_HAND, LIST_BY_FILE };

struct list_entry {
    struct hash128 token;
    uint64_t seq;       /* of the record that has the value, note and author, */
    uint32_t place;     /* and which of its changes it is */
    uint32_t origin;    /* enum list_origin */
    int64_t added_us;   /* when the value came into the list; kept when it is added again */
    int64_t expires_us; /* in force for events before this; LIST_NEVER */
    uint64_t note;      /* hash of the note, to tell what is the same */
};

/* One value of one list to be added or removed. */
struct list_change {
    struct hash128 token;
    bool is_removal;
    int64_t expires_us;
    uint64_t note;
    bool is_again;    /* the entry moves to this place of the log, and stays what it is; */
    int64_t added_us; /* where there is none, it is added as of then */
};

/* What became of a change. */
enum list_result {
    LIST_ADDED,
    LIST_REPLACED,  /* it was there with another expiry, note or origin */
    LIST_UNCHANGED, /* it was there just so */
    LIST_REMOVED,
    LIST_ABSENT, /* to be removed, but not there */
};

struct lists {
    struct region *region;
    unsigned root;
    uint32_t count;     /* lists */
    uint64_t bytes_max; /* of all of them together */
};

/* The anchor is region root `root`; a fresh region gets `count` empty lists. False where it has no
 * room even for those. */
bool lists_open(struct lists *l, struct region *r, unsigned root, uint32_t count,
                uint64_t bytes_max) MUST_USE;

/* How values are tokens: text by its bytes, int and decimal by their word. */
struct hash128 list_token(const struct value *v, const struct hash_key *key);
uint64_t list_note(struct text note);

/* Room for so many changes of a list, dropping what expired at or before horizon_us. ERROR_FULL:
 * the list would have over LIST_ENTRIES_MAX entries, or all lists over bytes_max. */
bool lists_reserve(struct lists *l, uint32_t list, const struct list_change *change, uint32_t count,
                   int64_t horizon_us, struct error *e) MUST_USE;
/* The change at `place` of record `seq`; room for it was reserved. */
enum list_result lists_apply(struct lists *l, uint32_t list, const struct list_change *change,
                             uint64_t seq, uint32_t place, int64_t at_us, enum list_origin origin);
/* What lists_apply would say. */
enum list_result lists_foresee(const struct lists *l, uint32_t list,
                               const struct list_change *change, enum list_origin origin);

/* The entry of a value, in force or not; NULL where there is none. Borrowed until the next change.
 */
const struct list_entry *lists_find(const struct lists *l, uint32_t list, struct hash128 token);
/* Up to `most` entries after (seq, place), in order. Returns how many. */
uint32_t lists_page(const struct lists *l, uint32_t list, uint64_t seq, uint32_t place,
                    uint32_t most, struct list_entry *entry);
uint64_t lists_entries(const struct lists *l, uint32_t list); /* also those that have expired */
uint64_t lists_bytes(const struct lists *l);

/* Which content of its file the list has taken in: 0 none. */
uint64_t lists_file(const struct lists *l, uint32_t list);
void lists_set_file(struct lists *l, uint32_t list, uint64_t file);

#endif
