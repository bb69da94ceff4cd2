/* Trees to nodes: what names mean, which types fit, what may look at what. */
#ifndef ASSAY_LANG_CHECK_H
#define ASSAY_LANG_CHECK_H

#include "core/lang/node.h"
#include "core/lang/tree.h"

struct checker {
    struct program *program;
    const struct source *source;
    bool is_key;       /* inside a key: only fields and constants */
    bool is_aggregate; /* inside an aggregate: no further one */
    bool is_raw;       /* fields as the event has them: nothing stands in for missing ones */
};

/* The node of a tree, or -1 with the error of the source set. Its type may be TYPE_NONE for the
 * bare word null. */
int check_tree(struct checker *c, const struct tree *t) MUST_USE;
int check_aggregate(struct checker *c, const struct tree *t) MUST_USE; /* aggregate.c */
/* An aggregate that is made of others, written out; its name is one of lang_derived_name. */
int check_derived(struct checker *c, const struct tree *t) MUST_USE; /* derived.c */
/* "in" of an operand and literals. */
int check_in(struct checker *c, const struct tree *t) MUST_USE; /* member.c */
int check_in_list(struct checker *c, const struct tree *t) MUST_USE;
/* A literal, its sign applied. */
bool check_literal(struct checker *c, const struct tree *t, struct value *v) MUST_USE;
/* The row of the function table for the arguments, with conversions put in; -1 on failure. */
int check_call(struct checker *c, const struct tree *t, const int *args,
               uint32_t count) MUST_USE; /* overload.c */
/* The node converted to a wider number type, or a typed null. */
int check_convert(struct checker *c, const struct tree *t, int node, enum type to) MUST_USE;
int check_full(struct checker *c, const struct tree *t,
               int node) MUST_USE; /* node, or the error
                                    * that there is no room */
/* What a bare path means, or -1 without an error where it means nothing; -2 with one. */
int check_name(struct checker *c, const struct tree *t);
int check_unknown(struct checker *c, const struct tree *t, const char *expected); /* always -1 */
/* The field, or what stands in for it; -1 where the program is full. */
int lang_filled(struct program *p, int field);
bool lang_is_label(const struct program *p, const struct tree *t);
const char *lang_type_word(enum type t); /* type_name, and "null" for TYPE_NONE */

#endif
