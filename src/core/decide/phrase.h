/* What a feature is, in the plain words of a risk analyst: "mean of amount of this customer in 7
 * days". Made once a plan from the expression. */
#ifndef ASSAY_DECIDE_PHRASE_H
#define ASSAY_DECIDE_PHRASE_H

#include "core/lang/lang.h"

/* Nothing is added where the expression is more than one aggregate with a value that stands in:
 * then the feature's name must do. */
void feature_phrase(const struct program *p, int node, struct buffer *out);
/* The entity of the first aggregate that the node reads (customer of "customer+merchant"); empty
 * where it reads none. Borrowed from the program. */
struct text feature_entity(const struct program *p, int node);

#endif
