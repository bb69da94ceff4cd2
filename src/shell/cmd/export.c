/* `assay export`: all records of the log about one person; or rows of PostgreSQL (export_table.h).
 */
#include <stdio.h>

#include "core/data/event.h"
#include "shell/cmd/export_table.h"
#include "shell/cmd/log.h"
#include "shell/cmd/subject.h"
#include "shell/run/data_directory.h"
#include "shell/run/entity_key.h"
#include "shell/run/unseal.h"

enum { EVENT_TEXT_MAX = 64 << 20 };

/* Whose a record is, by the plan that wrote its event. */
struct looking {
    struct text kind, id;
    struct plans *plans;
    struct unseal unseal;
    struct plan *plan;
    uint32_t plan_seq;
    int field; /* the subject's key under that plan, or FIELD_NONE */
    struct frame frame;
    struct buffer key;
    uint64_t found;
};

static int key_field(const struct plan *p, struct text kind)
{
    const struct plan_subject *subject = plan_subject(p);
    struct entity_kind entity[ENTITY_KINDS_MAX];
    uint32_t count = entity_kinds(p, entity);

    if (subject != NULL && text_is(kind, subject->name))
        return subject->field;
    for (uint32_t i = 0; i < count; i++) {
        if (text_is(kind, entity[i].name))
            return entity[i].field;
    }
    return FIELD_NONE;
}

static void drop_plan(struct looking *l)
{
    if (l->plan != NULL)
        frame_fini(&l->frame);
    plan_unref(l->plan);
    l->plan = NULL;
}

static bool under_plan(struct looking *l, uint32_t seq, struct error *e)
{
    struct plan *p;

    if (l->plan != NULL && l->plan_seq == seq)
        return true;
    if (!plans_get(l->plans, seq, &p, e))
        return false;
    drop_plan(l);
    l->plan = p;
    l->plan_seq = seq;
    l->field = key_field(p, l->kind);
    frame_init(&l->frame, plan_schema(p), 1, EVENT_TEXT_MAX);
    return true;
}

static bool is_of_subject(struct looking *l, const struct record *r, uint32_t plan,
                          struct text event, bool *wanted, struct error *e)
{
    struct reader in;
    bool is_erased;

    if (!under_plan(l, plan, e))
        return false;
    if (l->field == FIELD_NONE)
        return true;
    frame_clear(&l->frame);
    reader_init(&in, event.bytes, event.length);
    if (!event_decode(&in, plan_schema(l->plan), &l->frame, e) ||
        !unseal_add(&l->unseal, r, plan_schema(l->plan), &l->frame, &is_erased, e))
        return false;
    buffer_clear(&l->key);
    *wanted = entity_key_text(&l->frame.column[l->field], 0, &l->key) &&
              text_equal((struct text){l->key.bytes, l->key.length}, l->id);
    l->found += *wanted;
    return true;
}

static bool wants(void *context, const struct record *r, bool *wanted, struct error *e)
{
    struct looking *l = context;
    struct event_body event;
    struct label_body label;

    *wanted = false;
    if (r->kind == RECORD_OBSERVE || r->kind == RECORD_DECISION)
        return event_body_parse(r->body, &event, e) &&
               is_of_subject(l, r, r->plan, event.event, wanted, e);
    if (r->kind == RECORD_LABEL)
        return label_body_parse(r->body, &label, e) &&
               is_of_subject(l, r, label.plan, label.event, wanted, e);
    return true;
}

static bool write_to(const char *shard, struct looking *l, FILE *file, struct error *e)
{
    char log[DATA_PATH_MAX + 8];
    const struct record_filter filter = {wants, l};

    snprintf(log, sizeof log, "%s/log", shard);
    return log_write_records(&(struct log_place){shard, log}, 1, UINT64_MAX, &filter, file, e);
}

static bool export(struct invocation *v, const char *shard, struct looking *l, struct error *e)
{
    const char *path = option_get(v, "output");
    FILE *file = path != NULL ? fopen(path, "w") : stdout;
    bool ok;

    if (file == NULL)
        return error_set(e, ERROR_WORLD, "cannot write %s", path);
    ok = write_to(shard, l, file, e);
    if (path != NULL && fclose(file) != 0 && ok)
        ok = error_set(e, ERROR_WORLD, "cannot write %s", path);
    return ok;
}

static bool export_subject(struct invocation *v, struct error *e)
{
    struct looking l = {0};
    char shard[DATA_PATH_MAX];
    struct settings *s;
    bool ok;

    if (!subject_option(v, &l.kind, &l.id, e) || !invocation_settings(v, &s, e))
        return false;
    ok = data_shard_directory(s, shard, e);
    settings_free(s);
    if (!ok)
        return false;
    l.plans = plans_new(shard);
    unseal_init(&l.unseal, l.plans);
    buffer_init(&l.key, TEXT_MAX);
    ok = export(v, shard, &l, e);
    drop_plan(&l);
    buffer_fini(&l.key);
    unseal_fini(&l.unseal);
    plans_free(l.plans);
    return ok && (l.found > 0 || error_set(e, ERROR_NOT_FOUND, "the log has no record of \"%.*s\"",
                                           TEXT_ARG(l.id)));
}

static bool export_run(struct invocation *v, struct error *e)
{
    bool has_subject = option_has(v, "subject");

    if (has_subject == (v->argument_count > 0))
        return error_set(e, ERROR_USAGE,
                         "expected a table or a query of PostgreSQL, or --subject KIND=ID");
    return has_subject ? export_subject(v, e) : export_table(v, e);
}

static const struct option options[] = {
    OPTION_SUBJECT,
    {"output", 'o', "FILE",
     "where to write (default: standard output); of rows: CSV, or NDJSON "
     "for .ndjson and .jsonl"},
    {"ndjson", 0, NULL, "rows: NDJSON whatever the name"},
    {"url", 0, "URL",
     "rows: of the database, or sqlite:PATH (default: store.url of -c, or DATABASE_URL)"},
    {0},
};

const struct command command_export = {
    .name = "export",
    .group = GROUP_LOOK,
    .summary = "writes rows of PostgreSQL, or all that the log holds of a person",
    .arguments = "[TABLE|QUERY]",
    .most = 1,
    .words =
        "Of a table or query the rows stream; the query can only read. Of a person (--subject) "
        "events,\ndecisions and labels as JSON, one a line, personal fields opened; it reads the "
        "data directory,\nbeside a running service too.",
    .options = options,
    .examples =
        "  assay export score.decision -o decisions.csv\n"
        "  assay export \"SELECT * FROM score.decision WHERE score >= 800\" -o high.ndjson\n"
        "  assay export --subject customer=c-17 -o c-17.ndjson\n",
    .run = export_run,
};
