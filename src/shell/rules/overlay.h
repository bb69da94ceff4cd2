/* The settings with the rules of the API that are in force behind their own: what the plan in force
 * is made of. So the plan's text and id cover them, and log, replay, recovery and rebuild need to
 * know nothing of where a rule came from. */
#ifndef ASSAY_RULES_OVERLAY_H
#define ASSAY_RULES_OVERLAY_H

#include "shell/rules/book.h"
#include "shell/settings/settings.h"

/* A rule as if it were in force already, in the place of the name's version that is, if any. */
struct rule_trial {
    struct text name, when, then, text;
    bool is_shadow;
    bool is_gone; /* as if it were in force no more */
};

struct overlay {
    struct settings settings; /* borrows all but `rules` */
    struct rule_setting *rules;
    uint32_t own; /* of rules: the settings' own, which come first; texts behind are ours */
};

/* The book may be NULL: no rules of the API. ERROR_INVALID: a name that the settings have too, no
 * outcome, over PLAN_RULES_MAX. To be ended also then. */
bool overlay_init(struct overlay *o, const struct settings *s, struct rule_book *b,
                  const struct rule_trial *trial, struct error *e) MUST_USE;
void overlay_fini(struct overlay *o);
/* After a plan of o->settings could not be made: says so where a rule of the API is why. Returns
 * false. */
bool overlay_blame(const struct overlay *o, struct error *e);

/* Whether the trial compiles with the settings over these fields: the error begins with the member
 * and, of `when`, line and column ("when: 1:5: ..."). */
bool overlay_try(const struct settings *s, struct rule_book *b, const struct rule_trial *trial,
                 const struct schema *schema, struct error *e) MUST_USE;

/* The rules that the control log of this data directory says are in force. */
bool overlay_of_directory(struct overlay *o, const struct settings *s, const char *data_directory,
                          struct error *e) MUST_USE;

#endif
