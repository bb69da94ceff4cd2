#include "shell/run/reasons.h"

void reasons_text(const struct decision *d, const struct plan *p, struct buffer *out)
{
    const char *between = "";

    for (uint32_t k = 0; k < plan_rule_count(p); k++) {
        if (!decision_has_rule(d, k) || plan_rule_is_shadow(p, k))
            continue;
        buffer_format(out, "%s%s", between, plan_rule_name(p, k));
        between = "; ";
    }
    for (uint32_t k = 0; k < d->reasons; k++) {
        buffer_format(out, "%s%s %+.2f", between, plan_feature_name(p, d->reason[k].feature),
                      d->reason[k].contribution);
        between = "; ";
    }
}
