/* The model card: what a registered model is, what it is for, how good it is and where it ends, in
 * the sections of Mitchell et al., "Model Cards for Model Reporting" (2019).
 *
 * Made of the two objects that the registry keeps of a model (docs/models.md), so it says what they
 * say; what they lack is said to be unknown. */
#ifndef ASSAY_SHELL_REPORT_CARD_H
#define ASSAY_SHELL_REPORT_CARD_H

#include "core/data/json.h"
#include "shell/report/card_form.h"

enum { CARD_BYTES_MAX = 8 << 20 };

void card_write(const struct card_form *form, const struct json *lineage,
                const struct json *metrics, struct buffer *out);

#endif
