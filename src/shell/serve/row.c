#include "shell/serve/row.h"

#include "core/data/json.h"
#include "shell/run/verdict.h"

void row_format(const struct store_decision *d, struct buffer *out)
{
    verdict_add_head(&(struct verdict_head){.id = d->event_id,
                                            .seq = d->seq,
                                            .time_us = d->time_us,
                                            .received_us = d->received_us,
                                            .outcome = d->outcome,
                                            .level = d->level,
                                            .score = d->score,
                                            .probability = d->probability},
                     out);
    buffer_add_text(out, ",\"rules\":");
    buffer_add_slice(out, d->rules);
    verdict_add_flags(d->flags, out);
    buffer_add_text(out, ",\"plan\":");
    json_add_text(out, d->plan);
    verdict_add_label(out, d->label);
    buffer_add_char(out, '}');
}
