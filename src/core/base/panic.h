/* ASSERT: our own mistakes stop the process at the line that made them, in release builds too.
 * Never use it for bad data or for the world's failures. */
#ifndef ASSAY_BASE_PANIC_H
#define ASSAY_BASE_PANIC_H

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic(__FILE__, __LINE__, #condition);                                                 \
    } while (0)

/* Writes one line to standard error and aborts. */
__attribute__((noreturn, cold)) void panic(const char *file, int line, const char *what);

#endif
