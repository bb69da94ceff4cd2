/* The control groups (v2) that this process is in: a container's quotas are theirs. */
#ifndef ASSAY_OS_CGROUP_H
#define ASSAY_OS_CGROUP_H

/* Calls `see` with the directory of our group, then with those above it; not at all where there is
 * none. */
void cgroup_each(void (*see)(void *context, const char *directory), void *context);

#endif
