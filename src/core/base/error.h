/* Errors as values.
 *
 * Three kinds of trouble exist and each has one form:
 *   our mistake         ASSERT (panic.h), on in release builds too
 *   the world's failure a function returns false and fills `struct error`
 *   bad data            not an error: a rejected record with a reason, counted and kept
 *
 * A function that can fail takes `struct error *e` as its last parameter (never NULL), returns
 * false on failure and leaves its results untouched then. The text says what, where, the value
 * quoted, then a hint that says what to do. Library code never prints and never exits; the
 * commands map the kind onto the exit code.
 */
#ifndef ASSAY_BASE_ERROR_H
#define ASSAY_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

enum {
    ERROR_TEXT_MAX = 1024, /* bytes, terminating zero included; longer texts are cut */
};

enum error_kind {
    ERROR_NONE = 0,
    ERROR_INVALID,   /* bad input or a refusal: exit 1 */
    ERROR_USAGE,     /* wrong use of the command line: exit 2 */
    ERROR_WORLD,     /* disk, network, server failed; a retry may help: exit 3 */
    ERROR_FULL,      /* no space or memory left under a stated limit: exit 3 */
    ERROR_NOT_FOUND, /* a named thing does not exist: exit 1 */
    ERROR_CONFLICT,  /* the same id with another body: exit 1 */
    ERROR_CANCELLED, /* the caller asked to stop: exit 130 */
};

struct error {
    enum error_kind kind;
    char text[ERROR_TEXT_MAX];
};

#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* Fill *e; always returns false, so that `return error_set(e, ...)` reads well. Control characters
 * of the values become blanks, bytes that are no UTF-8 question marks: the text is one line
 * wherever it is printed. */
bool error_set(struct error *e, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Put "context: " before the text that *e already has; returns false. */
bool error_prefix(struct error *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* The process exit code that goes with a kind: 0, 1, 2, 3 or 130. */
int error_exit_code(enum error_kind kind);

#endif
