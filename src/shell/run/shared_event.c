#include "shell/run/shared_event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/velocity/result.h"

enum { WORD_MAX = 64, KEY_BYTES_MAX = LANG_KEYS_MAX * (TEXT_MAX + 8), ORDER_DIGITS = 16 };

/* ---- values ---- */

static bool passes(const struct registers *r, int where, uint32_t row)
{
    return where < 0 || (!r->column[where].null[row] && r->column[where].integer[row] != 0);
}

static bool is_null(const struct registers *r, int operand, uint32_t row)
{
    return operand >= 0 && r->column[operand].null[row];
}

/* Whether the term counts the row, and with what. */
static bool term_value(const struct shared_term *t, const struct registers *r, uint32_t row,
                       int64_t *value)
{
    *value = 0;
    if (!passes(r, t->where, row) || is_null(r, t->operand, row))
        return false;
    if (!t->has_sum)
        return true;
    *value = r->column[t->operand].integer[row];
    return r->column[t->operand].type != TYPE_REAL ||
           fixed_from_real(r->column[t->operand].real[row], value);
}

/* 64 bits that sort as the values do. */
static uint64_t to_order(const struct column *c, uint32_t row)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t bits = (uint64_t)c->integer[row]; /* of a real too */

    if (c->type == TYPE_REAL && (bits & sign) != 0)
        return ~bits;
    return bits ^ sign;
}

static int64_t from_order(enum type type, uint64_t order)
{
    const uint64_t sign = UINT64_C(1) << 63;

    if (type == TYPE_REAL && (order & sign) == 0)
        return (int64_t)~order;
    return (int64_t)(order ^ sign);
}

/* What the operand is there; "" where it is null. */
static void value_word(const struct shared_value *v, const struct shared_limits *limits,
                       const struct registers *r, uint32_t row, char out[WORD_MAX])
{
    const struct column *c = &r->column[v->operand];
    struct hash128 token;

    out[0] = 0;
    if (c->null[row]) {
        snprintf(out, WORD_MAX, "%s", v->keeps_nulls ? "n" : "");
    } else if (v->is_token && c->type == TYPE_TEXT) {
        token = hash_token(c->text[row].bytes, c->text[row].length, &limits->key);
        snprintf(out, WORD_MAX, "%016" PRIx64 "%016" PRIx64, token.high, token.low);
    } else {
        snprintf(out, WORD_MAX, "%016" PRIx64, to_order(c, row));
    }
}

/* ---- asking ---- */

static void add(struct shared_request *q, const void *bytes, size_t length)
{
    buffer_add_u32(&q->bytes, (uint32_t)length);
    buffer_add(&q->bytes, bytes, length);
    q->arguments++;
}

static void add_word(struct shared_request *q, const char *word)
{
    add(q, word, strlen(word));
}

static void add_integer(struct shared_request *q, int64_t v)
{
    char word[WORD_MAX];

    snprintf(word, sizeof word, "%" PRId64, v);
    add_word(q, word);
}

bool shared_has_key(const struct shared_group *g, const struct registers *r, uint32_t row)
{
    for (int i = 0; i < g->key->key_count; i++) {
        if (r->column[g->key->keys[i]].null[row])
            return false;
    }
    return true;
}

static struct hash128 key_token(const struct shared_group *g, const struct hash_key *key,
                                const struct registers *r, uint32_t row)
{
    uint8_t bytes[KEY_BYTES_MAX];
    size_t length = 0;

    for (int i = 0; i < g->key->key_count; i++) {
        const struct column *c = &r->column[g->key->keys[i]];
        const void *from = &c->integer[row];
        uint64_t size = sizeof c->integer[row];

        if (c->type == TYPE_TEXT) {
            size = c->text[row].length;
            ASSERT(size <= TEXT_MAX);
            memcpy(bytes + length, &size, sizeof size);
            length += sizeof size;
            from = c->text[row].bytes;
        }
        if (size > 0)
            memcpy(bytes + length, from, size);
        length += size;
    }
    return hash_token(bytes, length, key);
}

static void add_keys(struct shared_request *q, const struct shared_group *g,
                     const struct shared_limits *limits, const struct registers *r, uint32_t row)
{
    struct hash128 token = key_token(g, &limits->key, r, row);
    char name[400];

    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "{%.200s}:v:%016" PRIx64 ":%016" PRIx64 "%016" PRIx64 ":%s",
                 limits->prefix, g->fingerprint, token.high, token.low, i == 0 ? "z" : "h");
        add_word(q, name);
    }
}

static int64_t add_us(int64_t a, int64_t b)
{
    const int64_t most = INT64_C(1) << 52; /* exact in the script */

    return a > most - b ? most : a + b;
}

static void add_terms(struct shared_request *q, const struct shared_group *g,
                      const struct registers *r, uint32_t row)
{
    for (uint32_t i = 0; i < g->terms; i++) {
        int64_t v;
        bool counts = term_value(&g->term[i], r, row, &v);

        if (!counts)
            v = 0;
        add_integer(q, counts);
        add_integer(q, v >> 32);
        add_integer(q, v & UINT32_MAX);
    }
}

static const char *op_word(enum shared_op op)
{
    static const char *const words[] = {
        [SHARED_SUMS] = "s", [SHARED_DISTINCT] = "d", [SHARED_LEAST] = "l",
        [SHARED_MOST] = "m", [SHARED_LAST] = "n",     [SHARED_PREV] = "n",
    };

    return words[op];
}

static void add_group(struct shared_request *q, const struct shared_group *g,
                      const struct shared_limits *limits, const struct registers *r, uint32_t row)
{
    int64_t keep_us = add_us(add_us(g->longest_us, limits->lateness_us), limits->retry_us);
    char word[WORD_MAX];

    add_integer(q, limits->lateness_us);
    add_integer(q, keep_us);
    add_integer(q, add_us(keep_us, limits->idle_us) / 1000);
    add_integer(q, limits->events);
    add_integer(q, g->terms);
    add_integer(q, g->values);
    add_integer(q, g->reads);
    add_terms(q, g, r, row);
    for (uint32_t i = 0; i < g->values; i++) {
        value_word(&g->value[i], limits, r, row, word);
        add_word(q, passes(r, g->value[i].where, row) ? word : "");
    }
    for (uint32_t i = 0; i < g->reads; i++) {
        const struct shared_read *read = &g->read[i];

        add_word(q, op_word(read->op));
        add_integer(q, read->of + 1);
        add_integer(q, read->aggregate->over_us);
        word[0] = 0;
        if (read->op == SHARED_DISTINCT)
            value_word(&g->value[read->of], limits, r, row, word);
        add_word(q, word);
    }
}

void shared_request_make(const struct shared_layout *l, const struct shared_limits *limits,
                         const struct registers *r, uint32_t row, const char *how, struct text id,
                         int64_t time_us, struct shared_request *q)
{
    struct hash128 token = hash_token(id.bytes, id.length, &limits->key);
    char word[300];

    buffer_clear(&q->bytes);
    q->arguments = q->keys = q->groups = 0;
    snprintf(word, sizeof word, "{%.200s}:gap", limits->prefix);
    add_word(q, word);
    for (uint32_t i = 0; i < l->groups; i++) {
        if (!shared_has_key(&l->group[i], r, row))
            continue;
        add_keys(q, &l->group[i], limits, r, row);
        q->groups++;
    }
    q->keys = q->arguments;
    add_word(q, how);
    snprintf(word, sizeof word, "%016" PRIx64 "%016" PRIx64, token.high, token.low);
    add_word(q, word);
    add_integer(q, time_us);
    for (uint32_t i = 0; i < l->groups; i++) {
        if (shared_has_key(&l->group[i], r, row))
            add_group(q, &l->group[i], limits, r, row);
    }
}

/* ---- answers ---- */

/* As a window's result, to the bit. */
static void put_sums(const struct aggregate *a, uint64_t n, int128 sum, struct column *c,
                     uint32_t row)
{
    bool in_millionths =
        a->operand >= 0 && (a->operand_type == TYPE_DECIMAL || a->operand_type == TYPE_REAL ||
                            a->operand_type == TYPE_DURATION);
    uint64_t units = in_millionths ? RESULT_MILLION : 1;

    if (a->kind == AGG_COUNT)
        put_integer(c, row, (int64_t)n);
    else if (a->kind == AGG_SUM)
        put_ratio(c, row, units, sum, 1);
    else if (n == 0)
        put_null(c, row);
    else
        put_ratio(c, row, units, sum, n);
}

/* Whole numbers with one space between. */
static bool read_numbers(struct text t, int64_t *out, int count)
{
    for (int i = 0; i < count; i++) {
        const char *space = memchr(t.bytes, ' ', t.length);
        size_t length = space != NULL ? (size_t)(space - t.bytes) : t.length;

        if (!number_parse_int((struct text){t.bytes, length}, &out[i]))
            return false;
        length += space != NULL;
        t.bytes += length;
        t.length -= length;
    }
    return t.length == 0;
}

static bool read_order(struct text t, uint64_t *order)
{
    *order = 0;
    for (size_t i = 0; i < t.length; i++) {
        const char *digits = "0123456789abcdef", *at = memchr(digits, t.bytes[i], 16);

        if (at == NULL)
            return false;
        *order = *order << 4 | (uint64_t)(at - digits);
    }
    return t.length == ORDER_DIGITS;
}

static bool take_sums(const struct shared_group *g, const struct shared_read *read,
                      const struct registers *r, uint32_t row, struct text found, bool has_key,
                      struct column *c, uint32_t at)
{
    const struct shared_term *t = &g->term[read->of];
    int64_t part[3] = {0}, own;
    bool now = term_value(t, r, row, &own) && has_key && !read->is_prior;
    int128 sum;

    if (has_key && !read_numbers(found, part, 3))
        return false;
    sum = (int128)part[1] * (INT64_C(1) << 32) + part[2] + (now ? own : 0);
    put_sums(read->aggregate, (uint64_t)(part[0] + now), sum, c, at);
    return true;
}

static bool take_distinct(const struct shared_read *read, const struct registers *r, uint32_t row,
                          struct text found, bool has_key, struct column *c, uint32_t at)
{
    const struct aggregate *a = read->aggregate;
    bool null_now = is_null(r, a->operand, row);
    bool now = has_key && !read->is_prior && passes(r, a->where, row) && !null_now;
    int64_t part[2] = {0};

    if (has_key && !read_numbers(found, part, 2))
        return false;
    if (a->kind == AGG_DISTINCT)
        put_integer(c, at, part[0] + (now && part[1] == 0));
    else if (null_now)
        put_null(c, at);
    else
        put_integer(c, at, part[1] == 0);
    return true;
}

static bool take_value(const struct shared_read *read, const struct registers *r, uint32_t row,
                       struct text found, bool has_key, struct column *c, uint32_t at)
{
    const struct aggregate *a = read->aggregate;
    const struct column *own = &r->column[a->operand];
    bool now = has_key && !read->is_prior && passes(r, a->where, row) && !own->null[row];
    bool has = has_key && found.length > 0 && !text_is(found, "n");
    uint64_t order = 0, mine = now ? to_order(own, row) : 0;

    if (has && !read_order(found, &order))
        return false;
    if (now && (!has || read->op == SHARED_LAST || (read->op == SHARED_LEAST && mine < order) ||
                (read->op == SHARED_MOST && mine > order)))
        order = mine;
    if (has || now)
        put_integer(c, at, from_order(a->operand_type, order));
    else
        put_null(c, at);
    return true;
}

void shared_answer_none(const struct shared_group *g, struct frame *f, uint32_t at)
{
    for (uint32_t i = 0; i < g->reads; i++)
        put_null(&f->column[g->read[i].field], at);
}

unsigned shared_answer_take(const struct shared_group *g, const struct registers *r, uint32_t row,
                            const struct text *answer, uint32_t answers, bool has_key,
                            struct frame *f, uint32_t at)
{
    unsigned lacks = 0;

    shared_answer_none(g, f, at);
    if (has_key && answers == 1 && text_is(answer[0], "late"))
        return SHARED_LATE;
    if (has_key && answers != g->reads)
        return SHARED_AWAY;
    for (uint32_t i = 0; i < g->reads; i++) {
        const struct shared_read *read = &g->read[i];
        struct column *c = &f->column[read->field];
        struct text found = has_key ? answer[i] : (struct text){"", 0};
        bool ok;

        if (text_is(found, "?")) {
            lacks |= SHARED_PART;
            continue;
        }
        if (read->op == SHARED_SUMS)
            ok = take_sums(g, read, r, row, found, has_key, c, at);
        else if (read->op == SHARED_DISTINCT)
            ok = take_distinct(read, r, row, found, has_key, c, at);
        else
            ok = take_value(read, r, row, found, has_key, c, at);
        if (!ok) {
            put_null(c, at);
            lacks |= SHARED_AWAY;
        }
    }
    return lacks;
}
