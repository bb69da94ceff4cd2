#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/os/file.h"
#include "shell/settings/interpolate.h"
#include "shell/settings/keys.h"
#include "shell/settings/settings.h"

static const char *const fake_environment[][2] = {
    {"ASSAY_SERVER_PORT", "9090"}, {"ASSAY_EVENT_LABEL_DELAY", "3d"},  {"ASSAY_NAME", ""},
    {"FOLDER", "/data"},           {"AMOUNT", "amount: with a colon"},
};

static const char *fake_get(const char *name)
{
    for (size_t i = 0; i < sizeof fake_environment / sizeof fake_environment[0]; i++) {
        if (strcmp(fake_environment[i][0], name) == 0)
            return fake_environment[i][1];
    }
    return NULL;
}

static const char small[] = "sources: {transactions: t.csv}\n";

static const char whole[] =
    "name: card-payments\n"
    "sources:\n"
    "  transactions: {file: transactions.csv, delimiter: tab, fields: {ts: {type: time, layout: "
    "unix_ms}, zip: text}}\n"
    "  customers:    {file: customers.csv, key: customer_id, valid_from: since}\n"
    "event:\n"
    "  id: transaction_id\n"
    "  time: timestamp\n"
    "  label: {field: is_fraud, delay: 7d, absent: unknown}\n"
    "entities:\n"
    "  customer: customer_id\n"
    "  terminal: {key: terminal_id, state: shared}\n"
    "features:\n"
    "  amount: amount\n"
    "  night:  hour(time) <= 6\n"
    "  speed:  \"geo_km(lat, lon, prev(lat) by customer, prev(lon) by customer)\"\n"
    "  odd name: amount % 2 = 0 # a comment\n"
    "rules:\n"
    "  BIG: {when: amount > 900, then: review}\n"
    "model: {kind: boost, balance: weights, validate: {by: time, train: [2018-07-25, 2018-08-01],\n"
    "        test: [2018-08-08, 2018-08-15], drop_known: customer}, boost: {trees: 77}}\n"
    "outcomes: [approve, review, decline]\n"
    "decision: {review: 300, decline: 800, levels: {HIGH: 800, MEDIUM: 400, calm: 0}}\n"
    "memory: 512MiB\n"
    "ids: {keep: 12h}\n";

static struct settings *parse(const char *yaml)
{
    struct settings *s = NULL;
    struct error e = {0};

    if (!settings_parse(text_of(yaml), "assay.yaml", &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void defaults_hold(void **state)
{
    struct settings *s = parse(small);

    (void)state;
    assert_string_equal(s->sources[0].name, "transactions");
    assert_string_equal(s->sources[0].file, "t.csv");
    assert_string_equal(s->sources[0].format, "auto");
    assert_int_equal(s->event.lateness_us, US_PER_HOUR);
    assert_int_equal(s->event.max_ahead_us, US_PER_DAY);
    assert_int_equal(s->event.label_delay_us, 0);
    assert_int_equal(s->event.absent, LABEL_ABSENT_LEGIT);
    assert_int_equal(s->outcome_count, 4);
    assert_string_equal(s->outcomes[3], "decline");
    assert_int_equal(s->decision_count, 2);
    assert_int_equal(s->decision[1].score, 800);
    assert_int_equal(s->level_count, 2);
    assert_int_equal(s->memory_bytes, INT64_C(4) << 30);
    assert_int_equal(s->server.port, 8080);
    assert_true(s->log_sync);
    assert_string_equal(s->directory, ".");
    settings_free(s);
}

static void every_shape_is_read(void **state)
{
    struct settings *s = parse(whole);
    const struct source_setting *customers = settings_source(s, "customers");

    (void)state;
    assert_int_equal(s->sources[0].delimiter, '\t');
    assert_int_equal(s->sources[0].field_count, 2);
    assert_true(s->sources[0].fields[0].has_layout);
    assert_int_equal(s->sources[0].fields[0].layout, TIME_UNIX_MS);
    assert_int_equal(s->sources[0].fields[1].type, TYPE_TEXT);
    assert_false(s->sources[0].fields[1].has_layout);
    assert_string_equal(customers->key, "customer_id");
    assert_string_equal(customers->valid_from, "since");
    assert_int_equal(s->event.label_delay_us, 7 * US_PER_DAY);
    assert_int_equal(s->event.absent, LABEL_ABSENT_UNKNOWN);
    assert_int_equal(s->entities[1].state, ENTITY_SHARED);
    assert_string_equal(s->features[3].name, "odd name");
    assert_string_equal(s->features[3].source, "amount % 2 = 0");
    assert_string_equal(s->rules[0].then, "review");
    assert_int_equal(s->model.asked.recipe.boost.trees, 77);
    assert_int_equal(s->model.asked.recipe.balance, BALANCE_WEIGHTS);
    assert_true(s->model.validate.has_window);
    assert_int_equal(s->model.validate.test_until_us - s->model.validate.test_from_us,
                     7 * US_PER_DAY);
    assert_int_equal(s->model.validate.gap_us, 7 * US_PER_DAY); /* the label's delay */
    assert_int_equal(s->decision_count, 2);
    assert_int_equal(s->level_count, 3);
    assert_int_equal(s->memory_bytes, 512 << 20);
    settings_free(s);
}

/* Each kind of mistake and the very words for it. */
static const struct {
    const char *yaml;
    const char *words;
} mistakes[] = {
    {"server: {prot: 1}\n", "assay.yaml:1:10: server.prot: no such key; did you mean \"port\"?"},
    {"zebra: 1\n",
     "assay.yaml:1:1: zebra: no such key; expected one of: name, data_directory, sources, event, "
     "time_zone, zones, events, schema, personal, missing, validate, entities, lists, features, rules, alerts, reasons, "
     "model, models, outcomes, decision, thresholds, tests, server, access, store, registry, mlflow, kafka, redis, stream, routes, memory, batch, ids, log, reload, snapshot, rollups"},
    {"server: {port: 70000}\n",
     "assay.yaml:1:16: server.port: expected a whole number from 0 to 65535, found \"70000\""},
    {"server:\n  port: [1]\n",
     "assay.yaml:2:9: server.port: expected a whole number from 0 to 65535, found a list"},
    {"event: {lateness: 5 minutes}\n",
     "assay.yaml:1:19: event.lateness: expected a duration such as 90s, 15m, 12h, 7d or 2w, found "
     "\"5 minutes\""},
    {"event: {label: {absent: legitt}}\n",
     "assay.yaml:1:25: event.label.absent: expected unknown or legit, found \"legitt\"; did you mean "
     "\"legit\"?"},
    {"memory: 4GB\n",
     "assay.yaml:1:9: memory: expected a size such as 512KiB, 64MiB or 4GiB, from 1MiB to 64GiB, "
     "found \"4GB\""},
    {"log: {sync: yes}\n", "assay.yaml:1:13: log.sync: expected true or false, found \"yes\""},
    {"sources: {customers: {key: id}}\n",
     "assay.yaml:1:22: sources.customers: expected one of file, table and query, found none"},
    {"sources:\n  transactions: t.csv\n  customers: {file: c.csv}\n",
     "assay.yaml:3:14: sources.customers: expected its key, the column named like the events' field to "
     "look up by, such as {file: c.csv, key: customer_id}"},
    {"features: {ratio: }\n", "assay.yaml:1:19: features.ratio: is missing: expected a text"},
    {"features: [a]\n", "assay.yaml:1:11: features: expected a map, found a list"},
    {"sources: {transactions: \"kafka:topic\"}\n",
     "assay.yaml:1:25: sources.transactions.file: a topic is no file: write `kafka: "
     "topic` instead of `file`"},
    {"sources: {transactions: {file: a.csv, table: raw.a}}\n",
     "assay.yaml:1:25: sources.transactions: expected one of file, table and query, found several"},
    {"sources: {transactions: {rejects: 0}}\n",
     "assay.yaml:1:25: sources.transactions: expected one of file, table and query, found none"},
    {"sources: {transactions: \"postgresql://u:secret@h/d\"}\n",
     "assay.yaml:1:25: sources.transactions.file: a database is no file: write its URL under "
     "`postgres` and `table` or `query` instead of `file`"},
    {"sources: {transactions: {file: a.csv, postgres: secret}}\n",
     "assay.yaml:1:49: sources.transactions.postgres: a file is read without a database; for one of "
     "its tables write `table: raw.payments` instead of `file`"},
    {"store: oracle\n",
     "assay.yaml:1:8: store.kind: expected sqlite or postgres, found \"oracle\""},
    {"name: x\n",
     "assay.yaml:1:1: sources: expected a source called transactions, such as sources: "
     "{transactions: transactions.csv}"},
    {"name: a\nname: b\n", "assay.yaml:2:1: \"name\" stands here twice: it is in line 1 too"},
    {"a: &x 1\nb: *x\n", "assay.yaml:1:4: anchors (&) and tags (!) are not taken here"},
    {"a: [*x]\n", "assay.yaml:1:5: aliases (*) are not taken here: write the value out"},
    {"a: !!int 1\n", "assay.yaml:1:4: anchors (&) and tags (!) are not taken here"},
    {"name: x\n---\nname: y\n", "assay.yaml:3:1: a second document (---): one is taken"},
    {"name: [a\n",
     "assay.yaml:2:1: not YAML: did not find expected ',' or ']' while parsing a flow "
     "sequence"},
    {"a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", "assay.yaml:1:19: nested too deep"},
    {"- a\n", "assay.yaml:1:1: expected keys such as \"event:\" and \"features:\", found a list"},
    {"name: \xff\n", "assay.yaml: not UTF-8: save the text in that encoding"},
    {"name: ${HOME}\n", "assay.yaml:1:7: name: ${HOME} is not taken here: there is no environment"},
    {"sources: {transactions: t.csv}\nrules: {BIG: {when: a > 1, then: reveiw}}\n",
     "assay.yaml:2:34: rules.BIG.then: expected an outcome, found \"reveiw\"; did you mean "
     "\"review\"?"},
    {"sources: {transactions: t.csv}\ndecision: {block: 1}\n",
     "assay.yaml:2:19: decision.block: expected an outcome (approve, challenge, review, decline), "
     "found \"block\""},
    {"sources: {transactions: t.csv}\ndecision: {review: 1001}\n",
     "assay.yaml:2:20: decision.review.score: expected a whole number from 0 to 1000, found \"1001\""},
    {"sources: {transactions: t.csv}\noutcomes: [good, bad]\n",
     "assay.yaml: decision: expected the score from which on an outcome holds, such as {bad: 800}"},
    {"sources: {transactions: t.csv}\noutcomes: []\n",
     "assay.yaml:2:11: outcomes: expected at least one outcome"},
    {"sources: {transactions: t.csv}\noutcomes: [a, b, a]\n",
     "assay.yaml:2:11: outcomes: \"a\" stands here twice"},
    {"sources: {transactions: t.csv}\ndecision: {levels: {A: 5, B: 5}}\n",
     "assay.yaml:2:30: decision.levels.B: 5 is the score of \"A\" too"},
    {"sources: {transactions: t.csv}\nmodel: {features: [amout]}\nfeatures: {amount: amount}\n",
     "assay.yaml:2:19: model.features: expected features, found \"amout\"; did you mean \"amount\"?"},
    {"sources: {transactions: t.csv}\nmodel: {kind: svm}\n",
     "assay.yaml:2:15: model.kind: expected logistic, boost, forest, isolation, net, vote, stack, none or a name under models, found \"svm\""},
    {"sources: {transactions: t.csv}\nmodel: a\nmodels: {a: {kind: boost}, b: {kind: vote, members: {c: 1}}}\n",
     "assay.yaml:3:53: models.b.members: there is no \"c\" under models"},
    {"sources: {transactions: t.csv}\nmodels: {b: {kind: stack}}\n",
     "assay.yaml:2:13: models.b: a stack needs members: names under models, each with its weight"},
    {"sources: {transactions: t.csv}\nmodels: {a: {kind: vote, members: {b: 1}}, b: {kind: vote, members: {a: 1}}}\n",
     "assay.yaml:2:35: models.a.members: \"b\" has members itself: name those"},
    {"sources: {transactions: t.csv}\nmodels: {a: {kind: logistic}, b: {kind: vote, members: {a: 0}}}\n",
     "assay.yaml:2:56: models.b.members: the weight of \"a\" must be above 0"},
    {"sources: {transactions: t.csv}\ndecision: {review: {recall: 0.8, cost: 1}}\n",
     "assay.yaml:2:29: decision.review: expected a score from 0 to 1000 or one of {f_beta: 2}, "
     "{cost: 5}, {recall: 0.8}, {alerts_per_day: 50}"},
    {"sources: {transactions: t.csv}\ndecision: strict\n",
     "assay.yaml:2:11: decision.profile: expected outcomes with scores, or a name under "
     "thresholds; found \"strict\""},
    {"sources: {transactions: t.csv}\ndecision: {profile: a, review: 3}\n"
     "thresholds: {a: {review: 5}}\n",
     "assay.yaml:2:11: decision: expected a profile or thresholds, found both"},
    {"sources: {transactions: t.csv}\nthresholds: {a: {revew: 5}}\n",
     "assay.yaml:2:25: thresholds.a.revew: expected an outcome, found \"revew\"; did you mean "
     "\"review\"?"},
    {"sources: {transactions: t.csv}\nmodel: none\ndecision: {review: {recall: 0.8}}\n",
     "assay.yaml:3:29: decision.review: without a model (model.kind: none) there is nothing to "
     "find a score by"},
    {"sources: {transactions: t.csv}\nmodel: {validate: prequential}\n",
     "assay.yaml:2:19: model.validate.by: prequential takes the lengths of its windows, such as "
     "train: 7d and test: 7d"},
    {"sources: {transactions: t.csv}\nmodel: {validate: {train: 7d, test: [2018-07-25, "
     "2018-08-01]}}\n",
     "assay.yaml:2:37: model.validate.test: expected two spans of dates or two lengths, found one "
     "of each"},
    {"sources: {transactions: t.csv}\nmodel: {validate: {group: card}}\n",
     "assay.yaml:2:27: model.validate.group: expected an entity, found \"card\""},
    {"sources: {transactions: t.csv}\nmodel: {search: {trials: 2, over: {boost.leafs: [4, 8]}}}\n",
     "assay.yaml:2:49: model.search.over.boost.leafs: no such option: expected one below `model`, "
     "such as boost.leaves"},
    {"sources: {transactions: t.csv}\nmodel: {search: {trials: 2, over: {boost.leaves: [1, 8]}}}\n",
     "assay.yaml:2:50: model.search.over.boost.leaves: expected a whole number from 2 to 4096, "
     "found \"1\""},
    {"sources: {transactions: t.csv}\nmodel: {search: {trials: 2, over: {boost.leaves: [8, 4]}}}\n",
     "assay.yaml:2:50: model.search.over.boost.leaves: expected the lower value first, found [8, "
     "4]"},
    {"sources: {transactions: t.csv}\nmodel: {search: {trials: 2, over: {boost.l2: [0, 4, log]}}}\n",
     "assay.yaml:2:46: model.search.over.boost.l2: a logarithmic range begins above 0"},
    {"sources: {transactions: t.csv}\nmodels: {boost: {kind: logistic}}\n",
     "assay.yaml:2:17: models.boost: this is the name of a kind: call the model otherwise"},
    {"sources: {transactions: t.csv}\nmodels: {a: {kind: boost, resample: {kind: shuffle}}}\n",
     "assay.yaml:2:44: models.a.resample.kind: expected none, under, over, smote or hybrid, found "
     "\"shuffle\""},
    {"sources: {transactions: t.csv}\nmodel: {validate: {train: [2018-07-25, 2018-08-01]}}\n",
     "assay.yaml:2:27: model.validate.train: expected train and test together, found one of them"},
    {"sources: {transactions: t.csv}\n"
     "model: {validate: {train: [2018-07-25, 2018-08-01], test: [2018-07-30, 2018-08-15]}}\n",
     "assay.yaml:2:59: model.validate.test: the test begins before training ends: the model would "
     "be tested on what it was trained on"},
    {"model: {validate: {train: [2018-08-25, 2018-08-01]}}\n",
     "assay.yaml:1:27: model.validate.train: expected [from, until] with until after from, found "
     "[\"2018-08-25\", \"2018-08-01\"]"},
    {"model: {validate: {train: [yesterday, 2018-08-01]}}\n",
     "assay.yaml:1:28: model.validate.train: expected [from, until], two times such as 2018-07-25, "
     "or a length such as 7d, found \"yesterday\""},
    {"sources: {transactions: t.csv}\nmodel: {validate: {drop_known: shop}}\n",
     "assay.yaml:2:32: model.validate.drop_known: expected an entity, found \"shop\""},
    {"schema: [{name: a, type: int}, {name: a, type: int}]\n",
     "assay.yaml:1:39: schema.2.name: field \"a\" appears twice: rename one"},
    {"schema: [{name: a, type: float}]\n",
     "assay.yaml:1:26: schema.1.type: expected bool, int, decimal, real, text, time or duration, "
     "found \"float\""},
    {"features: {\"a\\tb\": x}\n",
     "assay.yaml:1:12: features: expected a name of 1 to 128 bytes without control characters"},
};

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct settings *s = NULL;
        struct error e = {0};

        assert_false(settings_parse(text_of(mistakes[i].yaml), "assay.yaml", &s, &e));
        assert_string_equal(e.text, mistakes[i].words);
        assert_int_equal(e.kind, ERROR_INVALID);
        assert_null(s);
    }
}

static char *printed(const struct settings *s, bool with_origins)
{
    struct buffer out;
    char *text;

    buffer_init(&out, SETTINGS_BYTES_MAX);
    settings_print(s, with_origins, &out);
    assert_false(out.overflow);
    text = mem_text(out.bytes, out.length);
    buffer_fini(&out);
    return text;
}

/* Thresholds by goals and by name, windows of given length, a search. */
static const char goals[] =
    "sources: {transactions: t.csv}\n"
    "model: {kind: boost, search: {trials: 3, over: {boost.leaves: [4, 64], boost.l2: [0.1, 10, log],"
    " balance: [none, weights]}}, validate: {by: prequential, train: 14d, test: 7d, until: 2018-08-15"
    ", folds: 4}}\n"
    "decision: calm\n"
    "thresholds:\n"
    "  calm: {review: {recall: 0.5}, decline: 900}\n"
    "  strict: {review: {f_beta: 2, score: 120}, decline: {alerts_per_day: 10}}\n";

static void print_and_parse_agree(void **state)
{
    const char *const texts[] = {
        small, whole,
        "sources: {transactions: {file: \"a, b: $${c} #\", point: \",\"}}\n"
        "features: {\"true\": \"x = '\\u2028\\u0085\\ufeff \\\\ \\\"'\", null: \"~\"}\n"
        "outcomes: [\"a, b\", \"[c]\"]\ndecision: {\"[c]\": 0}\n",
        goals};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct settings *s = parse(texts[i]), *again;
        char *once = printed(s, false), *twice;

        again = parse(once);
        twice = printed(again, false);
        assert_string_equal(once, twice);
        mem_free(once);
        mem_free(twice);
        if (i == 2) {
            assert_string_equal(again->sources[0].file, "a, b: ${c} #");
            assert_string_equal(again->features[0].source,
                                "x = '\xe2\x80\xa8\xc2\x85\xef\xbb\xbf \\ \"'");
            assert_string_equal(again->outcomes[0], "a, b");
        }
        settings_free(s);
        settings_free(again);
    }
}

static void thresholds_are_goals_or_scores(void **state)
{
    struct settings *s = parse(goals);
    struct goal_found goal[SETTINGS_GOALS_MAX];
    struct threshold_setting threshold[PLAN_OUTCOMES_MAX];
    static const char words[] = "assay.yaml:5:27: thresholds.calm.review: the model in force was "
                                "trained without this goal";
    struct error e;
    uint32_t count;

    (void)state;
    assert_int_equal(s->decision_count, 0);
    assert_string_equal(settings_thresholds(s, &count)[1].name, "decline");
    assert_int_equal(count, 2);
    assert_int_equal(settings_goals_found(s, goal), 1); /* the one beside a score */
    assert_int_equal(goal[0].goal.kind, GOAL_F_BETA);
    assert_int_equal(goal[0].score, 120);
    assert_false(settings_resolve(s, goal, 1, threshold, &e));
    assert_memory_equal(e.text, words, strlen(words));
    assert_int_equal(settings_goals(s, goal), 3);
    goal[0].score = 250;
    assert_true(settings_resolve(s, goal, 3, threshold, &e));
    assert_int_equal(threshold[0].score, 250);
    assert_int_equal(threshold[1].score, 900);
    settings_free(s);
}

/* A stricter outcome's goal that comes to less than a milder outcome's score stands just above. */
static void goals_keep_the_order_of_outcomes(void **state)
{
    struct settings *s = parse("sources: {transactions: t.csv}\n"
                               "decision: {decline: {recall: 0.9}, review: 300}\n");
    struct goal_found goal = {{GOAL_RECALL, 0.9}, 40};
    struct threshold_setting threshold[PLAN_OUTCOMES_MAX];
    struct error e;

    (void)state;
    assert_true(settings_resolve(s, &goal, 1, threshold, &e));
    assert_int_equal(threshold[0].score, 301);
    assert_int_equal(threshold[1].score, 300);
    settings_free(s);
}

static void a_search_draws_from_its_ranges(void **state)
{
    struct settings *s = parse(goals);
    const struct recipe_setting *r = settings_recipe(s);
    bool seen[2] = {false, false};
    uint32_t low = UINT32_MAX, high = 0;

    (void)state;
    for (uint32_t trial = 1; trial < 500; trial++) {
        struct recipe one = r->recipe, again = r->recipe;
        char text[3][NUMBER_TEXT_MAX], twice[NUMBER_TEXT_MAX];

        for (uint32_t k = 0; k < 3; k++) {
            settings_search_draw(r, 7, trial, k, text[k], &one);
            settings_search_draw(r, 7, trial, k, twice, &again);
            assert_string_equal(text[k], twice);
        }
        assert_memory_equal(&one, &again, sizeof one);
        assert_in_range(one.boost.leaves, 4, 64);
        assert_true(one.boost.l2 >= 0.1 && one.boost.l2 <= 10);
        low = one.boost.leaves < low ? one.boost.leaves : low;
        high = one.boost.leaves > high ? one.boost.leaves : high;
        seen[one.balance] = true;
        assert_int_equal(one.boost.trees, r->recipe.boost.trees); /* not searched: as it was */
    }
    assert_true(seen[0] && seen[1]);
    assert_int_equal(low, 4);
    assert_int_equal(high, 64);
    settings_free(s);
}

static struct settings *parse_with(const char *yaml, const char *const *set, uint32_t count)
{
    const struct settings_options o = {set, count, fake_get};
    struct settings *s = NULL;
    struct error e = {0};

    if (!settings_parse_with(text_of(yaml), "assay.yaml", &o, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static void the_outside_goes_over_the_file(void **state)
{
    const char *const set[] = {"server.host=::1", "features.twice=amount * 2",
                               "event.label.absent=unknown", "model=logistic"};
    struct settings *s = parse_with("sources: {transactions: \"${FOLDER}/${MISSING:-t}.csv\"}\n"
                                    "event: {label: is_fraud}\n"
                                    "server: {port: 1}\n"
                                    "features: {amount: \"${AMOUNT}\"}\n",
                                    set, 4);
    char *text;

    (void)state;
    assert_string_equal(s->sources[0].file, "/data/t.csv");
    assert_int_equal(s->server.port, 9090);
    assert_string_equal(s->server.host, "::1");
    assert_string_equal(s->event.label, "is_fraud");
    assert_int_equal(s->event.label_delay_us, 3 * US_PER_DAY);
    assert_int_equal(s->event.absent, LABEL_ABSENT_UNKNOWN);
    assert_string_equal(s->features[0].source, "amount: with a colon");
    assert_string_equal(s->features[1].source, "amount * 2");
    assert_string_equal(s->model.kind, "logistic");
    assert_string_equal(s->name, "assay");

    text = printed(s, true);
    assert_non_null(strstr(text, "  port: 9090  # environment ASSAY_SERVER_PORT\n"));
    assert_non_null(strstr(text, "  host: \"::1\"  # --set server.host=::1\n"));
    assert_non_null(strstr(text, "    file: /data/t.csv  # environment FOLDER\n"));
    assert_non_null(strstr(text, "    field: is_fraud  # assay.yaml:2\n"));
    assert_non_null(strstr(text, "  threads: 2  # default\n"));
    mem_free(text);
    settings_free(s);
}

static void the_outside_is_blamed(void **state)
{
    static const struct {
        const char *set, *words;
    } cases[] = {
        {"server.port=x", "--set server.port=x: server.port: expected a whole number from 0 to "
                          "65535, found \"x\""},
        {"server.prot=1", "--set server.prot=1: server.prot: no such key; did you mean \"port\"?"},
        {"server", "--set server: expected KEY=VALUE, such as server.port=9090"},
        {"name.x=1", "--set name.x=1: name: has no keys below it"},
        {"schema.1.name=x", "--set schema.1.name=x: schema: cannot be set from outside the file"},
        {"outcomes=[a", "--set outcomes=[a: not YAML: did not find expected ',' or ']' while "
                        "parsing a flow sequence"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct settings_options o = {&cases[i].set, 1, NULL};
        struct settings *s = NULL;
        struct error e = {0};

        assert_false(settings_parse_with(text_of(small), "assay.yaml", &o, &s, &e));
        assert_string_equal(e.text, cases[i].words);
    }
}

static void variables_are_strict(void **state)
{
    static const struct {
        const char *raw, *value, *origin; /* value NULL: words in origin */
    } cases[] = {
        {"plain $ {x} $", "plain $ {x} $", ""},
        {"$${X}", "${X}", ""},
        {"a${FOLDER}b${FOLDER}", "a/datab/data", "environment FOLDER, FOLDER"},
        {"${NONE:-}", "", ""},
        {"${NONE:-a:-b}", "a:-b", ""},
        {"${NONE}", NULL, "the environment has no NONE: set it, or write ${NONE:-default}"},
        {"${A B}", NULL,
         "expected ${NAME} or ${NAME:-default}, found \"${A B}\"; write $${ for a "
         "plain ${"},
        {"${}", NULL,
         "expected ${NAME} or ${NAME:-default}, found \"${}\"; write $${ for a plain "
         "${"},
        {"x${FOLDER", NULL, "\"${\" without \"}\"; write $${ for a plain ${"},
    };
    const struct settings_options o = {.environment = fake_get};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out, origin;
        struct error e = {0};
        bool ok;

        buffer_init(&out, 100);
        buffer_init(&origin, 100);
        ok = interpolate(text_of(cases[i].raw), &o, &out, &origin, &e);
        assert_int_equal(ok, cases[i].value != NULL);
        assert_string_equal(ok ? buffer_text(&origin) : e.text, cases[i].origin);
        if (ok)
            assert_string_equal(buffer_text(&out), cases[i].value);
        buffer_fini(&out);
        buffer_fini(&origin);
    }
}

static void secrets_come_from_files(void **state)
{
    char path[] = "/tmp/assay-secret-XXXXXX";
    int fd = mkstemp(path);
    const struct settings_options o = {.environment = fake_get};
    struct buffer out, origin, raw;
    struct error e = {0};

    (void)state;
    assert_int_equal(write(fd, "tr0ub4dor\n", 10), 10);
    close(fd);
    buffer_init(&out, SECRET_BYTES_MAX);
    buffer_init(&origin, 200);
    buffer_init(&raw, 200);
    buffer_format(&raw, "file:%s", path + strlen("/tmp/"));
    assert_true(interpolate_secret(text_of(buffer_text(&raw)), &o, "/tmp", &out, &origin, &e));
    assert_string_equal(buffer_text(&out), "tr0ub4dor");
    assert_memory_equal(buffer_text(&origin), "file /tmp/assay-secret-", 23);
    unlink(path);
    buffer_clear(&out);
    buffer_clear(&origin);
    assert_false(interpolate_secret(text_of(buffer_text(&raw)), &o, "/tmp", &out, &origin, &e));
    assert_int_equal(e.kind, ERROR_NOT_FOUND);
    buffer_fini(&out);
    buffer_fini(&origin);
    buffer_fini(&raw);
}

static struct schema *some_schema(void)
{
    struct schema *schema = schema_new();
    struct error e = {0};

    assert_true(schema_add(schema, text_of("transaction_id"), TYPE_TEXT, &e));
    assert_true(schema_add(schema, text_of("timestamp"), TYPE_TIME, &e));
    assert_true(schema_add(schema, text_of("Total, \"Loan\""), TYPE_DECIMAL, &e));
    schema->fields[1].layout = TIME_DAY_FIRST;
    schema->fields[2].point = ',';
    schema->fields[2].group = '.';
    schema->fields[0].is_personal = true;
    return schema;
}

static void a_plan_text_stands_alone(void **state)
{
    struct settings *s = parse(whole), *alone;
    struct schema *schema = some_schema(), *again;
    struct buffer once, twice;

    (void)state;
    buffer_init(&once, SETTINGS_BYTES_MAX);
    buffer_init(&twice, SETTINGS_BYTES_MAX);
    settings_print_plan(s, schema, NULL, &once);
    alone = parse(buffer_text(&once));
    assert_null(strstr(buffer_text(&once), "server"));
    assert_null(strstr(buffer_text(&once), "transactions.csv"));
    assert_int_equal(alone->feature_count, s->feature_count);
    assert_int_equal(alone->event.label_delay_us, s->event.label_delay_us);
    again = settings_schema(alone);
    assert_int_equal(again->count, 3);
    assert_string_equal(again->fields[2].name, "Total, \"Loan\"");
    assert_int_equal(again->fields[1].layout, TIME_DAY_FIRST);
    assert_int_equal(again->fields[2].point, ',');
    assert_int_equal(again->fields[2].group, '.');
    assert_true(again->fields[0].is_personal);
    settings_print_plan(alone, again, NULL, &twice);
    assert_string_equal(buffer_text(&once), buffer_text(&twice));
    assert_null(settings_schema(s));
    schema_free(schema);
    schema_free(again);
    settings_free(s);
    settings_free(alone);
    buffer_fini(&once);
    buffer_fini(&twice);
}

/* A plan's text fixes the rules of the zones that its program has, and they are read from it. */
static void a_plan_fixes_its_zones(void **state)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct settings *s = parse("time_zone: Test/There\n"
                               "zones: {Test/There: -3600 100/7200, Test/Not_used: '0'}\n"
                               "schema: [{name: at, type: time}]\n"
                               "features: {f: \"hour(at)\"}\nmodel: none\n");
    struct schema *schema = settings_schema(s);
    struct buffer once, twice;
    struct plan *p, *q;
    struct error e;

    (void)state;
    assert_true(settings_plan(s, schema, NULL, no_id, &p, &e));
    buffer_init(&once, SETTINGS_BYTES_MAX);
    buffer_init(&twice, SETTINGS_BYTES_MAX);
    settings_print_plan(s, schema, plan_program(p), &once);
    assert_non_null(strstr(buffer_text(&once), "zones:\n  Test/There: \"-3600 100/7200\"\n"));
    assert_null(strstr(buffer_text(&once), "Not_used"));
    settings_free(s);
    s = parse(buffer_text(&once));
    assert_true(settings_plan(s, schema, NULL, no_id, &q, &e));
    settings_print_plan(s, schema, plan_program(q), &twice);
    assert_string_equal(buffer_text(&once), buffer_text(&twice));
    assert_true(program_fingerprint(plan_program(p), plan_feature_node(p, 0)) ==
                program_fingerprint(plan_program(q), plan_feature_node(q, 0)));
    plan_unref(p);
    plan_unref(q);
    schema_free(schema);
    settings_free(s);
    buffer_fini(&once);
    buffer_fini(&twice);
}

/* docs/settings.md is what the table says; `assay help settings > docs/settings.md` makes it. */
static void the_docs_are_those_of_the_table(void **state)
{
    struct buffer made, kept;
    struct error e = {0};

    (void)state;
    buffer_init(&made, SETTINGS_BYTES_MAX);
    buffer_init(&kept, SETTINGS_BYTES_MAX);
    settings_print_docs(&made);
    if (!file_read(SOURCE_ROOT "/docs/settings.md", &kept, &e))
        fail_msg("%s", e.text);
    assert_string_equal(buffer_text(&made), buffer_text(&kept));
    buffer_fini(&made);
    buffer_fini(&kept);
}

/* Words and enums must stand in the same order. */
static void the_table_is_sound(void **state)
{
    const struct key *type = NULL;
    char words[200] = "";

    (void)state;
    for (size_t i = 0; i < key_count; i++) {
        const struct key *k = &keys[i];
        const char *dot = strrchr(k->path, '.');
        size_t parents = 0;

        assert_non_null(k->words);
        if (strcmp(k->path, "schema.*.type") == 0)
            type = k;
        for (size_t j = 0; j < i && dot != NULL; j++) {
            size_t length = (size_t)(dot - k->path);

            parents += strlen(keys[j].path) == length && memcmp(keys[j].path, k->path, length) == 0;
        }
        assert_int_equal(parents, dot != NULL); /* each below a section that stands before it */
    }
    for (int t = 0; t < TYPES; t++) {
        strcat(words, t > 0 ? "|" : "");
        strcat(words, type_name((enum type)t));
    }
    assert_non_null(type);
    assert_string_equal(type->choices, words);
    words[0] = 0;
    for (int l = 0; l < TIME_LAYOUTS; l++) {
        strcat(words, l > 0 ? "|" : "");
        strcat(words, time_layout_name((enum time_layout)l));
    }
    assert_string_equal(type[1].choices, words);
}

static void tests_are_kept_as_they_are(void **state)
{
    static const char yaml[] =
        "sources: {transactions: t.csv}\nmodel: none\nrules: {R: {when: true, then: decline}}\nfeatures: {f: 1}\n"
        "tests:\n- name: one\n  history: [{a: 007, \"b \\\"\": ~}, {t: {x: \"1\\n2\"}}]\n"
        "  event: {a: [1, two]}\n  expect: {features: {f: ~}, rules: [], score_at_most: 9}\n"
        "- {name: two, event: {}, expect: {}}\n";
    struct settings *s, *again;
    const struct test_setting *t;
    struct buffer out;
    struct error e;

    if (!settings_parse(text_of(yaml), "t.yaml", &s, &e))
        fail_msg("%s", e.text);
    assert_int_equal(s->test_count, 2);
    t = &s->tests[0];
    assert_int_equal(t->history_count, 2);
    assert_string_equal(t->history[0], "{\"a\": \"007\", \"b \\\"\": null}");
    assert_string_equal(t->history[1], "{\"t\": {\"x\": \"1\\n2\"}}");
    assert_string_equal(t->event, "{\"a\": [\"1\", \"two\"]}");
    assert_string_equal(t->expect.features[0].source, "null");
    assert_true(t->expect.has_rules && t->expect.rule_count == 0);
    assert_true(t->expect.has_most && !t->expect.has_least && t->expect.score_at_most == 9);
    assert_false(s->tests[1].expect.has_rules);
    buffer_init(&out, 1 << 20);
    settings_print(s, false, &out);
    if (!settings_parse(text_of(buffer_text(&out)), "t.yaml", &again, &e))
        fail_msg("%s in\n%s", e.text, buffer_text(&out));
    assert_string_equal(again->tests[0].history[0], t->history[0]);
    assert_string_equal(again->tests[0].history[1], t->history[1]);
    assert_string_equal(again->tests[0].event, t->event);
    assert_true(again->tests[0].expect.has_rules && again->tests[1].expect.outcome == NULL);
    settings_free(again);
    settings_free(s);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_are_kept_as_they_are),
        cmocka_unit_test(defaults_hold),
        cmocka_unit_test(every_shape_is_read),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(print_and_parse_agree),
        cmocka_unit_test(thresholds_are_goals_or_scores),
        cmocka_unit_test(goals_keep_the_order_of_outcomes),
        cmocka_unit_test(a_search_draws_from_its_ranges),
        cmocka_unit_test(the_outside_goes_over_the_file),
        cmocka_unit_test(the_outside_is_blamed),
        cmocka_unit_test(variables_are_strict),
        cmocka_unit_test(secrets_come_from_files),
        cmocka_unit_test(a_plan_text_stands_alone),
        cmocka_unit_test(a_plan_fixes_its_zones),
        cmocka_unit_test(the_docs_are_those_of_the_table),
        cmocka_unit_test(the_table_is_sound),
    };

    return RUN(tests);
}
