/* What a plan may do with personal fields. The log keeps their values sealed, so nothing else that
 * is kept may have them in clear: the state (aggregates) has tokens of them or nothing, features,
 * which models and reports keep, have no texts of them, and the id, time, label and kind of an
 * event, by which it is found, are not among them. */
#ifndef ASSAY_DECIDE_PERSONAL_H
#define ASSAY_DECIDE_PERSONAL_H

#include "core/decide/plan.h"

/* After the program is finished. *subject: the field that is the subject entity's key; FIELD_NONE
 * where no field is personal. */
bool personal_check(const struct plan *p, const struct plan_spec *spec, int *subject,
                    struct error *e) MUST_USE;

#endif
