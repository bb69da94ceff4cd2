/* Aggregates that are made of others, so that velocity and SQL know nothing of them:
 *
 *     zscore(x) by k W       (x - mean(x) by k W prior) / std(x) by k W prior
 *     ratio(x) by k W        x / mean(x) by k W prior
 *     share(x, value) by k W count() by k W where (x = value) / count(x) by k W
 *
 * W stands for the clauses; a `where` of share joins its own. A duration x is taken in seconds, as
 * mean and std give it. The trees are put together here and checked as if they had been written. */
#include "core/lang/check.h"

static const char *const names[] = {"zscore", "ratio", "share"};

const char *lang_derived_name(size_t index)
{
    return index < sizeof names / sizeof *names ? names[index] : NULL;
}

static struct tree aggregate_of(const struct tree *t, const char *name, struct tree *operand,
                                struct window *w)
{
    return (struct tree){.kind = TREE_AGGREGATE,
                         .at = t->at,
                         .text = text_of(name),
                         .first = operand,
                         .count = operand != NULL,
                         .window = w};
}

/* name(left, right), which it links; right may be NULL. */
static struct tree call_of(const struct tree *t, const char *name, struct tree *left,
                           struct tree *right)
{
    left->next = right;
    return (struct tree){.kind = TREE_CALL,
                         .at = t->at,
                         .text = text_of(name),
                         .first = left,
                         .count = right != NULL ? 2 : 1};
}

/* zscore and ratio. */
static int check_against_mean(struct checker *c, const struct tree *t, bool is_zscore)
{
    struct window w = *t->window;
    struct tree x = *t->first, of_mean = x, of_std = x, mean, std, in_seconds, left, quotient;
    int node = check_tree(c, &x);
    enum type type;

    if (node < 0)
        return -1;
    type = c->program->nodes[node].type;
    if (type == (enum type)TYPE_NONE || (!type_is_number(type) && type != TYPE_DURATION)) {
        lang_fail(c->source, x.at, "expected a number or a duration in %.*s(...), found %s",
                  TEXT_ARG(t->text), lang_type_word(type));
        return -1;
    }
    w.prior = true;
    of_mean.next = of_std.next = x.next = NULL;
    mean = aggregate_of(t, "mean", &of_mean, &w);
    std = aggregate_of(t, "std", &of_std, &w);
    in_seconds = type == TYPE_DURATION ? call_of(t, "seconds", &x, NULL) : x;
    if (!is_zscore) {
        quotient = call_of(t, "/", &in_seconds, &mean);
        return check_tree(c, &quotient);
    }
    left = call_of(t, "-", &in_seconds, &mean);
    quotient = call_of(t, "/", &left, &std);
    return check_tree(c, &quotient);
}

static bool check_value(struct checker *c, const struct tree *t)
{
    bool is_negative = t->kind == TREE_CALL && text_is(t->text, "neg");
    const struct tree *digits = is_negative ? t->first : t;
    struct value v;

    if (digits->kind == TREE_NUMBER || digits->kind == TREE_DURATION ||
        (!is_negative && (digits->kind == TREE_STRING || digits->kind == TREE_BOOL)))
        return check_literal(c, t, &v);
    return lang_fail(c->source, t->at, "expected a literal, as in share(type, 'cash')");
}

static int check_share(struct checker *c, const struct tree *t)
{
    struct window with_value = *t->window;
    struct tree x = *t->first, of_all = x, value = *t->first->next, where = {0}, equal, both,
                matching, all, quotient;

    if (!check_value(c, &value))
        return -1;
    of_all.next = NULL;
    equal = call_of(t, "=", &x, &value);
    with_value.where = &equal;
    if (t->window->where != NULL) {
        where = *t->window->where;
        both = call_of(t, "and", &where, &equal);
        with_value.where = &both;
    }
    matching = aggregate_of(t, "count", NULL, &with_value);
    all = aggregate_of(t, "count", &of_all, t->window);
    quotient = call_of(t, "/", &matching, &all);
    return check_tree(c, &quotient);
}

int check_derived(struct checker *c, const struct tree *t)
{
    bool is_share = text_is(t->text, "share");

    if (t->count != (is_share ? 2 : 1)) {
        lang_fail(c->source, t->at,
                  is_share ? "expected share(x, value), found %u arguments"
                           : "expected one operand, found %u",
                  t->count);
        return -1;
    }
    return is_share ? check_share(c, t) : check_against_mean(c, t, text_is(t->text, "zscore"));
}
