/* How much memory this process may really use. */
#ifndef ASSAY_OS_RAM_H
#define ASSAY_OS_RAM_H

#include <stdint.h>

/* The machine's memory, or the smallest limit of our control groups where that is less. */
uint64_t ram_bytes(void);

/* Memory that was freed goes back to the machine, where the allocator kept it. */
void ram_give_back(void);

#endif
