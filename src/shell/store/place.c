#include "shell/store/place.h"

#include <stdio.h>

#include "shell/run/data_directory.h"

bool store_place_find(const struct settings *s, char path[STORE_PATH_MAX],
                      struct store_place *place, struct error *e)
{
    char data[DATA_PATH_MAX];

    *place = (struct store_place){.kind = STORE_POSTGRES, .where = s->store.url};
    if (s->store.kind == STORE_IN_POSTGRES)
        return true;
    if (!data_directory(s, data, e))
        return false;
    snprintf(path, STORE_PATH_MAX, "%s/store.sqlite", data);
    *place = (struct store_place){.kind = STORE_SQLITE, .where = path};
    return true;
}
