/* A mobile wallet. Accounts hold a balance and do what people do: cash in, pay merchants, send to
 * a few friends, cash out. Two kinds of fraud live among them: a takeover (a device never seen
 * before empties the account in a few transfers to a mule), and the mule's own cash-outs that
 * follow. */
#include <math.h>
#include <stdio.h>

#include "core/base/elementary.h"
#include "core/base/number.h"
#include "core/sample/scenario.h"

enum { FRIENDS = 5, MERCHANTS_PER_100 = 8 };

static const double actions_a_day = 1.0;

enum { ID, TIME, ACCOUNT, COUNTERPARTY, KIND, AMOUNT, BALANCE, DEVICE, IS_FRAUD };

static const struct sample_field fields[] = {
    [ID] = {"transaction_id", TYPE_INT},      [TIME] = {"timestamp", TYPE_TIME},
    [ACCOUNT] = {"account_id", TYPE_TEXT},    [COUNTERPARTY] = {"counterparty_id", TYPE_TEXT},
    [KIND] = {"transaction_type", TYPE_TEXT}, [AMOUNT] = {"amount", TYPE_DECIMAL},
    [BALANCE] = {"balance", TYPE_DECIMAL},    [DEVICE] = {"device_id", TYPE_TEXT},
    [IS_FRAUD] = {"is_fraud", TYPE_BOOL},
};

struct account {
    double balance;
    double income;  /* of one cash-in */
    double actions; /* a day */
    uint32_t friend[FRIENDS];
    uint32_t device;
};

struct wallet {
    struct account *account;
    uint32_t accounts, merchants, devices;
};

static void *wallet_open(const struct sample_options *o, struct random *r)
{
    struct wallet *w = mem_alloc(sizeof *w);
    double accounts = ceil((double)o->rows / o->days / actions_a_day);

    w->accounts = accounts < 50 ? 50 : (uint32_t)accounts;
    w->merchants = 1 + w->accounts * MERCHANTS_PER_100 / 100;
    w->devices = w->accounts;
    w->account = mem_array(w->accounts, sizeof *w->account);
    for (uint32_t i = 0; i < w->accounts; i++) {
        struct account *a = &w->account[i];

        a->income = em_exp(4.5 + 0.7 * random_normal(r));
        a->balance = a->income * (0.5 + random_real(r));
        a->actions = 2 * actions_a_day * random_real(r);
        a->device = i;
        for (int k = 0; k < FRIENDS; k++)
            a->friend[k] = (uint32_t)random_below(r, w->accounts);
    }
    return w;
}

static void wallet_close(void *population)
{
    struct wallet *w = population;

    mem_free(w->account);
    mem_free(w);
}

static struct sample_row *act(struct wallet *w, uint32_t who, const char *kind, double amount,
                              uint32_t device, int64_t time_us, struct sample_day *d)
{
    struct sample_row *row = sample_day_add(d, time_us);

    snprintf(row->cell[ACCOUNT].text, SAMPLE_TEXT_CELL, "W%06u", who);
    snprintf(row->cell[KIND].text, SAMPLE_TEXT_CELL, "%s", kind);
    snprintf(row->cell[DEVICE].text, SAMPLE_TEXT_CELL, "D%07u", device);
    row->cell[AMOUNT].integer = sample_money(amount);
    row->cell[BALANCE].integer = (int64_t)rint(w->account[who].balance * 100) * (DECIMAL_ONE / 100);
    return row;
}

static void transfer(struct wallet *w, uint32_t from, uint32_t to, double amount, uint32_t device,
                     bool is_fraud, int64_t time_us, struct sample_day *d)
{
    struct sample_row *row = act(w, from, "transfer", amount, device, time_us, d);

    snprintf(row->cell[COUNTERPARTY].text, SAMPLE_TEXT_CELL, "W%06u", to);
    row->cell[IS_FRAUD].integer = is_fraud;
    w->account[from].balance -= amount;
    w->account[to].balance += amount;
}

static void live(struct wallet *w, uint32_t who, int64_t time_us, struct random *r,
                 struct sample_day *d)
{
    struct account *a = &w->account[who];
    double share = random_real(r), dice = random_real(r);
    double amount = a->balance * (0.05 + 0.3 * share);

    if (a->balance < 0.2 * a->income || dice < 0.15) {
        struct sample_row *row =
            act(w, who, "cash_in", a->income * (0.7 + 0.6 * share), a->device, time_us, d);

        snprintf(row->cell[COUNTERPARTY].text, SAMPLE_TEXT_CELL, "A%04u",
                 (uint32_t)random_below(r, 200));
        a->balance += (double)row->cell[AMOUNT].integer / DECIMAL_ONE;
    } else if (dice < 0.45) {
        transfer(w, who, a->friend[random_below(r, FRIENDS)], amount, a -> device, false, time_us,
                 d);
    } else {
        bool out = dice > 0.9;
        struct sample_row *row =
            act(w, who, out ? "cash_out" : "payment", amount, a->device, time_us, d);

        snprintf(row->cell[COUNTERPARTY].text, SAMPLE_TEXT_CELL, out ? "A%04u" : "M%05u",
                 (uint32_t)random_below(r, out ? 200 : w->merchants));
        a->balance -= amount;
    }
}

/* Two to four transfers within minutes empty the account; the mule cashes out within the hour. */
static void take_over(struct wallet *w, int64_t time_us, struct random *r, struct sample_day *d)
{
    uint32_t victim = (uint32_t)random_below(r, w->accounts);
    uint32_t mule = (uint32_t)random_below(r, w->accounts);
    uint32_t device = w->devices++;
    uint32_t steps = 2 + (uint32_t)random_below(r, 3);
    double taken = 0;
    struct sample_row *row;

    for (uint32_t i = 0; i < steps; i++) {
        double amount = w->account[victim].balance * (i + 1 == steps ? 0.97 : 0.5);

        if (amount < 1)
            break;
        taken += amount;
        transfer(w, victim, mule, amount, device, true, time_us, d);
        time_us += (30 + (int64_t)random_below(r, 240)) * US_PER_SECOND;
    }
    if (taken < 1)
        return;
    time_us += (int64_t)random_below(r, 3000) * US_PER_SECOND;
    row = act(w, mule, "cash_out", taken * 0.95, w->account[mule].device, time_us, d);
    snprintf(row->cell[COUNTERPARTY].text, SAMPLE_TEXT_CELL, "A%04u",
             (uint32_t)random_below(r, 200));
    row->cell[IS_FRAUD].integer = 1;
    w->account[mule].balance -= taken * 0.95;
}

static void wallet_day(void *population, uint32_t day, int64_t start_us, struct random *r,
                       struct sample_day *d)
{
    struct wallet *w = population;
    uint32_t frauds = random_poisson(r, w->accounts * actions_a_day * 0.002 < 0.5
                                            ? 0.5
                                            : fmin(500, w->accounts * actions_a_day * 0.002));
    int64_t time_us;

    (void)day;
    for (uint32_t i = 0; i < w->accounts; i++) {
        uint32_t actions = random_poisson(r, w->account[i].actions);

        for (uint32_t k = 0; k < actions; k++) {
            if (sample_daytime(r, start_us, &time_us))
                live(w, i, time_us, r, d);
        }
    }
    /* At night more often than people pay; early enough that the cash-out is on the same day. */
    for (uint32_t i = 0; i < frauds; i++)
        take_over(w, start_us + (int64_t)random_below(r, 80000) * US_PER_SECOND, r, d);
}

const struct scenario scenario_wallet = {
    .name = "wallet",
    .words = "a mobile wallet with balances; account takeover and mules",
    .field = fields,
    .fields = sizeof fields / sizeof *fields,
    .open = wallet_open,
    .close = wallet_close,
    .day = wallet_day,
};
