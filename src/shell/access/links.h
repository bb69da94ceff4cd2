/* One-time tokens for signing in: whoever is signed in makes one and opens it in a browser, for
 * themselves. "asl_" and 64 hex digits, kept as its SHA-256; good once, for LINK_MINUTES, and only
 * while who made it may still ask. In memory only. Any thread; a mutex for a moment. */
#ifndef ASSAY_ACCESS_LINKS_H
#define ASSAY_ACCESS_LINKS_H

#include "shell/access/sessions.h"

enum {
    LINK_TEXT_BYTES = 4 + 64,
    LINK_MINUTES = 10,
    LINKS_MAX = 64,       /* not used yet: then the oldest goes */
    LINKS_OF_ONE_MAX = 4, /* of one caller: then their own oldest goes */
};

struct links;
struct links *links_new(void);
void links_free(struct links *l);
void links_make(struct links *l, const struct vouched *of, int64_t now_us,
                char text[LINK_TEXT_BYTES + 1]);
/* Whose it is; then it is used up. False: there is none. */
bool links_take(struct links *l, struct text token, int64_t now_us, struct vouched *of);

#endif
