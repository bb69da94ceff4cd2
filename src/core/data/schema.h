/* The fields of an event: names, types, and which of them are the id, the time and the label.
 * A schema is built once, then immutable; it owns its names.
 *
 * Events may be of several kinds (login, payment ...). Their fields are one list, the union of the
 * kinds' fields, so that there is one kind of row; the reserved text field "kind" says of which
 * kind a row is, and of each field it is known which kinds have it. All kinds share one field for
 * the id and one for the time, whatever each of them calls it. */
#ifndef ASSAY_DATA_SCHEMA_H
#define ASSAY_DATA_SCHEMA_H

#include <stdint.h>

#include "core/base/calendar.h"
#include "core/base/error.h"
#include "core/data/value.h"

enum {
    SCHEMA_FIELDS_MAX = 4096,
    FIELD_NAME_MAX = 256,
    FIELD_NONE = -1,
    KIND_NONE = -1,
    KINDS_MAX = 32,
};

#define KIND_FIELD "kind" /* the field that names a row's kind */

struct field {
    char *
        name; /* as in the source: any UTF-8 without NUL; "customers.balance" for a looked-up one */
    enum type type;
    enum time_layout layout; /* how text becomes a time, where type is TYPE_TIME */
    char point;              /* '.' or ',': the decimal mark in text */
    char group;              /* thousands separator in text, or 0 */
    bool is_personal;
    bool is_looked_up; /* filled from a reference table, never by the sender; behind all other
                          fields */
    uint32_t kinds;    /* bit i: events of kind i have it; 0: all have it */
};

/* One kind of event. */
struct event_kind {
    char *name;
    char *id;                /* what it calls its id, NULL: it has none */
    char *time;              /* and its time */
    enum time_layout layout; /* of its time */
    bool is_decided;         /* otherwise it is only observed */
};

struct schema {
    struct field *fields;
    uint32_t count;
    int id;    /* field index or FIELD_NONE: then ids are generated */
    int time;  /* field index or FIELD_NONE: then the time is the time of receipt */
    int label; /* field index or FIELD_NONE */
    int kind;  /* field index, or FIELD_NONE: there is one kind only */
    struct event_kind *kinds;
    uint32_t kind_count;
};

struct schema *schema_new(void);
void schema_free(struct schema *s);
struct schema *schema_dup(const struct schema *s);
/* Appends a field (name copied); ERROR_INVALID for a repeated, empty or too long name. */
bool schema_add(struct schema *s, struct text name, enum type type, struct error *e) MUST_USE;
int schema_find(const struct schema *s, struct text name); /* index or FIELD_NONE */
/* Appends a kind (names copied); ERROR_INVALID for a repeated, empty or too long name. */
bool schema_add_kind(struct schema *s, const struct event_kind *kind, struct error *e) MUST_USE;
int schema_find_kind(const struct schema *s, struct text name); /* index or KIND_NONE */
/* The field that an event of this kind (KIND_NONE: any) calls `name`, or FIELD_NONE. */
int schema_find_of(const struct schema *s, int kind, struct text name);
/* What an event of this kind (KIND_NONE: any) calls the field. */
const char *schema_name_of(const struct schema *s, int kind, int field);
bool schema_has(const struct schema *s, int kind, int field); /* whether the kind has the field */
bool schema_has_personal(const struct schema *s);             /* some field is personal */
/* Of the fields' names, types and order: what an encoded event depends on. */
uint64_t schema_fingerprint(const struct schema *s);
/* The name nearest to a misspelt one, or NULL. */
const char *schema_nearest(const struct schema *s, struct text name);
/* The same among what an event of this kind may have. */
const char *schema_nearest_of(const struct schema *s, int kind, struct text name);

#endif
