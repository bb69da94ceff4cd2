#include "shell/watch/words.h"

#include "core/velocity/velocity.h"

static const char *const alert_states[] = {"open", "claimed", "closed", "snoozed"};
static const char *const case_states[] = {"open", "closed"};
static const char *const dispositions[DISPOSITIONS] = {"none", "confirmed_fraud", "false_positive",
                                                       "inconclusive"};

static int find(const char *const *words, int count, struct text word)
{
    for (int i = 0; i < count; i++) {
        if (text_is(word, words[i]))
            return i;
    }
    return -1;
}

const char *alert_state_word(enum alert_state s)
{
    return alert_states[s];
}

bool alert_state_find(struct text word, enum alert_state *s)
{
    int at = find(alert_states, ALERT_SNOOZED + 1, word);

    *s = at >= 0 ? (enum alert_state)at : ALERT_OPEN;
    return at >= 0;
}

const char *case_state_word(enum case_state s)
{
    return case_states[s];
}

bool case_state_find(struct text word, enum case_state *s)
{
    int at = find(case_states, CASE_CLOSED + 1, word);

    *s = at >= 0 ? (enum case_state)at : CASE_OPEN;
    return at >= 0;
}

const char *disposition_word(enum disposition d)
{
    return dispositions[d];
}

bool disposition_find(struct text word, enum disposition *d)
{
    int at = find(dispositions, DISPOSITIONS, word);

    *d = at > 0 ? (enum disposition)at : DISPOSITION_NONE;
    return at > 0;
}

uint8_t disposition_label(enum disposition d)
{
    return d == DISPOSITION_FRAUD            ? 1
           : d == DISPOSITION_FALSE_POSITIVE ? 0
                                             : (uint8_t)LABEL_UNKNOWN;
}
