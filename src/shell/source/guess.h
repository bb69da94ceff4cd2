/* Guessing the type of a column from a sample of its cells.
 *
 * Order of trial: bool (words, not 0/1), time, int, decimal, real, text. Whole numbers that look
 * like ids (a leading zero, more than 64 bits) are text. Whole numbers are times only where the
 * column's name says so and they lie in 1990..2100. A few cells in a hundred thousand that do not
 * fit a number with decimals or a time do not turn the column into text: they become rejects.
 */
#ifndef ASSAY_SOURCE_GUESS_H
#define ASSAY_SOURCE_GUESS_H

#include "core/data/schema.h"

enum { GUESS_NOTE_MAX = 160, GUESS_FORMS = 5 };

/* What the cells of one column were seen to be. */
struct guess_column {
    uint64_t cells; /* not null */
    uint64_t nulls;
    uint64_t words; /* true, false */
    uint64_t iso, day_first, month_first;
    uint64_t number[GUESS_FORMS]; /* by form of mark and separator */
    uint64_t whole[GUESS_FORMS];
    uint64_t precise[GUESS_FORMS]; /* more than 6 digits that are no binary leftover */
    uint64_t ids;                  /* leading zero, or digits past 64 bits */
    uint64_t quoted;               /* JSON text, which is no number */
    bool any;                      /* least and most are set: */
    double least, most;            /* of the numbers */
};

struct guess {
    enum type type;
    enum time_layout layout;
    char point, group;
    char note[GUESS_NOTE_MAX];
};

void guess_add(struct guess_column *c, struct text cell);
void guess_add_null(struct guess_column *c);

/* Whether some column can only be read with a decimal comma. */
bool guess_needs_comma(const struct guess_column *columns, uint32_t count);

/* `point` is '.', ',' or 0 (look; commas only if `comma`, which guess_needs_comma gave). */
struct guess guess_type(const struct guess_column *c, struct text name, char point, bool comma);

#endif
