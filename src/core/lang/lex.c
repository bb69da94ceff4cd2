#include "core/lang/lex.h"

#include <stdio.h>

static void position(const struct source *s, const char *at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (const char *p = s->text.bytes; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) { /* characters, not bytes */
            ++*column;
        }
    }
}

bool lang_fail(const struct source *s, const char *at, const char *format, ...)
{
    char words[ERROR_TEXT_MAX];
    unsigned line, column;
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    position(s, at, &line, &column);
    return error_set(s->e, ERROR_INVALID, "%u:%u: %s", line, column, words);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c);
}

bool lex_is_name(struct text t)
{
    if (t.length == 0 || !is_name_start(t.bytes[0]))
        return false;
    for (size_t i = 1; i < t.length; i++) {
        if (!is_name_part(t.bytes[i]))
            return false;
    }
    return true;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end) {
        if (*p == '#') {
            while (p < end && *p != '\n')
                p++;
        } else if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
            p++;
        } else {
            break;
        }
    }
    return p;
}

/* Up to the closing quote; the quote written twice is part of the text. */
static bool lex_quoted(const struct source *s, const char *p, struct token *t)
{
    const char *end = s->text.bytes + s->text.length, *start = p;
    char quote = *p++;

    for (;;) {
        if (p == end)
            return lang_fail(s, start, "expected a closing %c, found the end of the text", quote);
        if (*p++ != quote)
            continue;
        if (p == end || *p != quote)
            break;
        p++;
    }
    t->kind = quote == '`' ? TOKEN_QUOTED_NAME : TOKEN_STRING;
    t->text = (struct text){start, (size_t)(p - start)};
    if (quote == '`' && t->text.length == 2)
        return lang_fail(s, start, "expected a name between the backticks, found none");
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static bool lex_unit(const struct source *s, const char *start, const char *p, bool is_whole,
                     struct token *t)
{
    const char *end = s->text.bytes + s->text.length, *unit = p;

    while (p < end && is_name_part(*p))
        p++;
    if (!is_whole || p - unit != 1 || memchr("smhdw", *unit, 5) == NULL)
        return lang_fail(s, unit,
                         "expected a unit s, m, h, d or w after a whole number, found \"%.*s\"",
                         (int)(p - unit > 40 ? 40 : p - unit), unit);
    t->kind = TOKEN_DURATION;
    t->text = (struct text){start, (size_t)(p - start)};
    return true;
}

static bool lex_number(const struct source *s, const char *start, struct token *t)
{
    const char *end = s->text.bytes + s->text.length, *p = skip_digits(start, end);
    bool is_whole = true;

    if (p < end && *p == '.') {
        const char *part = p + 1;

        p = skip_digits(part, end);
        if (p == part)
            return lang_fail(s, p, "expected digits after the point of a number");
        is_whole = false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *power = p + 1;

        if (power < end && (*power == '+' || *power == '-'))
            power++;
        if (power < end && is_digit(*power)) {
            p = skip_digits(power, end);
            is_whole = false;
        }
    }
    if (p < end && is_name_part(*p))
        return lex_unit(s, start, p, is_whole, t);
    t->kind = TOKEN_NUMBER;
    t->text = (struct text){start, (size_t)(p - start)};
    return true;
}

static bool lex_symbol(const struct source *s, const char *p, struct token *t)
{
    const char *end = s->text.bytes + s->text.length;
    size_t length = 1;

    if (end - p >= 2 && p[1] == '=' && (*p == '!' || *p == '<' || *p == '>'))
        length = 2;
    else if (end - p >= 2 && p[0] == '=' && p[1] == '=')
        return lang_fail(s, p, "expected an operator, found \"==\"; did you mean =?");
    else if (end - p >= 2 && p[0] == '<' && p[1] == '>')
        return lang_fail(s, p, "expected an operator, found \"<>\"; did you mean !=?");
    else if (*p == '&' || *p == '|')
        return lang_fail(s, p, "expected an operator, found \"%c\"; did you mean %s?", *p,
                         *p == '&' ? "and" : "or");
    else if (*p == '!')
        return lang_fail(s, p, "expected an operator, found \"!\"; did you mean not?");
    else if (memchr("=<>+-*/%(),.", *p, 12) == NULL)
        return lang_fail(s, p, "expected an expression, found the byte 0x%02x%s%c%s",
                         (unsigned char)*p, *p > ' ' ? " \"" : "", *p > ' ' ? *p : ' ',
                         *p > ' ' ? "\"" : "");
    t->kind = TOKEN_SYMBOL;
    t->text = (struct text){p, length};
    return true;
}

bool lex_next(const struct source *s, const char *from, struct token *t)
{
    const char *end = s->text.bytes + s->text.length, *p = skip_space(from, end);

    *t = (struct token){TOKEN_END, {p, 0}};
    if (p == end)
        return true;
    if (*p == '`' || *p == '\'' || *p == '"')
        return lex_quoted(s, p, t);
    if (is_digit(*p))
        return lex_number(s, p, t);
    if (!is_name_start(*p))
        return lex_symbol(s, p, t);
    t->kind = TOKEN_NAME;
    while (p < end && is_name_part(*p))
        p++;
    t->text.length = (size_t)(p - t->text.bytes);
    return true;
}

bool token_is(const struct token *t, const char *word)
{
    return (t->kind == TOKEN_NAME || t->kind == TOKEN_SYMBOL) && text_is(t->text, word);
}
