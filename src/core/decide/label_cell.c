/* What a label cell says, in the words that people write there. */
#include "core/decide/engine.h"

static bool word_is(struct text t, const char *const *words)
{
    char lower[16];

    if (t.length >= sizeof lower)
        return false;
    for (size_t i = 0; i < t.length; i++)
        lower[i] = t.bytes[i] >= 'A' && t.bytes[i] <= 'Z' ? (char)(t.bytes[i] + 32) : t.bytes[i];
    for (; *words != NULL; words++) {
        if (text_is((struct text){lower, t.length}, *words))
            return true;
    }
    return false;
}

uint8_t engine_label_of(const struct column *label, uint32_t row)
{
    static const char *const fraud[] = {"fraud", "true", "yes", "y", "1", NULL};
    static const char *const legit[] = {"legit", "legitimate", "false",   "no",
                                        "n",     "0",          "genuine", NULL};

    if (label->null[row])
        return LABEL_UNKNOWN;
    if (label->type == TYPE_REAL)
        return label->real[row] != 0;
    if (label->type != TYPE_TEXT)
        return label->integer[row] != 0;
    if (word_is(label->text[row], fraud))
        return 1;
    return word_is(label->text[row], legit) ? 0 : LABEL_UNKNOWN;
}
