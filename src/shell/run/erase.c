#include "shell/run/erase.h"

#include <stdio.h>

#include "core/data/json.h"

static const char limits[] =
    "out of reach: backups and copies of control/subject.keys and its master key, files and exports "
    "that were given away, sources and lists that hold the values themselves, and fields that are "
    "not declared personal";

bool subject_erase(struct plans *plans, const char *subject, struct text kind, struct text id,
                   struct erasure *result, struct error *e)
{
    struct subject_keys *keys = plans_keys(plans);
    struct hash128 token;

    if (subject == NULL || keys == NULL)
        return error_set(
            e, ERROR_INVALID,
            "no field is personal, so there is nothing to erase; hint: personal.fields "
            "and personal.subject in the settings");
    if (!text_is(kind, subject))
        return error_set(e, ERROR_INVALID,
                         "personal fields are those of \"%s\" (personal.subject), not of \"%.*s\"",
                         subject, TEXT_ARG(kind));
    token = subject_token(keys, kind, id);
    snprintf(result->subject, sizeof result->subject, "%s/%016llx%016llx", subject,
             (unsigned long long)token.high, (unsigned long long)token.low);
    return subject_keys_erase(keys, token, &result->found, e);
}

const char *erasure_data(const struct erasure *r)
{
    return r->found ? "{\"found\":true}" : "{\"found\":false}";
}

const char *erasure_limits(void)
{
    return limits;
}

void erasure_json(const struct erasure *r, struct buffer *out)
{
    buffer_format(out, "{\"subject\":\"%s\",\"erased\":%s,\"limits\":", r->subject,
                  r->found ? "true" : "false");
    json_add_text(out, text_of(limits));
    buffer_add_text(out, "}\n");
}
