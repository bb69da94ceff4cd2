/* What people do becomes rows: the projector's side. A change was checked when it was made, so what
 * it names is there; where it is not (its decisions were cut off the log, or a later version's),
 * the statements change nothing. */
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json_at.h"
#include "core/velocity/velocity.h"
#include "shell/watch/watch_inside.h"
#include "shell/watch/words.h"

struct change {
    struct watch *w;
    struct store *s;
    const struct control_record *r;
    struct error *e;
    char actor[ACTOR_MAX];
    struct text what; /* "closed" */
    struct buffer data;
};

static bool run(struct change *c, const char *sql, const struct store_value *value, uint32_t count)
{
    return store_ask(c->s, sql, true, value, count, NULL, c->e);
}

static int64_t number_at(const struct change *c, const char *key)
{
    const struct json *v = json_get(c->r->data, key);

    return v != NULL && v->kind == JSON_INT ? v->integer : 0;
}

static struct text text_at(const struct change *c, const char *key)
{
    return json_text_at(c->r->data, key);
}

/* The numbers of an array of the data. */
static const struct json *array_at(const struct change *c, const char *key, uint32_t *count)
{
    const struct json *v = json_get(c->r->data, key);

    *count = v != NULL && v->kind == JSON_ARRAY ? v->count : 0;
    return *count > 0 ? v->items : NULL;
}

static int64_t member(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);

    return v != NULL && v->kind == JSON_INT ? v->integer : 0;
}

/* The timeline. */
static bool add_entry(struct change *c, int64_t alert, int64_t casefile)
{
    static const char sql[] = "INSERT INTO @entry(seq, alert, case_id, at_us, actor, name, what,"
                              " note, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
                              " ON CONFLICT DO NOTHING";
    const struct store_value value[] = {store_int((int64_t)c->r->seq),
                                        store_int(alert),
                                        store_int(casefile),
                                        store_int(c->r->at_us),
                                        store_text(text_of(c->actor)),
                                        store_text(c->r->change.actor.name),
                                        store_text(c->what),
                                        store_text(c->r->change.note),
                                        store_text((struct text){c->data.bytes, c->data.length})};

    return run(c, sql, value, sizeof value / sizeof *value);
}

/* ---- labels that are asked for ---- */

static const char *const verdict_known[] = {
    "INSERT INTO @verdict(seq, event_id, source, actor, wanted, said)"
    " SELECT seq, event_id, CAST($2 AS text), CAST($4 AS text), CAST($3 AS bigint), 2"
    " FROM @alert_decision"
    " WHERE alert = $1 ON CONFLICT(seq) DO UPDATE SET source = excluded.source,"
    " actor = excluded.actor, wanted = excluded.wanted",
    "INSERT INTO @verdict(seq, event_id, source, actor, wanted, said)"
    " SELECT DISTINCT d.seq, d.event_id, CAST($2 AS text), CAST($4 AS text), CAST($3 AS bigint), 2"
    " FROM @alert_decision d, @alert a WHERE a.case_id = $1 AND a.case_id > 0 AND d.alert = a.id"
    " ON CONFLICT(seq) DO UPDATE SET source = excluded.source,"
    " actor = excluded.actor, wanted = excluded.wanted",
    "INSERT INTO @verdict(seq, event_id, source, actor, wanted, said)"
    " SELECT seq, event_id, CAST($2 AS text), CAST($4 AS text), CAST($3 AS bigint), 2"
    " FROM @case_decision"
    " WHERE case_id = $1 ON CONFLICT(seq) DO UPDATE SET source = excluded.source,"
    " actor = excluded.actor, wanted = excluded.wanted",
};

/* Inconclusive: what was said before is taken back, and nothing else. */
static const char *const verdict_none[] = {
    "UPDATE @verdict SET source = $2, actor = $4, wanted = $3 WHERE seq IN"
    " (SELECT seq FROM @alert_decision WHERE alert = $1)",
    "UPDATE @verdict SET source = $2, actor = $4, wanted = $3 WHERE seq IN (SELECT d.seq"
    " FROM @alert_decision d, @alert a WHERE a.case_id = $1 AND a.case_id > 0 AND d.alert = a.id)",
    "UPDATE @verdict SET source = $2, actor = $4, wanted = $3 WHERE seq IN"
    " (SELECT seq FROM @case_decision WHERE case_id = $1)",
};

enum { OF_ALERT, OF_CASE_ALERTS, OF_CASE_DECISIONS };

static bool ask_labels(struct change *c, int of, int64_t id, enum disposition d)
{
    char source[SHARD_LABEL_SOURCE_MAX];
    uint8_t label = disposition_label(d);

    snprintf(source, sizeof source, "%s:%lld", of == OF_ALERT ? "alert" : "case", (long long)id);
    const struct store_value value[] = {store_int(id), store_text(text_of(source)),
                                        store_int(label), store_text(text_of(c->actor))};
    return run(c, (label == LABEL_UNKNOWN ? verdict_none : verdict_known)[of], value, 4);
}

/* ---- alerts ---- */

static const char alert_claimed[] = "UPDATE @alert SET state = 1, assignee = $2, snoozed_us = 0,"
                                    " version = version + 1 WHERE id = $1 AND state < 2";
static const char alert_released[] = "UPDATE @alert SET state = 0, assignee = '', snoozed_us = 0,"
                                     " version = version + 1 WHERE id = $1 AND state < 2";
static const char alert_snoozed[] = "UPDATE @alert SET snoozed_us = $2, version = version + 1"
                                    " WHERE id = $1 AND state < 2";
static const char alert_closed[] =
    "UPDATE @alert SET state = 2, disposition = $2, closed_us = $3, closed_by = $4,"
    " snoozed_us = 0, version = version + 1 WHERE id = $1";

static void take_count(void *context, const struct store_value *cell)
{
    *(int64_t *)context = cell[0].integer;
}

static bool close_alert(struct change *c, int64_t id)
{
    static const char is_open[] = "SELECT count(*) FROM @alert WHERE id = $1 AND state < 2";
    enum disposition d;
    struct store_value value[] = {store_int(id), store_int(0), store_int(c->r->at_us),
                                  store_text(text_of(c->actor))};
    int64_t open = 0;

    if (!disposition_find(text_at(c, "disposition"), &d))
        return true;
    value[1] = store_int(d);
    if (!store_ask(c->s, is_open, true, value, 1, &(struct store_visitor){take_count, &open}, c->e))
        return false;
    c->w->open -= open > 0;
    return run(c, alert_closed, value, 4) && ask_labels(c, OF_ALERT, id, d);
}

static bool change_alert(struct change *c, int64_t id)
{
    struct text to = text_at(c, "to");
    const struct store_value value[] = {store_int(id), store_text(to)};
    const struct store_value until[] = {store_int(id), store_int(number_at(c, "until_us"))};
    bool ok = true;

    if (text_is(c->what, "closed"))
        ok = close_alert(c, id);
    else if (text_is(c->what, "snoozed"))
        ok = run(c, alert_snoozed, until, 2);
    else if (to.length > 0)
        ok = run(c, alert_claimed, value, 2);
    else
        ok = run(c, alert_released, value, 1);
    return ok && add_entry(c, id, 0);
}

static bool change_alerts(struct change *c)
{
    static const char *const known[] = {"claimed", "assigned", "released", "snoozed", "closed"};
    const struct json *id;
    uint32_t count;
    size_t i = 0;

    while (i < sizeof known / sizeof *known && !text_is(c->what, known[i]))
        i++;
    if (i == sizeof known / sizeof *known)
        return true; /* a later version's */
    id = array_at(c, "alerts", &count);
    for (i = 0; i < count; i++) {
        if (id[i].kind == JSON_INT && !change_alert(c, id[i].integer))
            return false;
    }
    return true;
}

/* ---- cases ---- */

static bool link_alert(struct change *c, int64_t casefile, int64_t alert, struct text to)
{
    static const char link[] =
        "UPDATE @alert SET case_id = $2, version = version + 1 WHERE id = $1 AND case_id = 0";
    static const char take[] = "UPDATE @alert SET state = 1, assignee = $2, snoozed_us = 0"
                               " WHERE id = $1 AND state = 0 AND $2 <> ''";
    const struct store_value value[] = {store_int(alert), store_int(casefile)};
    const struct store_value taken[] = {store_int(alert), store_text(to)};

    return run(c, link, value, 2) && run(c, take, taken, 2) && add_entry(c, alert, 0);
}

static bool link_others(struct change *c, int64_t casefile)
{
    static const char add_decision[] = "INSERT INTO @case_decision(case_id, seq, event_id)"
                                       " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    static const char add_entity[] = "INSERT INTO @case_entity(case_id, entity, kind, seq)"
                                     " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    uint32_t count;
    const struct json *item = array_at(c, "decisions", &count);

    for (uint32_t i = 0; i < count; i++) {
        const struct store_value value[] = {store_int(casefile), store_int(member(&item[i], "seq")),
                                            store_text(json_text_at(&item[i], "id"))};

        if (!run(c, add_decision, value, 3))
            return false;
    }
    item = array_at(c, "entities", &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct store_value value[] = {
            store_int(casefile), store_int(member(&item[i], "entity")),
            store_text(json_text_at(&item[i], "kind")), store_int(member(&item[i], "seq"))};

        if (!run(c, add_entity, value, 4))
            return false;
    }
    return true;
}

static bool link_all(struct change *c, int64_t casefile, struct text to)
{
    uint32_t count;
    const struct json *id = array_at(c, "alerts", &count);
    const struct store_value value[] = {store_int(casefile)};

    for (uint32_t i = 0; i < count; i++) {
        if (id[i].kind == JSON_INT && !link_alert(c, casefile, id[i].integer, to))
            return false;
    }
    return link_others(c, casefile) &&
           run(c,
               "UPDATE @casefile SET alerts = (SELECT count(*) FROM @alert WHERE case_id = $1"
               " AND case_id > 0),"
               " decisions = (SELECT count(*) FROM @case_decision WHERE case_id = $1)"
               " WHERE id = $1",
               value, 1);
}

static bool open_case(struct change *c)
{
    static const char sql[] =
        "INSERT INTO @casefile(id, title, state, disposition, assignee, version, opened_us,"
        " opened_by, changed_us, closed_us, note_bytes, alerts, decisions, words)"
        " VALUES ($1, $2, 0, 0, $3, 0, $4, $5, $4, 0, 0, 0, 0, $6) ON CONFLICT DO NOTHING";
    int64_t id = (int64_t)c->r->seq;
    struct text to = text_at(c, "to");

    buffer_clear(&c->w->words);
    words_add(&c->w->words, text_at(c, "title"));
    const struct store_value value[] = {
        store_int(id),
        store_text(text_at(c, "title")),
        store_text(to),
        store_int(c->r->at_us),
        store_text(text_of(c->actor)),
        store_text((struct text){c->w->words.bytes, c->w->words.length})};
    return run(c, sql, value, 6) && link_all(c, id, to) && add_entry(c, 0, id);
}

static bool note_case(struct change *c, int64_t id)
{
    static const char sql[] = "UPDATE @casefile SET note_bytes = note_bytes + $2, words ="
                              " CASE WHEN length(words) < 8192 THEN words || $3 ELSE words END"
                              " WHERE id = $1";
    const struct text note = c->r->change.note;

    buffer_clear(&c->w->words);
    words_add(&c->w->words, note);
    const struct store_value value[] = {
        store_int(id), store_int((int64_t)note.length),
        store_text((struct text){c->w->words.bytes, c->w->words.length})};
    return run(c, sql, value, 3);
}

static bool assign_case(struct change *c, int64_t id)
{
    const struct store_value value[] = {store_int(id), store_text(text_at(c, "to"))};

    return run(c, "UPDATE @casefile SET assignee = $2 WHERE id = $1", value, 2) &&
           run(c,
               "UPDATE @alert SET assignee = $2, state = CASE WHEN $2 = '' THEN 0 ELSE 1 END,"
               " version = version + 1 WHERE case_id = $1 AND case_id > 0 AND state < 2",
               value, 2);
}

static bool dispose_case(struct change *c, int64_t id)
{
    static const char open[] =
        "SELECT count(*) FROM @alert WHERE case_id = $1 AND case_id > 0 AND state < 2";
    enum disposition d;
    struct store_value value[] = {store_int(id), store_int(0), store_int(c->r->at_us),
                                  store_text(text_of(c->actor))};
    int64_t was_open = 0;

    if (!disposition_find(text_at(c, "disposition"), &d))
        return true;
    value[1] = store_int(d);
    if (!store_ask(c->s, open, true, value, 1, &(struct store_visitor){take_count, &was_open},
                   c->e))
        return false;
    c->w->open -= (uint64_t)was_open;
    return run(c, "UPDATE @casefile SET state = 1, disposition = $2, closed_us = $3 WHERE id = $1",
               value, 3) &&
           run(c,
               "UPDATE @alert SET state = 2, disposition = $2, closed_us = $3, closed_by = $4,"
               " snoozed_us = 0, version = version + 1 WHERE case_id = $1 AND case_id > 0",
               value, 4) &&
           ask_labels(c, OF_CASE_ALERTS, id, d) && ask_labels(c, OF_CASE_DECISIONS, id, d);
}

static bool change_case(struct change *c)
{
    int64_t id = number_at(c, "case");
    const struct store_value value[] = {store_int(id), store_int(c->r->at_us)};
    bool ok = true;

    if (text_is(c->what, "opened"))
        return open_case(c);
    if (text_is(c->what, "noted"))
        ok = note_case(c, id);
    else if (text_is(c->what, "assigned"))
        ok = assign_case(c, id);
    else if (text_is(c->what, "added"))
        ok = link_all(c, id, text_at(c, "to"));
    else if (text_is(c->what, "disposed"))
        ok = dispose_case(c, id);
    else if (text_is(c->what, "reopened"))
        ok = run(c, "UPDATE @casefile SET state = 0, disposition = 0, closed_us = 0 WHERE id = $1",
                 value, 1);
    else
        return true;
    return ok &&
           run(c, "UPDATE @casefile SET version = version + 1, changed_us = $2 WHERE id = $1",
               value, 2) &&
           add_entry(c, 0, id);
}

/* ---- views ---- */

static bool change_view(struct change *c)
{
    const struct store_value value[] = {store_text(text_of(c->actor)),
                                        store_text(text_at(c, "name")),
                                        store_text(text_at(c, "query")), store_int(c->r->at_us)};

    if (text_is(c->what, "saved"))
        return run(c,
                   "INSERT INTO @saved_view(owner, name, query, changed_us) VALUES ($1, $2, $3, $4)"
                   " ON CONFLICT(owner, name) DO UPDATE SET query = excluded.query,"
                   " changed_us = excluded.changed_us",
                   value, 4);
    return !text_is(c->what, "removed") ||
           run(c, "DELETE FROM @saved_view WHERE owner = $1 AND name = $2", value, 2);
}

bool change_fold(struct watch *w, struct store *s, const struct control_record *r, struct error *e)
{
    struct text kind = r->change.kind;
    struct change c = {.w = w, .s = s, .r = r, .e = e};
    size_t dot = 0;
    bool ok = true;

    if (r->data == NULL)
        return true;
    while (dot < kind.length && kind.bytes[dot] != '.')
        dot++;
    c.what = (struct text){kind.bytes + dot + 1, kind.length - dot - 1};
    actor_format(&r->change.actor, c.actor);
    buffer_init(&c.data, CONTROL_DATA_MAX);
    json_add_json(&c.data, r->data);
    if (memcmp(kind.bytes, "alert.", dot + 1) == 0)
        ok = change_alerts(&c);
    else if (memcmp(kind.bytes, "case.", dot + 1) == 0)
        ok = change_case(&c);
    else
        ok = change_view(&c);
    buffer_fini(&c.data);
    return ok;
}
