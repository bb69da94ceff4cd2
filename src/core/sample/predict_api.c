/* Requests as simple scoring services take them: six plain fields, each request on its own. Frauds
 * are drawn from the table of named scenarios; legitimate ones can look like them, more rarely. */
#include <math.h>
#include <stdio.h>

#include "core/base/elementary.h"
#include "core/sample/scenario.h"

enum { ID, TIME, AMOUNT, KIND, CATEGORY, LOCATION, HOUR, WEEKDAY, IS_FRAUD };

static const struct sample_field fields[] = {
    [ID] = {"transaction_id", TYPE_INT},
    [TIME] = {"timestamp", TYPE_TIME},
    [AMOUNT] = {"amount", TYPE_DECIMAL},
    [KIND] = {"transaction_type", TYPE_TEXT},
    [CATEGORY] = {"merchant_category", TYPE_TEXT},
    [LOCATION] = {"location", TYPE_TEXT},
    [HOUR] = {"hour_of_day", TYPE_INT},
    [WEEKDAY] = {"day_of_week", TYPE_INT},
    [IS_FRAUD] = {"is_fraud", TYPE_BOOL},
};

static const char *const kinds[] = {"purchase", "transfer", "withdrawal", "online"};
static const char *const shops[] = {"grocery", "electronics", "travel",   "restaurant",
                                    "fuel",    "jewelry",     "gambling", "utilities"};
static const char *const places[] = {"Jakarta", "Surabaya", "Bandung",
                                     "Medan",   "Denpasar", "abroad"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A way to defraud: which fields it fixes (NULL: as anyone), amounts and hours. */
struct fraud {
    const char *name;
    const char *kind, *shop, *place;
    double log_mean, log_deviation; /* of the amount */
    int hour_from, hour_until;
    double share;
};

static const struct fraud frauds[] = {
    {"night transfer", "transfer", NULL, NULL, 6.5, 0.5, 0, 5, 0.3},
    {"electronics abroad", "online", "electronics", "abroad", 6.8, 0.4, 0, 24, 0.25},
    {"card testing", "online", "utilities", NULL, 0.5, 0.4, 0, 24, 0.2},
    {"jewelry with a stolen card", "purchase", "jewelry", NULL, 7.2, 0.4, 9, 21, 0.15},
    {"gambling drain", "online", "gambling", NULL, 5.8, 0.6, 20, 24, 0.1},
};

struct requests {
    double a_day;
};

static void *requests_open(const struct sample_options *o, struct random *r)
{
    struct requests *q = mem_alloc(sizeof *q);

    (void)r;
    q->a_day = ceil((double)o->rows / o->days);
    return q;
}

static void requests_close(void *population)
{
    mem_free(population);
}

static const struct fraud *draw_fraud(struct random *r)
{
    double dice = random_real(r);

    for (size_t i = 0; i + 1 < COUNT(frauds); i++) {
        if (dice < frauds[i].share)
            return &frauds[i];
        dice -= frauds[i].share;
    }
    return &frauds[COUNT(frauds) - 1];
}

static int usual_hour(struct random *r)
{
    double hour = 14 + 5 * random_normal(r);

    return (int)(hour - 24 * floor(hour / 24));
}

static void put(struct sample_row *row, int column, const char *fixed, const char *const *any,
                size_t count, struct random *r)
{
    const char *word = any[random_below(r, count)];

    snprintf(row->cell[column].text, SAMPLE_TEXT_CELL, "%s", fixed != NULL ? fixed : word);
}

static void request(int64_t start_us, struct random *r, struct sample_day *d)
{
    static const struct fraud usual = {.log_mean = 3.6, .log_deviation = 1.0};
    bool is_fraud = random_real(r) < 0.02;
    bool looks_like = is_fraud || random_real(r) < 0.004;
    const struct fraud *f = looks_like ? draw_fraud(r) : &usual;
    int hour = f->hour_until == 0
                   ? usual_hour(r)
                   : f->hour_from + (int)random_below(r, (uint64_t)(f->hour_until - f->hour_from));
    int64_t time_us =
        start_us + hour * US_PER_HOUR + (int64_t)random_below(r, 3600) * US_PER_SECOND;
    struct sample_row *row = sample_day_add(d, time_us);

    row->cell[AMOUNT].integer =
        sample_money(em_exp(f->log_mean + f->log_deviation * random_normal(r)));
    put(row, KIND, f->kind, kinds, COUNT(kinds), r);
    put(row, CATEGORY, f->shop, shops, COUNT(shops), r);
    put(row, LOCATION, f->place, places, COUNT(places), r);
    row->cell[HOUR].integer = hour;
    row->cell[WEEKDAY].integer = civil_from_time(time_us).weekday;
    row->cell[IS_FRAUD].integer = is_fraud;
}

static void requests_day(void *population, uint32_t day, int64_t start_us, struct random *r,
                         struct sample_day *d)
{
    const struct requests *q = population;

    (void)day;
    for (double i = 0; i < q->a_day; i++)
        request(start_us, r, d);
}

const struct scenario scenario_predict_api = {
    .name = "predict-api",
    .words = "independent requests of six plain fields; five named fraud scenarios",
    .field = fields,
    .fields = sizeof fields / sizeof *fields,
    .open = requests_open,
    .close = requests_close,
    .day = requests_day,
};
