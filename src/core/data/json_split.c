#include "core/data/json_split.h"

static bool ends_scalar(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ']' || c == '}';
}

size_t json_value_length(const char *bytes, size_t length, bool last)
{
    bool in_text = false;
    size_t depth = 0, i = 0;

    if (length > 0 && bytes[0] != '{' && bytes[0] != '[' && bytes[0] != '"') {
        while (i < length && !ends_scalar(bytes[i]))
            i++;
        return i < length || last ? i : 0;
    }
    for (; i < length; i++) {
        if (in_text) {
            if (bytes[i] == '\\')
                i++;
            else if (bytes[i] == '"')
                in_text = false;
        } else if (bytes[i] == '"') {
            in_text = true;
        } else if (bytes[i] == '{' || bytes[i] == '[') {
            depth++;
        } else if (bytes[i] == '}' || bytes[i] == ']') {
            depth--;
        }
        if (!in_text && depth == 0)
            return i < length ? i + 1 : 0;
    }
    return 0;
}
