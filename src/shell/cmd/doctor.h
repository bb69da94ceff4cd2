/* What `assay doctor` finds: one row of its table. */
#ifndef ASSAY_CMD_DOCTOR_H
#define ASSAY_CMD_DOCTOR_H

#include "shell/settings/settings.h"

enum { DOCTOR_WORDS_MAX = 1200 };

enum health { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

/* found "": there is nothing to say, and no row. */
struct finding {
    enum health health;
    char found[DOCTOR_WORDS_MAX], remedy[DOCTOR_WORDS_MAX];
};

/* Adds words to found or remedy; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) void finding_say(char words[DOCTOR_WORDS_MAX],
                                                       const char *format, ...);
void finding_worsen(struct finding *f, enum health health);

/* The topics of the settings: brokers that answer, topics that are missing, empty or have another
 * name, how far the group is behind. */
void doctor_kafka(const struct settings *s, struct finding *f);
void doctor_lag(const struct settings *s, struct finding *f);

/* The server that nodes share by: whether it answers, in time, and keeps what it is given. */
void doctor_redis(const struct settings *s, struct finding *f);

#endif
