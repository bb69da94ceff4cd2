#include "shell/cmd/in_force.h"

#include "shell/run/data_directory.h"

bool in_force_open(struct settings *s, struct rule_book *b, enum current_use use, struct current *c,
                   struct error *e)
{
    char data[DATA_PATH_MAX];
    struct overlay o;
    bool ok;

    if (!data_directory(s, data, e))
        return false;
    ok = (b != NULL ? overlay_init(&o, s, b, NULL, e) : overlay_of_directory(&o, s, data, e)) &&
         current_open(&o.settings, NULL, use, c, e);
    if (ok)
        s->token_key = o.settings.token_key;
    else
        overlay_blame(&o, e);
    overlay_fini(&o);
    return ok;
}
