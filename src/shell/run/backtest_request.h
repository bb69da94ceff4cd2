/* What POST /v1/rules:backtest asks for:
 *
 *   {"rules": {"BIG": {"when": "amount > 500", "then": "review"}}, "from": TIME, "to": TIME}
 */
#ifndef ASSAY_RUN_BACKTEST_REQUEST_H
#define ASSAY_RUN_BACKTEST_REQUEST_H

#include "shell/run/backtest_rules.h"

struct backtest_request {
    struct json_document *document; /* the drafts' texts are its */
    struct rule_draft draft[BACKTEST_DRAFTS_MAX];
    uint32_t drafts;
    int64_t from_us, to_us;
};

/* ERROR_INVALID names the member. */
bool backtest_request_read(struct backtest_request *r, struct text json, struct error *e) MUST_USE;
void backtest_request_fini(struct backtest_request *r);

#endif
