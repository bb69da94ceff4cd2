#include "core/velocity/decay.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"

enum { EPOCH_LOG = 6, OCTAVE_MASK = (1 << EPOCH_LOG) - 1, MANTISSA_LOG = 31, SPAN_WORDS = 4 };

/* Sums of the epochs (newest - epochs, newest], each at its number modulo `epochs`. */
struct ring {
    int64_t newest;
    uint64_t is_used;
    struct wide sum[];
};

/* A time in half-lives. */
struct phase {
    int64_t epoch;
    int octave; /* within the epoch */
    uint32_t mantissa;
};

uint64_t decay_epochs(int64_t half_life_us, int64_t lateness_us)
{
    int64_t epoch_us = half_life_us << EPOCH_LOG; /* at most 640 years */

    return (uint64_t)(2 + (lateness_us > 0 ? (lateness_us - 1) / epoch_us + 1 : 0));
}

size_t decay_ring_bytes(uint32_t epochs)
{
    return sizeof(struct ring) + epochs * sizeof(struct wide);
}

int64_t decay_end_us(int64_t half_life_us)
{
    return half_life_us << (EPOCH_LOG + 1);
}

static struct phase phase_of(int64_t t, int64_t half_life_us)
{
    const double one = (double)(1ull << MANTISSA_LOG);
    int64_t octaves = t / half_life_us, rest = t % half_life_us;
    double mantissa;

    if (rest < 0) {
        octaves--;
        rest += half_life_us;
    }
    mantissa = rint(em_pow(2, (double)rest / (double)half_life_us) * one);
    if (mantissa >= 2 * one)
        mantissa = 2 * one - 1;
    return (struct phase){octaves >> EPOCH_LOG, (int)(octaves & OCTAVE_MASK), (uint32_t)mantissa};
}

/* x * mantissa * 2^shift over four words. */
static void amount_of(int64_t x, uint32_t mantissa, int shift, uint64_t amount[SPAN_WORDS])
{
    uint128 product = (uint128)((int128)x * mantissa);
    uint64_t sign = x < 0 ? UINT64_MAX : 0;
    uint64_t word[SPAN_WORDS + 1] = {(uint64_t)product, (uint64_t)(product >> 64), sign, sign,
                                     sign};
    int words = shift / 64, bits = shift % 64;

    for (int i = SPAN_WORDS - 1; i >= 0; i--) {
        uint64_t high = i >= words ? word[i - words] : 0, low = i > words ? word[i - words - 1] : 0;

        amount[i] = bits == 0 ? high : high << bits | low >> (64 - bits);
    }
}

static void add_words(uint64_t *sum, const uint64_t *term, int words)
{
    uint64_t carry = 0;

    for (int i = 0; i < words; i++) {
        uint128 s = (uint128)sum[i] + term[i] + carry;

        sum[i] = (uint64_t)s;
        carry = (uint64_t)(s >> 64);
    }
}

static void subtract_words(uint64_t *sum, const uint64_t *term, int words)
{
    uint64_t borrow = 0;

    for (int i = 0; i < words; i++) {
        uint128 left = (uint128)sum[i] - term[i] - borrow;

        sum[i] = (uint64_t)left;
        borrow = (uint64_t)(left >> 64) & 1;
    }
}

static struct ring *ring_at(const struct entity *state, uint32_t at)
{
    return (struct ring *)((char *)state + at);
}

static uint32_t slot_of(int64_t epoch, uint32_t epochs)
{
    int64_t slot = epoch % (int64_t)epochs;

    return (uint32_t)(slot < 0 ? slot + epochs : slot);
}

static void advance(struct ring *r, uint32_t epochs, int64_t epoch)
{
    if (!r->is_used || epoch - r->newest >= (int64_t)epochs) {
        memset(r->sum, 0, epochs * sizeof *r->sum);
    } else {
        while (r->newest < epoch)
            memset(&r->sum[slot_of(++r->newest, epochs)], 0, sizeof *r->sum);
    }
    r->newest = epoch;
    r->is_used = 1;
}

void decay_move(const struct term *t, struct entity *state, const uint8_t *event, int sign)
{
    const struct packed64 *word = (const struct packed64 *)event;
    struct phase p = phase_of(word[0].v, t->half_life_us);
    struct ring *r = ring_at(state, t->ring_at);
    uint64_t amount[SPAN_WORDS];
    uint64_t *sum;

    if (!r->is_used || p.epoch > r->newest)
        advance(r, t->epochs, p.epoch);
    if (p.epoch <= r->newest - (int64_t)t->epochs)
        return; /* nothing can look back so far */
    amount_of(t->column > 0 ? word[t->column].v : 1, p.mantissa, p.octave, amount);
    sum = r->sum[slot_of(p.epoch, t->epochs)].word;
    if (sign > 0)
        add_words(sum, amount, 3);
    else
        subtract_words(sum, amount, 3);
}

/* The two epochs that count at `epoch`, in units of the older one. */
static void span_of(const struct entity *state, uint32_t at, uint32_t epochs, int64_t epoch,
                    uint64_t span[SPAN_WORDS])
{
    const struct ring *r = ring_at(state, at);

    memset(span, 0, SPAN_WORDS * sizeof *span);
    for (int older = 0; older < 2; older++) {
        int64_t wanted = epoch - older;
        const struct wide *sum;
        uint64_t words[SPAN_WORDS] = {0};

        if (!r->is_used || wanted > r->newest || wanted <= r->newest - (int64_t)epochs)
            continue;
        sum = &r->sum[slot_of(wanted, epochs)];
        memcpy(words + !older, sum->word, sizeof sum->word);
        if (older)
            words[3] = sum->word[2] >> 63 ? UINT64_MAX : 0;
        add_words(span, words, SPAN_WORDS);
    }
}

/* The current row's own age is 0 where it counts: there is no delay then. */
static void add_now(const struct velocity *v, const struct read *a, const struct phase *p,
                    uint64_t span[SPAN_WORDS])
{
    const struct current *now = v->current;
    uint64_t amount[SPAN_WORDS];

    if (!a->sees_now || !now->has_key || !test_passes(&a->takes_now, now->flags))
        return;
    amount_of(a->column > 0 ? now->value[a->column] : 1, p->mantissa, p->octave + 64, amount);
    add_words(span, amount, SPAN_WORDS);
}

void decay_read(const struct velocity *v, const struct group *g, const struct read *a,
                const struct entity *state, struct column *c)
{
    const struct acc *acc = &g->accs[a->acc];
    int64_t t = time_before(v->current->time_us, g->cursors[a->hi].offset_us);
    struct phase p = phase_of(t, a->aggregate->param);
    uint64_t span[SPAN_WORDS], before[SPAN_WORDS];
    bool is_negative;
    double value;

    span_of(state, acc->sum_at, acc->epochs, p.epoch, span);
    if (acc->lo >= 0) {
        span_of(state, acc->lo_sum_at, acc->epochs, p.epoch, before);
        subtract_words(span, before, SPAN_WORDS);
    }
    add_now(v, a, &p, span);
    is_negative = span[SPAN_WORDS - 1] >> 63;
    if (is_negative) {
        memset(before, 0, sizeof before);
        subtract_words(before, span, SPAN_WORDS);
        memcpy(span, before, sizeof span);
    }
    value = fixed_ratio_scaled(span, p.mantissa * a->units, -(p.octave + 64));
    c->null[v->current->row] = 0;
    c->real[v->current->row] = is_negative ? -value : value;
}
