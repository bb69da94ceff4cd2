/* ONNX files. */
#include "tests/fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    return fuzz_import(IMPORT_ONNX, bytes, length);
}
