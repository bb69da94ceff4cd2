/* What went wrong, for the caller: application/problem+json (RFC 9457), naming each bad field. */
#ifndef ASSAY_SERVE_PROBLEM_H
#define ASSAY_SERVE_PROBLEM_H

#include "core/data/json.h"
#include "shell/serve/http.h"

/* One problem as a JSON object. `line` is the line of a batch, 0 for none; fields may be NULL. */
struct problem_words {
    unsigned status;
    struct text instance;   /* the path asked for; left out where empty or no UTF-8 */
    struct text request_id; /* left out where empty */
    uint64_t line;
    struct text detail;
    const struct problems *fields;
};

void problem_format(const struct problem_words *w, struct buffer *out);

/* Makes it the exchange's answer; 429 and 503 say when to come back. */
void problem_answer(struct exchange *x, unsigned status, const char *format, ...) PRINTF_LIKE(3, 4);
void problem_answer_fields(struct exchange *x, const struct problems *fields);
unsigned error_http_status(const struct error *e); /* 404, 409, 422, 507 or 503 */
/* 400 where the document itself is bad, 422 where its fields are. */
unsigned problem_status(const struct problems *fields);

#endif
