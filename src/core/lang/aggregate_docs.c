/* The words of the aggregates for users, and an example each, one row an aggregate. The examples
 * look at one small history of events; docs/functions.md shows both, and tests/unit/lang_docs.c
 * runs them in the engine. */
#include "core/lang/lang.h"

static const char *const events[][HISTORY_FIELDS] = {
    {"2018-04-01T10:00:00Z", "c1", "m1", "ID", "20.00", "false"},
    {"2018-04-01T12:00:00Z", "c1", "m2", "ID", "30.00", "true"},
    {"2018-04-02T09:00:00Z", "c2", "m2", "SG", "500.00", "false"},
    {"2018-04-03T10:00:00Z", "c1", "m1", "ID", "", ""},
    {"2018-04-03T11:00:00Z", "c1", "m3", "ID", "20.00", ""},
    {"2018-04-03T11:30:00Z", "c1", "m1", "SG", "90.00", ""},
};

static const struct history history = {
    .field = {{"at", TYPE_TIME},
              {"customer", TYPE_TEXT},
              {"merchant", TYPE_TEXT},
              {"country", TYPE_TEXT},
              {"amount", TYPE_DECIMAL},
              {"fraud", TYPE_BOOL}},
    .event = events,
    .events = sizeof events / sizeof *events,
};

/* Of the label last. */
static const struct aggregate_info infos[] = {
    {"count", "count() -> int, count(x) -> int", "the events, or those where x is not null", "0",
     "count() by customer over 1d", "3"},
    {"sum", "sum(x) -> type of x", "sum of numbers or durations, exactly", "0",
     "sum(amount) by customer over 1d", "110"},
    {"mean", "mean(x) -> real", "mean of numbers, or of durations in seconds", "null",
     "mean(amount) by customer over 30d", "40"},
    {"min", "min(x) -> type of x", "smallest number, time or duration", "null",
     "min(amount) by customer over 1d", "20"},
    {"max", "max(x) -> type of x", "largest number, time or duration", "null",
     "max(amount) by customer over 7d prior", "30"},
    {"std", "std(x) -> real", "standard deviation of a sample; null below two values", "null",
     "round(std(amount) by customer over 7d prior, 6)", "5.773503"},
    {"prev", "prev(x) -> type of x",
     "x of the newest earlier event, null where that is null; always prior", "null",
     "prev(amount) by customer", "20"},
    {"last", "last(x) -> type of x", "the newest x that is not null", "null",
     "last(country) by customer prior", "ID"},
    {"is_new", "is_new(x) -> bool", "no earlier event had this x; always prior", "true",
     "is_new(country) by customer", "true"},
    {"distinct", "distinct(x) -> int", "how many different x", "0",
     "distinct(merchant) by customer over 3d", "3"},
    {"approx_distinct", "approx_distinct(x) -> int",
     "how many different x ever, from a sketch of at most 1 KiB: that number up to 192, beyond it "
     "an estimate with a standard error of 3.3 %; without over",
     "0", "approx_distinct(merchant) by customer", "3"},
    {"mode", "mode(x) -> type of x",
     "the most frequent x; of equally frequent ones that seen last; needs over", "null",
     "mode(merchant) by customer over 7d", "m1"},
    {"entropy", "entropy(x) -> real", "entropy of the frequencies of x, in bits; needs over",
     "null", "round(entropy(merchant) by customer over 7d, 6)", "1.370951"},
    {"quantile", "quantile(x, p) -> real",
     "the p-quantile, linear between the two nearest ranks (type 7); needs over", "null",
     "quantile(amount, 0.5) by customer over 7d", "25"},
    {"rank", "rank(x) -> real",
     "share of earlier x that are less, equal ones counted half; always prior; needs over", "null",
     "rank(amount) by customer over 7d", "1"},
    {"decayed_count", "decayed_count(half-life) -> real",
     "events, each weighted 2^(-age / half-life)", "0", "round(decayed_count(1d) by customer, 6)",
     "3.436304"},
    {"decayed_sum", "decayed_sum(x, half-life) -> real",
     "sum of x, each weighted 2^(-age / half-life)", "0",
     "round(decayed_sum(amount, 1d) by customer, 6)", "122.11037"},
    {"zscore", "zscore(x) -> real", "(x - mean) / std, both of the earlier events", "null",
     "round(zscore(amount) by customer over 7d, 6)", "11.547005"},
    {"ratio", "ratio(x) -> real", "x / mean of the earlier events", "null",
     "round(ratio(amount) by customer over 7d, 6)", "3.857143"},
    {"share", "share(x, value) -> real", "share of the events whose x is the value", "null",
     "share(country, 'ID') by customer over 7d", "0.8"},
    {"mean", "mean(label) -> real", "share of frauds among the labels known by then", "null",
     "mean(label) by customer over 28d delay 1d", "0.5"},
    {"sum", "sum(label) -> int", "frauds among the labels known by then", "0",
     "sum(label) by merchant over 28d delay 1d", "0"},
    {"count", "count(label) -> int", "labels known by then", "0",
     "count(label) by customer over 28d delay 1d", "2"},
};

const struct aggregate_info *lang_aggregates(size_t *count)
{
    *count = sizeof infos / sizeof *infos;
    return infos;
}

const struct history *lang_history(void)
{
    return &history;
}
