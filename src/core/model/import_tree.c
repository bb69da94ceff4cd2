#include "core/model/import_tree.h"

#include "core/base/memory.h"

/* Lists the nodes that the root leads to in `order`, parents first; place[i] is 1 + where node i
 * stands in it. */
static bool walk(const struct imported_node *node, uint32_t count, uint32_t *order, uint32_t *place,
                 uint32_t *reached, struct error *e)
{
    uint32_t listed = 1;

    order[0] = 0;
    place[0] = 1;
    for (uint32_t at = 0; at < listed; at++) {
        const struct imported_node *n = &node[order[at]];
        uint32_t child[2] = {n->left, n->right};

        for (unsigned side = 0; side < 2 && n->test != TEST_LEAF; side++) {
            if (child[side] >= count)
                return error_set(e, ERROR_INVALID, "node %u leads to node %d of %u", order[at],
                                 (int)child[side], count);
            if (place[child[side]] != 0)
                return error_set(e, ERROR_INVALID,
                                 "node %u leads to node %u, to which another leads too", order[at],
                                 child[side]);
            order[listed++] = child[side];
            place[child[side]] = listed;
        }
    }
    *reached = listed;
    return true;
}

static bool room_for(const struct imported_trees *t, uint32_t nodes, struct error *e)
{
    if (t->trees == IMPORTED_TREES_MAX)
        return error_set(e, ERROR_INVALID, "over %d trees", IMPORTED_TREES_MAX);
    if (nodes > IMPORTED_NODES_MAX - t->first[t->trees])
        return error_set(e, ERROR_INVALID, "over %d nodes in all trees", IMPORTED_NODES_MAX);
    return true;
}

bool import_add_tree(struct imported *m, const struct imported_node *node, uint32_t count,
                     struct error *e)
{
    uint32_t *order = mem_array((size_t)count + 1, sizeof *order);
    uint32_t *place = mem_array((size_t)count + 1, sizeof *place);
    uint32_t reached = 0;
    bool good = count > 0 || error_set(e, ERROR_INVALID, "it has no node");

    good = good && walk(node, count, order, place, &reached, e) && room_for(&m->trees, reached, e);
    if (good) {
        uint32_t first = m->trees.first[m->trees.trees];
        struct imported_node *to = imported_add_tree(m, reached);

        for (uint32_t i = 0; i < reached; i++) {
            to[i] = node[order[i]];
            if (to[i].test == TEST_LEAF)
                continue;
            to[i].left = first + place[to[i].left] - 1;
            to[i].right = first + place[to[i].right] - 1;
        }
    }
    mem_free(order);
    mem_free(place);
    return good;
}
