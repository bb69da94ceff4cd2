/* The rules that people write over the API: a fold of the control log ("rule.").
 *
 *            rule.drafted        rule.approved         rule.live       rule.retired
 *   (nothing) ------> draft ----------------> approved -------> live ---------> retired
 *                       |  rule.tested: kept           \          ^ |
 *                       |  with the version             \         | v rule.shadow
 *                       |                                -----> shadow --------> retired
 *                       +--- a newer draft, or a newer version in force: replaced
 *
 * A rule is a name with versions; a version's text never changes, and each change names the version
 * that it is about, so that nobody approves what they have not read. At most one version of a name
 * is in force, live or as a shadow: a newer one that goes live takes its place.
 *
 * The rules of the settings file are not here: settings and book together are the plan in force
 * (overlay.h). The book says what should be in force; what is, the log of decisions says.
 *
 * The log of changes is kept for ever; the book keeps what is limited below, so that it has a size:
 * of a name RULE_VERSIONS_KEPT versions, and of retired names those retired last.
 *
 * Threads: any; what is read is a copy of one moment. */
#ifndef ASSAY_RULES_BOOK_H
#define ASSAY_RULES_BOOK_H

#include "core/base/buffer.h"
#include "core/decide/plan.h"
#include "shell/control/control.h"

enum {
    RULE_NAME_MOST = 100, /* letters, digits, "_", "-" and "." */
    RULE_THEN_MOST = PLAN_NAME_MAX,
    RULES_OPEN_MAX = 512,   /* names that are not retired */
    RULES_NAMES_MAX = 4096, /* with the retired ones */
    RULE_VERSIONS_KEPT = 32,
    RULE_DATA_MAX = 64 << 10, /* JSON of one change */
};

enum rule_state {
    RULE_DRAFT,
    RULE_APPROVED,
    RULE_LIVE,
    RULE_SHADOW,
    RULE_RETIRED,
    RULE_REPLACED, /* by a newer version */
};

const char *rule_state_word(enum rule_state s);

/* What is to be written; slices of the caller. */
struct rule_text {
    struct text name, when, then, text;
};

/* A name, and the lengths of the rest: ERROR_INVALID names the member. */
bool rule_text_check(const struct rule_text *t, struct error *e) MUST_USE;

struct rule_book;
struct rule_book *rule_book_new(void);
void rule_book_free(struct rule_book *b); /* takes NULL */
struct control_fold rule_book_fold(struct rule_book *b);
/* What the control log of a data directory says, beside a server too. No log: no rule. */
bool rule_book_load(struct rule_book *b, const char *data_directory, struct error *e) MUST_USE;

/* A version as it is now. */
struct rule_view {
    uint32_t version, newest; /* of this name */
    enum rule_state state;
    uint32_t in_force; /* a version of this name, or 0; */
    bool is_shadow;    /* and how */
    char name[RULE_NAME_MOST + 1];
    char when[LANG_TEXT_MAX + 1];
    char then[RULE_THEN_MOST + 1];
    char text[PLAN_WORDS_MAX + 1];
    char author_kind[CONTROL_ACTOR_KIND_MAX + 1], author[CONTROL_ACTOR_ID_MAX + 1];
};

enum { RULE_NEWEST = 0, RULE_IN_FORCE = UINT32_MAX /* and without one the newest */ };

/* ERROR_NOT_FOUND: no such rule, or no such version of it. */
bool rule_book_view(struct rule_book *b, struct text name, uint32_t version, struct rule_view *v,
                    struct error *e) MUST_USE;

/* The changes. `by` has who, from where and why. A conflict with what is there is told by the fold:
 * ERROR_CONFLICT, ERROR_NOT_FOUND, ERROR_FULL. */
/* `*version` is what it is to become: the newest one and 1, or 0: whichever that is. */
bool rule_book_draft(struct rule_book *b, struct control *c, const struct rule_text *t,
                     const struct control_change *by, uint32_t *version, struct error *e) MUST_USE;
/* To approved, live, shadow or retired: the change as it is to be recorded, its texts in `room`. */
struct rule_change_room {
    char subject[RULE_NAME_MOST + 8], kind[24], data[48];
};
void rule_step_change(struct text name, uint32_t version, enum rule_state to,
                      const struct control_change *by, struct rule_change_room *room,
                      struct control_change *change);
/* And back; false: it is another kind of change. */
bool rule_step_read(const struct control_change *change, const struct json *data, struct text *name,
                    uint32_t *version, enum rule_state *to) MUST_USE;
bool rule_book_tested(struct control *c, struct text name, uint32_t version, uint32_t run,
                      uint32_t failed, const struct control_change *by, struct error *e) MUST_USE;

/* The names, in the order of their first drafts, each with what is in force of it; `when` is NULL
 * where nothing is. */
struct rule_in_force {
    const char *name, *when, *then, *text;
    uint32_t version;
    bool is_shadow;
};
void rule_book_each(struct rule_book *b,
                    void (*visit)(void *context, const struct rule_in_force *r), void *context);

/* Members of a rule as JSON, "{" before them and nothing behind: name, origin, state, version, ...
 * With its versions where they are wanted. */
bool rule_book_format(struct rule_book *b, struct text name, bool with_versions,
                      struct buffer *out) MUST_USE; /* false: there is none */
/* The names, by first draft. */
struct rule_names {
    char (*name)[RULE_NAME_MOST + 1];
    uint32_t count;
};
void rule_book_names(struct rule_book *b, struct rule_names *n);
void rule_names_fini(struct rule_names *n);

#endif
