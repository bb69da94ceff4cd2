/* --subject KIND=ID, of the commands about one person. */
#ifndef ASSAY_CMD_SUBJECT_H
#define ASSAY_CMD_SUBJECT_H

#include "shell/cmd/cmd.h"

#define OPTION_SUBJECT                                                                             \
    {                                                                                              \
        "subject", 0, "KIND=ID", "the person: personal.subject and its id, as customer=c-17"       \
    }

bool subject_option(const struct invocation *v, struct text *kind, struct text *id,
                    struct error *e) MUST_USE;

#endif
