/* Functions of a text and a pattern. A search that meets a limit gives null. */
#include "core/lang/kernels.h"
#include "core/lang/pattern.h"

void kernel_matches(const struct call *c)
{
    const struct pattern *p = c->node->literal.pattern;

    for (uint32_t i = 0; i < c->rows; i++) {
        enum pattern_result found = PATTERN_GAVE_UP;
        struct text part;

        if (!c->arg[0]->null[i])
            found = pattern_find(p, c->patterns, c->arg[0]->text[i], &part);
        store_word(c->out->integer, c->out->null, i, found == PATTERN_FOUND,
                   found == PATTERN_GAVE_UP);
    }
}

void kernel_extract(const struct call *c)
{
    const struct pattern *p = c->node->literal.pattern;

    for (uint32_t i = 0; i < c->rows; i++) {
        struct text part = {NULL, 0};

        if (!c->arg[0]->null[i])
            (void)pattern_find(p, c->patterns, c->arg[0]->text[i], &part);
        store_text(c->out->text, c->out->null, i, part, part.bytes == NULL);
    }
}
