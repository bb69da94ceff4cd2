/* `assay erase`: destroys the key of a person's personal fields. */
#include <stdio.h>

#include "core/data/json_at.h"
#include "shell/cmd/admin.h"
#include "shell/cmd/subject.h"
#include "shell/run/data_directory.h"
#include "shell/run/erase.h"

enum { PATH_BYTES = 16 << 10 };

bool subject_option(const struct invocation *v, struct text *kind, struct text *id, struct error *e)
{
    const char *given = option_get(v, "subject");
    const char *sign = given != NULL ? strchr(given, '=') : NULL;

    if (sign == NULL || sign == given)
        return error_set(e, ERROR_USAGE,
                         "option \"--subject\": expected KIND=ID, as customer=c-17, found \"%s\"",
                         given != NULL ? given : "nothing");
    *kind = (struct text){given, (size_t)(sign - given)};
    *id = text_of(sign + 1);
    return true;
}

static bool erase_here(struct admin *a, const struct settings *s, struct text kind, struct text id,
                       struct erasure *r, struct error *e)
{
    char shard[DATA_PATH_MAX];
    struct control_change change = a->by;
    struct plans *plans;
    bool ok;

    if (!data_shard_directory(s, shard, e))
        return false;
    plans = plans_new(shard);
    ok = (!plans_has_keys(plans) || plans_open_keys(plans, NULL, e)) &&
         subject_erase(plans, s->personal_subject, kind, id, r, e);
    plans_free(plans);
    if (!ok)
        return false;
    change.kind = text_of("subject.erased");
    change.subject = text_of(r->subject);
    change.data = text_of(erasure_data(r));
    return control_append(a->control, &change, NULL, e) ||
           error_prefix(e, "the key is destroyed, but that is not recorded");
}

static bool erase_there(struct admin *a, struct text kind, struct text id, struct erasure *r,
                        struct error *e)
{
    const struct json *erased;
    struct text subject;
    struct buffer path;
    bool ok;

    buffer_init(&path, PATH_BYTES);
    buffer_add_text(&path, "/v1/subjects/");
    http_path_add(&path, kind);
    buffer_add_char(&path, '/');
    http_path_add(&path, id);
    ok = admin_ask(a, buffer_text(&path), NULL, true, e);
    buffer_fini(&path);
    if (!ok)
        return false;
    erased = json_get(&a->document->root, "erased");
    subject = json_text_at(&a->document->root, "subject");
    r->found = erased != NULL && erased->kind == JSON_BOOL && erased->boolean;
    snprintf(r->subject, sizeof r->subject, "%.*s", TEXT_ARG(subject));
    return true;
}

static bool tell(const struct invocation *v, const struct erasure *r, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        erasure_json(r, &out);
    else
        buffer_format(&out, "%s: %s\n%s\n", r->subject,
                      r->found ? "the key is destroyed; personal fields in the log read as null"
                               : "no key: the log holds nothing sealed of this person",
                      erasure_limits());
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool erase_run(struct invocation *v, struct error *e)
{
    struct settings *s = NULL;
    struct erasure r = {0};
    struct text kind, id;
    struct admin a;
    bool ok;

    if (!subject_option(v, &kind, &id, e))
        return false;
    ok = admin_open(&a, v, e);
    if (ok && a.control != NULL)
        ok = invocation_settings(v, &s, e) && erase_here(&a, s, kind, id, &r, e);
    else if (ok)
        ok = erase_there(&a, kind, id, &r, e);
    admin_close(&a);
    settings_free(s);
    return ok && tell(v, &r, e);
}

static const struct option options[] = {
    OPTION_SUBJECT,
    {"url", 0, "URL", "the service to ask"},
    {"key", 0, "KEY", "an admin's key (default: ASSAY_KEY)"},
    {"note", 0, "WORDS", "why, for the audit"},
    {0},
};

const struct command command_erase = {
    .name = "erase",
    .group = GROUP_LOOK,
    .summary = "erases the personal fields of a person",
    .arguments = "--subject KIND=ID",
    .words =
        "Destroys the key under which the person's personal fields are sealed in the log, for good, "
        "and\nrecords that. The log still verifies. Where a service runs on the data directory, it "
        "is asked.\nSee docs/personal-data.md for what cannot be reached.",
    .options = options,
    .examples = "  assay erase --subject customer=c-17 --note 'request 4711'\n"
                "  assay erase --subject customer=c-17 --url http://127.0.0.1:8080 --json\n",
    .run = erase_run,
};
