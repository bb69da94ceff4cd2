/* Who runs the program. */
#ifndef ASSAY_OS_USER_H
#define ASSAY_OS_USER_H

enum { USER_NAME_MAX = 64 };

/* The user's name as the system knows it, else the number. */
void user_name(char name[USER_NAME_MAX]);

#endif
