#include "shell/serve/cors.h"

#include <string.h>

#define CORS_TAKEN                                                                                 \
    "authorization, content-type, idempotency-key, if-none-match, traceparent, x-api-key, "        \
    "x-request-id"
#define CORS_GIVEN                                                                                 \
    "etag, idempotent-replay, ratelimit, ratelimit-policy, retry-after, traceparent, x-request-id"

/* What Access-Control-Allow-Origin says to this origin; NULL: nothing. */
static const char *allowed(const struct server_setting *setting, const char *origin)
{
    for (uint32_t i = 0; origin != NULL && i < setting->cors_count; i++) {
        if (strcmp(setting->cors[i], "*") == 0)
            return "*";
        if (strcmp(setting->cors[i], origin) == 0)
            return setting->cors[i];
    }
    return NULL;
}

void cors_answer(const struct server_setting *setting, struct exchange *x)
{
    const char *origin;

    if (setting->cors_count == 0)
        return;
    origin = allowed(setting, exchange_header(x, "Origin"));
    exchange_add_header(x, "Vary", "Origin");
    if (origin == NULL)
        return;
    exchange_add_header(x, "Access-Control-Allow-Origin", origin);
    exchange_add_header(x, "Access-Control-Expose-Headers", CORS_GIVEN);
}

void cors_preflight(const struct server_setting *setting, struct exchange *x, const char *methods)
{
    x->status = 204;
    x->allow = methods;
    if (allowed(setting, exchange_header(x, "Origin")) == NULL)
        return;
    exchange_add_header(x, "Access-Control-Allow-Methods", methods);
    exchange_add_header(x, "Access-Control-Allow-Headers", CORS_TAKEN);
    exchange_add_header(x, "Access-Control-Max-Age", "600");
}
