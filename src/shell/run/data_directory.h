/* Where things lie in the data directory. */
#ifndef ASSAY_RUN_DATA_DIRECTORY_H
#define ASSAY_RUN_DATA_DIRECTORY_H

#include <limits.h>

#include "shell/registry/artifact.h"
#include "shell/run/state.h"
#include "shell/settings/settings.h"

enum { DATA_PATH_MAX = 480 };

/* The data directory: ./assay-data where one stands, or what the settings say, relative to their
 * file. */
bool data_directory(const struct settings *s, char path[DATA_PATH_MAX], struct error *e) MUST_USE;
/* <data directory>/shard-0 */
bool data_shard_directory(const struct settings *s, char path[DATA_PATH_MAX],
                          struct error *e) MUST_USE;

/* Where the registry is shared, as the settings say; its texts are theirs. */
struct data_artifacts {
    struct artifact_place place;
    char where[ARTIFACT_WHERE_MAX], ca[DATA_PATH_MAX];
};

/* &d->place, or NULL: it is not shared. */
const struct artifact_place *data_artifacts(const struct settings *s, struct data_artifacts *d);

/* The file of the master key of personal fields; "" where the settings name none. */
void data_key_file(const struct settings *s, char path[DATA_PATH_MAX]);

/* A path of the settings, relative to their file. */
const char *data_beside_settings(const struct settings *s, const char *said,
                                 char path[DATA_PATH_MAX]);

/* State as the settings limit it. */
struct state_options data_state_options(const struct settings *s, enum simd simd, uint32_t batch);

#endif
