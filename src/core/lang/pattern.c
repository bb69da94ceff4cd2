#include "core/lang/pattern.h"

#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum { NESTING_MAX = 64 };

struct pattern {
    char *text;
    size_t length;
    pcre2_code *code;
    pcre2_match_context *limits;
    bool has_group;
};

struct pattern_memory {
    pcre2_match_data *data;
};

/* Its memory is ours, so that want of it is the same panic as everywhere and never an answer. */
static void *take(size_t bytes, void *context)
{
    (void)context;
    return mem_alloc(bytes);
}

static void give_back(void *memory, void *context)
{
    (void)context;
    mem_free(memory);
}

static pcre2_general_context *general_context(void)
{
    pcre2_general_context *g = pcre2_general_context_create(take, give_back, NULL);

    ASSERT(g != NULL);
    return g;
}

static bool has_start(struct text t, size_t at, const char *word)
{
    size_t length = strlen(word);

    return t.length - at >= length && memcmp(t.bytes + at, word, length) == 0;
}

/* Whether the pattern asks for the library's tables of Unicode properties, and where. */
static bool needs_unicode_tables(struct text t, size_t *at)
{
    static const char *const runs[] = {"(*sr:", "(*asr:", "(*script_run:", "(*atomic_script_run:"};
    bool is_literal = false; /* between \Q and \E */

    for (*at = 0; *at < t.length; (*at)++) {
        bool is_escape = t.bytes[*at] == '\\' && *at + 1 < t.length;
        char escaped = is_escape ? t.bytes[*at + 1] : 0;

        if (is_literal) {
            is_literal = escaped != 'E';
            continue;
        }
        if (escaped == 'p' || escaped == 'P' || escaped == 'X')
            return true;
        for (size_t i = 0; !is_escape && i < sizeof runs / sizeof *runs; i++) {
            if (has_start(t, *at, runs[i]))
                return true;
        }
        is_literal = escaped == 'Q';
        *at += is_escape;
    }
    return false;
}

/* What builds of the library may differ in is said here. */
static pcre2_code *compile(struct text t, int *error, size_t *at)
{
    const uint32_t options = PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_DOLLAR_ENDONLY | PCRE2_NO_UTF_CHECK;
    pcre2_general_context *g = general_context();
    pcre2_compile_context *c = pcre2_compile_context_create(g);
    pcre2_code *code;

    ASSERT(c != NULL);
    pcre2_set_newline(c, PCRE2_NEWLINE_LF);
    pcre2_set_bsr(c, PCRE2_BSR_ANYCRLF);
    pcre2_set_parens_nest_limit(c, NESTING_MAX);
    code = pcre2_compile((PCRE2_SPTR)t.bytes, t.length, options, error, at, c);
    pcre2_compile_context_free(c);
    pcre2_general_context_free(g);
    return code;
}

static pcre2_match_context *limits_new(void)
{
    pcre2_general_context *g = general_context();
    pcre2_match_context *m = pcre2_match_context_create(g);

    ASSERT(m != NULL);
    pcre2_set_match_limit(m, PATTERN_STEPS_MAX);
    pcre2_set_depth_limit(m, PATTERN_STEPS_MAX);
    pcre2_set_heap_limit(m, PATTERN_HEAP_KIB);
    pcre2_general_context_free(g);
    return m;
}

static struct pattern *fail(char words[PATTERN_WORDS_MAX], const char *why)
{
    snprintf(words, PATTERN_WORDS_MAX, "%s", why);
    return NULL;
}

struct pattern *pattern_new(struct text t, char words[PATTERN_WORDS_MAX], size_t *at)
{
    struct pattern *p;
    pcre2_code *code;
    uint32_t groups = 0;
    int error = 0;

    *at = 0;
    if (!text_is_utf8(t))
        return fail(words, "it is no UTF-8");
    if (needs_unicode_tables(t, at))
        return fail(words, "\\p, \\P, \\X and script runs depend on the Unicode version of the "
                           "machine: write the characters or ranges, such as [a-z]");
    code = compile(t, &error, at);
    if (code == NULL) {
        if (pcre2_get_error_message(error, (PCRE2_UCHAR *)words, PATTERN_WORDS_MAX) < 0)
            snprintf(words, PATTERN_WORDS_MAX, "error %d of PCRE2", error);
        return NULL;
    }
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups > PATTERN_GROUPS_MAX) {
        pcre2_code_free(code);
        return fail(words, "over 32 groups: write (?:...) where none is needed");
    }
    p = mem_alloc(sizeof *p);
    p->text = mem_text(t.bytes, t.length);
    p->length = t.length;
    p->code = code;
    p->limits = limits_new();
    p->has_group = groups > 0;
    return p;
}

void pattern_free(struct pattern *p)
{
    if (p == NULL)
        return;
    pcre2_code_free(p->code);
    pcre2_match_context_free(p->limits);
    mem_free(p->text);
    mem_free(p);
}

struct text pattern_text(const struct pattern *p)
{
    return (struct text){p->text, p->length};
}

/* Room for the match and its first group: the spans of further groups are left out. */
struct pattern_memory *pattern_memory_new(void)
{
    struct pattern_memory *m = mem_alloc(sizeof *m);
    pcre2_general_context *g = general_context();

    m->data = pcre2_match_data_create(2, g);
    pcre2_general_context_free(g);
    ASSERT(m->data != NULL);
    return m;
}

void pattern_memory_free(struct pattern_memory *m)
{
    if (m != NULL)
        pcre2_match_data_free(m->data);
    mem_free(m);
}

enum pattern_result pattern_find(const struct pattern *p, struct pattern_memory *m, struct text t,
                                 struct text *part)
{
    int found = pcre2_match(p->code, (PCRE2_SPTR)t.bytes, t.length, 0, 0, m->data, p->limits);
    const size_t *span = pcre2_get_ovector_pointer(m->data) + (p->has_group ? 2 : 0);

    *part = (struct text){NULL, 0};
    if (found < 0)
        return found == PCRE2_ERROR_NOMATCH ? PATTERN_NOT_FOUND : PATTERN_GAVE_UP;
    if (p->has_group && found == 1) /* the group is behind all that took part */
        return PATTERN_FOUND;
    if (span[0] != PCRE2_UNSET && span[0] <= span[1]) /* \K may turn a match round */
        *part = (struct text){t.bytes + span[0], span[1] - span[0]};
    return PATTERN_FOUND;
}
