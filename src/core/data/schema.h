/* The fields of an event: names, types, and which of them are the id, the time and the label.
 * A schema is built once, then immutable; it owns its names. */
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
};

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
};

struct schema {
    struct field *fields;
    uint32_t count;
    int id;    /* field index or FIELD_NONE: then ids are generated */
    int time;  /* field index or FIELD_NONE: then the time is the time of receipt */
    int label; /* field index or FIELD_NONE */
};

struct schema *schema_new(void);
void schema_free(struct schema *s);
struct schema *schema_dup(const struct schema *s);
/* Appends a field (name copied); ERROR_INVALID for a repeated, empty or too long name. */
bool schema_add(struct schema *s, struct text name, enum type type, struct error *e) MUST_USE;
int schema_find(const struct schema *s, struct text name); /* index or FIELD_NONE */
/* Of the fields' names, types and order: what an encoded event depends on. */
uint64_t schema_fingerprint(const struct schema *s);
/* The name nearest to a misspelt one, or NULL. */
const char *schema_nearest(const struct schema *s, struct text name);

#endif
