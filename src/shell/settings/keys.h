/* The table of all keys of assay.yaml, and how to walk it.
 *
 * Each key is one row: where it stands, what kind of value it takes, where the value goes in
 * struct settings, its default, and the words that a user reads. Reader (read.c), printer
 * (print.c), docs/settings.md (docs.c), environment overrides and hints for misspelt names are all
 * made from the rows, so a new key is one new row and a member to put it in.
 *
 * Paths use "*" for a name that the user gives. Rows stand in the order in which they are printed,
 * a section before what is below it. A value's place is an offset from its base: struct settings,
 * or the innermost array element above it.
 */
#ifndef ASSAY_SETTINGS_KEYS_H
#define ASSAY_SETTINGS_KEYS_H

#include "shell/settings/settings.h"

enum key_kind {
    KEY_SECTION, /* a map with the keys below it; has no value of its own */
    KEY_ENTRIES, /* a map of names that the user gives: an array of structs that begin with the name
                  */
    KEY_RECORDS, /* a list of maps: an array of structs */
    KEY_TEXTS,   /* a list of texts: char ** */
    KEY_TEXT,    /* char * */
    KEY_CHAR,    /* one byte; 0 = look */
    KEY_WORD,    /* an enum: the number of the word among the choices */
    KEY_BOOL,
    KEY_WHOLE,    /* any unsigned width, or an int */
    KEY_REAL,     /* double */
    KEY_DURATION, /* int64_t us */
    KEY_SIZE,     /* bytes: uint32_t or uint64_t */
    KEY_TIME,     /* int64_t us */
    KEY_SPAN,     /* two int64_t us: [from, until), or SPAN_LENGTH and a duration */
    KEY_EVENT,    /* a map of an event's fields: char *, as a JSON object of texts */
    KEY_EVENTS,   /* a list of them: char ** */
    KEY_SHAPE,    /* any tree, every scalar a text: char *, as JSON */
};

enum key_flag {
    KEY_REQUIRED = 1,
    KEY_DECIDES = 2, /* part of what a PLAN record holds */
    KEY_SECRET = 4,  /* never printed; file:PATH is read */
    KEY_TWIN = 8,    /* says the same as a row above: docs/settings.md leaves it out */
};

struct key {
    const char *path;
    enum key_kind kind;
    unsigned flags;
    size_t at;             /* offset of the value, or of the pointer to the array */
    size_t bytes;          /* of the value; of one element of an array */
    size_t count_at;       /* arrays: offset of the uint32_t count */
    uint32_t limit;        /* arrays: elements at most */
    size_t has_at;         /* offset of a bool that says whether a value was given; 0: none */
    const char *standard;  /* the default as it would be written; NULL: none, or set by code */
    const char *computed;  /* words for a default that code sets */
    const char *choices;   /* "a|b|c" for words; texts with choices must be one of them */
    double least, most;    /* numbers */
    const char *shorthand; /* sections: a plain text here stands for this key */
    void (*open)(void *element); /* elements of an array: sets the defaults that code sets */
    const char *words;
};

/* The kinds of model that can be trained, in the order of enum model_kind. */
#define RECIPE_KINDS       "logistic|boost|forest|isolation|net|vote|stack"
#define RECIPE_KINDS_WORDS "logistic, boost, forest, isolation, net, vote, stack"

enum { KEY_PATH_MAX = 1024 }; /* bytes of a concrete path */

extern const struct key keys[];
extern const size_t key_count;

/* Rows directly below `parent` (NULL: at the top), in order: pass the last one to get the next. */
const struct key *key_below(const struct key *parent, const struct key *last);
/* The row for `name` below parent: the one of that name, else the "*" row, else NULL. */
const struct key *key_find(const struct key *parent, struct text name);
const char *key_last(const struct key *k); /* the part of its path after the last dot */
bool key_is_named(const struct key *k);    /* not a "*" row */

/* Settings with the defaults that code sets; the rest comes from the rows. */
struct settings *settings_new(void);

#endif
