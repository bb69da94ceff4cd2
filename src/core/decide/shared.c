#include "core/decide/shared.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

static const char prefix[] = "shared(";

void shared_field_name(const struct aggregate *a, char out[FIELD_NAME_MAX + 1])
{
    size_t length = strlen(a->canonical);

    if (length + sizeof prefix <= FIELD_NAME_MAX)
        snprintf(out, FIELD_NAME_MAX + 1, "%s%s)", prefix, a->canonical);
    else
        snprintf(out, FIELD_NAME_MAX + 1, "%s#%016llx)", prefix,
                 (unsigned long long)hash_bytes(a->canonical, length, 0));
}

bool shared_is_field(const char *name)
{
    return strncmp(name, prefix, sizeof prefix - 1) == 0;
}
