/* Slows guessing: after GUESSES_FREE failures of a name or an address each further try has to wait
 * twice as long as the one before, to a limit. The name's limit is short, so that nobody can lock a
 * user out for long; the address's is long. Any thread. */
#ifndef ASSAY_ACCESS_GUESSES_H
#define ASSAY_ACCESS_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text.h"

enum {
    GUESSES_FREE = 3,
    GUESSES_NAME_MAX_S = 30,
    GUESSES_ADDRESS_MAX_S = 900,
    GUESSES_ROOM = 8192, /* names and addresses remembered: then the one that waits least goes */
};

struct guesses;
struct guesses *guesses_new(void);
void guesses_free(struct guesses *g);
/* Seconds until a try may be made; 0: now, and it counts as failed until guesses_right. */
unsigned guesses_try(struct guesses *g, struct text name, struct text address, int64_t now_us);
void guesses_right(struct guesses *g, struct text name, struct text address);

#endif
