/* What this process takes of the machine. */
#ifndef ASSAY_OS_PROCESS_H
#define ASSAY_OS_PROCESS_H

#include <stdint.h>

struct process_usage {
    uint64_t resident_bytes;
    double cpu_s;       /* of all threads, user and system */
    uint64_t files;     /* open descriptors */
    uint64_t files_max; /* that may be open */
};

void process_usage(struct process_usage *u); /* 0 where the system does not tell */

#endif
