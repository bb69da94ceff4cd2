/* Who asks. Handlers record it as the actor of what they change. */
#ifndef ASSAY_ACCESS_CALLER_H
#define ASSAY_ACCESS_CALLER_H

#include "shell/access/role.h"
#include "shell/control/change.h"

enum caller_kind {
    CALLER_NOBODY,  /* gave nothing; may only what is open to anyone */
    CALLER_LOCAL,   /* gave nothing, where nothing is asked: this machine's own */
    CALLER_KEY,     /* an API key */
    CALLER_USER,    /* a session */
    CALLER_TOKEN,   /* a JWT of somebody else's making */
    CALLER_STARTER, /* the one-time token of a server without an admin */
};

enum { CALLER_ID_MAX = 96, CALLER_NAME_MAX = 64 };

struct caller {
    enum caller_kind kind;
    unsigned roles;
    char id[CALLER_ID_MAX + 1];
    char name[CALLER_NAME_MAX + 1];
};

/* As the actor of a change; slices of the caller. */
struct control_actor caller_actor(const struct caller *c);

#endif
