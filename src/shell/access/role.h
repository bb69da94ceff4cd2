/* Who may do what: six roles, as bits. Each route names the roles that may take it; admin may take
 * them all. A key or user has one or more. */
#ifndef ASSAY_ACCESS_ROLE_H
#define ASSAY_ACCESS_ROLE_H

#include "core/base/buffer.h"
#include "core/data/json.h"

enum role {
    ROLE_VIEWER = 1,   /* reads decisions, lists, models, metrics */
    ROLE_SCORER = 2,   /* sends events and labels: what a payment system needs */
    ROLE_ANALYST = 4,  /* reads, labels, changes lists */
    ROLE_ENGINEER = 8, /* reads, trains, promotes, reloads */
    ROLE_AUDITOR = 16, /* reads, and reads who did what and who may */
    ROLE_ADMIN = 32,   /* all, and keys and users */
    ROLES_ALL = 63,
    ROLE_ANYONE = 64, /* of a route: without signing in too */

    ROLES_READING = ROLE_VIEWER | ROLE_ANALYST | ROLE_ENGINEER | ROLE_AUDITOR | ROLE_ADMIN,
    ROLES_COUNT = 6,
};

const char *role_name(unsigned role);             /* of one bit */
bool role_find(struct text name, unsigned *role); /* one bit */
/* "scorer,viewer" or a JSON array of names; at least one. */
bool roles_read(struct text words, unsigned *roles, struct error *e) MUST_USE;
bool roles_of_json(const struct json *array, unsigned *roles, struct error *e) MUST_USE;
void roles_format(unsigned roles, struct buffer *out); /* ["scorer","viewer"] */

#endif
