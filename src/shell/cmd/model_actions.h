/* The actions of `assay model`: rows of a table in model.c. */
#ifndef ASSAY_CMD_MODEL_ACTIONS_H
#define ASSAY_CMD_MODEL_ACTIONS_H

#include "shell/cmd/action.h"

struct model_action {
    struct action action;
    bool looks; /* at all models: those that are shared are fetched before */
    bool (*run)(struct invocation *v, struct settings *s, const char *directory, struct error *e);
};

bool model_list(struct invocation *v, struct settings *s, const char *directory, struct error *e);
bool model_show(struct invocation *v, struct settings *s, const char *directory, struct error *e);
bool model_card(struct invocation *v, struct settings *s, const char *directory, struct error *e);
bool model_promote(struct invocation *v, struct settings *s, const char *directory,
                   struct error *e);
bool model_rollback(struct invocation *v, struct settings *s, const char *directory,
                    struct error *e);
bool model_push(struct invocation *v, struct settings *s, const char *directory, struct error *e);
bool model_pull(struct invocation *v, struct settings *s, const char *directory, struct error *e);
bool model_compare(struct invocation *v, struct settings *s, const char *directory,
                   struct error *e);

/* compare --live */
bool model_compare_live(struct invocation *v, struct settings *s, struct error *e);

#endif
