/* A YAML document as a small tree, each node with the place it stands at (libyaml behind this
 * header, which is all that knows of it).
 *
 * Settings need maps, lists and scalars and nothing more, so anchors, aliases, tags, several
 * documents and duplicate keys are refused by name. Every scalar is text here: what it means is the
 * business of the key that it stands under. The tree is owned by the document and is read-only but
 * for yaml_put, by which overrides enter it.
 */
#ifndef ASSAY_SETTINGS_YAML_H
#define ASSAY_SETTINGS_YAML_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/memory.h"

enum {
    YAML_DEPTH_MAX = 16,
    YAML_ITEMS_MAX = 8192,      /* of one map or list */
    YAML_MEMORY_MAX = 64 << 20, /* of the tree */
};

enum yaml_kind { YAML_EMPTY, YAML_SCALAR, YAML_LIST, YAML_MAP }; /* empty: nothing, ~ or null */

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line;           /* from 1; 0: not from a file */
    uint32_t column;         /* from 1, in characters */
    uint32_t text_column;    /* scalar: where its text begins; 0: not as it is on this line */
    struct text text;        /* scalar: without quotes; zero-terminated too */
    bool is_quoted;          /* scalar */
    const char *origin;      /* NULL: the file; or words such as "environment ASSAY_SERVER_PORT" */
    uint32_t count;          /* list, map */
    struct yaml_node **item; /* list: items; map: values */
    struct yaml_node **key;  /* map: scalars */
};

struct yaml;

/* `path` is for messages: "PATH:LINE:COLUMN: what". */
bool yaml_parse(struct text bytes, const char *path, struct yaml **y, struct error *e) MUST_USE;
void yaml_close(struct yaml *y); /* yaml_free is a symbol of libyaml */
struct yaml_node *yaml_root(struct yaml *y);
struct yaml_node *yaml_get(const struct yaml_node *map, struct text key); /* or NULL */

/* A value as it is written after "key:", parsed into this document; `origin` (copied) goes to all
 * of its nodes. */
struct yaml_node *yaml_value(struct yaml *y, struct text text, const char *origin,
                             struct error *e) MUST_USE;
/* A scalar, and an empty map, that count as standing where `like` stands; NULL: no room. */
struct yaml_node *yaml_scalar(struct yaml *y, struct text text,
                              const struct yaml_node *like) MUST_USE;
struct yaml_node *yaml_map(struct yaml *y, const struct yaml_node *like) MUST_USE;
/* Sets map[key], replacing what was there. False: the map is full. An empty node becomes a map. */
bool yaml_put(struct yaml *y, struct yaml_node *map, struct text key,
              struct yaml_node *value) MUST_USE;
/* A copy of text, zero-terminated, that lives as long as the document; NULL: no room. */
char *yaml_keep(struct yaml *y, struct text text) MUST_USE;

/* Text as one YAML scalar that reads back the same: plain where that is safe, else in double
 * quotes. `flow`: inside [..] or {..}. */
void yaml_print(struct text t, bool flow, struct buffer *out);
/* As JSON, every scalar a text and nothing null. Returns the scalar that is no UTF-8, else NULL. */
const struct yaml_node *yaml_to_json(const struct yaml_node *n, struct buffer *out);
/* "# words": what would end the comment or is no UTF-8 becomes a space. */
void yaml_comment(struct text words, struct buffer *out);

#endif
