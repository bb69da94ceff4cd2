#include "shell/serve/request_name.h"

#include <string.h>

#include "core/base/number.h"
#include "shell/os/digest.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=@-";

void request_names_init(struct request_names *n)
{
    random_bytes(&n->start, sizeof n->start);
    atomic_store(&n->next, 1);
}

/* "00-<32 hex>-<16 hex>-<2 hex>", neither id all zeros (W3C Trace Context, version 00). */
static bool is_trace(const char *word)
{
    static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (strlen(word) != HTTP_TRACE_BYTES)
        return false;
    for (size_t i = 0; i < HTTP_TRACE_BYTES; i++) {
        bool is_hex = (word[i] >= '0' && word[i] <= '9') || (word[i] >= 'a' && word[i] <= 'f');

        if (form[i] == 'x' ? !is_hex : word[i] != form[i])
            return false;
    }
    return strspn(word + 3, "0") < 32 && strspn(word + 36, "0") < 16;
}

/* "<16 hex of the start>-<number>". */
static void make_name(struct request_names *n, char name[HTTP_REQUEST_ID_MAX + 1])
{
    static const char hex[] = "0123456789abcdef";
    enum { DIGITS = 16 };

    for (int i = 0; i < DIGITS; i++)
        name[i] = hex[n->start >> (60 - 4 * i) & 15];
    name[DIGITS] = '-';
    name[DIGITS + 1 +
         number_format_int((int64_t)atomic_fetch_add_explicit(&n->next, 1, memory_order_relaxed),
                           name + DIGITS + 1)] = 0;
}

void request_name(struct request_names *n, struct exchange *x)
{
    const char *given = exchange_header(x, "X-Request-Id");
    const char *trace = exchange_header(x, "traceparent");
    size_t length = given != NULL ? strlen(given) : 0;

    if (length > 0 && length <= HTTP_REQUEST_ID_MAX && strspn(given, letters) == length)
        memcpy(x->request_id, given, length + 1);
    else
        make_name(n, x->request_id);
    if (trace != NULL && is_trace(trace))
        memcpy(x->trace, trace, HTTP_TRACE_BYTES + 1);
}
