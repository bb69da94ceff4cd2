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

/* Relative to the settings file. */
static void beside_settings(const struct settings *s, const char *said, char *path, size_t room)
{
    bool is_plain = said[0] == 0 || said[0] == '/' || s->directory == NULL;

    snprintf(path, room, "%s%s%s", is_plain ? "" : s->directory, is_plain ? "" : "/", said);
}

void data_key_file(const struct settings *s, char path[DATA_PATH_MAX])
{
    beside_settings(s, s->personal_key_file != NULL ? s->personal_key_file : "", path,
                    DATA_PATH_MAX);
}

const struct artifact_place *data_artifacts(const struct settings *s, struct data_artifacts *d)
{
    const struct registry_setting *r = &s->registry;

    if (r->artifacts == NULL || r->artifacts[0] == 0)
        return NULL;
    d->place = (struct artifact_place){.where = d->where,
                                       .endpoint = r->endpoint,
                                       .region = r->region,
                                       .access_key = r->access_key,
                                       .secret_key = r->secret_key,
                                       .session_token = r->session_token,
                                       .ca = r->ca != NULL ? d->ca : NULL,
                                       .style = (enum s3_style)r->style};
    if (strstr(r->artifacts, "://") != NULL)
        snprintf(d->where, sizeof d->where, "%s", r->artifacts);
    else
        beside_settings(s, r->artifacts, d->where, sizeof d->where);
    beside_settings(s, r->ca != NULL ? r->ca : "", d->ca, sizeof d->ca);
    return &d->place;
}

const char *data_beside_settings(const struct settings *s, const char *said,
                                 char path[DATA_PATH_MAX])
{
    beside_settings(s, said, path, DATA_PATH_MAX);
    return path;
}

struct state_options data_state_options(const struct settings *s, enum simd simd, uint32_t batch)
{
    return (struct state_options){.engine = {.simd = simd,
                                             .batch = batch,
                                             .ids_horizon = s->ids_horizon,
                                             .ids_horizon_us = s->ids_horizon_us}};
}
