/* Keys and users together, and the rule that holds over both: nobody is locked out. From the first
 * key or user on a service asks who is there, and only an admin makes the next one; so
 *
 *   1. while nobody is admin, what is made is an admin, and one that does not expire;
 *   2. the last admin stays one: it is not revoked, disabled or given other roles. Where others
 *      expire, the last one that does not stays.
 *
 * A forced change (control/change.h) is taken as it is, and the log says that it was forced. What
 * the log held before the rule is taken too: checks see new changes alone. */
#ifndef ASSAY_ACCESS_CREDENTIALS_H
#define ASSAY_ACCESS_CREDENTIALS_H

#include "shell/access/keys.h"
#include "shell/access/users.h"
#include "shell/settings/settings.h"

enum { CREDENTIALS_FOLDS = 2 };

/* Borrowed by the folds. */
struct credentials {
    struct keys *keys;
    struct users *users;
    bool has_others; /* rule 1 does not hold: who may, others say, or nobody is asked */
};

struct credentials *credentials_new(const struct access_setting *setting);
void credentials_free(struct credentials *c); /* takes NULL */

void credentials_folds(struct credentials *c, struct control_fold folds[CREDENTIALS_FOLDS]);

bool credentials_have_admin(struct credentials *c, int64_t at_us);

#endif
