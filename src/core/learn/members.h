/* Trainers of the kinds made of other models; internal to core/learn. */
#ifndef ASSAY_LEARN_MEMBERS_H
#define ASSAY_LEARN_MEMBERS_H

#include "core/learn/recipe.h"

bool vote_train(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
                struct model **m, struct error *e) MUST_USE;
/* The members' weights are a logistic regression on the log-odds that members fitted without a row
 * give it (Wolpert, "Stacked generalization", 1992). */
bool stack_train(const struct recipe *r, const struct dataset *d, const struct learn_run *run,
                 struct model **m, struct error *e) MUST_USE;

#endif
