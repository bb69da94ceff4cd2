#include "shell/run/backtest_request.h"

#include <stdio.h>

#include "core/base/calendar.h"

static bool text_member(const struct json *object, const char *key, const char *of,
                        struct text *value, struct error *e)
{
    const struct json *v = json_get(object, key);

    if (v == NULL || v->kind != JSON_TEXT)
        return error_set(e, ERROR_INVALID, "rules.%.64s.%s: expected a text", of, key);
    *value = v->text;
    return true;
}

static bool read_rule(struct backtest_request *r, struct text name, const struct json *rule,
                      struct error *e)
{
    struct rule_draft *d = &r->draft[r->drafts];
    char of[65];

    snprintf(of, sizeof of, "%.*s", TEXT_ARG(name));
    if (r->drafts++ == BACKTEST_DRAFTS_MAX)
        return error_set(e, ERROR_INVALID, "rules: over %d of them", BACKTEST_DRAFTS_MAX);
    if (rule->kind != JSON_OBJECT)
        return error_set(e, ERROR_INVALID, "rules.%s: expected {\"when\": ..., \"then\": ...}", of);
    d->name = name;
    return text_member(rule, "when", of, &d->when, e) && text_member(rule, "then", of, &d->then, e);
}

static bool read_time(const struct json *root, const char *key, int64_t *us, struct error *e)
{
    const struct json *v = json_get(root, key);

    if (v == NULL || v->kind == JSON_NULL)
        return true;
    return (v->kind == JSON_TEXT && time_parse(v->text, TIME_ISO, us)) ||
           error_set(e, ERROR_INVALID, "%s: expected a time such as \"2018-07-25T00:00:00Z\"", key);
}

static bool read_all(struct backtest_request *r, const struct json *root, struct error *e)
{
    const struct json *rules = root->kind == JSON_OBJECT ? json_get(root, "rules") : NULL;

    if (rules == NULL || rules->kind != JSON_OBJECT || rules->count == 0)
        return error_set(e, ERROR_INVALID,
                         "expected {\"rules\": {NAME: {\"when\": ..., \"then\": ...}}}");
    for (uint32_t i = 0; i < root->count; i++) {
        if (!text_is(root->keys[i], "rules") && !text_is(root->keys[i], "from") &&
            !text_is(root->keys[i], "to"))
            return error_set(e, ERROR_INVALID, "\"%.*s\": expected rules, from or to",
                             (int)(root->keys[i].length < 64 ? root->keys[i].length : 64),
                             root->keys[i].bytes);
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        if (!read_rule(r, rules->keys[i], &rules->items[i], e))
            return false;
    }
    return read_time(root, "from", &r->from_us, e) && read_time(root, "to", &r->to_us, e);
}

bool backtest_request_read(struct backtest_request *r, struct text json, struct error *e)
{
    struct json_reader *reader = json_reader_new();

    *r = (struct backtest_request){.from_us = INT64_MIN, .to_us = INT64_MAX};
    r->document = json_parse(reader, json.bytes, json.length, e);
    json_reader_free(reader);
    if (r->document != NULL && read_all(r, &r->document->root, e))
        return true;
    backtest_request_fini(r);
    return false;
}

void backtest_request_fini(struct backtest_request *r)
{
    json_free(r->document);
    r->document = NULL;
}
