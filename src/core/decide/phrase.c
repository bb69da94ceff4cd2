#include "core/decide/phrase.h"

#include <string.h>

#include "core/base/calendar.h"

enum { OPERAND_MAX = 4096 };

/* The aggregates that a node reads: how many, and the first. */
struct seen {
    const struct aggregate *first;
    uint32_t count;
};

static void see(void *context, const struct aggregate *a)
{
    struct seen *s = context;

    if (s->count++ == 0)
        s->first = a;
}

/* %s stands for the operand; the second is of the label. */
static const char *const word[AGG_KINDS][2] = {
    [AGG_COUNT] = {"events", "labelled events"},
    [AGG_SUM] = {"sum of %s", "frauds"},
    [AGG_MEAN] = {"mean of %s", "share of frauds"},
    [AGG_MIN] = {"least %s", NULL},
    [AGG_MAX] = {"greatest %s", NULL},
    [AGG_STD] = {"deviation of %s", NULL},
    [AGG_PREV] = {"%s before", NULL},
    [AGG_LAST] = {"last known %s", NULL},
    [AGG_IS_NEW] = {"first time that this %s is seen", NULL},
    [AGG_DISTINCT] = {"different values of %s", NULL},
    [AGG_MODE] = {"most frequent %s", NULL},
    [AGG_ENTROPY] = {"variety of %s in bits", NULL},
    [AGG_QUANTILE] = {"quantile of %s", NULL},
    [AGG_RANK] = {"share of earlier %s below this one", NULL},
    [AGG_DECAYED_COUNT] = {"events, older ones counting less", NULL},
    [AGG_DECAYED_SUM] = {"sum of %s, older ones counting less", NULL},
};

static void add_operand(const struct program *p, const struct aggregate *a, const char *words,
                        struct buffer *out)
{
    const char *at = strstr(words, "%s");
    struct buffer operand;

    if (at == NULL) {
        buffer_add_text(out, words);
        return;
    }
    buffer_init(&operand, OPERAND_MAX);
    if (a->operand >= 0)
        program_print(p, a->operand, &operand);
    buffer_add(out, words, (size_t)(at - words));
    buffer_add(out, operand.bytes, operand.length);
    buffer_add_text(out, at + 2);
    buffer_fini(&operand);
}

static void add_aggregate(const struct program *p, const struct aggregate *a, struct buffer *out)
{
    const char *words = word[a->kind][a->of_label];
    char span[TIME_TEXT_MAX];

    if (words == NULL)
        return;
    add_operand(p, a, words, out);
    buffer_format(out, " of this %s", a->key_name);
    if (a->over_us > 0) {
        duration_format(a->over_us, span);
        buffer_format(out, " in %s", span);
    }
    if (a->delay_us > 0) {
        duration_format(a->delay_us, span);
        buffer_format(out, ", %s earlier", span);
    }
    if (a->where >= 0)
        buffer_add_text(out, ", of some kind only");
    if (a->prior && !aggregate_is_prior(a->kind))
        buffer_add_text(out, ", without this event");
}

/* coalesce(aggregate, constant) is the aggregate, with a value that stands in for null. */
static bool is_filled(const struct program *p, int node, const struct aggregate *a)
{
    struct buffer whole, inner;
    bool ok;

    buffer_init(&whole, OPERAND_MAX);
    buffer_init(&inner, OPERAND_MAX);
    program_print(p, node, &whole);
    buffer_add_text(&inner, "coalesce(");
    program_print(p, a->node, &inner);
    buffer_add_text(&inner, ", ");
    ok = !whole.overflow && whole.length > inner.length &&
         memcmp(whole.bytes, inner.bytes, inner.length) == 0 &&
         memchr(whole.bytes + inner.length, ')', whole.length - inner.length) ==
             whole.bytes + whole.length - 1;
    buffer_fini(&whole);
    buffer_fini(&inner);
    return ok;
}

void feature_phrase(const struct program *p, int node, struct buffer *out)
{
    struct seen s = {0};

    program_aggregates(p, node, see, &s);
    if (s.count == 1 && (s.first->node == node || is_filled(p, node, s.first)))
        add_aggregate(p, s.first, out);
}

struct text feature_entity(const struct program *p, int node)
{
    struct seen s = {0};
    const char *end;

    program_aggregates(p, node, see, &s);
    if (s.count == 0)
        return (struct text){"", 0};
    end = strchr(s.first->key_name, '+');
    return (struct text){s.first->key_name, end != NULL ? (size_t)(end - s.first->key_name)
                                                        : strlen(s.first->key_name)};
}
