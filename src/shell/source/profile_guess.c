#include "shell/source/profile_guess.h"

#include <stdio.h>

#include "core/base/number.h"

enum { NAME_MAX_BYTES = FIELD_NAME_MAX + 1 };

/* Lower case, letters and digits only: "Tx_Fraud" and "TX FRAUD" are "txfraud". */
static void plain_name(const char *name, char out[NAME_MAX_BYTES])
{
    size_t n = 0;

    for (; *name != 0; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name;

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = c;
    }
    out[n] = 0;
}

/* Place of the first word of the table that the name is, or has inside (`whole` false); -1. */
static int word_of(const char *name, const char *const *words, int count, bool whole)
{
    for (int i = 0; i < count; i++) {
        if (whole ? strcmp(name, words[i]) == 0 : strstr(name, words[i]) != NULL)
            return i;
    }
    return -1;
}

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- label ---- */

static const char *const label_names[] = {
    "isfraud",    "txfraud",   "fraud",          "fraudlabel",     "labelfraud",   "isfraudulent",
    "fraudulent", "fraudbool", "fraudindicator", "fraudflag",      "flagfraud",    "fraudreported",
    "label",      "class",     "target",         "suspiciousflag", "ischargeback", "y",
};

static const char *const positive_words[] = {"1",     "true",       "t",   "yes",       "y",
                                             "fraud", "fraudulent", "bad", "suspicious"};
static const char *const negative_words[] = {"0",     "false",      "f",    "no",      "n",
                                             "legit", "legitimate", "good", "genuine", "normal"};

int label_by_name(const struct schema *s)
{
    int best = FIELD_NONE, best_place = COUNT(label_names);

    for (uint32_t i = 0; i < s->count; i++) {
        enum type type = s->fields[i].type;
        char name[NAME_MAX_BYTES];
        int place;

        if (type != TYPE_BOOL && type != TYPE_INT && type != TYPE_TEXT && type != TYPE_DECIMAL)
            continue;
        plain_name(s->fields[i].name, name);
        place = word_of(name, label_names, COUNT(label_names), true);
        if (place >= 0 && place < best_place) {
            best = (int)i;
            best_place = place;
        }
    }
    return best;
}

static bool is_one_of(const char *text, const char *const *words, int count)
{
    char plain[NAME_MAX_BYTES];

    plain_name(text, plain);
    return word_of(plain, words, count, true) >= 0;
}

bool label_is_positive(const struct column *c, uint32_t row)
{
    char text[16];

    if (c->null[row])
        return false;
    if (c->type == TYPE_DECIMAL)
        return c->integer[row] == DECIMAL_ONE;
    if (c->type != TYPE_TEXT)
        return c->integer[row] == 1;
    if (c->text[row].length >= sizeof text)
        return false;
    memcpy(text, c->text[row].bytes, c->text[row].length);
    text[c->text[row].length] = 0;
    return is_one_of(text, positive_words, COUNT(positive_words));
}

__attribute__((format(printf, 3, 4))) static void set_guess(struct profile_guess *g, int field,
                                                            const char *format, ...)
{
    va_list args;

    g->field = field;
    va_start(args, format);
    vsnprintf(g->reason, sizeof g->reason, format, args);
    va_end(args);
}

/* A label has one value that means fraud and one that does not, and nothing else. */
static void guess_label(const struct profile *p, int label, struct profile_guesses *g)
{
    const struct profile_field *f;
    const struct profile_value *positive = NULL;
    uint64_t cells;

    set_guess(&g->label, FIELD_NONE, "no column has the name and the values of a label");
    if (label == FIELD_NONE)
        return;
    f = &p->fields[label];
    cells = p->rows - f->nulls;
    if (f->distinct > 2 || f->top_count == 0)
        return;
    for (uint32_t i = 0; i < f->top_count; i++) {
        if (is_one_of(f->top[i].text, positive_words, COUNT(positive_words)))
            positive = &f->top[i];
        else if (!is_one_of(f->top[i].text, negative_words, COUNT(negative_words)))
            return;
    }
    if (positive == NULL)
        return;
    memcpy(g->positive, positive->text, sizeof g->positive);
    g->positive_share = (double)positive->count / (double)cells;
    set_guess(&g->label, label,
              "its name, and two values: \"%.20s\" in %llu of %llu rows (%.3g %%)", positive->text,
              (unsigned long long)positive->count, (unsigned long long)cells,
              100 * g->positive_share);
}

/* ---- leaks ---- */

enum { POSITIVES_MIN = 5, ROWS_PER_VALUE_MIN = 20 };
#define LEAK_SHARE 0.95

/* Whether knowing the field is knowing the label: nearly all frauds have values that nearly only
 * frauds have. */
static bool tells_label(const struct profile_field *f, const struct evidence *ev, uint64_t cells)
{
    uint64_t found = 0;

    if (f->distinct * ROWS_PER_VALUE_MIN > cells || ev->positive < POSITIVES_MIN ||
        !f->is_distinct_exact)
        return false;
    for (uint32_t i = 0; i < ev->tally.capacity; i++) {
        const struct tally_item *item = &ev->tally.item[i];

        if (item->hash != 0 && item->positive >= LEAK_SHARE * item->count)
            found += item->positive;
    }
    return (double)found >= LEAK_SHARE * (double)ev->positive;
}

static const char *const leak_words[] = {"fraud", "scenario", "chargeback", "dispute", "confirmed"};

static void guess_leaks(const struct profile *p, const struct evidence *ev,
                        struct profile_guesses *g)
{
    int label = g->label.field;
    uint64_t positives = label != FIELD_NONE ? ev[label].positive : 0;

    for (uint32_t i = 0; i < p->count && g->leak_count < PROFILE_LEAKS_MAX; i++) {
        const struct profile_field *f = &p->fields[i];
        struct profile_guess *leak = &g->leaks[g->leak_count];
        uint64_t cells = p->rows - f->nulls;
        char name[NAME_MAX_BYTES];
        int word;

        if ((int)i == label || (int)i == g->id.field)
            continue;
        plain_name(f->name, name);
        word = word_of(name, leak_words, COUNT(leak_words), false);
        if (label != FIELD_NONE && tells_label(f, &ev[i], cells) &&
            (double)ev[i].positive >= LEAK_SHARE * (double)positives)
            set_guess(leak, (int)i, "its value tells the label in nearly every row");
        else if (positives >= POSITIVES_MIN && f->nulls > 0 &&
                 (double)ev[i].positive >= LEAK_SHARE * (double)cells &&
                 (double)ev[i].positive >= LEAK_SHARE * (double)positives)
            set_guess(leak, (int)i,
                      "it is filled in where the label says fraud, and hardly elsewhere");
        else if (word >= 0 && f->type != TYPE_TEXT)
            set_guess(leak, (int)i, "its name has \"%s\" in it: likely known only afterwards",
                      leak_words[word]);
        else
            continue;
        g->leak_count++;
    }
}

/* ---- id, time, amount ---- */

static bool has_end(const char *name, const char *end)
{
    size_t length = strlen(name), want = strlen(end);

    return length >= want && strcmp(name + length - want, end) == 0;
}

static int id_score(const char *name)
{
    static const char *const best[] = {
        "transactionid", "transid",           "txid", "txnid", "eventid", "paymentid",
        "transnum",      "transactionnumber", "id",   "uuid"};
    int place = word_of(name, best, COUNT(best), true);

    if (place >= 0)
        return 100 - place;
    if (strstr(name, "trans") != NULL || strstr(name, "uuid") != NULL)
        return 50;
    return has_end(name, "id") || has_end(name, "num") || has_end(name, "key") ? 30 : 1;
}

static int time_score(const char *name)
{
    static const char *const never[] = {"birth", "dob", "expir", "login", "since", "opened"};
    static const char *const good[] = {"timestamp", "datetime",  "transdate", "txdate",
                                       "txtime",    "eventtime", "time",      "date"};
    int place;

    if (word_of(name, never, COUNT(never), false) >= 0)
        return 0;
    place = word_of(name, good, COUNT(good), false);
    return place >= 0 ? 100 - place : 10;
}

/* Clock times before bare dates: the one with more distinct values of those with good names. */
static void guess_time(const struct profile *p, struct profile_guesses *g)
{
    uint64_t best = 0;

    set_guess(&g->time, FIELD_NONE, "no column holds times of events");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct profile_field *f = &p->fields[i];
        char name[NAME_MAX_BYTES], from[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
        uint64_t score;

        if (f->type != TYPE_TIME || f->nulls * 10 > p->rows || !f->has_range)
            continue;
        plain_name(f->name, name);
        score = (uint64_t)time_score(name) * (f->distinct + 1);
        if (score <= best)
            continue;
        best = score;
        time_format(f->earliest_us, from);
        time_format(f->latest_us, until);
        set_guess(&g->time, (int)i, "times from %.10s to %.10s, %llu distinct", from, until,
                  (unsigned long long)f->distinct);
    }
}

static void guess_amount(const struct profile *p, struct profile_guesses *g)
{
    static const char *const words[] = {
        "transactionamount", "txamount", "amount", "amt", "value", "price", "paid"};
    static const char *const never[] = {"idx", "index", "rate", "ratio"};
    int best = COUNT(words);

    set_guess(&g->amount, FIELD_NONE, "no number has the name of an amount");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct profile_field *f = &p->fields[i];
        char name[NAME_MAX_BYTES];
        int place;

        if (!type_is_number(f->type) || (int)i == g->label.field || (int)i == g->id.field)
            continue;
        plain_name(f->name, name);
        place = word_of(name, words, COUNT(words), false);
        if (place < 0 || place >= best || has_end(name, "id") ||
            word_of(name, never, COUNT(never), false) >= 0)
            continue;
        best = place;
        set_guess(&g->amount, (int)i, "its name; from %.6g to %.6g, mean %.6g", f->least, f->most,
                  f->mean);
    }
}

/* ---- entities ---- */

static const struct {
    const char *word; /* in the plain name */
    const char *name; /* of the entity */
} entity_words[] = {
    {"customer", "customer"},    {"client", "customer"},   {"user", "user"},
    {"ccnum", "card"},           {"card", "card"},         {"account", "account"},
    {"iban", "account"},         {"terminal", "terminal"}, {"merchant", "merchant"},
    {"shop", "merchant"},        {"device", "device"},     {"ipaddress", "ip"},
    {"email", "email"},          {"phone", "phone"},       {"nameorig", "sender"},
    {"namedest", "receiver"},    {"sender", "sender"},     {"receiver", "receiver"},
    {"payer", "payer"},          {"payee", "payee"},       {"wallet", "wallet"},
    {"beneficiary", "receiver"},
};

enum { ENTITY_DISTINCT_MIN = 10 };
#define ENTITY_REPEATS_MIN 1.2

static const char *entity_name(const char *plain)
{
    /* A property of an entity is none itself. */
    static const char *const properties[] = {"type",    "age",    "country", "category", "lat",
                                             "long",    "lon",    "balance", "city",     "state",
                                             "segment", "status", "code",    "name1"};

    if (strcmp(plain, "ip") == 0)
        return "ip";
    for (int i = 0; i < COUNT(entity_words); i++) {
        if (strstr(plain, entity_words[i].word) == NULL)
            continue;
        for (int k = 0; k < COUNT(properties); k++) {
            if (has_end(plain, properties[k]))
                return NULL;
        }
        return entity_words[i].name;
    }
    return NULL;
}

/* Without the name of an id: a running number, or text that names no entity. */
static bool may_be_id(const struct profile *p, const struct profile_field *f, const char *plain)
{
    if (f->type == TYPE_INT)
        return f->most - f->least + 1 == (double)p->rows && p->rows > 1;
    return entity_name(plain) == NULL && p->rows > 1;
}

static void guess_id(const struct profile *p, const struct evidence *ev, struct profile_guesses *g)
{
    int best = 0;

    set_guess(&g->id, FIELD_NONE, "no column is unique: ids will be made");
    for (uint32_t i = 0; i < p->count; i++) {
        const struct profile_field *f = &p->fields[i];
        const char *named;
        char name[NAME_MAX_BYTES];
        int score;

        if ((f->type != TYPE_INT && f->type != TYPE_TEXT) || !f->is_unique || f->nulls > 0)
            continue;
        plain_name(f->name, name);
        score = id_score(name);
        if (score <= best || (score == 1 && !may_be_id(p, f, name)))
            continue;
        best = score;
        named = score > 1 ? ", and it has the name of an id" : "";
        if (f->is_distinct_exact)
            set_guess(&g->id, (int)i, "no value stands twice in %llu rows%s",
                      (unsigned long long)p->rows, named);
        else
            set_guess(&g->id, (int)i, "none of %u sampled values stands twice in %llu rows%s",
                      ev[i].tally.used, (unsigned long long)p->rows, named);
    }
}

/* "region_id" is the entity "region", where its name is none of the known ones. */
static bool name_from_id(const char *plain, char out[32])
{
    size_t length = strlen(plain);

    if (!has_end(plain, "id") || length < 4 || length > 30)
        return false;
    memcpy(out, plain, length - 2);
    out[length - 2] = 0;
    return true;
}

static bool has_entity(const struct profile_guesses *g, const char *name)
{
    for (uint32_t i = 0; i < g->entity_count; i++) {
        if (strcmp(g->entities[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool is_taken(const struct profile_guesses *g, int field)
{
    if (field == g->id.field || field == g->time.field || field == g->label.field ||
        field == g->amount.field)
        return true;
    for (uint32_t i = 0; i < g->leak_count; i++) {
        if (g->leaks[i].field == field)
            return true;
    }
    return false;
}

static void guess_entities(const struct profile *p, struct profile_guesses *g)
{
    for (uint32_t i = 0; i < p->count && g->entity_count < PROFILE_ENTITIES_MAX; i++) {
        const struct profile_field *f = &p->fields[i];
        struct profile_entity *entity = &g->entities[g->entity_count];
        uint64_t cells = p->rows - f->nulls;
        char plain[NAME_MAX_BYTES], made[32];
        const char *name;

        if ((f->type != TYPE_INT && f->type != TYPE_TEXT) || is_taken(g, (int)i) ||
            f->distinct < ENTITY_DISTINCT_MIN ||
            (double)cells < ENTITY_REPEATS_MIN * (double)f->distinct)
            continue;
        plain_name(f->name, plain);
        name = entity_name(plain);
        if (name == NULL && name_from_id(plain, made))
            name = made;
        if (name == NULL || has_entity(g, name))
            continue;
        snprintf(entity->name, sizeof entity->name, "%s", name);
        set_guess(&entity->is, (int)i, "its name; %s%llu distinct values, each in %.3g rows",
                  f->is_distinct_exact ? "" : "about ", (unsigned long long)f->distinct,
                  (double)cells / (double)f->distinct);
        g->entity_count++;
    }
}

/* What counts as fraud in a field that was named as the label. */
static void take_label(const struct profile *p, const struct evidence *ev, int label,
                       struct profile_guesses *g)
{
    uint64_t cells = p->rows - p->fields[label].nulls;

    g->positive_share = cells > 0 ? (double)ev[label].positive / (double)cells : 0;
    if (g->label.field == FIELD_NONE)
        set_guess(&g->label, label, "said; positive in %llu of %llu rows",
                  (unsigned long long)ev[label].positive, (unsigned long long)cells);
}

void make_guesses(const struct profile *p, const struct evidence *ev, int label,
                  bool label_is_given, int time, struct profile_guesses *g)
{
    guess_label(p, label, g);
    if (label_is_given)
        take_label(p, ev, label, g);
    guess_id(p, ev, g);
    guess_time(p, g);
    if (time != FIELD_NONE)
        set_guess(&g->time, time, "said");
    guess_amount(p, g);
    guess_leaks(p, ev, g);
    guess_entities(p, g);
}
