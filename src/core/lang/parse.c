/* Recursive descent over the grammar of docs/language.md, one function a rule. Depth is counted
 * where rules nest (parentheses, arguments), nodes everywhere; chains of operators are loops. */
#include "core/lang/node.h"
#include "core/lang/tree.h"

#include <stdio.h>

#include "core/base/panic.h"

struct parser {
    const struct source *source;
    struct arena *memory;
    struct token token; /* looked at, not yet taken */
    unsigned depth;
    unsigned nodes;
};

static struct tree *parse_expression(struct parser *p);

static struct tree *fail(struct parser *p, const char *expected)
{
    static const struct text words[] = {{"and", 3},  {"or", 2},    {"not", 3},   {"in", 2},
                                        {"is", 2},   {"null", 4},  {"by", 2},    {"over", 4},
                                        {"step", 4}, {"delay", 5}, {"prior", 5}, {"where", 5}};
    const struct token *t = &p->token;
    char hint[64] = "";
    int nearest = -1;

    if (t->kind == TOKEN_END) {
        lang_fail(p->source, t->text.bytes, "expected %s, found the end of the text", expected);
        return NULL;
    }
    if (t->kind == TOKEN_NAME)
        nearest = text_nearest(t->text, words, sizeof words / sizeof *words);
    if (nearest >= 0 && !text_equal(t->text, words[nearest]))
        snprintf(hint, sizeof hint, "; did you mean %s?", words[nearest].bytes);
    lang_fail(p->source, t->text.bytes, "expected %s, found \"%.*s\"%s", expected,
              (int)(t->text.length > 40 ? 40 : t->text.length), t->text.bytes, hint);
    return NULL;
}

/* Take the token that was looked at. */
static bool advance(struct parser *p)
{
    return lex_next(p->source, p->token.text.bytes + p->token.text.length, &p->token);
}

static bool expect(struct parser *p, const char *symbol, const char *expected)
{
    if (!token_is(&p->token, symbol)) {
        fail(p, expected);
        return false;
    }
    return advance(p);
}

static struct tree *tree_new(struct parser *p, enum tree_kind kind, const char *at)
{
    struct tree *t;

    if (p->nodes == LANG_NODES_MAX) {
        lang_fail(p->source, at,
                  "expected at most %d nodes in one expression: make named features of its parts",
                  LANG_NODES_MAX);
        return NULL;
    }
    p->nodes++;
    t = arena_alloc(p->memory, sizeof *t);
    ASSERT(t != NULL); /* the arena holds LANG_NODES_MAX trees and the text */
    t->kind = kind;
    t->at = at;
    return t;
}

static void tree_append(struct tree *t, struct tree *argument)
{
    struct tree **end = &t->first;

    while (*end != NULL)
        end = &(*end)->next;
    *end = argument;
    t->count++;
}

/* name(a, b); b may be NULL. */
static struct tree *tree_operator(struct parser *p, const char *at, const char *name,
                                  struct tree *a, struct tree *b)
{
    struct tree *t = tree_new(p, TREE_CALL, at);

    if (t == NULL)
        return NULL;
    t->text = text_of(name);
    tree_append(t, a);
    if (b != NULL)
        tree_append(t, b);
    return t;
}

/* What stands between quotes, the doubled quote made one. */
static struct text unquote(struct parser *p, struct text quoted)
{
    char quote = quoted.bytes[0], *copy = arena_text(p->memory, quoted.bytes, quoted.length);
    size_t length = 0;

    ASSERT(copy != NULL);
    for (size_t i = 1; i + 1 < quoted.length; i++) {
        copy[length++] = quoted.bytes[i];
        if (quoted.bytes[i] == quote)
            i++;
    }
    return (struct text){copy, length};
}

static bool is_reserved(const struct token *t)
{
    static const char *const words[] = {"or", "and", "not", "in", "is", "null", "true", "false"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (token_is(t, words[i]))
            return true;
    }
    return false;
}

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_QUOTED_NAME || (t->kind == TOKEN_NAME && !is_reserved(t));
}

static struct text join(struct parser *p, struct text a, struct text b)
{
    char *joined = arena_alloc(p->memory, a.length + b.length + 1);

    ASSERT(joined != NULL);
    memcpy(joined, a.bytes, a.length);
    joined[a.length] = '.';
    memcpy(joined + a.length + 1, b.bytes, b.length);
    return (struct text){joined, a.length + b.length + 1};
}

/* The token is a name. */
static bool take_name(struct parser *p, struct text *name, bool *is_quoted)
{
    *is_quoted = p->token.kind == TOKEN_QUOTED_NAME;
    *name = *is_quoted ? unquote(p, p->token.text) : p->token.text;
    return advance(p);
}

static struct tree *parse_path_rest(struct parser *p, struct tree *t)
{
    struct text part;
    bool is_quoted;

    if (!token_is(&p->token, "."))
        return t;
    if (!advance(p))
        return NULL;
    if (!is_name(&p->token))
        return fail(p, "a name after the point");
    if (!take_name(p, &part, &is_quoted))
        return NULL;
    t->text = join(p, t->text, part);
    t->is_quoted = true; /* of two parts: never a word of the language */
    return t;
}

/* "(" was taken; arguments up to and with ")". */
static bool parse_arguments(struct parser *p, struct tree *t)
{
    if (token_is(&p->token, ")"))
        return advance(p);
    for (;;) {
        struct tree *argument = parse_expression(p);

        if (argument == NULL)
            return false;
        tree_append(t, argument);
        if (!token_is(&p->token, ","))
            break;
        if (!advance(p))
            return false;
    }
    return expect(p, ")", "\",\" or \")\"");
}

static bool parse_keys(struct parser *p, struct tree *t)
{
    struct tree list = {0};

    t->window->keys_at = p->token.text.bytes;
    if (token_is(&p->token, "(")) {
        if (!advance(p) || !parse_arguments(p, &list))
            return false;
    } else {
        struct tree *key;

        if (!is_name(&p->token)) {
            fail(p, "an entity or a field after by");
            return false;
        }
        key = tree_new(p, TREE_PATH, p->token.text.bytes);
        if (key == NULL || !take_name(p, &key->text, &key->is_quoted) ||
            parse_path_rest(p, key) == NULL)
            return false;
        tree_append(&list, key);
    }
    t->window->keys = list.first;
    return true;
}

static bool parse_duration(struct parser *p, const char *word, struct text *duration)
{
    if (!token_is(&p->token, word))
        return true;
    if (!advance(p))
        return false;
    if (p->token.kind != TOKEN_DURATION) {
        fail(p, "a duration such as 7d");
        return false;
    }
    *duration = p->token.text;
    return advance(p);
}

static bool parse_where(struct parser *p, struct window *w)
{
    if (!token_is(&p->token, "where"))
        return true;
    if (!advance(p) || !expect(p, "(", "\"(\" after where"))
        return false;
    w->where = parse_expression(p);
    return w->where != NULL && expect(p, ")", "\")\"");
}

/* [where (...)]: which rows are together, and from when to when, is the group's business. */
static struct tree *parse_grouped(struct parser *p, struct tree *t)
{
    static const char *const words[] = {"by", "over", "step", "delay", "prior"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!token_is(&p->token, words[i]))
            continue;
        lang_fail(p->source, p->token.text.bytes,
                  "expected no %s: the rollup says by what and over which time", words[i]);
        return NULL;
    }
    return parse_where(p, t->window) ? t : NULL;
}

/* by key [over D [step D]] [delay D] [prior] [where (...)] */
static struct tree *parse_window(struct parser *p, struct tree *t)
{
    struct window *w = t->window = arena_alloc(p->memory, sizeof *w);

    ASSERT(w != NULL);
    if (p->source->is_grouped)
        return parse_grouped(p, t);
    if (!expect(p, "by", "by and an entity after an aggregate") || !parse_keys(p, t) ||
        !parse_duration(p, "over", &w->over))
        return NULL;
    if (token_is(&p->token, "step") && w->over.length == 0) {
        lang_fail(p->source, p->token.text.bytes, "expected over 30d before step");
        return NULL;
    }
    if (!parse_duration(p, "step", &w->step) || !parse_duration(p, "delay", &w->delay))
        return NULL;
    if (token_is(&p->token, "prior")) {
        w->prior = true;
        if (!advance(p))
            return NULL;
    }
    return parse_where(p, w) ? t : NULL;
}

/* A name: a call or an aggregate where "(" follows, else a path. */
static struct tree *parse_name(struct parser *p)
{
    struct tree *t = tree_new(p, TREE_PATH, p->token.text.bytes);

    if (t == NULL || !take_name(p, &t->text, &t->is_quoted))
        return NULL;
    if (t->is_quoted || !token_is(&p->token, "("))
        return parse_path_rest(p, t);
    t->kind = lang_is_aggregate(t->text) ? TREE_AGGREGATE : TREE_CALL;
    if (!advance(p) || !parse_arguments(p, t))
        return NULL;
    return t->kind == TREE_AGGREGATE ? parse_window(p, t) : t;
}

static struct tree *parse_literal(struct parser *p, enum tree_kind kind)
{
    struct tree *t = tree_new(p, kind, p->token.text.bytes);

    if (t == NULL)
        return NULL;
    t->text = kind == TREE_STRING ? unquote(p, p->token.text) : p->token.text;
    return advance(p) ? t : NULL;
}

static struct tree *parse_parenthesis(struct parser *p)
{
    struct tree *t;

    if (!advance(p))
        return NULL;
    t = parse_expression(p);
    return t != NULL && expect(p, ")", "an operator or \")\"") ? t : NULL;
}

static struct tree *parse_primary(struct parser *p)
{
    const struct token *t = &p->token;

    switch (t->kind) {
    case TOKEN_NUMBER:
        return parse_literal(p, TREE_NUMBER);
    case TOKEN_STRING:
        return parse_literal(p, TREE_STRING);
    case TOKEN_DURATION:
        return parse_literal(p, TREE_DURATION);
    case TOKEN_QUOTED_NAME:
        return parse_name(p);
    case TOKEN_SYMBOL:
        return token_is(t, "(") ? parse_parenthesis(p) : fail(p, "a value");
    case TOKEN_NAME:
        if (token_is(t, "true") || token_is(t, "false"))
            return parse_literal(p, TREE_BOOL);
        if (token_is(t, "null"))
            return parse_literal(p, TREE_NULL);
        return is_reserved(t) ? fail(p, "a value") : parse_name(p);
    case TOKEN_END:
        break;
    }
    return fail(p, "a value");
}

static struct tree *parse_negation(struct parser *p)
{
    const char *at = p->token.text.bytes;
    struct tree *t;

    if (!token_is(&p->token, "-"))
        return parse_primary(p);
    if (!advance(p))
        return NULL;
    t = parse_primary(p);
    return t != NULL ? tree_operator(p, at, "neg", t, NULL) : NULL;
}

/* The operator that stands here out of a list ended by NULL, or NULL. */
static const char *operator_here(const struct parser *p, const char *const *operators)
{
    for (; *operators != NULL; operators++) {
        if (token_is(&p->token, *operators))
            return *operators;
    }
    return NULL;
}

/* next {operator next}, to the left. */
static struct tree *parse_chain(struct parser *p, const char *const *operators,
                                struct tree *(*next)(struct parser *))
{
    struct tree *left = next(p);

    while (left != NULL) {
        const char *at = p->token.text.bytes, *name = operator_here(p, operators);
        struct tree *right;

        if (name == NULL)
            return left;
        if (!advance(p))
            return NULL;
        right = next(p);
        left = right != NULL ? tree_operator(p, at, name, left, right) : NULL;
    }
    return NULL;
}

static struct tree *parse_product(struct parser *p)
{
    static const char *const operators[] = {"*", "/", "%", NULL};

    return parse_chain(p, operators, parse_negation);
}

static struct tree *parse_sum(struct parser *p)
{
    static const char *const operators[] = {"+", "-", NULL};

    return parse_chain(p, operators, parse_product);
}

static struct tree *parse_member(struct parser *p)
{
    bool is_negative = token_is(&p->token, "-");
    bool is_word = token_is(&p->token, "true") || token_is(&p->token, "false");

    if (!is_negative && !is_word && p->token.kind != TOKEN_NUMBER &&
        p->token.kind != TOKEN_STRING && p->token.kind != TOKEN_DURATION)
        return fail(p, "a literal (a set has no names)");
    return parse_negation(p);
}

/* "list" was taken: the rest of list(NAME). */
static struct tree *parse_list_name(struct parser *p, struct tree *t)
{
    bool is_quoted;

    if (!advance(p) || !expect(p, "(", "\"(\" and the name of a list"))
        return NULL;
    if (!is_name(&p->token))
        return fail(p, "the name of a list");
    t->kind = TREE_IN_LIST;
    if (!take_name(p, &t->text, &is_quoted))
        return NULL;
    return expect(p, ")", "\")\" after the name of a list") ? t : NULL;
}

/* "in" was taken. */
static struct tree *parse_set(struct parser *p, const char *at, struct tree *operand)
{
    struct tree *t = tree_new(p, TREE_IN, at);

    if (t == NULL)
        return NULL;
    tree_append(t, operand);
    if (token_is(&p->token, "list"))
        return parse_list_name(p, t);
    if (!expect(p, "(", "a set such as (1, 2), or list(NAME)"))
        return NULL;
    for (;;) {
        struct tree *member = parse_member(p);

        if (member == NULL)
            return NULL;
        tree_append(t, member);
        if (!token_is(&p->token, ","))
            break;
        if (!advance(p))
            return NULL;
    }
    return expect(p, ")", "\",\" or \")\"") ? t : NULL;
}

static struct tree *parse_in(struct parser *p, const char *at, struct tree *operand, bool is_not)
{
    struct tree *t;

    if (!expect(p, "in", "in after not"))
        return NULL;
    t = parse_set(p, at, operand);
    return t != NULL && is_not ? tree_operator(p, at, "not", t, NULL) : t;
}

static struct tree *parse_is(struct parser *p, const char *at, struct tree *operand)
{
    bool is_not;
    struct tree *t;

    if (!advance(p))
        return NULL;
    is_not = token_is(&p->token, "not");
    if (is_not && !advance(p))
        return NULL;
    if (!expect(p, "null", "null or not null after is"))
        return NULL;
    t = tree_operator(p, at, "is null", operand, NULL);
    return t != NULL && is_not ? tree_operator(p, at, "not", t, NULL) : t;
}

/* What may follow a sum: nothing is taken where nothing does. */
static struct tree *parse_test(struct parser *p, struct tree *left)
{
    static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">=", NULL};
    const char *at = p->token.text.bytes, *name = operator_here(p, operators);
    struct tree *right;

    if (token_is(&p->token, "in"))
        return parse_in(p, at, left, false);
    if (token_is(&p->token, "not"))
        return advance(p) ? parse_in(p, at, left, true) : NULL;
    if (token_is(&p->token, "is"))
        return parse_is(p, at, left);
    if (name == NULL)
        return left;
    if (!advance(p))
        return NULL;
    right = parse_sum(p);
    return right != NULL ? tree_operator(p, at, name, left, right) : NULL;
}

static struct tree *parse_comparison(struct parser *p)
{
    static const char *const more[] = {"=", "!=", "<", "<=", ">", ">=", "in", "is", "not", NULL};
    struct tree *t = parse_sum(p);

    if (t != NULL)
        t = parse_test(p, t);
    if (t != NULL && operator_here(p, more) != NULL)
        return fail(p, "one comparison (join two by and)");
    return t;
}

static struct tree *parse_not(struct parser *p)
{
    const char *at = p->token.text.bytes;
    struct tree *t;

    if (!token_is(&p->token, "not"))
        return parse_comparison(p);
    if (!advance(p))
        return NULL;
    t = parse_comparison(p);
    return t != NULL ? tree_operator(p, at, "not", t, NULL) : NULL;
}

static struct tree *parse_and(struct parser *p)
{
    static const char *const operators[] = {"and", NULL};

    return parse_chain(p, operators, parse_not);
}

static struct tree *parse_expression(struct parser *p)
{
    static const char *const operators[] = {"or", NULL};
    struct tree *t;

    if (p->depth == LANG_DEPTH_MAX) {
        lang_fail(p->source, p->token.text.bytes,
                  "expected nesting of at most %d: make named features of the inner parts",
                  LANG_DEPTH_MAX);
        return NULL;
    }
    p->depth++;
    t = parse_chain(p, operators, parse_and);
    p->depth--;
    return t;
}

static bool check_text(const struct source *s)
{
    if (s->text.length > LANG_TEXT_MAX)
        return lang_fail(s, s->text.bytes, "expected at most %d bytes, found %zu", LANG_TEXT_MAX,
                         s->text.length);
    if (!text_is_utf8(s->text))
        return lang_fail(s, s->text.bytes, "expected valid UTF-8");
    if (memchr(s->text.bytes, 0, s->text.length) != NULL)
        return lang_fail(s, memchr(s->text.bytes, 0, s->text.length),
                         "expected an expression, found a NUL byte");
    return true;
}

struct tree *tree_parse(const struct source *s, struct arena *memory)
{
    struct parser p = {.source = s, .memory = memory};
    struct tree *t;

    if (!check_text(s) || !lex_next(s, s->text.bytes, &p.token))
        return NULL;
    t = parse_expression(&p);
    if (t != NULL && token_is(&p.token, "by"))
        return fail(&p, "an aggregate such as count() or mean(x) before by");
    if (t != NULL && token_is(&p.token, "over"))
        return fail(&p, "over where it belongs: count() by KEY over 7d delay 1d prior where (...)");
    if (t != NULL && p.token.kind != TOKEN_END)
        return fail(&p, "an operator or the end");
    return t;
}
