/* Signed-in people: a cookie with 256 random bits, kept here as its SHA-256, and a second random
 * text that a page must send back with each change (CSRF). In memory only: a restart signs all out.
 * Any thread; a mutex for a moment. */
#ifndef ASSAY_ACCESS_SESSIONS_H
#define ASSAY_ACCESS_SESSIONS_H

#include "shell/access/caller.h"
#include "shell/access/users.h"
#include "shell/os/digest.h"

enum {
    SESSIONS_MAX = 10000,     /* then the one longest unused goes */
    SESSIONS_OF_ONE_MAX = 20, /* of one user: likewise */
    SESSION_TEXT_BYTES = 64,
};

/* For whom a session is opened, and by what one can see that they may no more. */
struct vouched {
    struct caller caller;
    const struct user *user; /* of ours, or NULL */
    unsigned generation;     /* of the user's password, */
    uint64_t key_mark;       /* or of the key's secret, when they signed in */
    int64_t since_us;        /* when the first session of these was opened; 0: now */
};

struct sessions;
struct sessions *sessions_new(int64_t idle_us, int64_t longest_us);
void sessions_free(struct sessions *s);

/* One that a session vouched for is as old as that: it ends no later. */
void sessions_open(struct sessions *s, const struct vouched *of, int64_t now_us,
                   char token[SESSION_TEXT_BYTES + 1], char csrf[SESSION_TEXT_BYTES + 1]);
/* Whose it is; false: nobody's, or it has ended. `csrf` may be NULL. Of a key, whoever knows keys
 * says whether it still is one (keys_in_force). */
bool sessions_find(struct sessions *s, struct text token, int64_t now_us, struct vouched *of,
                   char csrf[SESSION_TEXT_BYTES + 1]);
bool sessions_csrf_matches(const char csrf[SESSION_TEXT_BYTES + 1], struct text given);
void sessions_close(struct sessions *s, struct text token);

#endif
