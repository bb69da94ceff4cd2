/* The report and the console output on made-up data. With ASSAY_REPORT_DIR=DIR set, the pages and
 * the console texts are left there to be looked at. */
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/memory.h"
#include "core/base/random.h"
#include "core/data/json.h"
#include "shell/report/html.h"
#include "shell/report/metrics_json.h"
#include "shell/report/report.h"
#include "shell/report/svg.h"
#include "shell/report/terminal.h"
#include "shell/report/thresholds.h"
#include "shell/report/verdict.h"
#include "shell/report/words.h"

static const char hostile[] = "<script>alert(\"x\")</script>&'\x1b[2J\xff</svg>";

#define DAY_US  INT64_C(86400000000)
#define AUGUST8 (INT64_C(17751) * DAY_US)

static struct buffer new_buffer(void)
{
    struct buffer b;

    buffer_init(&b, REPORT_BYTES_MAX);
    return b;
}

/* Rows of a week; `skill` says how far frauds stand out, 0 is chance. */
static struct metrics *make_metrics(uint32_t rows, double fraud_share, double skill, uint64_t seed)
{
    static const double threshold[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9};
    struct metrics_options options = {.bootstrap = 100,
                                      .permutations = 200,
                                      .alert_cost = 5,
                                      .threshold = threshold,
                                      .thresholds = 11,
                                      .seed = seed};
    double *p = mem_array(rows, sizeof *p), *amount = mem_array(rows, sizeof *amount);
    uint8_t *label = mem_array(rows, sizeof *label);
    int32_t *day = mem_array(rows, sizeof *day);
    uint32_t *entity = mem_array(rows, sizeof *entity);
    struct outcomes o = {rows, p, label, amount, day, entity};
    struct metrics *m = mem_alloc(sizeof *m);
    struct random r;
    struct error e;

    random_init(&r, seed);
    for (uint32_t i = 0; i < rows; i++) {
        double margin = em_logit(fraud_share) - skill * skill / 2 + skill * random_normal(&r);
        bool is_easy = random_real(&r) < 0.45;

        label[i] = random_real(&r) < fraud_share;
        if (skill == 0)
            margin += random_normal(&r);
        else if (label[i])
            margin += is_easy ? 7 + random_normal(&r) : skill * skill;
        p[i] = em_sigmoid(margin);
        amount[i] = em_exp(3.5 + random_normal(&r) + (label[i] ? 0.8 : 0));
        day[i] = 17751 + (int32_t)(i * UINT64_C(7) / rows);
        entity[i] = (uint32_t)random_below(&r, 4900);
    }
    assert_true(metrics_compute(&o, &options, m, &e));
    mem_free(p);
    mem_free(amount);
    mem_free(label);
    mem_free(day);
    mem_free(entity);
    return m;
}

static const struct report_feature features[] = {
    {"amount", "amount", 0, 0.01, 53.6, 2628, 0.214, 0.61},
    {"terminal_risk_28d", "coalesce(mean(label) by terminal over 28d delay 7d, 0)", 0, 0, 0.0081, 1,
     0.287, 0.88},
    {"terminal_risk_7d", "coalesce(mean(label) by terminal over 7d delay 7d, 0)", 0, 0, 0.0079, 1,
     0.052, 0.23},
    {"customer_mean_30d", "mean(amount) by customer over 30d", 0.002, 0.4, 53.5, 412, 0.041, 0.33},
    {"ratio", "amount / mean(amount) by customer over 30d prior", 0.0041, 0.002, 1.02, 38.7, 0.108,
     0.47},
    {"customer_n_1d", "count() by customer over 1d", 0, 1, 3.1, 17, 0.006, 0.09},
    {"customer_n_7d", "count() by customer over 7d", 0, 1, 15.6, 61, 0.003, 0.07},
    {"speed_kmh",
     "geo_km(lat, lon, prev(lat) by customer, prev(lon) by customer) / hours(time - prev(time) by "
     "customer)",
     0.083, 0, 11.2, 9214, 0.0011, 0.04},
    {"night", "hour(time) <= 6", 0, 0, 0.104, 1, -0.0002, 0.02},
    {"weekend", "weekday(time) >= 5", 0, 0, 0.28, 1, 0.0001, 0.01},
    {"channel", "channel", 0.12, NAN, NAN, NAN, NAN, 0.015},
};

static const struct report_part parts[] = {
    {"Training", AUGUST8 - 21 * DAY_US, AUGUST8 - 7 * DAY_US - 1, 134480, 1169, true},
    {"Gap for late labels", AUGUST8 - 7 * DAY_US, AUGUST8 - 1, 67006, 597, false},
    {"Test", AUGUST8, AUGUST8 + 7 * DAY_US - 1, 58264, 385, true},
};

static const struct report_check checks[] = {
    {REPORT_PASSED, "No feature alone gives the label away (highest AUC of a single feature: "
                    "0.83, terminal_risk_28d)."},
    {REPORT_PASSED, "No row occurs in both training and test."},
    {REPORT_NOTE, "4,712 of 4,960 customers of the test week were also seen in training: figures "
                  "say little about new customers."},
    {REPORT_WARNING, "customers.balance has no valid_from: its values may come from after the "
                     "event (look-ahead)."},
};

static const struct report_count rejects[] = {
    {"amount is not a number", 12},
    {"timestamp is outside 1970 to 2100", 3},
};

static const struct report_choice choices[] = {{"review", 3}, {"decline", 9}};

static const char boost_options[] =
    "412 trees of at most 31 leaves, learning rate 0.05, early stop on average precision, seed 1";

static struct report_data sample_data(const struct report_model *model, uint32_t models)
{
    return (struct report_data){
        .title = "card-payments",
        .version = "0.1.0",
        .made_us = AUGUST8 + 9 * DAY_US,
        .model_file = "assay-data/models/card-payments-0001.assay",
        .source = "transactions.csv",
        .rows = 1754155,
        .frauds = 14681,
        .from_us = AUGUST8 - 129 * DAY_US,
        .until_us = AUGUST8 + 53 * DAY_US,
        .moved = 41,
        .reject = rejects,
        .rejects = 2,
        .split = "By time: the model learns from the first part only. The gap is as long as labels "
                 "are late (7 days); its rows warm the velocity windows and are not learned from.",
        .part = parts,
        .parts = 3,
        .feature = features,
        .features = sizeof features / sizeof *features,
        .model = model,
        .models = models,
        .alert_cost = 5,
        .money = "EUR",
        .check = checks,
        .checks = 4,
    };
}

static void leave(const char *name, struct buffer *b)
{
    const char *directory = getenv("ASSAY_REPORT_DIR");
    char path[512];
    FILE *f;

    if (directory == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->bytes, 1, b->length, f), b->length);
    assert_int_equal(fclose(f), 0);
}

/* Tags are balanced and attributes quoted, as far as a strict reader of our own page must see. */
enum { DEPTH_MAX = 64, TAG_MAX = 32 };

static bool is_void_tag(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "br") == 0;
}

static void assert_balanced(const char *page)
{
    char stack[DEPTH_MAX][TAG_MAX];
    unsigned depth = 0;
    const char *at = strstr(page, "<html");

    assert_non_null(at);
    while ((at = strchr(at, '<')) != NULL) {
        bool closes = at[1] == '/';
        const char *name_at = at + 1 + closes, *end = strchr(at, '>');
        char name[TAG_MAX] = "";
        unsigned quotes = 0;

        assert_non_null(end);
        assert_true(strcspn(name_at, " />") < TAG_MAX);
        memcpy(name, name_at, strcspn(name_at, " />"));
        for (const char *p = at; p < end; p++)
            quotes += *p == '"';
        assert_int_equal(quotes % 2, 0);
        at = end;
        if (closes) {
            assert_true(depth > 0);
            assert_string_equal(stack[--depth], name);
        } else if (end[-1] != '/' && !is_void_tag(name)) {
            assert_true(depth < DEPTH_MAX);
            strcpy(stack[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
}

static void assert_absent(const char *page, const char *what)
{
    if (strstr(page, what) != NULL)
        fail_msg("the page has %s: %.80s", what, strstr(page, what));
}

static void assert_ids_differ(const char *page)
{
    for (const char *at = page; (at = strstr(at, " id=\"")) != NULL; at++) {
        char id[64] = "";

        assert_true(strcspn(at + 5, "\"") < 50);
        memcpy(id, at, 5 + strcspn(at + 5, "\"") + 1);
        if (strstr(at + 1, id) != NULL)
            fail_msg("twice:%s", id);
    }
}

static void assert_page_is_sound(struct buffer *b)
{
    static const char *const never[] = {"<script", "http:",  "https:", "url(",        "@import",
                                        " src=",   " href=", "\x1b",   "javascript:", " nan",
                                        ">nan",    "\"nan",  "inf,",   "-nan"};
    const char *page = buffer_text(b);

    assert_false(b->overflow);
    assert_int_equal(strlen(page), b->length);
    assert_true(text_is_utf8((struct text){b->bytes, b->length}));
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        assert_absent(page, never[i]);
    assert_balanced(page);
    assert_ids_differ(page);
}

static void page_of_several_models_is_sound(void **state)
{
    struct metrics *boost = make_metrics(58264, 0.0066, 1.5, 1);
    struct metrics *forest = make_metrics(58264, 0.0066, 1.3, 1);
    struct metrics *logistic = make_metrics(58264, 0.0066, 0.9, 1);
    const struct report_model model[] = {
        {"boost", boost_options, boost, choices, 2},
        {"forest", "300 trees of depth 10, seed 1", forest, choices, 1},
        {"logistic", "standardised inputs, l2 0.001, balanced weights", logistic, choices, 1},
    };
    struct report_data data = sample_data(model, 3);
    struct terminal plain = {.width = 100}, rich = {true, true, 100};
    struct buffer b = new_buffer();

    (void)state;
    report_write_html(&data, &b);
    assert_page_is_sound(&b);
    assert_non_null(strstr(buffer_text(&b), "Clearly better than chance"));
    assert_non_null(strstr(buffer_text(&b), "8 to 14 August 2018"));
    assert_non_null(strstr(buffer_text(&b), "Models compared"));
    leave("report.html", &b);
    buffer_clear(&b);
    terminal_report(&plain, &data, &b);
    leave("report.txt", &b);
    for (size_t i = 0; i < b.length; i++)
        assert_true(b.bytes[i] == '\n' || (b.bytes[i] >= ' ' && b.bytes[i] < 0x7f));
    buffer_clear(&b);
    terminal_report(&rich, &data, &b);
    assert_true(text_is_utf8((struct text){b.bytes, b.length}));
    leave("report.ansi", &b);
    buffer_fini(&b);
    mem_free(boost);
    mem_free(forest);
    mem_free(logistic);
}

static void a_model_by_chance_is_called_so(void **state)
{
    struct metrics *m = make_metrics(1000, 0.045, 0, 5);
    const struct report_model model = {"boost", boost_options, m, choices, 1};
    struct report_data data = sample_data(&model, 1);
    struct buffer b = new_buffer();

    (void)state;
    report_write_html(&data, &b);
    assert_page_is_sound(&b);
    assert_int_equal(verdict_of(m), VERDICT_CHANCE);
    assert_non_null(strstr(buffer_text(&b), "No better than chance"));
    assert_null(strstr(buffer_text(&b), "Models compared"));
    leave("report_chance.html", &b);
    buffer_fini(&b);
    mem_free(m);
}

static void hostile_words_stay_words(void **state)
{
    struct metrics *m = make_metrics(500, 0.1, 2, 2);
    const struct report_choice choice = {hostile, 2};
    const struct report_model model[] = {{hostile, hostile, m, &choice, 1},
                                         {hostile, hostile, m, &choice, 1}};
    const struct report_feature feature = {hostile, hostile, 0.5, NAN, NAN, NAN, 0.1, 0.2};
    const struct report_part part = {hostile, 0, DAY_US, 10, 1, true};
    const struct report_check check = {REPORT_WARNING, hostile};
    const struct report_count reject = {hostile, 3};
    struct report_data data = {hostile, hostile,  1, hostile, hostile, 10,      1,
                               0,       DAY_US,   0, &reject, 1,       hostile, &part,
                               1,       &feature, 1, 7,       3,       5,       model,
                               2,       0,        1, hostile, &check,  1};
    struct terminal rich = {true, false, 80};
    struct buffer b = new_buffer();

    (void)state;
    report_write_html(&data, &b);
    assert_page_is_sound(&b);
    assert_non_null(strstr(buffer_text(&b), "&lt;script&gt;"));
    assert_non_null(strstr(buffer_text(&b), "on 7 held-out rows, 3 of them frauds"));
    assert_non_null(strstr(buffer_text(&b), "the mean of 5 rows"));
    buffer_clear(&b);
    terminal_report(&rich, &data, &b);
    assert_absent(buffer_text(&b), "\x1b");
    buffer_fini(&b);
    mem_free(m);
}

/* No row, one class, no thresholds, features or checks: still a page. */
static void empty_data_makes_a_page(void **state)
{
    const struct outcomes nothing = {0};
    const struct metrics_options options = {.bootstrap = 10, .permutations = 10};
    struct metrics *m = mem_alloc(sizeof *m);
    const struct report_model model[] = {{"one", NULL, m}, {"two", NULL, m}};
    struct report_data data = {.title = "", .model = model, .models = 2};
    struct terminal plain = {0};
    struct buffer b = new_buffer();
    struct error e;

    (void)state;
    assert_true(metrics_compute(&nothing, &options, m, &e));
    report_write_html(&data, &b);
    assert_page_is_sound(&b);
    assert_non_null(strstr(buffer_text(&b), "Cannot be judged"));
    buffer_clear(&b);
    terminal_report(&plain, &data, &b);
    assert_false(b.overflow);
    buffer_clear(&b);
    metrics_json(m, &b);
    assert_non_null(strstr(buffer_text(&b), "\"auc_roc\":null"));
    buffer_fini(&b);
    mem_free(m);
}

static void metrics_are_json(void **state)
{
    struct metrics *m = make_metrics(5000, 0.02, 1.5, 3);
    struct json_reader *reader = json_reader_new();
    struct json_document *d;
    const struct json *auc, *thresholds;
    struct buffer b = new_buffer();
    struct error e;

    (void)state;
    metrics_json(m, &b);
    d = json_parse(reader, b.bytes, b.length, &e);
    assert_non_null(d);
    auc = json_get(&d->root, "auc_roc");
    assert_true(json_get(auc, "value")->real == m->auc_roc.value);
    assert_true(json_get(auc, "low")->real == m->auc_roc.low);
    assert_int_equal(json_get(&d->root, "frauds")->integer, m->frauds);
    thresholds = json_get(&d->root, "thresholds");
    assert_int_equal(thresholds->count, m->thresholds);
    assert_int_equal(json_get(&thresholds->items[4], "tp")->integer, m->threshold[4].tp);
    assert_true(json_get(&d->root, "better_than_chance")->boolean);
    assert_int_equal(json_get(json_get(json_get(&d->root, "by_class"), "fraud"), "rows")->integer,
                     m->frauds);
    json_free(d);
    json_reader_free(reader);
    buffer_fini(&b);
    mem_free(m);
}

static void assert_words(struct buffer *b, const char *expected)
{
    assert_string_equal(buffer_text(b), expected);
    buffer_clear(b);
}

static void figures_read_well(void **state)
{
    const struct estimate share = {0.5812, 0.5243, 0.6391}, figure = {0.6234, 0.57, 0.6666},
                          small = {0.00526, 0.00469, 0.00582}, null = {NAN, NAN, NAN, true},
                          bare = {0.5, 0.5, 0.5}, none = {0, 0, 0.000066};
    struct buffer b = new_buffer();

    (void)state;
    words_count(&b, 0), assert_words(&b, "0");
    words_count(&b, 58264), assert_words(&b, "58,264");
    words_count(&b, 1754155), assert_words(&b, "1,754,155");
    words_number(&b, 0.979294), assert_words(&b, "0.979");
    words_number(&b, 0.1), assert_words(&b, "0.1");
    words_number(&b, -0.05), assert_words(&b, "-0.05");
    words_number(&b, 120), assert_words(&b, "120");
    words_number(&b, 12345.6), assert_words(&b, "12,346");
    words_number(&b, NAN), assert_words(&b, "n/a");
    words_percent(&b, 0.00661), assert_words(&b, "0.66 %");
    words_percent(&b, 0.0172), assert_words(&b, "1.7 %");
    words_percent(&b, 0.9981), assert_words(&b, "99.8 %");
    words_percent(&b, 1), assert_words(&b, "100 %");
    words_estimate(&b, &share, true), assert_words(&b, "58 % [52, 64]");
    words_estimate(&b, &figure, false), assert_words(&b, "0.623 [0.570, 0.667]");
    words_estimate(&b, &small, false), assert_words(&b, "0.00526 [0.00469, 0.00582]");
    words_estimate(&b, &null, true), assert_words(&b, "n/a");
    words_estimate(&b, &none, true), assert_words(&b, "0 % [0.0000, 0.0066]");
    words_estimate(&b, &bare, true), assert_words(&b, "50 %");
    words_period(&b, AUGUST8, AUGUST8 + 6 * DAY_US), assert_words(&b, "8 to 14 August 2018");
    words_period(&b, AUGUST8 - 11 * DAY_US, AUGUST8 - 5 * DAY_US);
    assert_words(&b, "28 July to 3 August 2018");
    words_period(&b, AUGUST8, AUGUST8 + DAY_US - 1), assert_words(&b, "8 August 2018");
    buffer_fini(&b);
}

static void axes_have_round_steps(void **state)
{
    (void)state;
    assert_true(fabs(svg_step(1, 5) - 0.2) < 1e-12);
    assert_true(fabs(svg_step(0.037, 4) - 0.01) < 1e-12);
    assert_true(fabs(svg_step(1234, 5) - 200) < 1e-9);
}

static void thresholds_rise_and_stand_once(void **state)
{
    static const uint32_t expected[] = {2, 0, 1};
    struct metrics *m = mem_alloc(sizeof *m);
    const struct report_choice choice = {"review", 0};
    const struct report_model model = {"boost", NULL, m, &choice, 1};
    uint32_t order[METRICS_THRESHOLDS_MAX];

    (void)state;
    m->thresholds = 4;
    m->threshold[0].threshold = m->threshold[3].threshold = 0.3;
    m->threshold[1].threshold = 0.8;
    m->threshold[2].threshold = 0.1;
    assert_int_equal(thresholds_order(m, order), 3);
    assert_memory_equal(order, expected, sizeof expected);
    assert_true(thresholds_is_chosen(&model, 0, 3));
    assert_false(thresholds_is_chosen(&model, 0, 1));
    mem_free(m);
}

static void bars_fill_their_columns(void **state)
{
    static const char *const name[] = {"full", "half", "none"};
    static const double value[] = {1, 0.5, -1};
    struct terminal plain = {.width = 100};
    struct buffer b = new_buffer();

    (void)state;
    terminal_bars(&plain, name, value, 3, &b);
    assert_non_null(strstr(buffer_text(&b), "######################################## 1"));
    assert_non_null(strstr(buffer_text(&b), " ####################                     0.5"));
    buffer_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_of_several_models_is_sound),
        cmocka_unit_test(a_model_by_chance_is_called_so),
        cmocka_unit_test(hostile_words_stay_words),
        cmocka_unit_test(empty_data_makes_a_page),
        cmocka_unit_test(metrics_are_json),
        cmocka_unit_test(figures_read_well),
        cmocka_unit_test(axes_have_round_steps),
        cmocka_unit_test(thresholds_rise_and_stand_once),
        cmocka_unit_test(bars_fill_their_columns),
    };

    return RUN(tests);
}
