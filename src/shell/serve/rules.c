/* /v1/rules: the rules in force and those that people write, test, approve and bring into force.
 *
 * What changes the plan is a job of the reload's lane (jobs.h): the change is tried against the
 * plan, recorded in the control log, and brought into force, in this order and one at a time. What
 * the control log says wins: a process that dies between the two finds the rule in force at its
 * next start. All other changes are one record. */
#include <stdio.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "shell/rules/show.h"
#include "shell/serve/finish.h"
#include "shell/serve/inside.h"

enum { CHANGE_BYTES_MAX = 64 << 10, BACKTEST_BYTES_MAX = 64 << 10 };

static enum http_next refuse(struct exchange *x, const struct error *e)
{
    problem_answer(x, error_http_status(e), "%s", e->text);
    return HTTP_ANSWERED;
}

static bool has_book(struct server *s, struct exchange *x)
{
    if (s->o.rules.book != NULL && s->o.access != NULL && s->settings != NULL)
        return true;
    problem_answer(x, 503, "this server has no rules but those of its settings");
    return false;
}

/* ---- showing ---- */

/* Since the start; null where no rule of this name is in the plan that decides. */
static void add_hits(const struct plan *p, const struct shard_status *status, struct text name,
                     struct buffer *out)
{
    int rule = plan_rule_find(p, name);

    if (rule >= 0)
        buffer_format(out, ",\"hits\":%llu", (unsigned long long)status->by_rule[rule]);
    else
        buffer_add_text(out, ",\"hits\":null");
}

struct hits {
    const struct plan *plan;
    struct shard_status status;
};

static void add_hits_of(void *context, struct text name, struct buffer *out)
{
    struct hits *h = context;

    add_hits(h->plan, &h->status, name, out);
}

enum http_next show_rules(struct server *s, struct exchange *x)
{
    struct hits hits;
    struct plan *p;

    if (!has_book(s, x))
        return HTTP_ANSWERED;
    shard_status(s->o.shard, &hits.status);
    hits.plan = p = shard_plan(s->o.shard);
    pthread_rwlock_rdlock(&s->settings_lock);
    rules_format(s->settings, s->o.rules.book, add_hits_of, &hits, &x->answer);
    pthread_rwlock_unlock(&s->settings_lock);
    x->status = 200;
    plan_unref(p);
    return HTTP_ANSWERED;
}

static bool format_rule(struct server *s, struct text name, struct buffer *out)
{
    bool ok;

    pthread_rwlock_rdlock(&s->settings_lock);
    ok = rule_format(s->settings, s->o.rules.book, name, out);
    pthread_rwlock_unlock(&s->settings_lock);
    return ok;
}

static enum http_next answer_rule(struct server *s, struct exchange *x, struct text name,
                                  unsigned status)
{
    char tag[ANSWER_TAG_MAX];

    buffer_clear(&x->answer);
    x->status = status;
    if (!format_rule(s, name, &x->answer)) {
        problem_answer(x, 404, "there is no rule \"%.*s\"",
                       (int)(name.length < 64 ? name.length : 64), name.bytes);
        return HTTP_ANSWERED;
    }
    if (!((const struct route *)x->route)->is_kept) { /* of a change: to go on with */
        answer_tag(&x->answer, tag);
        exchange_add_header(x, "ETag", tag);
    }
    return HTTP_ANSWERED;
}

enum http_next show_rule(struct server *s, struct exchange *x)
{
    return has_book(s, x) ? answer_rule(s, x, x->parameter, 200) : HTTP_ANSWERED;
}

/* ---- what changes have in common ---- */

/* If-Match, with the ETag of GET /v1/rules/{name}: somebody else has not changed it meanwhile. */
static bool is_as_seen(struct server *s, struct exchange *x, struct text name)
{
    const char *given = exchange_header(x, "If-Match");
    char tag[ANSWER_TAG_MAX] = "";
    struct buffer body;
    bool ok;

    if (given == NULL)
        return true;
    buffer_init(&body, HTTP_ANSWER_BYTES_MAX);
    ok = format_rule(s, name, &body);
    if (ok)
        answer_tag(&body, tag);
    ok = ok && answer_tag_is_in(given, tag);
    buffer_fini(&body);
    if (!ok)
        problem_answer(x, 412, "the rule is not as it was when it was read: read it again");
    return ok;
}

struct changing {
    struct json_document *body;
    struct control_change by;
    struct rule_view view; /* of the version that it is about */
};

static bool text_member(const struct changing *c, const char *key, struct text *value,
                        struct error *e)
{
    const struct json *v = json_get(&c->body->root, key);

    *value = (struct text){"", 0};
    if (v == NULL || v->kind == JSON_NULL)
        return true;
    if (v->kind != JSON_TEXT)
        return error_set(e, ERROR_INVALID, "%s: expected a text", key);
    *value = v->text;
    return true;
}

static bool version_member(const struct changing *c, uint32_t missing, uint32_t *version,
                           struct error *e)
{
    const struct json *v = json_get(&c->body->root, "version");

    *version = missing;
    if (v == NULL)
        return true;
    if (v->kind != JSON_INT || v->integer < 1 || v->integer >= UINT32_MAX)
        return error_set(e, ERROR_INVALID, "version: expected a whole number from 1 on");
    *version = (uint32_t)v->integer;
    return true;
}

/* The body, who asks, and the version that it is about; false: the answer is there. */
static bool begin(struct server *s, struct exchange *x, const char *const *known, uint32_t missing,
                  struct changing *c)
{
    struct error e;
    uint32_t version;

    *c = (struct changing){.by = change_of(x)};
    if (!has_book(s, x) || (c->body = body_object(s, x, known)) == NULL)
        return false;
    if (text_member(c, "note", &c->by.note, &e) && version_member(c, missing, &version, &e) &&
        rule_book_view(s->o.rules.book, x->parameter, version, &c->view, &e) &&
        is_as_seen(s, x, x->parameter))
        return true;
    if (x->status == 0 && e.kind == ERROR_NOT_FOUND) {
        pthread_rwlock_rdlock(&s->settings_lock);
        if (settings_rule_find(s->settings, x->parameter) != NULL)
            error_set(&e, ERROR_CONFLICT, "this rule stands in the settings file: change it there");
        pthread_rwlock_unlock(&s->settings_lock);
    }
    if (x->status == 0)
        refuse(x, &e);
    json_free(c->body);
    return false;
}

static enum http_next end(struct server *s, struct exchange *x, struct changing *c, unsigned status)
{
    json_free(c->body);
    return answer_rule(s, x, text_of(c->view.name), status);
}

static enum http_next fail(struct exchange *x, struct changing *c, const struct error *e)
{
    json_free(c->body);
    return refuse(x, e);
}

/* Whether it compiles with the settings in force. */
static bool try_rule(struct server *s, const struct rule_trial *t, struct error *e)
{
    struct plan *p = shard_plan(s->o.shard);
    bool ok;

    pthread_rwlock_rdlock(&s->settings_lock);
    ok = s->o.rules.try_rule(s->settings, s->o.rules.book, t, plan_schema(p), e);
    pthread_rwlock_unlock(&s->settings_lock);
    plan_unref(p);
    return ok;
}

/* ---- drafts ---- */

/* "when: 1:5: ..." names the member. */
static enum http_next refuse_member(struct server *s, struct exchange *x, const struct error *e)
{
    static const char *const members[] = {"name", "when", "then", "text", "note"};
    struct problems *p = &seat_get(s)->problems;

    p->count = p->more = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        size_t length = strlen(members[i]);
        char pointer[8];

        if (strncmp(e->text, members[i], length) != 0 || e->text[length] != ':')
            continue;
        snprintf(pointer, sizeof pointer, "/%s", members[i]);
        problems_add(p, pointer, "%.250s", e->text + length + 2);
        problem_answer_fields(x, p);
        return HTTP_ANSWERED;
    }
    return refuse(x, e);
}

static bool read_draft(struct changing *c, struct rule_text *t, struct error *e)
{
    return text_member(c, "name", &t->name, e) && text_member(c, "when", &t->when, e) &&
           text_member(c, "then", &t->then, e) && text_member(c, "text", &t->text, e) &&
           text_member(c, "note", &c->by.note, e) && rule_text_check(t, e);
}

/* The version that the draft is to become: of a rule as it was when If-Match was asked. */
static bool next_version(struct server *s, struct exchange *x, struct text name, uint32_t *version)
{
    const char *none = exchange_header(x, "If-None-Match");
    struct rule_view view;
    struct error e;
    bool is_known = rule_book_view(s->o.rules.book, name, RULE_NEWEST, &view, &e);

    *version = is_known ? view.newest + 1 : 1;
    if (none != NULL && strcmp(none, "*") == 0 && is_known) {
        problem_answer(x, 412, "there is a rule %s already", view.name);
        return false;
    }
    return is_as_seen(s, x, name);
}

static bool is_free(struct server *s, struct text name, struct error *e)
{
    bool is_taken;

    pthread_rwlock_rdlock(&s->settings_lock);
    is_taken = settings_rule_find(s->settings, name) != NULL;
    pthread_rwlock_unlock(&s->settings_lock);
    return !is_taken || error_set(e, ERROR_CONFLICT,
                                  "the settings have a rule of this name: change it there, or name "
                                  "this one otherwise");
}

/* With dry_run it is only asked whether it would compile: for who writes one. */
enum http_next draft_rule(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"name", "when", "then", "text", "note", NULL};
    struct changing c = {.by = change_of(x)};
    struct rule_text t;
    uint32_t version;
    struct error e;
    bool dry_run, ok;

    if (!query_bool(x, "dry_run", &dry_run) || !has_book(s, x) ||
        (c.body = body_object(s, x, known)) == NULL)
        return HTTP_ANSWERED;
    ok = read_draft(&c, &t, &e) && is_free(s, t.name, &e) &&
         try_rule(s, &(struct rule_trial){t.name, t.when, t.then, t.text, false, false}, &e);
    if (ok && dry_run) {
        json_free(c.body);
        buffer_clear(&x->answer);
        buffer_add_text(&x->answer, "{}");
        x->status = 200;
        return HTTP_ANSWERED;
    }
    ok = ok && next_version(s, x, t.name, &version) &&
         rule_book_draft(s->o.rules.book, access_control(s->o.access), &t, &c.by, &version, &e);
    if (ok)
        snprintf(c.view.name, sizeof c.view.name, "%.*s", TEXT_ARG(t.name));
    if (ok)
        return end(s, x, &c, 201);
    if (x->status == 0)
        refuse_member(s, x, &e);
    json_free(c.body);
    return HTTP_ANSWERED;
}

/* ---- steps ---- */

static const char *const step_members[] = {"version", "note", NULL};

static bool may_approve(struct server *s, const struct exchange *x, const struct rule_view *v,
                        struct error *e)
{
    struct control_actor who = caller_actor(&x->caller);
    enum rule_approval approval;

    pthread_rwlock_rdlock(&s->settings_lock);
    approval = s->settings->rule_approval;
    pthread_rwlock_unlock(&s->settings_lock);
    if (approval == APPROVAL_NONE)
        return true;
    if (x->caller.kind <= CALLER_LOCAL)
        return error_set(e, ERROR_CONFLICT,
                         "a second person has to approve a rule, and here nobody is asked who they "
                         "are: make users or keys (`assay user create`), or say rules: {approval: "
                         "none} in the settings");
    return !(text_is(who.kind, v->author_kind) && text_is(who.id, v->author)) ||
           error_set(e, ERROR_CONFLICT,
                     "%s wrote version %u of %s: another person has to approve it", v->author,
                     v->version, v->name);
}

enum http_next approve_rule(struct server *s, struct exchange *x)
{
    struct rule_change_room room = {0};
    struct control_change change;
    struct changing c;
    struct error e;

    if (!begin(s, x, step_members, RULE_NEWEST, &c))
        return HTTP_ANSWERED;
    if (json_get(&c.body->root, "version") == NULL) {
        error_set(&e, ERROR_INVALID, "version: expected the version that was read; it is at %u",
                  c.view.newest);
        return fail(x, &c, &e);
    }
    rule_step_change(text_of(c.view.name), c.view.version, RULE_APPROVED, &c.by, &room, &change);
    if (may_approve(s, x, &c.view, &e) &&
        control_append(access_control(s->o.access), &change, NULL, &e))
        return end(s, x, &c, 200);
    return fail(x, &c, &e);
}

/* A step that changes the plan. */
static enum http_next step_by_job(struct server *s, struct exchange *x, struct changing *c,
                                  const struct control_change *change)
{
    struct buffer body;
    bool ok, has_ended = false;

    buffer_init(&body, CHANGE_BYTES_MAX);
    change_format(change, &body);
    ok = rule_job(s, x, (struct text){body.bytes, body.length}, &has_ended);
    buffer_fini(&body);
    if (ok && has_ended)
        return end(s, x, c, 200);
    json_free(c->body);
    return HTTP_ANSWERED;
}

static enum http_next step(struct server *s, struct exchange *x, enum rule_state to)
{
    struct rule_change_room room = {0};
    struct control_change change;
    struct changing c;
    struct error e;

    if (!begin(s, x, step_members, to == RULE_RETIRED ? RULE_IN_FORCE : RULE_NEWEST, &c))
        return HTTP_ANSWERED;
    rule_step_change(text_of(c.view.name), c.view.version, to, &c.by, &room, &change);
    if (!change_check(&change, &e))
        return fail(x, &c, &e);
    if (to != RULE_RETIRED || c.view.in_force == c.view.version)
        return step_by_job(s, x, &c, &change);
    if (control_append(access_control(s->o.access), &change, NULL, &e))
        return end(s, x, &c, 200);
    return fail(x, &c, &e);
}

enum http_next rule_goes_live(struct server *s, struct exchange *x)
{
    return step(s, x, RULE_LIVE);
}

enum http_next rule_goes_shadow(struct server *s, struct exchange *x)
{
    return step(s, x, RULE_SHADOW);
}

enum http_next retire_rule(struct server *s, struct exchange *x)
{
    return step(s, x, RULE_RETIRED);
}

/* ---- backtest of a version ---- */

enum http_next backtest_rule(struct server *s, struct exchange *x)
{
    static const char *const known[] = {"version", "from", "to", NULL};
    struct changing c;
    struct buffer body;

    if (!begin(s, x, known, RULE_NEWEST, &c))
        return HTTP_ANSWERED;
    buffer_init(&body, BACKTEST_BYTES_MAX);
    buffer_format(&body, "{\"rules\":{\"%s\":{\"when\":", c.view.name);
    json_add_text(&body, text_of(c.view.when));
    buffer_add_text(&body, ",\"then\":");
    json_add_text(&body, text_of(c.view.then));
    buffer_add_text(&body, "}}");
    for (unsigned i = 1; i < 3; i++) {
        const struct json *v = json_get(&c.body->root, known[i]);

        if (v == NULL || v->kind == JSON_NULL)
            continue;
        buffer_format(&body, ",\"%s\":", known[i]);
        json_add_text(&body, v->kind == JSON_TEXT ? v->text : text_of("no time"));
    }
    buffer_add_char(&body, '}');
    json_free(c.body);
    backtest_of(s, x, (struct text){body.bytes, body.length});
    buffer_fini(&body);
    return HTTP_ANSWERED;
}
