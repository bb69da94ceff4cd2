/* The models of a data directory.
 *
 *     models/NAME/VERSION/    model, lineage.json, metrics.json, report.html, card.html, card.md
 *     models/aliases.json     which of them is champion, challenger, shadow (aliases.h)
 *     models/history.ndjson   who changed that, and when
 *     models/lock             held by who changes something
 *
 * 1. A version appears whole: written beside under a name with a dot, synced, renamed. It is never
 *    changed afterwards.
 * 2. The same bytes are the same version.
 * 3. Readers take no lock: what they see is a state between two changes.
 *
 * Files are opaque here but for lineage.json, whose digests say what the next version is, and
 * metrics.json, which says whether the model is better than chance.
 */
#ifndef ASSAY_REGISTRY_REGISTRY_H
#define ASSAY_REGISTRY_REGISTRY_H

#include "core/base/buffer.h"
#include "core/data/json.h"
#include "shell/os/digest.h"
#include "shell/registry/aliases.h"
#include "shell/registry/artifact.h"

enum {
    REGISTRY_PATH_MAX = 512,
    REGISTRY_MODELS_MAX = 100000, /* versions of all models */
    REGISTRY_JSON_MAX = 16 << 20, /* of lineage.json, of metrics.json */
    REGISTRY_FILES_MAX = 8,       /* of one version */
};

/* ---- reading ---- */

/* Of all, by name, then by version; the caller frees *id. */
bool registry_list(const char *data_directory, struct model_id **id, uint32_t *count,
                   struct error *e) MUST_USE;
/* What a person wrote: NAME (its newest version), NAME@1.2.3, NAME@ALIAS, ALIAS. ERROR_NOT_FOUND
 * with the nearest name. */
bool registry_find(const char *data_directory, struct text words, struct model_id *id,
                   struct error *e) MUST_USE;
bool registry_aliases(const char *data_directory, struct aliases *a, struct error *e) MUST_USE;
/* <data directory>/models/NAME/VERSION/file; "" for the directory. */
bool registry_path(const char *data_directory, const struct model_id *id, const char *file,
                   char path[REGISTRY_PATH_MAX], struct error *e) MUST_USE;
/* A JSON object of a version. The caller frees it. */
bool registry_read(const char *data_directory, const struct model_id *id, const char *file,
                   struct json_document **d, struct error *e) MUST_USE;
/* Path of the champion's model file; ERROR_NOT_FOUND where there is none, with what to do. A model
 * that an earlier release put in force still is, until there is a champion. */
bool registry_champion(const char *data_directory, char path[REGISTRY_PATH_MAX],
                       struct error *e) MUST_USE;

/* ---- sharing ----
 *
 * Where the registry has a place among artifacts (shared.h), what is there holds: the directory is
 * its cache, of whole versions, and `place` is not NULL below. */

enum registry_part {
    REGISTRY_IN_FORCE, /* the aliases, and the models that they name */
    REGISTRY_ALL,      /* and all others */
};

enum { REGISTRY_WARNING_MAX = ERROR_TEXT_MAX };

/* Brings the directory up to date. Where the place cannot be reached, `warning` says so, and the
 * directory stays as it is; else it is "". A damaged or another model is an error, and the aliases
 * stay as they were. `place` NULL: nothing is done. */
bool registry_refresh(const char *data_directory, const struct artifact_place *place,
                      enum registry_part part, char warning[REGISTRY_WARNING_MAX],
                      struct error *e) MUST_USE;

/* ---- changing ---- */

struct registry; /* open for changes: one at a time, of all processes; waits for its turn */

/* With a place: brought up to date first. Where it cannot be reached, versions are added to the
 * directory only, and changes of aliases are refused. */
bool registry_open(const char *data_directory, const struct artifact_place *place,
                   struct registry **r, struct error *e) MUST_USE;
void registry_close(struct registry *r);             /* takes NULL */
const char *registry_data(const struct registry *r); /* its data directory */
/* What was added is where it is shared too; ERROR_WORLD: in the directory only, `assay model push`
 * makes up for it. */
bool registry_is_shared(const struct registry *r, struct error *e) MUST_USE;
/* Puts a version that is in the directory where it is shared; *is_new: it was not there. */
bool registry_push(struct registry *r, const struct model_id *id, bool *is_new,
                   struct error *e) MUST_USE;
/* As registry_push; of one that is shared already, the files that are lost or damaged there are put
 * again (*is_new then). */
bool registry_mend(struct registry *r, const struct model_id *id, bool *is_new,
                   struct error *e) MUST_USE;
/* The directory's aliases, where none are shared yet; the models that they name were pushed. */
bool registry_push_aliases(struct registry *r, struct error *e) MUST_USE;

/* What makes a version another: SHA-256 of each. */
struct model_digests {
    uint8_t model[DIGEST_BYTES], inputs[DIGEST_BYTES], recipe[DIGEST_BYTES];
};

/* The version that the model has (is_known: the same bytes are there) or would get. */
bool registry_assign(struct registry *r, const char *name, const struct model_digests *d,
                     struct model_id *id, bool *is_known, struct error *e) MUST_USE;

struct registry_file {
    const char *name;
    const void *bytes;
    size_t length;
};

/* lineage.json must be among the files, with registry_digests_json in it. */
bool registry_add(struct registry *r, const struct model_id *id, const struct registry_file *file,
                  uint32_t files, struct error *e) MUST_USE;
/* ,"model_sha256":"..","inputs_sha256":"..","recipe_sha256":".." */
void registry_digests_json(const struct model_digests *d, struct buffer *out);

/* Nothing is written where it is so already. A model whose metrics.json says that it is no better
 * than chance does not become champion, ERROR_INVALID, unless it is_forced. */
bool registry_promote(struct registry *r, const struct alias_change *change,
                      struct error *e) MUST_USE;
bool registry_rollback(struct registry *r, struct alias_change *change, struct error *e) MUST_USE;

#endif
