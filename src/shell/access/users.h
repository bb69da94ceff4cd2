/* Users with passwords, for people. A fold of the control log ("user."): the password's Argon2id
 * hash is the record's secret. A user is never freed before users_free and a session points at it:
 * what changes of a user (roles, disabled, password) is true for its sessions at once. */
#ifndef ASSAY_ACCESS_USERS_H
#define ASSAY_ACCESS_USERS_H

#include "shell/access/password.h"
#include "shell/access/role.h"
#include "shell/control/control.h"

enum { USER_NAME_MOST = 64, USERS_MAX = 10000 };

struct user;
struct users;
struct users *users_new(void);
void users_free(struct users *u);
struct control_fold users_fold(struct users *u);

unsigned users_count(const struct users *u); /* disabled ones too */
/* A user other than this one (a name, or empty) has it and is not disabled. */
bool users_has_role(struct users *u, unsigned role, struct text except);
/* Of a user by name; 0: disabled, or there is none. */
unsigned users_roles(struct users *u, struct text name);
/* What a record of the control log is about: "user/<name>", or empty. */
struct text user_name_in(const struct control_record *r);

const char *user_name_of(const struct user *u);
unsigned user_roles(const struct user *u);      /* 0: disabled */
unsigned user_generation(const struct user *u); /* another one: its sessions have ended */
/* The user of this name and password, or NULL; takes about as long either way (password.h). */
const struct user *users_sign_in(struct users *u, struct text name, struct text password);

/* Changes; `by` as for keys. Names: letters, digits and ._@+- */
bool users_create(struct control *c, struct text name, struct text password, unsigned roles,
                  const struct control_change *by, struct error *e) MUST_USE;
bool users_set_password(struct control *c, struct text name, struct text password,
                        const struct control_change *by, struct error *e) MUST_USE;
bool users_set_roles(struct control *c, struct text name, unsigned roles,
                     const struct control_change *by, struct error *e) MUST_USE;
bool users_set_disabled(struct control *c, struct text name, bool is_disabled,
                        const struct control_change *by, struct error *e) MUST_USE;

void users_format(struct users *u, struct buffer *out); /* a JSON array, by creation */
bool users_format_one(struct users *u, struct text name, struct buffer *out) MUST_USE;

#endif
