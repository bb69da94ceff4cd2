/* Generators of realistic labelled transactions, for demos, tests and trying things out. The same
 * options give the same rows on every machine. Rows come in time order; memory is bounded by one
 * day of rows and the population.
 *
 *   cards        the published method of the Fraud Detection Handbook (chapter 3): customers with a
 *                place and a spending profile pay at terminals near them; frauds are amounts over
 *                220, compromised terminals (28 days), compromised cards (14 days, amounts times 5)
 *   wallet       accounts with balances that pay, transfer, cash in and out; frauds are account
 *                takeovers (new device, balance drained) and mules (many in, quickly out)
 *   predict-api  independent requests of six plain fields, with named fraud scenarios over them
 */
#ifndef ASSAY_SAMPLE_SAMPLE_H
#define ASSAY_SAMPLE_SAMPLE_H

#include "core/base/random.h"
#include "core/data/frame.h"

enum sample_scenario { SAMPLE_CARDS, SAMPLE_WALLET, SAMPLE_PREDICT_API, SAMPLE_SCENARIOS };

const char *sample_scenario_name(enum sample_scenario s); /* "cards", "wallet", "predict-api" */
const char *sample_scenario_words(enum sample_scenario s);
bool sample_scenario_find(struct text name, enum sample_scenario *s) MUST_USE;

enum {
    SAMPLE_DAYS_MAX = 3660,
    SAMPLE_FRAME_ROWS = 8192,
};
#define SAMPLE_ROWS_MAX INT64_C(1000000000)

struct sample_options {
    enum sample_scenario scenario;
    uint64_t rows;
    uint32_t days; /* over which the rows are spread */
    uint64_t seed;
    int64_t start_us; /* midnight of the first day */
};

struct sampler;

struct sampler *sampler_new(const struct sample_options *o);
void sampler_free(struct sampler *s);
const struct schema *sampler_schema(const struct sampler *s);
/* Append rows to the frame (of sampler_schema) until it is full or all are made; how many. */
uint32_t sampler_next(struct sampler *s, struct frame *f);

#endif
