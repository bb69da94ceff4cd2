#include "shell/cmd/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/os/clock.h"

enum { DRAW_EVERY_US = 100000, ESTIMATE_AFTER_US = 1500000 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void interrupt_install(void)
{
    /* Reset to the default by the first one, so that a second one ends what does not listen. */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

bool is_interrupted(void)
{
    return interrupted != 0;
}

/* "12 s", "3 min", "2 h": as exact as an estimate is. */
static void duration_print(int64_t us, char *out, size_t room)
{
    int64_t seconds = us / 1000000;

    if (seconds < 90)
        snprintf(out, room, "%lld s", (long long)seconds);
    else if (seconds < 90 * 60)
        snprintf(out, room, "%lld min", (long long)(seconds + 30) / 60);
    else
        snprintf(out, room, "%.1f h", (double)seconds / 3600);
}

static void draw(struct term *t, double done_share, int64_t now)
{
    int64_t spent = now - t->stage_us;
    char left[32] = "";

    if (done_share > 0.01 && done_share < 1 && spent > ESTIMATE_AFTER_US) {
        char words[24];

        duration_print((int64_t)((double)spent * (1 - done_share) / done_share), words,
                       sizeof words);
        snprintf(left, sizeof left, ", %s left", words);
    }
    if (done_share < 0)
        fprintf(stderr, "\r\033[K%s", t->stage);
    else
        fprintf(stderr, "\r\033[K%s %3.0f %%%s", t->stage, 100 * done_share, left);
    fflush(stderr);
    t->printed_us = now;
    t->is_dirty = true;
}

static bool on_progress(void *context, const char *stage, double done_share)
{
    struct term *t = context;
    int64_t now;

    if (t->has_progress) {
        now = clock_monotonic_us();
        if (strncmp(t->stage, stage, sizeof t->stage - 1) != 0) {
            snprintf(t->stage, sizeof t->stage, "%s", stage);
            t->stage_us = now;
            t->printed_us = 0;
        }
        if (now - t->printed_us >= DRAW_EVERY_US)
            draw(t, done_share > 1 ? 1 : done_share, now);
    }
    return !is_interrupted();
}

void term_init(struct term *t, bool quiet)
{
    const char *kind = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool is_dumb = kind == NULL || strcmp(kind, "dumb") == 0;

    *t = (struct term){
        .has_progress = !quiet && !is_dumb && isatty(STDERR_FILENO),
        .has_colour =
            !quiet && !is_dumb && isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == 0),
    };
    t->progress = (struct progress){.report = on_progress, .context = t};
}

const struct progress *term_progress(struct term *t)
{
    t->progress.context = t;
    return &t->progress;
}

void term_clear(struct term *t)
{
    if (!t->is_dirty)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    t->is_dirty = false;
}

const char *term_colour(const struct term *t, enum colour colour)
{
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                        "\033[31m", "\033[32m", "\033[33m"};

    return t->has_colour ? codes[colour] : "";
}
