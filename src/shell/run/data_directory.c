#include "shell/run/data_directory.h"

#include <stdio.h>
#include <string.h>

static const char usual[] = "./assay-data";

bool data_directory(const struct settings *s, char path[DATA_PATH_MAX], struct error *e)
{
    const char *said = s->data_directory;
    bool is_plain = said[0] == '/' || strcmp(said, usual) == 0 || s->directory == NULL ||
                    strcmp(s->directory, ".") == 0;
    int n = snprintf(path, DATA_PATH_MAX, "%s%s%s", is_plain ? "" : s->directory,
                     is_plain ? "" : "/", said);

    return (n > 0 && n < DATA_PATH_MAX) ||
           error_set(e, ERROR_INVALID, "path of the data directory \"%.60s...\" is over %d bytes",
                     said, DATA_PATH_MAX);
}

bool data_shard_directory(const struct settings *s, char path[DATA_PATH_MAX], struct error *e)
{
    char directory[DATA_PATH_MAX];

    if (!data_directory(s, directory, e))
        return false;
    if (snprintf(path, DATA_PATH_MAX, "%s/shard-0", directory) < DATA_PATH_MAX)
        return true;
    return error_set(e, ERROR_INVALID, "path of the data directory is over %d bytes",
                     DATA_PATH_MAX);
}

void data_key_file(const struct settings *s, char path[DATA_PATH_MAX])
{
    const char *said = s->personal_key_file != NULL ? s->personal_key_file : "";
    bool is_plain = said[0] == 0 || said[0] == '/' || s->directory == NULL;

    snprintf(path, DATA_PATH_MAX, "%s%s%s", is_plain ? "" : s->directory, is_plain ? "" : "/",
             said);
}

struct state_options data_state_options(const struct settings *s, enum simd simd, uint32_t batch)
{
    return (struct state_options){.engine = {.simd = simd,
                                             .batch = batch,
                                             .ids_horizon = s->ids_horizon,
                                             .ids_horizon_us = s->ids_horizon_us}};
}
