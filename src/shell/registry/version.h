/* Versions of a model, and how a person names one.
 *
 *     major   its inputs changed: names, types or the features' definitions
 *     minor   its recipe changed: kind or options
 *     patch   the rest: data, seed, program
 */
#ifndef ASSAY_REGISTRY_VERSION_H
#define ASSAY_REGISTRY_VERSION_H

#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum {
    MODEL_NAME_MAX = 64,
    VERSION_NUMBER_MAX = 999999999,
    VERSION_TEXT_MAX = 32,
    MODEL_ID_TEXT_MAX = MODEL_NAME_MAX + 1 + VERSION_TEXT_MAX,
};

struct version {
    uint32_t major, minor, patch;
};

/* One model of the registry. */
struct model_id {
    char name[MODEL_NAME_MAX + 1];
    struct version version;
};

/* Stand-ins for one version of one model. */
enum alias { ALIAS_CHAMPION, ALIAS_CHALLENGER, ALIAS_SHADOW, ALIASES };

const char *alias_name(enum alias a);
bool alias_find(struct text name, enum alias *a) MUST_USE;

int version_compare(struct version a, struct version b);       /* below, at, above 0 */
bool version_parse(struct text t, struct version *v) MUST_USE; /* "1.2.3" and nothing else */
void version_format(struct version v, char out[VERSION_TEXT_MAX]);

/* A name is a directory too: letters, digits, "_", "-", ".", the first no dot; no alias. */
bool model_name_check(struct text name, struct error *e) MUST_USE;

bool model_id_equal(const struct model_id *a, const struct model_id *b);
void model_id_format(const struct model_id *id, char out[MODEL_ID_TEXT_MAX]); /* "NAME@1.2.3" */
bool model_id_parse(struct text t, struct model_id *id) MUST_USE;             /* the same */

#endif
