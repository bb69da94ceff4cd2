/* Made by `npm run schema` from `assay openapi`. */

export interface paths {
    "/v1/decisions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Decisions by time or score, page by page. */
        get: operations["get_v1_decisions"];
        put?: never;
        /** Decide one event and record the decision. The same event again gets the first answer; another event with its id is refused (409). */
        post: operations["post_v1_decisions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/decisions:batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Decide events in the order of their lines; one line of answer each. A bad line gets a problem in its place and the rest goes on. */
        post: operations["post_v1_decisions_batch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/decisions/{id}/explanation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why: all contributions, each value among those of all and of the entity itself, and the rules that fired. */
        get: operations["get_v1_decisions_id_explanation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/decisions/{id}:replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The proof: score, outcome and reasons made again from the feature values that the decision's record keeps, compared to the bit, and where the record stands in the log's chain. Nothing is recorded. */
        post: operations["post_v1_decisions_id_replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/decisions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One decision by its event's id, with inputs, reasons and label. */
        get: operations["get_v1_decisions_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happens now, an event each second (server-sent events): decisions, outcomes, scores, times, the newest decisions. Last-Event-ID goes on behind that one, for up to a minute. */
        get: operations["get_v1_live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/traffic": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many decisions there were, by time of receipt: outcomes, scores, and how long they took, where this run of the server made them. */
        get: operations["get_v1_traffic"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/entities/{kind}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An entity: its features as of the newest event, the lists that it is on, and its decisions, newest first, page by page. */
        get: operations["get_v1_entities_kind_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The riskiest events of the log, those of the history too, as the plan in force decides them with their features as of then. Nothing is recorded. */
        get: operations["get_v1_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}:decide": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** One event of the log, decided by the plan in force with its features as of then: with reasons, features and label. Nothing is recorded. */
        post: operations["post_v1_events_id_decide"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules:backtest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What rules would have done: hits, precision, overlap, cost. A job; its result is in the answer where it takes no longer than some seconds. */
        post: operations["post_v1_rules_backtest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts of the queues, page by page, and what waits in each queue. */
        get: operations["get_v1_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One alert with its decisions and what people did. Its ETag is its version, for If-Match of a change. */
        get: operations["get_v1_alerts_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}:claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take an alert. 409 says who has it. */
        post: operations["post_v1_alerts_id_claim"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}:release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give it back to the queue. */
        post: operations["post_v1_alerts_id_release"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}:snooze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Leave it alone until a time. */
        post: operations["post_v1_alerts_id_snooze"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}:assign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give it to a person, also where another has it. */
        post: operations["post_v1_alerts_id_assign"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts/{id}:close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close it with what it was; that becomes the label of its decisions. Again with another disposition: the labels follow. */
        post: operations["post_v1_alerts_id_close"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/alerts:bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Claim, release, snooze, assign or close up to 500 alerts at once; each has its status in the answer. */
        post: operations["post_v1_alerts_bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Cases, the last changed first, page by page. */
        get: operations["get_v1_cases"];
        put?: never;
        /** Open a case, from alerts or by hand. Who opens it has it, and its open alerts. */
        post: operations["post_v1_cases"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}/evidence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The evidence pack: the case with each decision in full, its exact inputs and reasons, its place in the log and the chain value there. */
        get: operations["get_v1_cases_id_evidence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One case with its alerts, decisions, entities and timeline. Its ETag is its version, for If-Match of a change. */
        get: operations["get_v1_cases_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}/notes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add a note. */
        post: operations["post_v1_cases_id_notes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}:assign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give it and its open alerts to a person. */
        post: operations["post_v1_cases_id_assign"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}:add": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Link alerts, decisions and entities. */
        post: operations["post_v1_cases_id_add"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}:dispose": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Close it and its alerts with what it was; that becomes the label of all its decisions. */
        post: operations["post_v1_cases_id_dispose"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cases/{id}:reopen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go on with a closed case. Its labels stay until it is disposed of again. */
        post: operations["post_v1_cases_id_reopen"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/views": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The saved views of who asks. */
        get: operations["get_v1_views"];
        put?: never;
        /** Save a view, or another query under its name. */
        post: operations["post_v1_views"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/views/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a saved view. */
        delete: operations["delete_v1_views_name_"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All rules, those of the settings first: state, text, who wrote and who approved each, and how often it fired since the start. */
        get: operations["get_v1_rules"];
        put?: never;
        /** Write a rule, or a new version of one: a draft, which decides nothing. It must compile. */
        post: operations["post_v1_rules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One rule with its versions. Its ETag is what If-Match of a change takes. */
        get: operations["get_v1_rules_name_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Approve a draft, by another person than its author; `version` says what was read. */
        post: operations["post_v1_rules_name_approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring an approved version into force. Where it needs a new window a job builds its state from the log first. */
        post: operations["post_v1_rules_name_live"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:shadow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let an approved version fire, be recorded and counted without changing an outcome. */
        post: operations["post_v1_rules_name_shadow"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take a rule out of force, or give up a draft. */
        post: operations["post_v1_rules_name_retire"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a version on events that are given, each on a state of its own. */
        post: operations["post_v1_rules_name_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rules/{name}:backtest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a stored version would have done in the log: POST /v1/rules:backtest for it. */
        post: operations["post_v1_rules_name_backtest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/labels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Say what events turned out to be: one object or an array of them; each gets its status. */
        post: operations["post_v1_labels"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lists": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The lists of the settings, and how many entries each has. */
        get: operations["get_v1_lists"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lists/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A list's entries in the order in which they were added, page by page. */
        get: operations["get_v1_lists_name_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lists/{name}/entries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Add values to a list, or remove them: one object or an array of up to 1000, all or none. The same again changes nothing. */
        post: operations["post_v1_lists_name_entries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lists/{name}/entries/{value}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove one value from a list. */
        delete: operations["delete_v1_lists_name_entries_value_"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rollups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tables by hour, day or month that the settings' rollups have written. */
        get: operations["get_v1_rollups"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/rollups/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rows of one of these tables in the order of their periods, page by page. */
        get: operations["get_v1_rollups_name_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subjects/{kind}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Erase the personal fields of a person: their key is destroyed, for good. */
        delete: operations["delete_v1_subjects_kind_id_"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models:train": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start a training job; one at a time. */
        post: operations["post_v1_models_train"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All versions of all models, and which is champion, challenger, shadow. */
        get: operations["get_v1_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One model by NAME, NAME@VERSION or alias: lineage, metrics, history. */
        get: operations["get_v1_models_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{id}:promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a model champion, which is in force from the next reload or start on, or what `as` says. */
        post: operations["post_v1_models_id_promote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settings:reload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring the settings file, the model and the tables as they are now into force. Where features changed, a job builds their state from the log first; decisions go on by the old plan until then. */
        post: operations["post_v1_settings_reload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** State, progress and result of a job. */
        get: operations["get_v1_jobs_id_"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/features": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The features of the plan in force: what each is, of what, over which windows, and from when on it is whole. */
        get: operations["get_v1_features"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/drift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Each feature and the score of the newest decisions beside what the model learned from: how they are distributed, and how far they have moved. */
        get: operations["get_v1_drift"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The settings in force, where each came from, and the plan they made; no secrets. */
        get: operations["get_v1_settings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description, by OpenAPI 3.1, with the fields and outcomes of the settings. */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The same as a page to read. */
        get: operations["get_docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/style.css": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How the page looks. */
        get: operations["get_docs_style_css"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All API keys, revoked ones too, without their secrets. */
        get: operations["get_v1_keys"];
        put?: never;
        /** Make an API key: {"name", "roles", "expires"}. The answer has its secret, which is shown this once. */
        post: operations["post_v1_keys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{id}:rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give a key a new secret; the old one goes on for `grace` (default 1d). */
        post: operations["post_v1_keys_id_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a key, at once and for ever. */
        delete: operations["delete_v1_keys_id_"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All users and their roles. */
        get: operations["get_v1_users"];
        put?: never;
        /** Make a user: {"name", "password", "roles"}. */
        post: operations["post_v1_users"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change one thing of a user: {"password"}, {"roles"} or {"disabled"}. A new password and disabling end the user's sessions. */
        post: operations["post_v1_users_name_"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who did what, over both logs: decisions, labels, changes and refusals by time, page by page. A page may have fewer entries than `limit`, even none, and a `next` all the same: so many records were looked at. */
        get: operations["get_v1_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit:checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign a checkpoint of both logs as they are now. Kept elsewhere, it proves later that nothing up to it was changed or cut off. */
        post: operations["post_v1_audit_checkpoint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit:verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Read both logs again up to now and hold every length, checksum and chain value, and the signed checkpoints. A job; its result is in the answer where it takes no longer than some seconds. */
        post: operations["post_v1_audit_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who asks: kind, id, name, roles; and a session's CSRF text. */
        get: operations["get_v1_session"];
        put?: never;
        post?: never;
        /** Sign out: the session ends and the cookie is taken away. */
        delete: operations["delete_v1_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in with {"name", "password"}, {"key"} or {"token"}: a cookie, and the CSRF text that changes have to send in X-CSRF-Token. */
        post: operations["post_v1_sessions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session:link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A one-time token with which a browser signs in as whoever asks, within 10 minutes: http://HOST/#token=TOKEN. */
        post: operations["post_v1_session_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-in": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sign in at the OpenID Connect provider of access.sign_in: leads there. */
        get: operations["get_v1_sign_in"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sign-in/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the provider leads back to: gives the session's cookie and leads to /. */
        get: operations["get_v1_sign_in_callback"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process lives. */
        get: operations["get_healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The shard takes requests; until which event time its state is filled. */
        get: operations["get_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the service does now: rates, times, queue, lag, memory, what has failed. */
        get: operations["get_v1_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counters and gauges in Prometheus' text format. */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Event: {
            event_id?: string | number | Record<string, never> | unknown[] | null;
            /** Format: date-time */
            at: string | null;
            customer?: string | number | Record<string, never> | unknown[] | null;
            amount?: number | string | null;
            fraud?: number | string | null;
        };
        /** @description What was decided about an event. */
        Decision: {
            /** @description of the event */
            id: string;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description the settings' name for the range of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description what was special about the event */
            flags: ("late" | "too_late" | "ahead" | "no_model" | "forgotten" | "fallback" | "deferred" | "shared_away" | "shared_late" | "shared_part")[];
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description that fired */
            rules: string[];
            /** @description features that raised the score most, largest first; where the outcome is not the mildest */
            reasons: components["schemas"]["Reason"][];
            /** @description why the outcome is the fallback of a decision past its deadline */
            fallback?: string;
            /** @description of the probability, low and high; where the model has a conformal part */
            interval?: number[];
            /** @description the classes that cannot be excluded at the model's level */
            conformal?: ("legit" | "fraud")[];
            /** @description of each class */
            p_values?: Record<string, never>;
            /**
             * @description where several models were scored
             * @enum {unknown}
             */
            decided_by?: "champion" | "challenger";
            /** @description what the other models said */
            others?: Record<string, never>;
            /** @description kinds of entity whose features may lack events */
            forgotten?: string[];
            /** @description position of the record in the log; not there in a dry run */
            seq?: number;
            /** @description true where this event was decided before */
            repeated?: boolean;
            /** @description microseconds of each stage, where `stages` asked for them */
            stages_us?: components["schemas"]["Stages"];
        };
        /** @description Microseconds from the request's head to its answer, by stage; those of the engine are those of the requests that were decided together. 0: not gone through. */
        Stages: {
            /** @description of the body */
            read: number;
            /** @description JSON, look-ups, checks */
            decode: number;
            /** @description until the engine took it */
            queue: number;
            /** @description and the state's change */
            features: number;
            /** @description the model */
            score: number;
            /** @description thresholds and rules */
            rules: number;
            /** @description reasons */
            explain: number;
            /** @description until the record was on the disk */
            commit: number;
            /** @description back to the connection, and as JSON */
            answer: number;
        };
        /** @description An event of a kind that is only observed: recorded, nothing decided. */
        Observed: {
            /** @description of the event */
            id: string;
            /** @description position of the record in the log */
            seq?: number;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description true */
            observed: boolean;
            /** @description of the plan in force */
            plan: string;
            /** @description true where it came before */
            repeated?: boolean;
        };
        /** @description What one feature did to the score. */
        Reason: {
            /** @description its name */
            feature: "amount" | string;
            /** @description in log-odds */
            contribution: number;
            /** @description of the reason */
            code?: string;
            /** @description of the feature */
            value?: unknown;
            /** @description of a number: share of the rows learned from that have less */
            rank?: number;
            /** @description of a category: share that has the same */
            share?: number;
            /** @description a sentence; where one decision is shown */
            text?: string;
        };
        /** @description What one feature did, and how usual its value is. */
        ExplainedFeature: {
            /** @description its name */
            feature: "amount" | string;
            /** @description in log-odds; null: the model does not read it */
            contribution: null | number;
            /** @description of the reason */
            code?: string;
            /** @description of the feature */
            value?: unknown;
            /** @description of a number: share of the rows learned from that have less */
            rank?: number;
            /** @description of a category: share that has the same */
            share?: number;
            /** @description the entity's own past: entity, n, median, least, most, below; of a category usual, usual_n, same_n */
            own?: Record<string, never>;
            /** @description a sentence */
            text: string;
        };
        /** @description A rule that fired. */
        ExplainedRule: {
            /** @description its name */
            rule: string;
            /** @description its condition */
            when: string;
            /** @description what follows */
            then: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description what it means */
            text: null | string;
        };
        /** @description Why a decision is as it is. */
        Explanation: {
            /** @description of the event */
            id: string;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description the settings' name for the range of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description what was special about the event */
            flags: ("late" | "too_late" | "ahead" | "no_model" | "forgotten" | "fallback" | "deferred" | "shared_away" | "shared_late" | "shared_part")[];
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description position of the record in the log */
            seq: number;
            /**
             * Format: date-time
             * @description when the event came
             */
            received: string;
            /** @description that fired */
            rules: components["schemas"]["ExplainedRule"][];
            /** @description that decided: kind, file, base and margin; base and contributions add up to it */
            model: null | Record<string, never>;
            /** @description all of the plan's */
            features: components["schemas"]["ExplainedFeature"][];
            /** @description whether the log kept the values */
            complete: boolean;
        };
        /** @description The answer to one line. */
        BatchLine: components["schemas"]["Decision"] | components["schemas"]["Observed"] | components["schemas"]["Problem"];
        /** @description A decision in a list. */
        DecisionRow: {
            /** @description of the event */
            id: string;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description the settings' name for the range of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description what was special about the event */
            flags: ("late" | "too_late" | "ahead" | "no_model" | "forgotten" | "fallback" | "deferred" | "shared_away" | "shared_late" | "shared_part")[];
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description that fired */
            rules: string[];
            /** @description position of the record in the log */
            seq: number;
            /**
             * Format: date-time
             * @description when the event came
             */
            received: string;
            /** @description true: fraud; null: not known */
            label: null | boolean;
        };
        /** @description Decisions, page by page. */
        DecisionPage: {
            /** @description in the order of `sort` */
            decisions: components["schemas"]["DecisionRow"][];
            /** @description `cursor` of the next page; null: the last one */
            next: null | string;
            /** @description records of the log that the list does not have yet */
            store_lag: number;
        };
        /** @description What was decided, as it is compared. */
        ReplayedDecision: {
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description of the model */
            margin: number;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description that fired, as recorded */
            rules: string[];
            /** @description largest first */
            reasons: ("amount" | string)[];
        };
        /** @description A decision made again from its record. */
        Replayed: {
            /** @description of the event */
            id: string;
            /** @description position of the record in the log */
            seq: number;
            /** @description of the log behind this record, as `log verify` has it */
            chain: string;
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description first bytes of its file's SHA-256 */
            model: null | string;
            /** @description equal to the bit; null where the record keeps no values */
            replayed: null | boolean;
            /** @description from what it was made again */
            by: string;
            /** @description in the log */
            recorded: components["schemas"]["ReplayedDecision"];
            /** @description just now */
            again?: components["schemas"]["ReplayedDecision"];
            /** @description what is not equal */
            differences?: string[];
        };
        /** @description Share of the rows in one bin of a number. */
        DriftBin: {
            /** @description the bin's end; null: the rest */
            up_to: null | number;
            /** @description of the training rows */
            training: null | number;
            /** @description of the newest decisions */
            recent: number;
        };
        /** @description Share of the rows with one word of a category. */
        DriftWord: {
            /** @description the category */
            word: string;
            /** @description of the training rows */
            training: null | number;
            /** @description of the newest decisions */
            recent: number;
        };
        /** @description Share of the rows in one band of scores. */
        DriftBand: {
            /** @description lowest score */
            from: number;
            /** @description highest score */
            to: number;
            /** @description of the rows that the model was tested on */
            training: null | number;
            /** @description of the newest decisions */
            recent: number;
        };
        /** @description Share of the rows without a value. */
        DriftNulls: {
            /** @description of the training rows */
            training: null | number;
            /** @description of the newest decisions */
            recent: number;
        };
        /** @description How scores are distributed, now and in the model's test. */
        DriftScore: {
            /** @description the lowest first */
            bands: components["schemas"]["DriftBand"][];
            /** @description population stability index */
            psi: null | number;
            /** @description Kolmogorov-Smirnov distance */
            ks: null | number;
            /** @description moving from a psi of 0.1 on, moved from 0.25 on; too_few to tell from chance */
            verdict: null | ("stable" | "moving" | "moved" | "too_few");
            /** @description so many decisions for a verdict; null: there were too few rows to learn from */
            needed: null | number;
        };
        /** @description How a feature is distributed, now and in what the model learned from. */
        DriftFeature: {
            /** @description of the feature */
            name: "amount" | string;
            /** @description of its values */
            type: string;
            /** @description rows without a value */
            nulls: components["schemas"]["DriftNulls"];
            /** @description of a number: p5, p25, p50, p75, p95 of the newest decisions */
            quantiles?: null | Record<string, never>;
            /** @description of a number: between the deciles of training */
            bins?: components["schemas"]["DriftBin"][];
            /** @description of a category: the 20 most frequent now */
            words?: components["schemas"]["DriftWord"][];
            /** @description population stability index; null: the model does not know the feature */
            psi: null | number;
            /** @description of a number: Kolmogorov-Smirnov distance */
            ks: null | number;
            /** @description moving from a psi of 0.1 on, moved from 0.25 on; too_few to tell from chance */
            verdict: null | ("stable" | "moving" | "moved" | "too_few");
            /** @description so many decisions for a verdict; null: there were too few rows to learn from */
            needed: null | number;
        };
        /** @description The newest decisions beside what the model learned from. */
        Drift: {
            /** @description that were looked at */
            decisions: number;
            /** @description first bytes of the id of the plan in force */
            plan: string;
            /** @description receipt of the oldest of them */
            from: null | string;
            /** @description receipt of the newest */
            to: null | string;
            /** @description null without decisions */
            score: null | components["schemas"]["DriftScore"];
            /** @description in the plan's order */
            features: components["schemas"]["DriftFeature"][];
        };
        /** @description How long decisions over HTTP took, from the request's head to the answer. */
        Latency: {
            /** @description decisions */
            count: number;
            /** @description median */
            p50_us: number;
            /** @description of 100, 99 took no longer */
            p99_us: number;
        };
        /** @description The data of an event of /v1/live: one second of the service. */
        LiveSecond: {
            /**
             * Format: date-time
             * @description of its end
             */
            time: string;
            /** @description of the server */
            uptime_s: number;
            /** @description whether it takes requests */
            ready: boolean;
            /** @description since the start */
            decisions: number;
            /** @description decisions of this second */
            per_second: number;
            /** @description the same by outcome */
            by_outcome: Record<string, never>;
            /** @description decisions that came into the store, in 20 bands of 50 points */
            scores: number[];
            /** @description of this second */
            latency: null | components["schemas"]["Latency"];
            /** @description requests that wait for the engine */
            queue: number;
            /** @description records that the store does not have yet */
            store_lag: number;
            /** @description that nobody has claimed, as of at most 5 s ago; null where none are kept */
            alerts_open: null | number;
            /** @description at most 20 that came into the store, the newest first */
            newest: components["schemas"]["DecisionRow"][];
        };
        /** @description The decisions of one step of time. */
        TrafficStep: {
            /**
             * Format: date-time
             * @description its beginning
             */
            time: string;
            /** @description received in it */
            decisions: number;
            /** @description the same by outcome */
            by_outcome: Record<string, never>;
            /** @description in 20 bands of 50 points */
            scores: number[];
            /** @description of this run of the server */
            latency: null | components["schemas"]["Latency"];
        };
        /** @description Decisions over time. */
        Traffic: {
            /**
             * @description as asked for
             * @enum {unknown}
             */
            window: "1h" | "2d" | "8d";
            /** @description seconds of a step */
            step_s: number;
            /**
             * Format: date-time
             * @description the first step's beginning
             */
            from: string;
            /**
             * Format: date-time
             * @description the last step's end
             */
            to: string;
            /** @description all steps, the oldest first */
            buckets: components["schemas"]["TrafficStep"][];
            /** @description records of the log that are not counted yet */
            store_lag: number;
        };
        /** @description A decision with the event's fields. */
        DecisionWhole: {
            /** @description of the event */
            id: string;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description the settings' name for the range of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description what was special about the event */
            flags: ("late" | "too_late" | "ahead" | "no_model" | "forgotten" | "fallback" | "deferred" | "shared_away" | "shared_late" | "shared_part")[];
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description that fired */
            rules: string[];
            /** @description features that raised the score most, largest first; where the outcome is not the mildest */
            reasons: components["schemas"]["Reason"][];
            /** @description why the outcome is the fallback of a decision past its deadline */
            fallback?: string;
            /** @description of the probability, low and high; where the model has a conformal part */
            interval?: number[];
            /** @description the classes that cannot be excluded at the model's level */
            conformal?: ("legit" | "fraud")[];
            /** @description of each class */
            p_values?: Record<string, never>;
            /**
             * @description where several models were scored
             * @enum {unknown}
             */
            decided_by?: "champion" | "challenger";
            /** @description what the other models said */
            others?: Record<string, never>;
            /** @description kinds of entity whose features may lack events */
            forgotten?: string[];
            /** @description position of the record in the log */
            seq: number;
            /**
             * Format: date-time
             * @description when the event came
             */
            received: string;
            /** @description that fired and changed nothing; where there are such */
            shadow_rules?: string[];
            /** @description the event's fields */
            inputs: Record<string, never>;
            /** @description true: the personal fields were erased, and are null */
            erased?: boolean;
            /** @description true: fraud; null: not known */
            label: null | boolean;
        };
        /** @description An event that was observed, with its fields. */
        ObservedWhole: {
            /** @description of the event */
            id: string;
            /** @description position of the record in the log */
            seq: number;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description true */
            observed: boolean;
            /** @description the event's fields */
            inputs: Record<string, never>;
            /** @description true: the personal fields were erased, and are null */
            erased?: boolean;
            /** @description true: fraud; null: not known */
            label: null | boolean;
        };
        /** @description A decision, or an event that was only observed. */
        DecisionShown: components["schemas"]["DecisionWhole"] | components["schemas"]["ObservedWhole"];
        /** @description An event of the log, decided again by the plan in force. */
        EventAgain: {
            /** @description of the event */
            id: string;
            /**
             * Format: date-time
             * @description of the event
             */
            time: string;
            /** @description what to do */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description 0 to 1000 */
            score: number;
            /** @description calibrated, 0 to 1 */
            probability: number;
            /** @description the settings' name for the range of the score */
            level: ("LOW" | "MEDIUM" | "HIGH") | string;
            /** @description what was special about the event */
            flags: ("late" | "too_late" | "ahead" | "no_model" | "forgotten" | "fallback" | "deferred" | "shared_away" | "shared_late" | "shared_part")[];
            /** @description first bytes of the id of the plan that decided */
            plan: string;
            /** @description that fired */
            rules: string[];
            /** @description features that raised the score most, largest first; where the outcome is not the mildest */
            reasons: components["schemas"]["Reason"][];
            /** @description why the outcome is the fallback of a decision past its deadline */
            fallback?: string;
            /** @description of the probability, low and high; where the model has a conformal part */
            interval?: number[];
            /** @description the classes that cannot be excluded at the model's level */
            conformal?: ("legit" | "fraud")[];
            /** @description of each class */
            p_values?: Record<string, never>;
            /**
             * @description where several models were scored
             * @enum {unknown}
             */
            decided_by?: "champion" | "challenger";
            /** @description what the other models said */
            others?: Record<string, never>;
            /** @description kinds of entity whose features may lack events */
            forgotten?: string[];
            /** @description position of the record in the log */
            seq: number;
            /**
             * Format: date-time
             * @description when the event came
             */
            received?: string;
            /** @description as of then */
            features: Record<string, never>;
            /** @description true: fraud; null: not known */
            label: null | boolean;
            /** @description true: nobody decided it then */
            observed: boolean;
        };
        /** @description The riskiest events of the log. */
        EventsAgain: {
            /** @description riskiest first */
            events: components["schemas"]["EventAgain"][];
        };
        /** @description Who did something. */
        Person: {
            /**
             * @description of caller
             * @enum {unknown}
             */
            kind: "nobody" | "local" | "key" | "user" | "token" | "console" | "system";
            /** @description lasting */
            id: null | string;
            /** @description for people */
            name: null | string;
        };
        /** @description A version of a rule. */
        RuleVersion: {
            /** @description null: the settings' */
            version: null | number;
            /**
             * @description of it
             * @enum {unknown}
             */
            state: "draft" | "approved" | "live" | "shadow" | "retired" | "replaced";
            /** @description the condition */
            when: string;
            /** @description the outcome */
            then: string;
            /** @description what it means, for people */
            text: null | string;
            /** @description null: the settings */
            author: null | components["schemas"]["Person"];
            /** @description when */
            written: null | string;
            /** @description null: nobody yet */
            approver: null | components["schemas"]["Person"];
            /** @description when */
            approved: null | string;
            /** @description of the last change */
            changed_by: null | components["schemas"]["Person"];
            /** @description when */
            changed: null | string;
            /** @description why, of the last change */
            note: null | string;
            /** @description null: not yet */
            tested: null | components["schemas"]["RuleTestedBefore"];
        };
        /** @description The version that decides, or is watched. */
        RuleInForce: {
            /** @description null: the settings' */
            version: null | number;
            /**
             * @description how
             * @enum {unknown}
             */
            state: "live" | "shadow";
        };
        /** @description The last test of a version. */
        RuleTestedBefore: {
            /** @description tests */
            run: number;
            /** @description of them */
            failed: number;
            /** @description when */
            at: null | string;
        };
        /** @description A rule with its newest version. */
        Rule: {
            /** @description of the rule */
            name: string;
            /**
             * @description where it is written
             * @enum {unknown}
             */
            origin: "settings" | "api";
            /** @description null: nothing of it is */
            in_force: null | components["schemas"]["RuleInForce"];
            /** @description null: the settings' */
            version: null | number;
            /**
             * @description of it
             * @enum {unknown}
             */
            state: "draft" | "approved" | "live" | "shadow" | "retired" | "replaced";
            /** @description the condition */
            when: string;
            /** @description the outcome */
            then: string;
            /** @description what it means, for people */
            text: null | string;
            /** @description null: the settings */
            author: null | components["schemas"]["Person"];
            /** @description when */
            written: null | string;
            /** @description null: nobody yet */
            approver: null | components["schemas"]["Person"];
            /** @description when */
            approved: null | string;
            /** @description of the last change */
            changed_by: null | components["schemas"]["Person"];
            /** @description when */
            changed: null | string;
            /** @description why, of the last change */
            note: null | string;
            /** @description null: not yet */
            tested: null | components["schemas"]["RuleTestedBefore"];
            /** @description decisions in which it fired since the start; null: not in force */
            hits: null | number;
        };
        /** @description All rules. */
        Rules: {
            /** @description those of the settings first */
            rules: components["schemas"]["Rule"][];
        };
        /** @description A rule with its versions. */
        RuleShown: {
            /** @description of the rule */
            name: string;
            /**
             * @description where it is written
             * @enum {unknown}
             */
            origin: "settings" | "api";
            /** @description null: nothing of it is */
            in_force: null | components["schemas"]["RuleInForce"];
            /** @description null: the settings' */
            version: null | number;
            /**
             * @description of it
             * @enum {unknown}
             */
            state: "draft" | "approved" | "live" | "shadow" | "retired" | "replaced";
            /** @description the condition */
            when: string;
            /** @description the outcome */
            then: string;
            /** @description what it means, for people */
            text: null | string;
            /** @description null: the settings */
            author: null | components["schemas"]["Person"];
            /** @description when */
            written: null | string;
            /** @description null: nobody yet */
            approver: null | components["schemas"]["Person"];
            /** @description when */
            approved: null | string;
            /** @description of the last change */
            changed_by: null | components["schemas"]["Person"];
            /** @description when */
            changed: null | string;
            /** @description why, of the last change */
            note: null | string;
            /** @description null: not yet */
            tested: null | components["schemas"]["RuleTestedBefore"];
            /** @description newest first */
            versions: components["schemas"]["RuleVersion"][];
        };
        /** @description A rule to write. */
        RuleDraft: {
            /** @description letters, digits, _, - and . */
            name: string;
            /** @description the condition */
            when: string;
            /** @description an outcome */
            then: string;
            /** @description what it means, for people */
            text?: null | string;
            /** @description why */
            note?: null | string;
        };
        /** @description What a change is about. */
        RuleStep: {
            /** @description to approve: needed; else the newest one, to retire: the one in force */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description Events to try a rule on. */
        RuleTestRequest: {
            /** @description default: the newest */
            version?: number;
            /** @description up to 64 */
            tests: components["schemas"]["RuleTest"][];
        };
        /** @description One test. */
        RuleTest: {
            /** @description for people */
            name?: string;
            /** @description events before it */
            history?: Record<string, never>[];
            /** @description to decide */
            event: Record<string, never>;
            /** @description fires: true or false, rules: those that fire, outcome */
            expect?: Record<string, never>;
        };
        /** @description What the tests of a rule came to. */
        RuleTested: {
            /** @description of the rule */
            name: string;
            /** @description of it */
            version: number;
            /** @description tests */
            run: number;
            /** @description of them */
            failed: number;
            /** @description in their order */
            tests: components["schemas"]["RuleTestResult"][];
        };
        /** @description What one test came to. */
        RuleTestResult: {
            /** @description for people */
            name: string;
            /** @description as expected */
            ok: boolean;
            /** @description the rule */
            fires: boolean;
            /** @description of the event */
            outcome: ("approve" | "challenge" | "review" | "decline") | string;
            /** @description that fired */
            rules: string[];
            /** @description {item, expected, found} */
            differences: Record<string, never>[];
        };
        /** @description Over which events. */
        RuleBacktestRequest: {
            /** @description default: the newest */
            version?: number;
            /**
             * Format: date-time
             * @description event time at or after this
             */
            from?: string;
            /**
             * Format: date-time
             * @description event time before this
             */
            to?: string;
        };
        /** @description Rules to try. */
        BacktestRequest: {
            /** @description name: {when, then}, as in the settings */
            rules: Record<string, never>;
            /**
             * Format: date-time
             * @description event time at or after this
             */
            from?: string;
            /**
             * Format: date-time
             * @description event time before this
             */
            to?: string;
        };
        /** @description An entity. */
        EntityRef: {
            /** @description of the settings */
            kind: string;
            /** @description its key; null where it was erased or is computed */
            id: null | string;
        };
        /** @description An item of a queue. */
        Alert: {
            /** @description of the alert */
            id: string;
            /** @description of the settings */
            name: string;
            /** @description where it waits */
            queue: null | string;
            /** @description whose decisions it has */
            entity: null | components["schemas"]["EntityRef"];
            /**
             * @description now
             * @enum {unknown}
             */
            state: "open" | "claimed" | "closed" | "snoozed";
            /** @description while it is snoozed */
            snoozed_until: null | string;
            /** @description who has it, like user:ann */
            assignee: null | string;
            /** @description what it was */
            disposition: null | ("confirmed_fraud" | "false_positive" | "inconclusive");
            /** @description that it belongs to */
            case: null | string;
            /** @description goes up with each change by people */
            version: number;
            /** @description decisions that joined it */
            hits: number;
            /** @description the highest */
            score: number;
            /** @description the highest */
            priority: number;
            /** @description of all decisions together */
            amount: null | number;
            /**
             * Format: date-time
             * @description of its first event
             */
            first: string;
            /**
             * Format: date-time
             * @description of its last event
             */
            last: string;
            /**
             * Format: date-time
             * @description when its first decision came
             */
            raised: string;
            /**
             * Format: date-time
             * @description when its newest decision came
             */
            hit: string;
            /** @description id of the newest */
            event: null | string;
            /** @description of the newest */
            outcome: null | (("approve" | "challenge" | "review" | "decline") | string);
            /** @description that fired in any of them */
            rules: string[];
            /** @description when */
            closed: null | string;
            /** @description who */
            closed_by: null | string;
        };
        /** @description What waits in a queue. */
        Queue: {
            /** @description its name */
            queue: string;
            /** @description that nobody has */
            open: number;
            /** @description that somebody has */
            claimed: number;
            /** @description when the oldest was raised */
            oldest: null | string;
        };
        /** @description A page of alerts. */
        Alerts: {
            /** @description in the order asked for */
            alerts: components["schemas"]["Alert"][];
            /** @description all queues, whatever was asked for */
            queues: components["schemas"]["Queue"][];
            /** @description cursor of the next page */
            next: null | string;
            /** @description records that the store is behind the log */
            store_lag: number;
        };
        /** @description A decision of an alert or case. */
        WatchedDecision: {
            /** @description of the event */
            id: string;
            /** @description in the log */
            seq: number;
            /** @description of the event; null: linked by hand */
            time: null | string;
            /** @description of the decision */
            score: number;
            /** @description of it */
            outcome: null | (("approve" | "challenge" | "review" | "decline") | string);
            /** @description of the event */
            amount: null | number;
            /** @description what it turned out to be */
            label: null | boolean;
        };
        /** @description What somebody did. */
        WatchEntry: {
            /** @description in the control log */
            seq: number;
            /**
             * Format: date-time
             * @description when
             */
            at: string;
            /** @description who, like user:ann */
            by: null | string;
            /** @description their name */
            by_name: null | string;
            /** @description claimed, closed, opened, noted ... */
            change: null | string;
            /** @description in their words */
            note: null | string;
            /** @description the change as it is recorded */
            data: Record<string, never>;
        };
        /** @description An alert with its decisions and timeline. */
        AlertShown: {
            /** @description of the alert */
            id: string;
            /** @description of the settings */
            name: string;
            /** @description where it waits */
            queue: null | string;
            /** @description whose decisions it has */
            entity: null | components["schemas"]["EntityRef"];
            /**
             * @description now
             * @enum {unknown}
             */
            state: "open" | "claimed" | "closed" | "snoozed";
            /** @description while it is snoozed */
            snoozed_until: null | string;
            /** @description who has it, like user:ann */
            assignee: null | string;
            /** @description what it was */
            disposition: null | ("confirmed_fraud" | "false_positive" | "inconclusive");
            /** @description that it belongs to */
            case: null | string;
            /** @description goes up with each change by people */
            version: number;
            /** @description decisions that joined it */
            hits: number;
            /** @description the highest */
            score: number;
            /** @description the highest */
            priority: number;
            /** @description of all decisions together */
            amount: null | number;
            /**
             * Format: date-time
             * @description of its first event
             */
            first: string;
            /**
             * Format: date-time
             * @description of its last event
             */
            last: string;
            /**
             * Format: date-time
             * @description when its first decision came
             */
            raised: string;
            /**
             * Format: date-time
             * @description when its newest decision came
             */
            hit: string;
            /** @description id of the newest */
            event: null | string;
            /** @description of the newest */
            outcome: null | (("approve" | "challenge" | "review" | "decline") | string);
            /** @description that fired in any of them */
            rules: string[];
            /** @description when */
            closed: null | string;
            /** @description who */
            closed_by: null | string;
            /** @description the newest 200, newest first */
            decisions: components["schemas"]["WatchedDecision"][];
            /** @description oldest first */
            timeline: components["schemas"]["WatchEntry"][];
        };
        /** @description A change. */
        AlertStep: {
            /** @description that was read; another one now: 409 */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description Until when. */
        AlertSnooze: {
            /**
             * Format: date-time
             * @description within a year
             */
            until: string;
            /** @description that was read; another one now: 409 */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description To whom. */
        AlertAssign: {
            /** @description a person like user:ann, or me; null: to nobody */
            to?: null | string;
            /** @description that was read; another one now: 409 */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description What it was. */
        AlertClose: {
            /**
             * @description inconclusive: no label
             * @enum {unknown}
             */
            disposition: "confirmed_fraud" | "false_positive" | "inconclusive";
            /** @description that was read; another one now: 409 */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description A change of many alerts. */
        AlertBulk: {
            /** @description up to 500 ids */
            alerts: string[];
            /**
             * @description what to do
             * @enum {unknown}
             */
            action: "claim" | "release" | "snooze" | "assign" | "close";
            /** @description to snooze */
            until?: null | string;
            /** @description to assign */
            to?: null | string;
            /**
             * @description to close
             * @enum {unknown}
             */
            disposition?: "confirmed_fraud" | "false_positive" | "inconclusive";
            /** @description why */
            note?: null | string;
        };
        /** @description What became of one. */
        AlertChanged: {
            /** @description of the alert */
            id: string;
            /** @description 200, 404 or 409 */
            status: number;
            /** @description why not */
            detail: null | string;
        };
        /** @description What became of each. */
        AlertsChanged: {
            /** @description in their order */
            results: components["schemas"]["AlertChanged"][];
            /** @description those that are not as they were */
            changed: number;
        };
        /** @description What belongs together. */
        Case: {
            /** @description of the case */
            id: string;
            /** @description of it */
            title: string;
            /**
             * @description now
             * @enum {unknown}
             */
            state: "open" | "closed";
            /** @description what it was */
            disposition: null | ("confirmed_fraud" | "false_positive" | "inconclusive");
            /** @description who has it */
            assignee: null | string;
            /** @description goes up with each change */
            version: number;
            /**
             * Format: date-time
             * @description when
             */
            opened: string;
            /** @description who */
            opened_by: null | string;
            /**
             * Format: date-time
             * @description when last
             */
            changed: string;
            /** @description when */
            closed: null | string;
            /** @description alerts that belong to it */
            alert_count: number;
        };
        /** @description A page of cases. */
        Cases: {
            /** @description the last changed first */
            cases: components["schemas"]["Case"][];
            /** @description cursor of the next page */
            next: null | string;
            /** @description records that the store is behind the log */
            store_lag: number;
        };
        /** @description A case with what belongs to it. */
        CaseShown: {
            /** @description of the case */
            id: string;
            /** @description of it */
            title: string;
            /**
             * @description now
             * @enum {unknown}
             */
            state: "open" | "closed";
            /** @description what it was */
            disposition: null | ("confirmed_fraud" | "false_positive" | "inconclusive");
            /** @description who has it */
            assignee: null | string;
            /** @description goes up with each change */
            version: number;
            /**
             * Format: date-time
             * @description when
             */
            opened: string;
            /** @description who */
            opened_by: null | string;
            /**
             * Format: date-time
             * @description when last
             */
            changed: string;
            /** @description when */
            closed: null | string;
            /** @description alerts that belong to it */
            alert_count: number;
            /** @description that belong to it */
            alerts: components["schemas"]["Alert"][];
            /** @description of its alerts and linked by hand, up to 200 */
            decisions: components["schemas"]["WatchedDecision"][];
            /** @description of its alerts and linked by hand */
            entities: components["schemas"]["EntityRef"][];
            /** @description oldest first */
            timeline: components["schemas"]["WatchEntry"][];
        };
        /** @description A case to open. */
        CaseDraft: {
            /** @description 1 to 200 bytes */
            title: string;
            /** @description ids of alerts */
            alerts?: string[];
            /** @description ids of events */
            decisions?: string[];
            /** @description kind and id */
            entities?: components["schemas"]["EntityRef"][];
            /** @description why */
            note?: null | string;
        };
        /** @description What else belongs to it. */
        CaseAddition: {
            /** @description ids of alerts */
            alerts?: string[];
            /** @description ids of events */
            decisions?: string[];
            /** @description kind and id */
            entities?: components["schemas"]["EntityRef"][];
            /** @description that was read; another one now: 409 */
            version?: number;
            /** @description why */
            note?: null | string;
        };
        /** @description A note. */
        CaseNote: {
            /** @description 1 to 4096 bytes */
            note: string;
        };
        /** @description A place in a log. */
        ChainPlace: {
            /**
             * @description which log
             * @enum {unknown}
             */
            name: "decisions" | "control";
            /** @description of the record */
            seq: number;
            /** @description the chain value behind it, hex */
            chain: string;
        };
        /** @description All that a case stands on. */
        Evidence: {
            /** @description as it is */
            case: components["schemas"]["CaseShown"];
            /** @description who asked */
            made_by: null | string;
            /**
             * Format: date-time
             * @description when
             */
            made: string;
            /** @description as GET /v1/decisions/{id} shows them, each with its place in the log */
            decisions: Record<string, never>[];
            /** @description the ends of both logs then */
            logs: components["schemas"]["ChainPlace"][];
        };
        /** @description Filters under a name. */
        View: {
            /** @description 1 to 64 bytes */
            name: string;
            /** @description as the console or a client keeps it */
            query: string;
            /**
             * Format: date-time
             * @description when
             */
            changed: string;
        };
        /** @description The caller's views. */
        Views: {
            /** @description by name */
            views: components["schemas"]["View"][];
        };
        /** @description A view to save. */
        ViewDraft: {
            /** @description 1 to 64 bytes */
            name: string;
            /** @description up to 2048 bytes */
            query?: null | string;
        };
        /** @description What an event turned out to be. */
        Label: {
            /** @description of the event */
            id: string;
            /** @description true, false, 1, 0, "fraud" or "legit"; without it only where reversal is true */
            label?: unknown;
            /** @description who says so; default api */
            source?: string;
            /**
             * Format: date-time
             * @description when it became known; default now
             */
            time?: string;
            /** @description takes the label back */
            reversal?: boolean;
        };
        /** @description One label or several. */
        LabelRequest: components["schemas"]["Label"] | components["schemas"]["Label"][];
        /** @description A label that was taken. */
        LabelTaken: {
            /** @description of the event */
            id: string;
            /** @description 200 */
            status: number;
            /** @description position of the event's record */
            event_seq: number;
        };
        /** @description What came of one label of several. */
        LabelResult: components["schemas"]["LabelTaken"] | components["schemas"]["Problem"];
        /** @description What came of several labels. */
        LabelResults: {
            /** @description in the order asked */
            results: components["schemas"]["LabelResult"][];
            /** @description how many */
            taken: number;
            /** @description how many */
            refused: number;
        };
        /** @description The answer to one label or several. */
        Labelled: components["schemas"]["LabelTaken"] | components["schemas"]["LabelResults"];
        /** @description A column of a rollup's table. */
        RollupColumn: {
            /** @description of the column */
            name: string;
            /**
             * @description of its cells
             * @enum {unknown}
             */
            type: "date" | "time" | "bool" | "int" | "decimal" | "real" | "text";
        };
        /** @description A rollup's table. */
        Rollup: {
            /** @description of the rollup */
            name: string;
            /** @description in its database */
            table: string;
            /**
             * @description what a row is of
             * @enum {unknown}
             */
            every: "row" | "hour" | "day" | "month";
            /** @description that the table has */
            total_rows: number;
            /** @description from which on the label is 1, where it is by percentile */
            threshold: null | number;
            /**
             * Format: date-time
             * @description when it was last written
             */
            updated_at: string;
            /** @description in the table's order */
            columns: components["schemas"]["RollupColumn"][];
        };
        /** @description All tables of rollups that were written. */
        Rollups: {
            /** @description by name */
            rollups: components["schemas"]["Rollup"][];
        };
        /** @description A rollup's table, page by page. */
        RollupPage: {
            /** @description of the rollup */
            name: string;
            /** @description in its database */
            table: string;
            /**
             * @description what a row is of
             * @enum {unknown}
             */
            every: "row" | "hour" | "day" | "month";
            /** @description that the table has */
            total_rows: number;
            /** @description from which on the label is 1, where it is by percentile */
            threshold: null | number;
            /**
             * Format: date-time
             * @description when it was last written
             */
            updated_at: string;
            /** @description in the table's order */
            columns: components["schemas"]["RollupColumn"][];
            /** @description a member for each column */
            rows: Record<string, never>[];
            /** @description the cursor of the page that follows */
            next: null | string;
        };
        /** @description A list of the settings. */
        List: {
            /** @description of the list */
            name: string;
            /**
             * @description of its values
             * @enum {unknown}
             */
            type: "text" | "int" | "decimal";
            /** @description the settings' words */
            description: string;
            /** @description how long an entry is in force that does not say so itself */
            expires: null | string;
            /** @description how many there are */
            entries: number;
        };
        /** @description All lists. */
        Lists: {
            /** @description in the settings' order */
            lists: components["schemas"]["List"][];
        };
        /** @description An entry of a list. */
        ListItem: {
            /** @description what is in the list */
            value: string;
            /** @description null: the list's file does not say */
            added: null | string;
            /** @description null: never */
            expires: null | string;
            /** @description by the clock */
            expired: boolean;
            /** @description why */
            note: string;
            /** @description who said so */
            by: string;
            /** @description position of the record in the log */
            seq: number;
        };
        /** @description A list's entries, page by page. */
        ListPage: {
            /** @description of the list */
            name: string;
            /**
             * @description of its values
             * @enum {unknown}
             */
            type: "text" | "int" | "decimal";
            /** @description the settings' words */
            description: string;
            /** @description how long an entry is in force that does not say so itself */
            expires: null | string;
            /** @description how many there are */
            entries: number;
            /** @description in the order they were added */
            items: components["schemas"]["ListItem"][];
            /** @description `cursor` of the next page; null: the last one */
            next: null | string;
        };
        /** @description A value to add or to remove. */
        ListChange: {
            /** @description text, or a number in a list of numbers */
            value: unknown;
            /** @description "7d", a time, "never" or null */
            expires?: null | string;
            /** @description why */
            note?: string;
            /** @description true removes it */
            remove?: boolean;
        };
        /** @description One change or several, made together or not at all. */
        ListRequest: components["schemas"]["ListChange"] | components["schemas"]["ListChange"][];
        /** @description What came of one change. */
        ListResult: {
            /** @description as the list has it */
            value: string;
            /**
             * @description what it did
             * @enum {unknown}
             */
            result: "added" | "replaced" | "unchanged" | "removed" | "absent";
            /** @description not there where it was removed */
            expires?: null | string;
        };
        /** @description What erasing a person came to. */
        SubjectErased: {
            /** @description kind and keyed token, as in the audit */
            subject: string;
            /** @description false: nothing was sealed of the person */
            erased: boolean;
            /** @description what it does not reach */
            limits: string;
        };
        /** @description What came of changes. */
        ListChanged: {
            /** @description of the list */
            name: string;
            /** @description in the order asked */
            results: components["schemas"]["ListResult"][];
            /** @description how many there are now */
            entries: number;
            /** @description position of the record; null: nothing was new */
            seq: null | number;
        };
        /** @description A version of a model. */
        Model: {
            /** @description NAME@VERSION */
            id: string;
            /** @description what it is */
            aliases: ("champion" | "challenger" | "shadow")[];
            /** @description of the model */
            name: string;
            /** @description 1.2.0 */
            version: string;
            /** @description logistic, boost, ... */
            kind: string;
            /**
             * Format: date-time
             * @description when it was trained or imported
             */
            made: string;
            /** @description on the test rows */
            average_precision: null | number;
            /** @description on the test rows */
            auc_roc: null | number;
            /** @description whether there were test rows */
            tested: boolean;
            /** @description on them */
            better_than_chance: boolean;
        };
        /** @description All versions of all models. */
        Models: {
            /** @description by name and version */
            models: components["schemas"]["Model"][];
        };
        /** @description One version of a model. */
        ModelShown: {
            /** @description NAME@VERSION */
            id: string;
            /** @description what it is */
            aliases: ("champion" | "challenger" | "shadow")[];
            /** @description what it was made from */
            lineage: Record<string, never>;
            /** @description what was measured */
            metrics: Record<string, never>;
            /** @description promotions */
            history: Record<string, never>[];
        };
        /** @description What a model became. */
        Promoted: {
            /** @description NAME@VERSION */
            model: string;
            /**
             * @description what it is now
             * @enum {unknown}
             */
            as: "champion" | "challenger" | "shadow";
        };
        /** @description {}: the settings say what is done. */
        Empty: Record<string, never>;
        /** @description Long work. */
        Job: {
            /** @description of the job */
            id: string;
            /**
             * @description what it does
             * @enum {unknown}
             */
            kind: "train" | "reload" | "backtest" | "verify";
            /**
             * @description how it goes
             * @enum {unknown}
             */
            state: "running" | "done" | "failed" | "cancelled";
            /**
             * Format: date-time
             * @description when
             */
            started?: string;
            /**
             * Format: date-time
             * @description when
             */
            ended?: string;
            /** @description what it is at */
            stage?: string;
            /** @description 0 to 1 */
            progress?: number;
            /** @description as it went so far */
            seconds_left?: number;
            /** @description where it is done */
            result?: Record<string, never>;
            /** @description where it failed */
            error?: string;
        };
        /** @description One window that a feature reads. */
        Window: {
            /** @description count, sum, mean, ... */
            aggregate: string;
            /** @description what is aggregated */
            of: null | string;
            /** @description the kind of entity it is by */
            entity: string;
            /** @description its width; null: all of the past */
            over: null | string;
            /** @description its grain */
            step: null | string;
            /** @description how long before the event it ends */
            delay: null | string;
            /** @description which events it counts */
            where: null | string;
            /** @description without the event itself */
            prior: boolean;
            /** @description from a sketch */
            approximate: boolean;
        };
        /** @description What a feature is. */
        Feature: {
            /** @description of the feature */
            name: "amount" | string;
            /** @description written out */
            expression: string;
            /** @description of its values */
            type: string;
            /** @description where it can be told */
            unit: null | string;
            /** @description that it reads */
            windows: components["schemas"]["Window"][];
            /** @description of the event that it reads */
            fields: string[];
            /** @description what stands in for fields */
            missing: Record<string, never>;
            /** @description from when on it has all of its past */
            warm: string;
            /** @description the same as a duration after the log's first event */
            warm_after: null | string;
            /** @description and as a time; null: at once, or never wholly */
            warm_since: null | string;
            /** @description whether it reads labels */
            reads_label: boolean;
            /** @description of its definition */
            fingerprint: string;
        };
        /** @description The features of the plan in force. */
        Features: {
            /** @description the time of the log's first event */
            log_begins: null | string;
            /** @description in the settings' order */
            features: components["schemas"]["Feature"][];
        };
        /** @description The settings in force. */
        Settings: {
            /** @description the settings' own */
            name: string;
            /** @description id of the plan that they made */
            plan: string;
            /** @description position of its record in the log */
            plan_seq: number;
            /** @description every key with its value and, as a comment, where it came from; no secrets */
            yaml: string;
        };
        /** @description An entity: what happened to it, and what its features are now. */
        Entity: {
            /** @description of entity */
            kind: string;
            /** @description of the entity */
            id: string;
            /** @description the newest event's time; null: there was no event */
            as_of: null | string;
            /** @description over this kind: what an event at that time would see, itself counted */
            features: Record<string, never>;
            /** @description that have its id as a value in force */
            lists: string[];
            /** @description newest first */
            decisions: components["schemas"]["DecisionRow"][];
            /** @description `cursor` of the next page; null: the last one */
            next: null | string;
            /** @description records of the log that `decisions` does not have yet */
            store_lag: number;
            /** @description others in its newest 200 decisions, most decisions first, at most 50 */
            linked: components["schemas"]["LinkedEntity"][];
        };
        /** @description An entity that stands in the same decisions. */
        LinkedEntity: {
            /** @description of entity */
            kind: string;
            /** @description its id */
            key: string;
            /** @description that have both */
            decisions: number;
            /** @description of them without the mildest outcome */
            flagged: number;
            /**
             * Format: date-time
             * @description of their events
             */
            newest: string;
        };
        /** @description An API key, without its secret. */
        Key: {
            /** @description 12 hex digits */
            id: string;
            /** @description how its text begins */
            prefix: string;
            /** @description for people */
            name: string;
            /** @description what it may */
            roles: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
            /**
             * @description how it stands
             * @enum {unknown}
             */
            state: "active" | "expired" | "revoked";
            /**
             * Format: date-time
             * @description when
             */
            created: string;
            /** @description who made it */
            by: string;
            /** @description null: never */
            expires: null | string;
            /** @description last */
            rotated: null | string;
            /** @description after a rotation */
            old_secret_until: null | string;
            /** @description when */
            revoked: null | string;
            /** @description since the server's start */
            last_used: null | string;
        };
        /** @description All keys. */
        Keys: {
            /** @description oldest first */
            items: components["schemas"]["Key"][];
        };
        /** @description A key with its secret, shown this once. */
        KeyMade: {
            /** @description ask_<id>_<secret> */
            secret: string;
            /** @description as lists show it */
            key: components["schemas"]["Key"];
        };
        /** @description A key to be made. */
        KeyRequest: {
            /** @description 1 to 64 bytes */
            name: string;
            /** @description what it may */
            roles: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
            /** @description "90d", a time, or null: never */
            expires?: null | string;
        };
        /** @description A new secret for a key. */
        KeyRotation: {
            /** @description "1d": the old one goes on */
            grace?: string;
        };
        /** @description Who may sign in. */
        User: {
            /** @description of the user */
            name: string;
            /** @description what they may */
            roles: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
            /** @description may not sign in */
            disabled: boolean;
            /**
             * Format: date-time
             * @description when
             */
            created: string;
            /**
             * Format: date-time
             * @description last
             */
            changed: string;
        };
        /** @description All users. */
        Users: {
            /** @description oldest first */
            items: components["schemas"]["User"][];
        };
        /** @description A user to be made. */
        UserRequest: {
            /** @description letters, digits and ._@+- */
            name: string;
            /** @description 12 to 256 bytes */
            password: string;
            /** @description what they may */
            roles: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
        };
        /** @description One of these. */
        UserChange: {
            /** @description 12 to 256 bytes */
            password?: string;
            /** @description what they may */
            roles?: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
            /** @description may not sign in */
            disabled?: boolean;
        };
        /** @description A name and its password, or an API key, or a one-time token. */
        SignIn: {
            /** @description of the user */
            name?: string;
            /** @description theirs */
            password?: string;
            /** @description ask_... */
            key?: string;
            /** @description of POST /v1/session:link */
            token?: string;
        };
        /** @description Signs a browser in, once. */
        SignInToken: {
            /** @description goes into the fragment: http://HOST/#token= */
            token: string;
            /**
             * Format: date-time
             * @description good until then
             */
            expires: string;
        };
        /** @description Who asks. */
        Who: {
            /**
             * @description how known
             * @enum {unknown}
             */
            kind: "nobody" | "local" | "key" | "user" | "token" | "starter";
            /** @description lasting */
            id: string;
            /** @description for people */
            name: string;
            /** @description what they may */
            roles: ("viewer" | "scorer" | "analyst" | "engineer" | "auditor" | "admin")[];
            /** @description of a session: X-CSRF-Token */
            csrf?: string;
        };
        /** @description Nobody is signed in here. */
        SignedOut: {
            /** @description false */
            signed_in: boolean;
        };
        /** @description The process lives. */
        Alive: {
            /**
             * @description alive
             * @enum {unknown}
             */
            status: "alive";
        };
        /** @description Requests are taken. */
        Ready: {
            /**
             * @description ready
             * @enum {unknown}
             */
            status: "ready";
            /** @description the newest event's time */
            filled_until: null | string;
            /** @description records of the log that lists do not have yet */
            store_lag?: number;
            /** @description why the store does not follow */
            store_failure?: string;
            /** @description what somebody should look at soon, such as a volume that is 80 % full */
            warning?: string;
        };
        /** @description What the service does now. */
        Status: {
            /** @description the settings' own */
            name: string;
            /** @description since the start */
            uptime_s: number;
            /** @description requests are taken */
            ready: boolean;
            /** @description what has failed */
            errors: string[];
            /** @description what to look at soon */
            warnings: string[];
            /** @description in force: id, seq, model, building */
            plan: Record<string, never>;
            /** @description the newest event's time */
            filled_until: null | string;
            /** @description in all, by outcome, observed, repeated, fallbacks, deferred */
            decisions: Record<string, never>;
            /** @description of decisions over HTTP: bounds_us, and counts, with one more beyond them */
            latency: Record<string, never>;
            /** @description of each: p50_us and p99_us since the start */
            stages: Record<string, never>;
            /** @description length and capacity */
            queue: Record<string, never>;
            /** @description bytes, seq and lag in records */
            log: Record<string, never>;
            /** @description lag and limit in records */
            store: null | Record<string, never>;
            /** @description bytes: resident, state, limit */
            memory: Record<string, never>;
            /** @description written, failed, given_up, seq, bytes, seconds */
            snapshots: Record<string, never>;
            /** @description bytes, free and the share that is used */
            volume: Record<string, never>;
            /** @description connections, and answers by kind of status */
            http: Record<string, never>;
        };
        /** @description What somebody did. */
        AuditEntry: {
            /**
             * @description which log has it
             * @enum {unknown}
             */
            log: "decisions" | "control";
            /** @description position in that log */
            seq: number;
            /**
             * Format: date-time
             * @description when
             */
            at: string;
            /** @description decision, label, list, key.created, ... */
            kind: string;
            /** @description who: kind, id, name */
            actor: Record<string, never>;
            /** @description in which request */
            request: null | string;
            /** @description about what */
            subject: null | string;
            /** @description an event's id */
            event?: null | string;
            /** @description id of the plan in force */
            plan?: null | string;
            /** @description SHA-256 of its model */
            model?: null | string;
            /** @description SHA-256 of what was given */
            input?: null | string;
            /** @description SHA-256 of what came out */
            output?: null | string;
            /** @description from where */
            address?: null | string;
            /** @description why */
            note?: null | string;
            /** @description what changed */
            data?: null | unknown;
            /** @description the log's chain value there */
            chain: string;
        };
        /** @description A page of the audit. */
        AuditPage: {
            /** @description in the order asked for */
            entries: components["schemas"]["AuditEntry"][];
            /** @description records that were read for it */
            looked_at: number;
            /** @description cursor of the next page */
            next: null | string;
        };
        /** @description What a log held, signed. */
        Checkpoint: {
            /**
             * @description which
             * @enum {unknown}
             */
            log: "decisions" | "control";
            /** @description of it */
            shard: number;
            /** @description its last record */
            seq: number;
            /** @description the chain value there */
            chain: string;
            /**
             * Format: date-time
             * @description when
             */
            at: string;
            /** @description id of the key that signed */
            key: string;
            /** @description Ed25519, hex */
            signature: string;
        };
        /** @description Checkpoints as of now. */
        Checkpoints: {
            /** @description of each log */
            checkpoints: components["schemas"]["Checkpoint"][];
        };
        /** @description An OpenAPI 3.1 document. */
        OpenApi: {
            /** @description 3.1.0 */
            openapi: string;
            info: Record<string, never>;
            servers: Record<string, never>[];
            paths: Record<string, never>;
            components: Record<string, never>;
        };
        /** @description What is wrong with one field. */
        FieldProblem: {
            /** @description JSON pointer of the field */
            pointer: string;
            /** @description what is wrong, and what to do */
            detail: string;
        };
        /** @description What went wrong (RFC 9457). */
        Problem: {
            /** @description urn:assay:problem:... */
            type: string;
            /** @description the kind of problem */
            title: string;
            /** @description the HTTP status */
            status: number;
            /** @description what exactly */
            detail?: string;
            /** @description the path asked for */
            instance?: string;
            /** @description as in X-Request-Id */
            request_id?: string;
            /** @description of a batch */
            line?: number;
            /** @description bad fields */
            errors?: components["schemas"]["FieldProblem"][];
            /** @description bad fields beside those listed */
            more_errors?: number;
        };
    };
    responses: {
        /** @description What went wrong. */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description What the caller calls the request; given back. */
        request_id: string;
        /** @description The same key with the same request again gets the first answer again. */
        idempotency_key: string;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_v1_decisions: {
        parameters: {
            query?: {
                /** @description event time at or after this */
                from?: string;
                /** @description event time before this */
                to?: string;
                /** @description default -time; seq: arrival */
                sort?: string;
                /** @description only decisions with it */
                outcome?: string;
                /** @description only scores from this on */
                min_score?: number;
                /** @description decisions of one page, default 50 */
                limit?: number;
                /** @description go on there */
                cursor?: string;
                /** @description only decisions with it */
                level?: string;
                /** @description only decisions in which it fired */
                rule?: string;
                /** @description only decisions labelled so; null: not labelled */
                label?: "true" | "false" | "null";
                /** @description only scores up to this */
                max_score?: number;
                /** @description only events of this entity */
                entity?: string;
                /** @description only ids that begin so */
                id_prefix?: string;
                /** @description received at or after this */
                received_from?: string;
                /** @description received before this */
                received_to?: string;
                /** @description only these members of each decision */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecisionPage"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_decisions: {
        parameters: {
            query?: {
                /** @description give reasons also where the outcome is the mildest */
                explain?: boolean;
                /** @description decide, but record nothing */
                dry_run?: boolean;
                /** @description say how many microseconds each stage took */
                stages?: boolean;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Event"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Decision"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Observed"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_decisions_batch: {
        parameters: {
            query?: {
                /** @description give reasons also where the outcome is the mildest */
                explain?: boolean;
                /** @description decide, but record nothing */
                dry_run?: boolean;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-ndjson": components["schemas"]["Event"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["BatchLine"];
                };
            };
            400: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_decisions_id_explanation: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_decisions_id_replay: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replayed"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_decisions_id_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DecisionShown"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_live: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["LiveSecond"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_v1_traffic: {
        parameters: {
            query?: {
                /** @description default 1h; steps of 1, 15 and 60 minutes */
                window?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Traffic"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_entities_kind_id_: {
        parameters: {
            query?: {
                /** @description decisions of one page, default 50 */
                limit?: number;
                /** @description go on there */
                cursor?: string;
                /** @description only these members of each decision */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                kind: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Entity"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_events: {
        parameters: {
            query?: {
                /** @description event time at or after this */
                from?: string;
                /** @description event time before this */
                to?: string;
                /** @description events, default 50 */
                limit?: number;
                /** @description only these members of each event */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventsAgain"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_events_id_decide: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventAgain"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_backtest: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BacktestRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_alerts: {
        parameters: {
            query?: {
                /** @description default active: open and claimed, not snoozed */
                state?: string;
                /** @description default -priority; raised: the oldest first */
                sort?: string;
                /** @description only its alerts */
                queue?: string;
                /** @description only those */
                name?: string;
                /** @description only theirs */
                assignee?: string;
                /** @description only alerts of this entity */
                entity?: string;
                /** @description only alerts with a decision in which it fired */
                rule?: string;
                /** @description only alerts closed so */
                disposition?: string;
                /** @description only its alerts */
                case?: string;
                /** @description only alerts with such a score */
                min_score?: number;
                /** @description raised at or after this */
                from?: string;
                /** @description raised before this */
                to?: string;
                /** @description an event id, or a part of the name, queue, outcome or rules, in any case of letters */
                text?: string;
                /** @description alerts of one page, default 50 */
                limit?: string;
                /** @description go on there */
                cursor?: string;
                /** @description only these members of each alert */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alerts"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_alerts_id_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_id_claim: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_id_release: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_id_snooze: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertSnooze"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_id_assign: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertAssign"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_id_close: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertClose"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_alerts_bulk: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertBulk"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertsChanged"];
                };
            };
            400: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_cases: {
        parameters: {
            query?: {
                /** @description default open */
                state?: string;
                /** @description only theirs */
                assignee?: string;
                /** @description only cases with this entity */
                entity?: string;
                /** @description only cases closed so */
                disposition?: string;
                /** @description a part of the title or of the notes, in any case of letters */
                text?: string;
                /** @description cases of one page, default 50 */
                limit?: string;
                /** @description go on there */
                cursor?: string;
                /** @description only these members of each case */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cases"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CaseDraft"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_cases_id_evidence: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Evidence"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_cases_id_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases_id_notes: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CaseNote"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases_id_assign: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertAssign"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases_id_add: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CaseAddition"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases_id_dispose: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertClose"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_cases_id_reopen: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CaseShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_views: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Views"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_v1_views: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ViewDraft"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Views"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    delete_v1_views_name_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Views"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_rules: {
        parameters: {
            query?: {
                /** @description only these members of each rule */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rules"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules: {
        parameters: {
            query?: {
                /** @description only say whether it compiles; record nothing */
                dry_run?: boolean;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleDraft"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Empty"];
                };
            };
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_rules_name_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_approve: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_live: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_shadow: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_retire: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleStep"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleShown"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_test: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleTestRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleTested"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_rules_name_backtest: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleBacktestRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            412: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_labels: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LabelRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Labelled"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_lists: {
        parameters: {
            query?: {
                /** @description only these members of each list */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lists"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_lists_name_: {
        parameters: {
            query?: {
                /** @description entries of one page, default 50 */
                limit?: number;
                /** @description go on there */
                cursor?: string;
                /** @description only these members of each entry */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListPage"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_lists_name_entries: {
        parameters: {
            query?: {
                /** @description who says so */
                by?: string;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ListRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListChanged"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    delete_v1_lists_name_entries_value_: {
        parameters: {
            query?: {
                /** @description who says so */
                by?: string;
                /** @description why */
                note?: string;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
                value: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListChanged"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_rollups: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Rollups"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_v1_rollups_name_: {
        parameters: {
            query?: {
                /** @description periods that begin at or after this */
                from?: string;
                /** @description periods that begin before this */
                to?: string;
                /** @description default period, the oldest first */
                sort?: string;
                /** @description rows of one page, default 100 */
                limit?: number;
                /** @description go on there */
                cursor?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RollupPage"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    delete_v1_subjects_kind_id_: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                kind: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubjectErased"];
                };
            };
            400: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_models_train: {
        parameters: {
            query?: {
                /** @description answer when it has ended, within a minute */
                wait?: boolean;
                /** @description bring the model that was promoted into force */
                reload?: boolean;
                /** @description promote it though it is no better than chance */
                force?: boolean;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_models: {
        parameters: {
            query?: {
                /** @description only these members of each model */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_models_id_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelShown"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_models_id_promote: {
        parameters: {
            query?: {
                /** @description default champion */
                as?: "champion" | "challenger" | "shadow";
                /** @description though it is no better than chance */
                force?: boolean;
                /** @description who says so */
                by?: string;
            };
            header?: {
                /** @description The same key with the same request again gets the first answer again. */
                "Idempotency-Key"?: components["parameters"]["idempotency_key"];
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Promoted"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_settings_reload: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_jobs_id_: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_features: {
        parameters: {
            query?: {
                /** @description only these members of each feature */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Features"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_drift: {
        parameters: {
            query?: {
                /** @description so many of the newest, default 2000 */
                decisions?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Drift"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_settings: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenApi"];
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_docs: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_docs_style_css: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/css": string;
                };
            };
            /** @description What the caller has (`If-None-Match`) is still so. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_v1_keys: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Keys"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_v1_keys: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
                /** @description also where nobody would be admin then */
                force?: boolean;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyRequest"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyMade"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_keys_id_rotate: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyRotation"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyMade"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    delete_v1_keys_id_: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
                /** @description also where nobody would be admin then */
                force?: boolean;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Key"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_users: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Users"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_v1_users: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
                /** @description also where nobody would be admin then */
                force?: boolean;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserRequest"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_users_name_: {
        parameters: {
            query?: {
                /** @description why */
                note?: string;
                /** @description also where nobody would be admin then */
                force?: boolean;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_audit: {
        parameters: {
            query?: {
                /** @description at or after this */
                from?: string;
                /** @description before this */
                to?: string;
                /** @description only by this one: ann, user:ann, key:ID */
                actor?: string;
                /** @description only of this kind: decision, key.created; key. for all of keys */
                kind?: string;
                /** @description only about this: event/ID, list/NAME, key/ID */
                subject?: string;
                /** @description only about this event's id */
                event?: string;
                /** @description only of this request's id */
                request?: string;
                /** @description default -time */
                sort?: string;
                /** @description entries of one page, default 50 */
                limit?: number;
                /** @description go on there */
                cursor?: string;
                /** @description only these members of each entry */
                fields?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_audit_checkpoint: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Checkpoints"];
                };
            };
            400: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_audit_verify: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Taken; nothing was decided, or the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            400: components["responses"]["Problem"];
            409: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_session: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Who"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_v1_session: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_v1_sessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Who"];
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    post_v1_session_link: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInToken"];
                };
            };
            400: components["responses"]["Problem"];
            413: components["responses"]["Problem"];
            415: components["responses"]["Problem"];
            422: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_sign_in: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Location says where. */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_v1_sign_in_callback: {
        parameters: {
            query?: {
                /** @description for an id token */
                code?: string;
                /** @description of this browser's sign-in */
                state?: string;
                /** @description why the provider refused */
                error?: string;
                /** @description the same in words */
                error_description?: string;
                /** @description more about it */
                error_uri?: string;
                /** @description the provider */
                iss?: string;
                /** @description of the provider; not used */
                session_state?: string;
                /** @description of the provider; not used */
                scope?: string;
                /** @description of the provider; not used */
                authuser?: string;
                /** @description of the provider; not used */
                hd?: string;
                /** @description of the provider; not used */
                prompt?: string;
            };
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            401: components["responses"]["Problem"];
            404: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_healthz: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alive"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_readyz: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_v1_status: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the caller calls the request; given back. */
                "X-Request-Id"?: components["parameters"]["request_id"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
}
