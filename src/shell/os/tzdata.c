#include "shell/os/tzdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/os/file.h"

static const char *directory(void)
{
    const char *given = getenv("TZDIR");

    return given != NULL && given[0] != 0 ? given : "/usr/share/zoneinfo";
}

/* The names beside it that are nearest: "Asia/Jakrta" is looked for in Asia. */
static void suggest(struct text name, char out[ZONE_NAME_MAX + 24])
{
    const char *slash = memrchr(name.bytes, '/', name.length), *root = directory();
    char pattern[FILE_PATH_MAX];
    struct file_list list;
    struct error ignored;
    struct text *names;
    int nearest;

    out[0] = 0;
    snprintf(pattern, sizeof pattern, "%s/%.*s*", root,
             slash != NULL ? (int)(slash - name.bytes) + 1 : 0, name.bytes);
    if (!file_list(pattern, &list, &ignored))
        return;
    names = mem_array(list.count, sizeof *names);
    for (size_t i = 0; i < list.count; i++)
        names[i] = text_of(list.path[i] + strlen(root) + 1);
    nearest = text_nearest(name, names, list.count);
    if (nearest >= 0 && zone_is_name(names[nearest]))
        snprintf(out, ZONE_NAME_MAX + 24, "; did you mean '%.*s'?", TEXT_ARG(names[nearest]));
    mem_free(names);
    file_list_fini(&list);
}

static struct zone *not_found(struct text name, struct error *e)
{
    char hint[ZONE_NAME_MAX + 24];

    suggest(name, hint);
    if (hint[0] == 0)
        snprintf(hint, sizeof hint, "; is tzdata installed?");
    error_set(e, ERROR_NOT_FOUND, "no time zone '%.*s' in %.200s%s", TEXT_ARG(name), directory(),
              hint);
    return NULL;
}

struct zone *tzdata_find(struct text name, struct error *e)
{
    char path[FILE_PATH_MAX];
    struct zone *z = NULL;
    struct buffer file;

    if (!zone_is_name(name))
        return not_found(name, e);
    snprintf(path, sizeof path, "%s/%.*s", directory(), TEXT_ARG(name));
    buffer_init(&file, ZONE_FILE_MAX);
    if (!file_exists(path))
        not_found(name, e);
    else if (file_read(path, &file, e))
        z = zone_parse_tzif(name, (struct text){file.bytes, file.length}, e);
    buffer_fini(&file);
    return z;
}
