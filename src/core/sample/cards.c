/* Card payments, by the simulator of the Fraud Detection Handbook (Le Borgne and others, 2022,
 * chapter 3): customers and terminals on a 100 x 100 map, terminals within a radius of 5 are used,
 * amounts are normal around the customer's mean, payments a day are Poisson. The Handbook has 5,000
 * customers and 10,000 terminals; here their number follows from the rows asked for and the rates
 * of compromise are scaled with it. Ours beside it: a category per terminal. */
#include <math.h>
#include <stdio.h>

#include "core/base/panic.h"
#include "core/sample/scenario.h"

enum {
    TERMINALS_NEAR_MAX = 64,
    TERMINAL_DAYS = 28,
    CARD_DAYS = 14,
    MAP = 100,
    RADIUS = 5,
};

static const double payments_a_day = 1.88; /* of the mean customer, after those outside the day */
static const double fraud_amount = 220;

enum { ID, TIME, CUSTOMER, TERMINAL, AMOUNT, CATEGORY, IS_FRAUD };

static const struct sample_field fields[] = {
    [ID] = {"transaction_id", TYPE_INT},    [TIME] = {"timestamp", TYPE_TIME},
    [CUSTOMER] = {"customer_id", TYPE_INT}, [TERMINAL] = {"terminal_id", TYPE_INT},
    [AMOUNT] = {"amount", TYPE_DECIMAL},    [CATEGORY] = {"merchant_category", TYPE_TEXT},
    [IS_FRAUD] = {"is_fraud", TYPE_BOOL},
};

static const char *const categories[] = {"grocery",     "fuel",   "restaurant", "travel",
                                         "electronics", "health", "clothing",   "entertainment"};

struct customer {
    double x, y;
    double mean, deviation;
    double payments;
    uint32_t near[TERMINALS_NEAR_MAX];
    uint32_t near_count;
    int32_t compromised_until; /* day, exclusive */
};

struct terminal {
    double x, y;
    uint8_t category;
    int32_t compromised_until;
};

struct cards {
    struct customer *customer;
    struct terminal *terminal;
    uint32_t customers, terminals;
};

static void find_terminals(struct cards *c, struct customer *who, struct random *r)
{
    for (uint32_t i = 0; i < c->terminals && who->near_count < TERMINALS_NEAR_MAX; i++) {
        double dx = c->terminal[i].x - who->x, dy = c->terminal[i].y - who->y;

        if (dx * dx + dy * dy < RADIUS * RADIUS)
            who->near[who->near_count++] = i;
    }
    if (who->near_count == 0) /* a lonely customer pays somewhere all the same */
        who->near[who->near_count++] = (uint32_t)random_below(r, c->terminals);
}

static void *cards_open(const struct sample_options *o, struct random *r)
{
    struct cards *c = mem_alloc(sizeof *c);
    double customers = ceil((double)o->rows / o->days / payments_a_day);

    c->customers = customers < 20 ? 20 : (uint32_t)customers;
    c->terminals = c->customers * 2;
    c->customer = mem_array(c->customers, sizeof *c->customer);
    c->terminal = mem_array(c->terminals, sizeof *c->terminal);
    for (uint32_t i = 0; i < c->terminals; i++) {
        c->terminal[i].x = MAP * random_real(r);
        c->terminal[i].y = MAP * random_real(r);
        c->terminal[i].category = (uint8_t)random_below(r, sizeof categories / sizeof *categories);
    }
    for (uint32_t i = 0; i < c->customers; i++) {
        struct customer *who = &c->customer[i];

        who->x = MAP * random_real(r);
        who->y = MAP * random_real(r);
        who->mean = 5 + 95 * random_real(r);
        who->deviation = who->mean / 2;
        who->payments = 4 * random_real(r);
        find_terminals(c, who, r);
    }
    return c;
}

static void cards_close(void *population)
{
    struct cards *c = population;

    mem_free(c->customer);
    mem_free(c->terminal);
    mem_free(c);
}

/* Two of 10,000 terminals and three of 5,000 cards fall each day. */
static void compromise(struct cards *c, int32_t day, struct random *r)
{
    uint32_t terminals = random_poisson(r, fmin(500, 2.0 * c->terminals / 10000));
    uint32_t cards = random_poisson(r, fmin(500, 3.0 * c->customers / 5000));

    for (uint32_t i = 0; i < terminals; i++)
        c->terminal[random_below(r, c->terminals)].compromised_until = day + TERMINAL_DAYS;
    for (uint32_t i = 0; i < cards; i++)
        c->customer[random_below(r, c->customers)].compromised_until = day + CARD_DAYS;
}

static void pay(struct cards *c, uint32_t number, int32_t day, int64_t time_us, struct random *r,
                struct sample_day *d)
{
    const struct customer *who = &c->customer[number];
    double amount = who->mean + who->deviation * random_normal(r);
    uint32_t at = who->near[random_below(r, who->near_count)];
    bool is_fraud;
    struct sample_row *row;

    if (amount < 0)
        amount = 2 * who->mean * random_real(r);
    is_fraud = amount > fraud_amount || day < c->terminal[at].compromised_until;
    if (day < who->compromised_until && random_below(r, 3) == 0) {
        amount *= 5;
        is_fraud = true;
    }
    row = sample_day_add(d, time_us);
    row->cell[CUSTOMER].integer = number;
    row->cell[TERMINAL].integer = at;
    row->cell[AMOUNT].integer = sample_money(amount);
    snprintf(row->cell[CATEGORY].text, SAMPLE_TEXT_CELL, "%s",
             categories[c->terminal[at].category]);
    row->cell[IS_FRAUD].integer = is_fraud;
}

static void cards_day(void *population, uint32_t day, int64_t start_us, struct random *r,
                      struct sample_day *d)
{
    struct cards *c = population;

    compromise(c, (int32_t)day, r);
    for (uint32_t i = 0; i < c->customers; i++) {
        uint32_t payments = random_poisson(r, c->customer[i].payments);

        for (uint32_t k = 0; k < payments; k++) {
            int64_t time_us;

            if (sample_daytime(r, start_us, &time_us))
                pay(c, i, (int32_t)day, time_us, r, d);
        }
    }
}

const struct scenario scenario_cards = {
    .name = "cards",
    .words = "card payments at terminals; compromised terminals, compromised cards, high amounts",
    .field = fields,
    .fields = sizeof fields / sizeof *fields,
    .open = cards_open,
    .close = cards_close,
    .day = cards_day,
};
