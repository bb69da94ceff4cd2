#include "shell/run/label_said.h"

#include <stdio.h>

#include "core/base/calendar.h"
#include "core/velocity/velocity.h"

static bool label_value(const struct json *v, uint8_t *label)
{
    switch (v->kind) {
    case JSON_BOOL:
        *label = v->boolean;
        return true;
    case JSON_INT:
        *label = (uint8_t)(v->integer == 1);
        return v->integer == 0 || v->integer == 1;
    case JSON_TEXT:
        *label = (uint8_t)text_is(v->text, "fraud");
        return *label == 1 || text_is(v->text, "legit");
    default:
        return false;
    }
}

static void read_label(const struct json *item, struct label_said *l, struct problems *p)
{
    const struct json *label = json_get(item, "label");
    const struct json *reversal = json_get(item, "reversal");

    if (reversal != NULL && reversal->kind != JSON_BOOL)
        problems_add(p, "/reversal", "expected true or false");
    if (reversal != NULL && reversal->kind == JSON_BOOL && reversal->boolean)
        l->label = LABEL_UNKNOWN;
    else if (label == NULL)
        problems_add(p, "/label",
                     "missing: true, false, 1, 0, \"fraud\" or \"legit\"; or "
                     "\"reversal\": true");
    else if (!label_value(label, &l->label))
        problems_add(p, "/label", "expected true, false, 1, 0, \"fraud\" or \"legit\"");
}

/* Ids that are whole numbers may be given as numbers. */
static void read_id(const struct json *item, struct label_said *l, struct problems *p)
{
    const struct json *id = json_get(item, "id");

    if (id != NULL && id->kind == JSON_INT) {
        int length = snprintf(l->digits, sizeof l->digits, "%lld", (long long)id->integer);

        l->id = (struct text){l->digits, (size_t)length};
    } else if (id != NULL && id->kind == JSON_TEXT) {
        l->id = id->text;
    }
    if (id == NULL)
        problems_add(p, "/id", "missing: the id of the event");
    else if (l->id.length == 0 || l->id.length > LABEL_SAID_ID_MAX)
        problems_add(p, "/id", "expected the id of an event, 1 to %d bytes", LABEL_SAID_ID_MAX);
}

static void read_rest(const struct json *item, struct label_said *l, struct problems *p)
{
    const struct json *source = json_get(item, "source");
    const struct json *time = json_get(item, "time");
    const struct json *seq = json_get(item, "seq");

    if (source != NULL && (source->kind != JSON_TEXT || source->text.length == 0 ||
                           source->text.length > LABEL_SAID_SOURCE_MAX))
        problems_add(p, "/source", "expected text of 1 to %d bytes, like \"chargeback\"",
                     LABEL_SAID_SOURCE_MAX);
    else if (source != NULL)
        l->source = source->text;
    l->has_time = time != NULL;
    if (time != NULL && (time->kind != JSON_TEXT || !time_parse(time->text, TIME_ISO, &l->time_us)))
        problems_add(p, "/time", "expected a time like \"2018-04-01T00:00:31Z\"");
    if (seq != NULL && (seq->kind != JSON_INT || seq->integer < 1))
        problems_add(p, "/seq", "expected the `seq` of the event's decision, 1 or more");
    else if (seq != NULL)
        l->seq = (uint64_t)seq->integer;
}

static void check_keys(const struct json *item, struct problems *p)
{
    static const struct text known[] = {
        {"id", 2}, {"label", 5}, {"source", 6}, {"time", 4}, {"reversal", 8}};
    enum { KNOWN = sizeof known / sizeof *known };

    for (uint32_t i = 0; i < item->count; i++) {
        char pointer[FIELD_NAME_MAX + 2];
        unsigned at = 0;
        int nearest, length;

        while (at < KNOWN && !text_equal(item->keys[i], known[at]))
            at++;
        if (at < KNOWN)
            continue;
        nearest = text_nearest(item->keys[i], known, KNOWN);
        length = item->keys[i].length < FIELD_NAME_MAX ? (int)item->keys[i].length : 0;
        snprintf(pointer, sizeof pointer, "/%.*s", length, item->keys[i].bytes);
        problems_add(p, pointer, "no member of a label%s%s%s",
                     nearest >= 0 ? "; did you mean \"" : "",
                     nearest >= 0 ? known[nearest].bytes : "", nearest >= 0 ? "\"?" : "");
    }
}

void label_said_read(const struct json *item, enum json_unknown unknown, struct label_said *l,
                     struct problems *p)
{
    *l = (struct label_said){0};
    if (item->kind != JSON_OBJECT) {
        problems_add(p, "", "expected an object");
        return;
    }
    if (unknown == JSON_UNKNOWN_REFUSE)
        check_keys(item, p);
    read_id(item, l, p);
    read_label(item, l, p);
    read_rest(item, l, p);
}
