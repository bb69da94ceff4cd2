#include "shell/serve/journal.h"

#include <pthread.h>
#include <unistd.h>

#include "core/base/calendar.h"
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/os/clock.h"

struct journal {
    int fd;
    bool is_json;
    pthread_mutex_t lock; /* of all below, and of the order of lines */
    double room;          /* lines that may be written now */
    int64_t filled_us;    /* monotonic: when room was last worked out */
    uint64_t left_out;
};

struct journal *journal_new(int fd, bool is_json)
{
    struct journal *j = mem_alloc(sizeof *j);

    j->fd = fd;
    j->is_json = is_json;
    j->room = JOURNAL_LINES_AT_ONCE;
    j->filled_us = clock_monotonic_us();
    pthread_mutex_init(&j->lock, NULL);
    return j;
}

void journal_free(struct journal *j)
{
    if (j == NULL)
        return;
    pthread_mutex_destroy(&j->lock);
    mem_free(j);
}

static bool has_room(struct journal *j)
{
    int64_t now_us = clock_monotonic_us();

    j->room += (double)(now_us - j->filled_us) / 1e6 * JOURNAL_LINES_A_SECOND;
    j->room = j->room < JOURNAL_LINES_AT_ONCE ? j->room : JOURNAL_LINES_AT_ONCE;
    j->filled_us = now_us;
    if (j->room < 1) {
        j->left_out++;
        return false;
    }
    j->room--;
    return true;
}

static void format(const struct journal *j, enum journal_level level, const char *event,
                   const char *words, const char *members, struct buffer *out)
{
    static const char *const levels[] = {"info", "warn", "error"};
    char time[TIME_TEXT_MAX];

    if (!j->is_json) {
        buffer_format(out, "assay: %s\n", words);
        return;
    }
    time_format(clock_now_us(), time);
    buffer_format(out, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"words\":", time,
                  levels[level], event);
    json_add_text(out, text_of(words));
    buffer_add_text(out, members);
    if (j->left_out > 0)
        buffer_format(out, ",\"left_out\":%llu", (unsigned long long)j->left_out);
    buffer_add_text(out, "}\n");
}

/* A pipe that nobody reads any more is no reason to stop: what cannot be written is left out. */
static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);

        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

void journal_write(struct journal *j, enum journal_level level, const char *event,
                   const char *words, const char *members)
{
    struct buffer out;

    if (j == NULL || (!j->is_json && level == JOURNAL_INFO))
        return;
    buffer_init(&out, JOURNAL_LINE_MAX);
    pthread_mutex_lock(&j->lock);
    if (has_room(j)) {
        format(j, level, event, words, members, &out);
        if (out.overflow || !write_all(j->fd, out.bytes, out.length))
            j->left_out++;
        else
            j->left_out = 0;
    }
    pthread_mutex_unlock(&j->lock);
    buffer_fini(&out);
}
