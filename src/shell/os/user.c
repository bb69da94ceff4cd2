#include "shell/os/user.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

enum { ENTRY_BYTES = 16 << 10 };

void user_name(char name[USER_NAME_MAX])
{
    struct passwd entry, *found = NULL;
    char bytes[ENTRY_BYTES];

    if (getpwuid_r(geteuid(), &entry, bytes, sizeof bytes, &found) == 0 && found != NULL)
        snprintf(name, USER_NAME_MAX, "%s", found->pw_name);
    else
        snprintf(name, USER_NAME_MAX, "%u", (unsigned)geteuid());
}
