/* A manifest of a model's files, as a shared registry or MLflow gives it: no name leads out of the
 * version's directory, none comes twice, none is the manifest's own. */
#include "core/base/panic.h"
#include "shell/registry/shared.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct manifest m;
    struct error e;

    if (!manifest_parse((struct text){(const char *)bytes, length}, &m, &e)) {
        ASSERT(e.text[0] != 0);
        return 0;
    }
    ASSERT(m.count > 0 && m.count <= REGISTRY_FILES_MAX);
    for (uint32_t i = 0; i < m.count; i++) {
        const char *name = m.file[i].name;

        ASSERT(artifact_key_is(name) && strchr(name, '/') == NULL && name[0] != '.');
        ASSERT(manifest_find(&m, name) == &m.file[i]);
        ASSERT(strcmp(name, SHARED_MANIFEST) != 0 && m.file[i].bytes <= SHARED_FILE_MAX);
    }
    return 0;
}
