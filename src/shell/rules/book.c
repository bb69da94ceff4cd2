#include "shell/rules/book.h"

#include <pthread.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json_at.h"

struct person {
    char *kind, *id, *name;
};

struct version {
    uint32_t version;
    enum rule_state state;
    char *when, *then, *text;
    char *note; /* of the last change */
    struct person author, approver, by;
    int64_t written_us, approved_us, changed_us;
    bool is_approved, is_tested;
    int64_t tested_us;
    uint32_t tests_run, tests_failed;
};

struct rule {
    char name[RULE_NAME_MOST + 1];
    struct version *version; /* ascending */
    uint32_t count;
    uint64_t seq; /* of the last change */
};

struct rule_book {
    pthread_mutex_t lock;
    struct rule *rule; /* by first draft */
    uint32_t count;
};

const char *rule_state_word(enum rule_state s)
{
    static const char *const words[] = {"draft",  "approved", "live",
                                        "shadow", "retired",  "replaced"};

    return words[s];
}

/* ---- persons and versions ---- */

static char *copy(struct text t)
{
    return mem_text(t.bytes, t.length);
}

static void person_free(struct person *p)
{
    mem_free(p->kind);
    mem_free(p->id);
    mem_free(p->name);
    *p = (struct person){0};
}

static void person_take(struct person *p, const struct control_actor *a)
{
    person_free(p);
    *p = (struct person){copy(a->kind), copy(a->id), copy(a->name)};
}

static void version_fini(struct version *v)
{
    mem_free(v->when);
    mem_free(v->then);
    mem_free(v->text);
    mem_free(v->note);
    person_free(&v->author);
    person_free(&v->approver);
    person_free(&v->by);
}

static void rule_fini(struct rule *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        version_fini(&r->version[i]);
    mem_free(r->version);
}

struct rule_book *rule_book_new(void)
{
    struct rule_book *b = mem_alloc(sizeof *b);

    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void rule_book_free(struct rule_book *b)
{
    if (b == NULL)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        rule_fini(&b->rule[i]);
    mem_free(b->rule);
    pthread_mutex_destroy(&b->lock);
    mem_free(b);
}

/* ---- finding, under the lock ---- */

static struct rule *find(const struct rule_book *b, struct text name)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (text_is(name, b->rule[i].name))
            return &b->rule[i];
    }
    return NULL;
}

static struct version *newest(const struct rule *r)
{
    return &r->version[r->count - 1];
}

static bool is_in_force(const struct version *v)
{
    return v->state == RULE_LIVE || v->state == RULE_SHADOW;
}

static bool is_closed(const struct version *v)
{
    return v->state == RULE_RETIRED || v->state == RULE_REPLACED;
}

static struct version *in_force(const struct rule *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (is_in_force(&r->version[i]))
            return &r->version[i];
    }
    return NULL;
}

static struct version *version_of(const struct rule *r, uint32_t version)
{
    struct version *decides = in_force(r);

    if (version == RULE_NEWEST || (version == RULE_IN_FORCE && decides == NULL))
        return newest(r);
    if (version == RULE_IN_FORCE)
        return decides;
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->version[i].version == version)
            return &r->version[i];
    }
    return NULL;
}

static bool rule_is_closed(const struct rule *r)
{
    return is_closed(newest(r)) && in_force(r) == NULL;
}

static uint32_t open_count(const struct rule_book *b)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < b->count; i++)
        count += !rule_is_closed(&b->rule[i]);
    return count;
}

/* ---- what may be written ---- */

static bool name_is_fit(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && (i == 0 || ((c < '0' || c > '9') && c != '-' && c != '.')))
            return false;
    }
    /* A key of the settings under `rules`, which have the plan's text. */
    return name.length > 0 && name.length <= RULE_NAME_MOST && !text_is(name, "approval");
}

static bool length_fits(const char *what, struct text t, size_t least, size_t most, struct error *e)
{
    if (t.length < least || t.length > most || (t.length > 0 && !text_is_utf8(t)))
        return error_set(e, ERROR_INVALID, "%s: expected text of %zu to %zu bytes, found %zu", what,
                         least, most, t.length);
    for (size_t i = 0; i < t.length; i++) {
        if (t.bytes[i] == 0)
            return error_set(e, ERROR_INVALID, "%s: there is a zero byte in it", what);
    }
    return true;
}

bool rule_text_check(const struct rule_text *t, struct error *e)
{
    if (!name_is_fit(t->name))
        return error_set(e, ERROR_INVALID,
                         "name: expected 1 to %d letters, digits, \"_\", \"-\" and \".\", a letter "
                         "or \"_\" first, and not \"approval\"; found \"%.*s\"",
                         RULE_NAME_MOST, (int)(t->name.length < 64 ? t->name.length : 64),
                         t->name.bytes);
    return length_fits("when", t->when, 1, LANG_TEXT_MAX, e) &&
           length_fits("then", t->then, 1, RULE_THEN_MOST, e) &&
           length_fits("text", t->text, 0, PLAN_WORDS_MAX, e);
}

/* ---- the fold: checks ---- */

/* "rule/<name>" */
static struct text name_in(const struct control_change *c)
{
    struct text s = c->subject;

    if (s.length < 6 || memcmp(s.bytes, "rule/", 5) != 0)
        return (struct text){"", 0};
    return (struct text){s.bytes + 5, s.length - 5};
}

static uint32_t version_in(const struct json *data)
{
    uint64_t version = json_count_at(data, "version");

    return version < UINT32_MAX ? (uint32_t)version : 0;
}

static struct rule_text text_in(const struct control_record *r)
{
    return (struct rule_text){name_in(&r->change), json_text_at(r->data, "when"),
                              json_text_at(r->data, "then"), json_text_at(r->data, "text")};
}

static bool check_draft(const struct rule_book *b, const struct control_record *r, struct error *e)
{
    struct rule_text t = text_in(r);
    const struct rule *rule = find(b, t.name);
    uint32_t next = rule != NULL ? newest(rule)->version + 1 : 1;

    if (!rule_text_check(&t, e))
        return false;
    if (version_in(r->data) != next)
        return error_set(e, ERROR_CONFLICT,
                         "somebody else has written version %u of this rule meanwhile", next - 1);
    if ((rule == NULL || rule_is_closed(rule)) && open_count(b) >= RULES_OPEN_MAX)
        return error_set(e, ERROR_FULL, "there are %d rules that are not retired: retire some",
                         RULES_OPEN_MAX);
    return true;
}

static bool step_of(struct text kind, enum rule_state *to)
{
    static const struct {
        const char *kind;
        enum rule_state to;
    } steps[] = {{"rule.approved", RULE_APPROVED},
                 {"rule.live", RULE_LIVE},
                 {"rule.shadow", RULE_SHADOW},
                 {"rule.retired", RULE_RETIRED}};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        *to = steps[i].to;
        if (text_is(kind, steps[i].kind))
            return true;
    }
    return false;
}

static bool check_step(const struct rule *rule, const struct version *v, enum rule_state to,
                       struct error *e)
{
    const struct version *decides = in_force(rule);
    bool may = to == RULE_APPROVED ? v->state == RULE_DRAFT
               : to == RULE_LIVE   ? v->state == RULE_APPROVED || v->state == RULE_SHADOW
               : to == RULE_SHADOW ? v->state == RULE_APPROVED || v->state == RULE_LIVE
                                   : !is_closed(v);

    if (!may)
        return error_set(e, ERROR_CONFLICT, "version %u of %s is %s: it cannot become %s%s",
                         v->version, rule->name, rule_state_word(v->state), rule_state_word(to),
                         v->state == RULE_DRAFT ? "; it has to be approved first" : "");
    if (to == RULE_SHADOW && decides != NULL && decides != v && decides->state == RULE_LIVE)
        return error_set(e, ERROR_CONFLICT,
                         "version %u of %s is live, and a shadow would take its place: write the "
                         "new text as a rule of another name",
                         decides->version, rule->name);
    if (is_in_force(v) || to != RULE_RETIRED)
        return true;
    return v == newest(rule) || error_set(e, ERROR_CONFLICT, "version %u of %s is not its newest",
                                          v->version, rule->name);
}

static bool check_under_lock(const struct rule_book *b, const struct control_record *r,
                             struct error *e)
{
    struct text name = name_in(&r->change);
    const struct rule *rule;
    const struct version *v;
    enum rule_state to;

    if (text_is(r->change.kind, "rule.drafted"))
        return check_draft(b, r, e);
    rule = find(b, name);
    if (rule == NULL)
        return error_set(e, ERROR_NOT_FOUND, "there is no rule \"%.*s\"",
                         (int)(name.length < 64 ? name.length : 64), name.bytes);
    v = version_in(r->data) > 0 ? version_of(rule, version_in(r->data)) : NULL;
    if (v == NULL)
        return error_set(e, ERROR_NOT_FOUND, "rule %s has no version %u", rule->name,
                         version_in(r->data));
    return !step_of(r->change.kind, &to) || check_step(rule, v, to, e);
}

static bool check(void *context, const struct control_record *r, struct error *e)
{
    struct rule_book *b = context;
    bool ok;

    pthread_mutex_lock(&b->lock);
    ok = check_under_lock(b, r, e);
    pthread_mutex_unlock(&b->lock);
    return ok;
}

/* ---- the fold: applying ---- */

/* The retired name whose last change is the oldest gives way. */
static void drop_one(struct rule_book *b)
{
    uint32_t oldest = b->count;

    for (uint32_t i = 0; i < b->count; i++) {
        if (rule_is_closed(&b->rule[i]) &&
            (oldest == b->count || b->rule[i].seq < b->rule[oldest].seq))
            oldest = i;
    }
    if (oldest == b->count)
        return;
    rule_fini(&b->rule[oldest]);
    memmove(&b->rule[oldest], &b->rule[oldest + 1], (--b->count - oldest) * sizeof *b->rule);
}

static struct rule *add(struct rule_book *b, struct text name)
{
    struct rule *r;

    if (b->count == RULES_NAMES_MAX)
        drop_one(b);
    b->rule = mem_resize(b->rule, b->count + 1, sizeof *b->rule);
    r = &b->rule[b->count++];
    *r = (struct rule){0};
    snprintf(r->name, sizeof r->name, "%.*s", TEXT_ARG(name));
    return r;
}

/* The oldest version that is not in force gives way. */
static void make_room(struct rule *r)
{
    uint32_t i = r->count > 0 && is_in_force(&r->version[0]);

    if (r->count < RULE_VERSIONS_KEPT)
        return;
    version_fini(&r->version[i]);
    memmove(&r->version[i], &r->version[i + 1], (--r->count - i) * sizeof *r->version);
}

static void touch(struct version *v, const struct control_record *r)
{
    mem_free(v->note);
    v->note = copy(r->change.note);
    v->changed_us = r->at_us;
    person_take(&v->by, &r->change.actor);
}

static void apply_draft(struct rule_book *b, const struct control_record *r)
{
    struct rule_text t = text_in(r);
    struct rule *rule = find(b, t.name);
    struct version *v;

    if (rule == NULL)
        rule = add(b, t.name);
    else if (!is_closed(newest(rule)) && !is_in_force(newest(rule)))
        newest(rule)->state = RULE_REPLACED;
    make_room(rule);
    rule->version = mem_resize(rule->version, rule->count + 1, sizeof *rule->version);
    v = &rule->version[rule->count++];
    *v = (struct version){.version = version_in(r->data),
                          .when = copy(t.when),
                          .then = copy(t.then),
                          .text = copy(t.text),
                          .written_us = r->at_us};
    person_take(&v->author, &r->change.actor);
    touch(v, r);
    rule->seq = r->seq;
}

static void apply_step(struct rule *rule, struct version *v, enum rule_state to,
                       const struct control_record *r)
{
    struct version *before = in_force(rule);

    if ((to == RULE_LIVE || to == RULE_SHADOW) && before != NULL && before != v)
        before->state = RULE_REPLACED;
    v->state = to;
    if (to == RULE_APPROVED) {
        v->is_approved = true;
        v->approved_us = r->at_us;
        person_take(&v->approver, &r->change.actor);
    }
    touch(v, r);
}

static void apply_under_lock(struct rule_book *b, const struct control_record *r)
{
    struct rule *rule = find(b, name_in(&r->change));
    struct version *v = rule != NULL ? version_of(rule, version_in(r->data)) : NULL;
    enum rule_state to;

    if (text_is(r->change.kind, "rule.drafted")) {
        apply_draft(b, r);
        return;
    }
    if (v == NULL || version_in(r->data) == 0)
        return;
    if (text_is(r->change.kind, "rule.tested")) {
        v->is_tested = true;
        v->tested_us = r->at_us;
        v->tests_run = (uint32_t)json_count_at(r->data, "run");
        v->tests_failed = (uint32_t)json_count_at(r->data, "failed");
    } else if (step_of(r->change.kind, &to)) {
        apply_step(rule, v, to, r);
    } else {
        return; /* a later version's */
    }
    rule->seq = r->seq;
}

static void apply(void *context, const struct control_record *r)
{
    struct rule_book *b = context;
    struct error e;

    /* What is in the log was checked when it was written; a later version's may be otherwise. */
    pthread_mutex_lock(&b->lock);
    if (check_under_lock(b, r, &e))
        apply_under_lock(b, r);
    pthread_mutex_unlock(&b->lock);
}

struct control_fold rule_book_fold(struct rule_book *b)
{
    return (struct control_fold){.prefix = "rule.", .context = b, .check = check, .apply = apply};
}

static bool load_one(void *context, const struct control_record *r)
{
    if (r->change.kind.length > 5 && memcmp(r->change.kind.bytes, "rule.", 5) == 0)
        apply(context, r);
    return true;
}

bool rule_book_load(struct rule_book *b, const char *data_directory, struct error *e)
{
    return control_scan(data_directory, 1, &(struct control_visitor){load_one, b}, e);
}

/* ---- reading ---- */

static void fill(const struct rule *r, const struct version *v, struct rule_view *view)
{
    const struct version *decides = in_force(r);

    *view = (struct rule_view){.version = v->version,
                               .newest = newest(r)->version,
                               .state = v->state,
                               .in_force = decides != NULL ? decides->version : 0,
                               .is_shadow = decides != NULL && decides->state == RULE_SHADOW};
    snprintf(view->name, sizeof view->name, "%s", r->name);
    snprintf(view->when, sizeof view->when, "%s", v->when);
    snprintf(view->then, sizeof view->then, "%s", v->then);
    snprintf(view->text, sizeof view->text, "%s", v->text);
    snprintf(view->author_kind, sizeof view->author_kind, "%s", v->author.kind);
    snprintf(view->author, sizeof view->author, "%s", v->author.id);
}

bool rule_book_view(struct rule_book *b, struct text name, uint32_t version, struct rule_view *view,
                    struct error *e)
{
    const struct rule *r;
    const struct version *v = NULL;

    pthread_mutex_lock(&b->lock);
    r = find(b, name);
    if (r != NULL)
        v = version_of(r, version);
    if (v != NULL)
        fill(r, v, view);
    pthread_mutex_unlock(&b->lock);
    if (r == NULL)
        return error_set(e, ERROR_NOT_FOUND, "the API has no rule \"%.*s\"",
                         (int)(name.length < 64 ? name.length : 64), name.bytes);
    return v != NULL ||
           error_set(e, ERROR_NOT_FOUND, "rule %.*s has no version %u", TEXT_ARG(name), version);
}

void rule_book_each(struct rule_book *b,
                    void (*visit)(void *context, const struct rule_in_force *r), void *context)
{
    pthread_mutex_lock(&b->lock);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct version *v = in_force(&b->rule[i]);
        struct rule_in_force r = {.name = b->rule[i].name};

        if (v != NULL)
            r = (struct rule_in_force){b->rule[i].name, v->when,    v->then,
                                       v->text,         v->version, v->state == RULE_SHADOW};
        visit(context, &r);
    }
    pthread_mutex_unlock(&b->lock);
}

void rule_book_names(struct rule_book *b, struct rule_names *n)
{
    pthread_mutex_lock(&b->lock);
    *n = (struct rule_names){mem_array(b->count, sizeof *n->name), b->count};
    for (uint32_t i = 0; i < b->count; i++)
        memcpy(n->name[i], b->rule[i].name, sizeof n->name[i]);
    pthread_mutex_unlock(&b->lock);
}

void rule_names_fini(struct rule_names *n)
{
    mem_free(n->name);
    *n = (struct rule_names){0};
}

/* ---- changes ---- */

bool rule_book_draft(struct rule_book *b, struct control *c, const struct rule_text *t,
                     const struct control_change *by, uint32_t *version, struct error *e)
{
    struct control_change change = *by;
    char subject[RULE_NAME_MOST + 8];
    const struct rule *r;
    struct buffer data;
    bool ok;

    if (!rule_text_check(t, e))
        return false;
    pthread_mutex_lock(&b->lock);
    r = find(b, t->name);
    if (*version == 0)
        *version = r != NULL ? newest(r)->version + 1 : 1;
    pthread_mutex_unlock(&b->lock);
    snprintf(subject, sizeof subject, "rule/%.*s", TEXT_ARG(t->name));
    buffer_init(&data, RULE_DATA_MAX);
    buffer_format(&data, "{\"version\":%u,\"when\":", *version);
    json_add_text(&data, t->when);
    buffer_add_text(&data, ",\"then\":");
    json_add_text(&data, t->then);
    if (t->text.length > 0) {
        buffer_add_text(&data, ",\"text\":");
        json_add_text(&data, t->text);
    }
    buffer_add_char(&data, '}');
    change.kind = text_of("rule.drafted");
    change.subject = text_of(subject);
    change.data = (struct text){data.bytes, data.length};
    ok = control_append(c, &change, NULL, e);
    buffer_fini(&data);
    return ok;
}

void rule_step_change(struct text name, uint32_t version, enum rule_state to,
                      const struct control_change *by, struct rule_change_room *room,
                      struct control_change *change)
{
    *change = *by;
    snprintf(room->subject, sizeof room->subject, "rule/%.*s", TEXT_ARG(name));
    snprintf(room->kind, sizeof room->kind, "rule.%s", rule_state_word(to));
    snprintf(room->data, sizeof room->data, "{\"version\":%u}", version);
    change->kind = text_of(room->kind);
    change->subject = text_of(room->subject);
    change->data = text_of(room->data);
}

bool rule_step_read(const struct control_change *change, const struct json *data, struct text *name,
                    uint32_t *version, enum rule_state *to)
{
    *name = name_in(change);
    *version = version_in(data);
    return name->length > 0 && *version > 0 && step_of(change->kind, to);
}

bool rule_book_tested(struct control *c, struct text name, uint32_t version, uint32_t run,
                      uint32_t failed, const struct control_change *by, struct error *e)
{
    struct control_change change = *by;
    char subject[RULE_NAME_MOST + 8], data[96];

    snprintf(subject, sizeof subject, "rule/%.*s", TEXT_ARG(name));
    snprintf(data, sizeof data, "{\"version\":%u,\"run\":%u,\"failed\":%u}", version, run, failed);
    change.kind = text_of("rule.tested");
    change.subject = text_of(subject);
    change.data = text_of(data);
    return control_append(c, &change, NULL, e);
}

/* ---- JSON ---- */

static void add_text(struct buffer *out, const char *key, const char *value)
{
    buffer_format(out, ",\"%s\":", key);
    if (value != NULL && value[0] != 0)
        json_add_text(out, text_of(value));
    else
        buffer_add_text(out, "null");
}

static void add_time(struct buffer *out, const char *key, bool is_there, int64_t us)
{
    char time[TIME_TEXT_MAX];

    if (is_there)
        time_format(us, time);
    add_text(out, key, is_there ? time : NULL);
}

static void add_person(struct buffer *out, const char *key, const struct person *p)
{
    if (p->kind == NULL) {
        add_text(out, key, NULL);
        return;
    }
    buffer_format(out, ",\"%s\":{\"kind\":", key);
    json_add_text(out, text_of(p->kind));
    add_text(out, "id", p->id);
    add_text(out, "name", p->name);
    buffer_add_char(out, '}');
}

static void add_version(struct buffer *out, const struct version *v)
{
    buffer_format(out, "\"version\":%u,\"state\":\"%s\"", v->version, rule_state_word(v->state));
    add_text(out, "when", v->when);
    add_text(out, "then", v->then);
    add_text(out, "text", v->text);
    add_person(out, "author", &v->author);
    add_time(out, "written", true, v->written_us);
    add_person(out, "approver", &v->approver);
    add_time(out, "approved", v->is_approved, v->approved_us);
    add_person(out, "changed_by", &v->by);
    add_time(out, "changed", true, v->changed_us);
    add_text(out, "note", v->note);
    if (!v->is_tested) {
        add_text(out, "tested", NULL);
        return;
    }
    buffer_format(out, ",\"tested\":{\"run\":%u,\"failed\":%u", v->tests_run, v->tests_failed);
    add_time(out, "at", true, v->tested_us);
    buffer_add_char(out, '}');
}

static void add_rule(struct buffer *out, const struct rule *r, bool with_versions)
{
    const struct version *decides = in_force(r);

    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(r->name));
    buffer_add_text(out, ",\"origin\":\"api\",");
    add_version(out, newest(r));
    if (decides != NULL)
        buffer_format(out, ",\"in_force\":{\"version\":%u,\"state\":\"%s\"}", decides->version,
                      rule_state_word(decides->state));
    else
        add_text(out, "in_force", NULL);
    if (!with_versions)
        return;
    buffer_add_text(out, ",\"versions\":[");
    for (uint32_t i = r->count; i-- > 0;) {
        buffer_add_char(out, '{');
        add_version(out, &r->version[i]);
        buffer_add_text(out, i > 0 ? "}," : "}");
    }
    buffer_add_char(out, ']');
}

bool rule_book_format(struct rule_book *b, struct text name, bool with_versions, struct buffer *out)
{
    const struct rule *r;

    pthread_mutex_lock(&b->lock);
    r = find(b, name);
    if (r != NULL)
        add_rule(out, r, with_versions);
    pthread_mutex_unlock(&b->lock);
    return r != NULL;
}
