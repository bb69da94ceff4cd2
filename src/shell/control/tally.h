/* Access decisions on their way to the control log: refused requests, sign-ins, a key's first use.
 * Anybody may cause them as fast as they like, so they must not fill the disk: the first of each
 * (kind, actor, address, subject) is written within TALLY_FLUSH_US, its repeats are only counted
 * and written once a minute as {"count": n}. Beyond TALLY_ROOM different ones in a minute, or
 * TALLY_DAY_MAX records in a day, they are counted by kind alone (subject "others").
 *
 * What is counted in the last minute is lost where the process is killed: it is a tally, not a
 * change. tally_note takes a lock for a moment and never waits for the disk: for any thread. */
#ifndef ASSAY_CONTROL_TALLY_H
#define ASSAY_CONTROL_TALLY_H

#include "shell/control/control.h"

enum {
    TALLY_ROOM = 64,
    TALLY_KINDS = 8, /* different kinds counted as others */
    TALLY_DAY_MAX = 20000,
    TALLY_FLUSH_US = 500000,
    TALLY_MINUTE_US = 60000000,
};

struct tally;
bool tally_start(struct control *c, struct tally **t, struct error *e) MUST_USE;
void tally_stop(struct tally *t); /* writes what is counted; takes NULL */
/* kind, actor, address, subject, request and note count; longer ones are cut. */
void tally_note(struct tally *t, const struct control_change *change);
void tally_flush(struct tally *t); /* writes what is counted now; waits for the disk */

#endif
