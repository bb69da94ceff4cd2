/* The terminal: progress with the time left, colours, and Ctrl-C. */
#ifndef ASSAY_CMD_TERM_H
#define ASSAY_CMD_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/progress.h"

enum { TERM_STAGE_MAX = 64 };

struct term {
    bool has_progress; /* stderr is a terminal and nobody asked for quiet */
    bool has_colour;   /* stdout is a terminal that shows colours */
    bool is_dirty;     /* a progress line stands there */
    char stage[TERM_STAGE_MAX];
    int64_t stage_us;   /* when the stage began */
    int64_t printed_us; /* when the line was last drawn */
    struct progress progress;
};

/* `quiet`: no progress, no colours (--quiet, --json). */
void term_init(struct term *t, bool quiet);
/* For whatever takes a long time: draws the line, and stops the work after Ctrl-C. */
const struct progress *term_progress(struct term *t);
void term_clear(struct term *t); /* before anything else is printed */

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };
const char *term_colour(const struct term *t, enum colour colour); /* "" where there are none */

/* Ctrl-C asks the work to stop; a second one ends the process. */
void interrupt_install(void);
bool is_interrupted(void);

#endif
