#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/store/store.h"

static struct error e;
static char directory[] = "/tmp/assay-rare-XXXXXX", path[300];
static const struct store_place place = {STORE_SQLITE, path};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, e.text);                                                     \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/store.sqlite", directory);
    return 0;
}

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

struct seen {
    unsigned count;
    uint64_t newest;
};

static void see(void *context, const struct store_decision *d)
{
    struct seen *s = context;

    s->count++;
    s->newest = d->seq;
}

/* Matches that are far apart, or none: each page looks at so many rows, and the next goes on there.
 */
static void what_is_rare_is_found_page_by_page(void **state)
{
    enum { ROWS = 2 * STORE_LOOK_MAX + 1000, RARE = 7 };
    static const enum store_sort sorts[] = {STORE_TIME_DOWN, STORE_TIME_UP,  STORE_SCORE_DOWN,
                                            STORE_SCORE_UP,  STORE_SEQ_DOWN, STORE_SEQ_UP};
    struct store *s;

    (void)state;
    MUST(store_open(&place, STORE_WRITE, &s, &e));
    MUST(store_begin(s, &e));
    for (uint64_t i = 1; i <= ROWS; i++) {
        struct store_decision d;
        char id[16];

        snprintf(id, sizeof id, "%s-%d", i == RARE ? "rare" : "pay", (int)i);
        /* Many are of the same time, and more of the same score. */
        d = (struct store_decision){.seq = i,
                                    .event_id = text_of(id),
                                    .received_us = (int64_t)i,
                                    .time_us = (int64_t)(i / 100) * 1000000,
                                    .score = (int)(i / 1000 % 4),
                                    .outcome = text_of(i == RARE ? "decline" : "approve"),
                                    .level = text_of("LOW"),
                                    .plan = text_of("a0a1a2a3a4a5a6a7"),
                                    .rules = text_of("[]")};
        MUST(store_add_decision(s, &d, &e));
    }
    MUST(store_commit(s, ROWS, &e));
    for (size_t k = 0; k < sizeof sorts / sizeof *sorts; k++) {
        for (int by_id = 0; by_id < 2; by_id++) {
            struct store_query q = store_query_all(5);
            char next[STORE_CURSOR_MAX] = "", cursor[STORE_CURSOR_MAX];
            struct seen all = {0};
            int pages = 0;

            q.sort = sorts[k];
            if (by_id > 0)
                q.id_prefix = text_of("rare");
            else
                q.outcome = text_of("decline");
            do {
                memcpy(cursor, next, sizeof cursor);
                q.cursor = text_of(cursor);
                MUST(store_query(s, &q, see, &all, next, &e));
                pages++;
            } while (next[0] != 0 && pages < 10);
            assert_int_equal(all.count, 1);
            assert_int_equal(all.newest, RARE);
            assert_int_equal(pages, 3);
        }
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_rare_is_found_page_by_page, set_up, tear_down),
    };

    return RUN(tests);
}
