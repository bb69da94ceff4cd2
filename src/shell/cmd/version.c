#include "shell/cmd/cmd.h"
#include "shell/log/log.h"

static bool version_run(struct invocation *v, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        buffer_format(&out,
                      "{\"version\":\"%s\",\"epoch\":%d,\"model_format\":%d,\"log_format\":%d,"
                      "\"simd\":\"%s\"}\n",
                      ASSAY_VERSION, ENGINE_EPOCH, MODEL_FORMAT_VERSION, LOG_FORMAT_VERSION,
                      simd_name(v->simd));
    else
        buffer_format(&out, "assay %s (engine epoch %d, model format %d, log format %d, simd %s)\n",
                      ASSAY_VERSION, ENGINE_EPOCH, MODEL_FORMAT_VERSION, LOG_FORMAT_VERSION,
                      simd_name(v->simd));
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

const struct command command_version = {
    .name = "version",
    .group = GROUP_ABOUT,
    .summary = "prints the version, and what this build can do",
    .arguments = "",
    .examples = "  assay version\n"
                "  ASSAY_SIMD=scalar assay version --json\n",
    .run = version_run,
};
