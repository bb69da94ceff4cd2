/* The tables of alerts and cases: what shell/watch makes of the log of decisions and of the control
 * log. Times are microseconds; amounts millionths; states and dispositions as in watch/words.h.
 *
 *   watch           how far the control log is applied
 *   alert           one row each; alert_decision: what joined it
 *   wording         the different words and rules of alerts: few, so a search looks at them first
 *   casefile        one row each; case_decision, case_entity: what was linked by hand
 *   entry           what people did: the timeline of alerts and cases
 *   verdict         labels that dispositions ask for, and what was said of them
 *   saved_view      saved views */
#include "shell/store/rows.h"

const char store_watch_schema[] =
    "CREATE TABLE @watch(log bigint PRIMARY KEY, control_seq bigint NOT NULL);"
    "INSERT INTO @watch(log, control_seq) VALUES (0, 0);"
    "CREATE TABLE @alert("
    " id bigint PRIMARY KEY, name text NOT NULL, queue text NOT NULL, kind text NOT NULL,"
    " entity bigint NOT NULL, within_us bigint NOT NULL, state bigint NOT NULL,"
    " snoozed_us bigint NOT NULL, assignee text NOT NULL, disposition bigint NOT NULL,"
    " case_id bigint NOT NULL, version bigint NOT NULL, decisions bigint NOT NULL,"
    " score bigint NOT NULL, priority bigint NOT NULL, amount bigint,"
    " first_us bigint NOT NULL, last_us bigint NOT NULL, raised_us bigint NOT NULL,"
    " hit_us bigint NOT NULL, first_seq bigint NOT NULL, last_seq bigint NOT NULL,"
    " event_id text NOT NULL, outcome text NOT NULL, rules text NOT NULL, words text NOT NULL,"
    " closed_us bigint NOT NULL, closed_by text NOT NULL);"
    "CREATE INDEX alert_group ON @alert(entity, name, first_us) WHERE state < 2;"
    "CREATE INDEX alert_open_priority ON @alert(priority, id) WHERE state < 2;"
    "CREATE INDEX alert_open_raised ON @alert(raised_us, id) WHERE state < 2;"
    "CREATE INDEX alert_open_amount ON @alert(coalesce(amount, 0), id) WHERE state < 2;"
    "CREATE INDEX alert_queue ON @alert(queue, state, raised_us) WHERE state < 2;"
    "CREATE INDEX alert_assignee ON @alert(assignee, priority, id) WHERE state < 2;"
    "CREATE INDEX alert_closed ON @alert(priority, id, name, disposition) WHERE state = 2;"
    "CREATE INDEX alert_raised ON @alert(raised_us, id);"
    "CREATE INDEX alert_priority ON @alert(priority, id);"
    "CREATE INDEX alert_entity ON @alert(entity, id);"
    "CREATE INDEX alert_case ON @alert(case_id) WHERE case_id > 0;"
    "CREATE INDEX alert_words ON @alert(words);"
    "CREATE TABLE @wording(words text PRIMARY KEY, rules text NOT NULL);"
    "CREATE TABLE @alert_decision("
    " alert bigint NOT NULL, seq bigint NOT NULL, event_id text NOT NULL, time_us bigint NOT NULL,"
    " score bigint NOT NULL, outcome text NOT NULL, amount bigint, PRIMARY KEY (alert, seq));"
    "CREATE INDEX alert_decision_seq ON @alert_decision(seq);"
    "CREATE INDEX alert_decision_event ON @alert_decision(event_id);"
    "CREATE TABLE @casefile("
    " id bigint PRIMARY KEY, title text NOT NULL, state bigint NOT NULL,"
    " disposition bigint NOT NULL, assignee text NOT NULL, version bigint NOT NULL,"
    " opened_us bigint NOT NULL, opened_by text NOT NULL, changed_us bigint NOT NULL,"
    " closed_us bigint NOT NULL, note_bytes bigint NOT NULL, alerts bigint NOT NULL,"
    " decisions bigint NOT NULL, words text NOT NULL);"
    "CREATE INDEX casefile_changed ON @casefile(changed_us, id);"
    "CREATE INDEX casefile_state ON @casefile(state, changed_us, id);"
    "CREATE TABLE @case_decision("
    " case_id bigint NOT NULL, seq bigint NOT NULL, event_id text NOT NULL,"
    " PRIMARY KEY (case_id, seq));"
    "CREATE INDEX case_decision_seq ON @case_decision(seq);"
    "CREATE TABLE @case_entity("
    " case_id bigint NOT NULL, entity bigint NOT NULL, kind text NOT NULL, seq bigint NOT NULL,"
    " PRIMARY KEY (case_id, entity));"
    "CREATE TABLE @entry("
    " seq bigint NOT NULL, alert bigint NOT NULL, case_id bigint NOT NULL, at_us bigint NOT NULL,"
    " actor text NOT NULL, name text NOT NULL, what text NOT NULL, note text NOT NULL,"
    " data text NOT NULL, PRIMARY KEY (seq, alert, case_id));"
    "CREATE INDEX entry_alert ON @entry(alert, seq) WHERE alert > 0;"
    "CREATE INDEX entry_case ON @entry(case_id, seq) WHERE case_id > 0;"
    "CREATE TABLE @verdict("
    " seq bigint PRIMARY KEY, event_id text NOT NULL, source text NOT NULL,"
    " actor text NOT NULL, wanted bigint NOT NULL, said bigint NOT NULL);"
    "CREATE INDEX verdict_open ON @verdict(seq) WHERE wanted <> said;"
    "CREATE TABLE @saved_view("
    " owner text NOT NULL, name text NOT NULL, query text NOT NULL, changed_us bigint NOT NULL,"
    " PRIMARY KEY (owner, name));";

const char store_watch_empty[] =
    "DELETE FROM @alert; DELETE FROM @alert_decision; DELETE FROM @casefile;"
    "DELETE FROM @case_decision; DELETE FROM @case_entity; DELETE FROM @entry;"
    "DELETE FROM @wording; DELETE FROM @verdict; DELETE FROM @saved_view;"
    "UPDATE @watch SET control_seq = 0;";
