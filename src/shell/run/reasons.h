/* Why: a decision's fired rules and largest contributions, in words for people and files. */
#ifndef ASSAY_RUN_REASONS_H
#define ASSAY_RUN_REASONS_H

#include "core/decide/decision.h"

/* "BLOCKED_MERCHANT; amount +2.31; terminal_risk_28d +1.10" */
void reasons_text(const struct decision *d, const struct plan *p, struct buffer *out);

#endif
