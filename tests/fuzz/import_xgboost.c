/* XGBoost's model files, JSON and UBJSON. */
#include "tests/fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    return fuzz_import(IMPORT_XGBOOST, bytes, length);
}
