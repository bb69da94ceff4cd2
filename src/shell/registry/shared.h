/* The models that several machines share: what is where among the artifacts.
 *
 *     NAME/VERSION/claim.json      whose number it is: taken before the files are written
 *     NAME/VERSION/FILE            as in a data directory
 *     NAME/VERSION/manifest.json   the files with their SHA-256, written last, never changed
 *     aliases.ndjson               first line: aliases.json of a data directory; then its history
 *
 * 1. A version is there when its manifest is. What is read is held against it.
 * 2. Aliases and their history change together, in one object, by who saw its newest tag.
 *
 * One thread. Errors as of artifact.h; ERROR_INVALID for what is damaged.
 */
#ifndef ASSAY_REGISTRY_SHARED_H
#define ASSAY_REGISTRY_SHARED_H

#include "shell/registry/artifact.h"
#include "shell/registry/registry.h"

enum {
    SHARED_FILE_MAX = 1 << 30, /* bytes of one file of a version */
    SHARED_NAME_MAX = 64,      /* of its name */
    MANIFEST_BYTES_MAX = 64 << 10,
    SHARED_ALIASES_MAX = ALIASES_BYTES_MAX + HISTORY_BYTES_MAX,
};

#define SHARED_MANIFEST "manifest.json"

struct manifest {
    uint32_t count;
    struct manifest_file {
        char name[SHARED_NAME_MAX + 1];
        uint64_t bytes;
        uint8_t digest[DIGEST_BYTES];
    } file[REGISTRY_FILES_MAX];
};

bool manifest_parse(struct text bytes, struct manifest *m, struct error *e) MUST_USE;
void manifest_format(const struct model_id *id, const struct registry_file *file, uint32_t files,
                     struct buffer *out);
/* NULL: there is none of that name. */
const struct manifest_file *manifest_find(const struct manifest *m, const char *name);

/* Of all versions that are there, in no order; the caller frees *id. */
bool shared_list(struct artifacts *a, struct model_id **id, uint32_t *count,
                 struct error *e) MUST_USE;
/* Its bytes and what they say. */
bool shared_manifest(struct artifacts *a, const struct model_id *id, struct buffer *bytes,
                     struct manifest *m, struct error *e) MUST_USE;
/* One file, whole and as the manifest has it. */
bool shared_read(struct artifacts *a, const struct model_id *id, const struct manifest_file *file,
                 struct buffer *out, struct error *e) MUST_USE;
/* *is_ours: the number is for the model of that digest, from now on or already. */
bool shared_claim(struct artifacts *a, const struct model_id *id, const uint8_t model[DIGEST_BYTES],
                  bool *is_ours, struct error *e) MUST_USE;
/* One file of a version, over what is there. */
bool shared_put(struct artifacts *a, const struct model_id *id, const char *file, struct text bytes,
                struct error *e) MUST_USE;
/* Of a version that is claimed: the files, then the manifest, whose bytes are left in `manifest`.
 * ERROR_CONFLICT where another one is there. */
bool shared_write(struct artifacts *a, const struct model_id *id, const struct registry_file *file,
                  uint32_t files, struct buffer *manifest, struct error *e) MUST_USE;

/* tag "": there are none yet, `out` is empty. */
bool shared_aliases(struct artifacts *a, struct buffer *out, char tag[ARTIFACT_TAG_MAX],
                    struct error *e) MUST_USE;
/* tag: of what was read; it is the new one afterwards. *is_put false: another was quicker. */
bool shared_put_aliases(struct artifacts *a, struct text bytes, char tag[ARTIFACT_TAG_MAX],
                        bool *is_put, struct error *e) MUST_USE;

#endif
