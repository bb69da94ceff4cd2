/* Shapes: JSON values made of others, for contracts that are not ours (contract.h).
 *
 * A shape is a JSON tree in which every scalar is one of
 *   a path (`request.amount`, `decisions.0.id`, `item`): the value that stands there, whatever it
 *     is; null where nothing stands there;
 *   an expression of the language without aggregates ("if(score >= 800, 'FRAUD', 'OK')"), whose
 *     names are those of the scope's schema; members of another type are null in it;
 *   the empty text, or null: null;
 * and an object {"each": PATH, "as": SHAPE} stands for an array: SHAPE for each item of the array
 * at PATH, with `item` and the item's members as names.
 *
 * struct shapes is compiled once, then immutable; any number of threads may fill it in. */
#ifndef ASSAY_SERVE_SHAPE_H
#define ASSAY_SERVE_SHAPE_H

#include "core/data/json.h"
#include "core/lang/lang.h"

enum { SHAPE_NODES_MAX = 4096, SHAPE_PATH_PARTS_MAX = 16 };

struct shapes;

/* The names that expressions know and their types; the schema goes over to the shapes. */
struct shapes *shapes_new(struct schema *names);
void shapes_free(struct shapes *s); /* takes NULL */
/* `json` has texts for scalars; `place` is for errors. Returns the shape's number, -1 on failure.
 */
int shapes_add(struct shapes *s, const char *place, struct text json, struct error *e);
/* One path or expression; `is_condition`: it must be a bool expression. */
int shapes_add_scalar(struct shapes *s, const char *place, struct text source, bool is_condition,
                      struct error *e);
void shapes_finish(struct shapes *s); /* after the last addition, before the first filling */

struct shape_member {
    const char *name;
    struct json value;
};

/* What names mean: `item` and its members first, then the extras, then members of the root. */
struct shape_scope {
    const struct json *root; /* NULL: nothing */
    const struct json *item;
    const struct shape_member *extra;
    uint32_t extras;
};

void shape_fill(const struct shapes *s, int shape, const struct shape_scope *scope,
                struct buffer *out);
bool shape_holds(const struct shapes *s, int shape, const struct shape_scope *scope);
/* A scalar's value as bare text: null is nothing, and false is returned. */
bool shape_text(const struct shapes *s, int shape, const struct shape_scope *scope,
                struct buffer *out);

/* The value as JSON again. */
void json_add_json(struct buffer *b, const struct json *v);

#endif
