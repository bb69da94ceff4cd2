/* Training, from events to a model with honest figures: features by the engine, split, fit,
 * calibration, held-out metrics, checks in words, report, model file. */
#ifndef ASSAY_TRAIN_TRAIN_H
#define ASSAY_TRAIN_TRAIN_H

#include "core/stats/metrics.h"
#include "shell/registry/version.h"
#include "shell/report/terminal.h"
#include "shell/run/feed.h"
#include "shell/train/anomalies.h"
#include "shell/train/fit.h"
#include "shell/train/folds.h"
#include "shell/train/search.h"

#define TRAIN_PLAIN "without_self_training" /* the name of what it is compared with */

enum { TRAIN_TOP_ROWS = 10 };
enum { TRAIN_CHECKS_MAX = 64, TRAIN_CHECK_WORDS = 400, TRAIN_MODELS_MAX = SETTINGS_MODELS_MAX + 3 };

/* Whether the model that was asked for is champion from now on. */
enum train_promotion {
    PROMOTE_BETTER, /* unless it is no better than chance */
    PROMOTE_NEVER,
    PROMOTE_ALWAYS,
};

struct train_options {
    const struct settings *settings;
    const char *path;      /* of the events; NULL: the settings' source */
    const char *models;    /* names under `models` to compare with, by commas; "all"; NULL */
    const char *directory; /* data directory: the registry and report.html */
    uint32_t threads;
    enum simd simd;
    int64_t now_us; /* for the report and the registry */
    enum train_promotion promotion;
    const struct progress *progress;
    const struct terminal *terminal; /* the form of result.words; NULL: none wanted */
};

struct train_check {
    bool is_warning;
    char words[TRAIN_CHECK_WORDS];
};

/* A test row of high probability. */
struct top_row {
    char id[64]; /* or "event N", counted in order of time */
    int64_t time_us;
    double amount; /* NaN: none */
    double probability;
    uint8_t label;
};

/* One model on the same split; the first is the one that was asked for and is kept. */
struct trained {
    const char *name;            /* of its kind, or under `models`; borrowed */
    const struct recipe *recipe; /* borrowed from the settings */
    double threshold;            /* from this probability on it says fraud, where compared */
    struct fitted fitted;
    struct metrics metrics;     /* without labels: nothing but the rows tested */
    struct anomalies anomalies; /* without labels */
    /* Goals of the settings as scores, found on training rows held out; the thresholds in force. */
    struct goal_found *goal;
    uint32_t goals;
    struct threshold_setting in_force[PLAN_OUTCOMES_MAX];
    uint32_t thresholds;
    struct top_row top[TRAIN_TOP_ROWS]; /* the highest first */
    uint32_t tops;
    struct search search;  /* trials, where one was asked for; recipe is then its best */
    struct fold_row *fold; /* of each fold, the latest first; NULL: one split */
    uint32_t folds;
    /* Average precision less that of the same recipe without self-training; null: not compared. */
    struct estimate self_gain;
    double fit_seconds;
    char id[MODEL_ID_TEXT_MAX]; /* NAME@VERSION in the registry; "": not registered */
};

struct train_result {
    struct feed_counts counts;
    struct split split;        /* the one of the model that is kept */
    struct split_list earlier; /* prequential: the folds before it */
    struct trained model[TRAIN_MODELS_MAX];
    uint32_t models;
    struct recipe_setting plain;  /* the same without self-training */
    struct recipe_setting simple; /* of the one that a more complex one is measured against */
    struct train_check check[TRAIN_CHECKS_MAX];
    uint32_t checks;
    struct buffer words; /* the report for the console */
    bool is_promoted;    /* the first model is champion */
    char model_path[512];
    char report_path[512];
    double read_seconds, feature_seconds, fit_seconds, evaluate_seconds, all_seconds;
};

/* On success the caller frees the result. */
bool train(const struct train_options *o, struct train_result *r, struct error *e) MUST_USE;
void train_result_free(struct train_result *r);

/* The object that `assay train --json` prints. */
void train_result_json(const struct train_result *r, struct buffer *out);

#endif
