/* Time zones: how far local clocks are from UTC, instant by instant.
 *
 * A zone is made from bytes of a TZif file (RFC 9636) or from its own text; reading files is the
 * shell's. It is kept in one form for one behaviour: changes that change nothing are left out, and
 * so are those at the end that its yearly rule gives anyway. So the zone of a "fat" and of a "slim"
 * file have the same text, and two zones with the same text never differ. That text is in a plan,
 * so that a decision can be made again where other zones are installed.
 *
 * Offsets are seconds east of UTC. Immutable after it is made, and may be shared between threads.
 */
#ifndef ASSAY_BASE_ZONE_H
#define ASSAY_BASE_ZONE_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/zone_rule.h"

enum {
    ZONE_NAME_MAX = 64,
    ZONE_CHANGES_MAX = 2048,
    ZONE_FILE_MAX = 128 << 10, /* bytes of a TZif file */
    ZONE_TEXT_MAX = 80 << 10,  /* bytes of a zone's text */
    ZONE_OFFSET_MAX = 26 * 3600 - 1,
};

struct zone_change {
    int64_t at_s;
    int32_t offset_s; /* from then on */
};

struct zone {
    char *name;
    int32_t first_s; /* before all changes */
    uint32_t count;
    struct zone_change *change; /* ascending */
    bool has_rule;              /* from the last change on */
    struct zone_rule rule;
    uint64_t digest; /* of the text */
};

/* A name that may stand in a path below the zones' folder: letters, digits, "_+-/", no "..". */
bool zone_is_name(struct text name);

/* NULL with ERROR_INVALID, which begins with the name. */
struct zone *zone_parse_tzif(struct text name, struct text file, struct error *e) MUST_USE;
struct zone *zone_parse_text(struct text name, struct text rules, struct error *e) MUST_USE;
void zone_free(struct zone *z);

/* "25632 -3231299232/25650 ... std-7:00:00": the first offset, each change as instant/offset, and
 * the rule as a POSIX TZ string. zone_parse_text takes it again. */
void zone_format(const struct zone *z, struct buffer *out);

int64_t zone_offset_us(const struct zone *z, int64_t time_us);
/* The first instant of the local day of `time_us`: midnight, the first of two, or where clocks go
 * past midnight the instant at which they do. */
int64_t zone_day_start_us(const struct zone *z, int64_t time_us);

#endif
