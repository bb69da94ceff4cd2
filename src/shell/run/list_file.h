/* A file of a list: its entries, or the history of its changes.
 *
 * Columns by name: `value` (or the list's own name), and where there are any `at` (when the change
 * was made), `expires` (a time, or a duration after `at`), `note`, and `op` (add or remove). What
 * `assay list export` writes is such a file. A row that cannot be read fails the whole file: half a
 * blocklist is none.
 */
#ifndef ASSAY_RUN_LIST_FILE_H
#define ASSAY_RUN_LIST_FILE_H

#include "shell/run/list_change.h"
#include "shell/settings/settings.h"

enum { LIST_FILE_ROWS_MAX = 4 << 20 };

struct list_row {
    bool has_at;
    int64_t at_us;         /* 0 where there is none: in the list from the start */
    struct list_item item; /* texts owned */
};

struct list_file {
    struct list_row *row; /* by at_us, then in the file's order */
    uint32_t count;
    uint64_t digest; /* of its bytes, never 0 */
};

/* `path` as it is. now_us: a change later than that is refused (INT64_MAX: none is). */
bool list_file_read(const struct list_setting *setting, const char *path, int64_t now_us,
                    struct list_file *f, struct error *e) MUST_USE;
/* The list's own file of the settings; empty where it has none. */
bool list_file_of_settings(const struct settings *s, uint32_t list, int64_t now_us,
                           struct list_file *f, struct error *e) MUST_USE;
void list_file_fini(struct list_file *f); /* also of a zeroed struct */

#endif
