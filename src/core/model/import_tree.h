/* A tree as a file has it, in any order, appended to an imported model. */
#ifndef ASSAY_MODEL_IMPORT_TREE_H
#define ASSAY_MODEL_IMPORT_TREE_H

#include "core/model/imported.h"

/* node[i].left and .right are indices into `node`; node[0] is the root. Nodes that nothing leads to
 * (pruned ones) are left out. ERROR_INVALID where an index is out of range or two nodes lead to
 * the same one, which a circle does too. */
bool import_add_tree(struct imported *m, const struct imported_node *node, uint32_t count,
                     struct error *e) MUST_USE;

#endif
