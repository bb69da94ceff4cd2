#include "shell/serve/finish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "shell/os/gzip.h"
#include "shell/serve/sparse.h"

/* ---- ETag ---- */

/* Weak: the same words, whether packed or not. */
void answer_tag(const struct buffer *answer, char tag[ANSWER_TAG_MAX])
{
    static const struct hash_key key = {0x6173736179, 0x65746167};
    struct hash128 h = hash_token(answer->bytes, answer->length, &key);

    snprintf(tag, ANSWER_TAG_MAX, "W/\"%016" PRIx64 "%016" PRIx64 "\"", h.high, h.low);
}

/* Whether a list of tags has this one, by weak comparison (RFC 9110, 8.8.3.2). */
bool answer_tag_is_in(const char *list, const char *tag)
{
    const char *opaque = tag + 2; /* without W/ */
    size_t length = strlen(opaque);

    if (strcmp(list, "*") == 0)
        return true;
    for (const char *at = strstr(list, opaque); at != NULL; at = strstr(at + 1, opaque)) {
        if (at[length] == 0 || at[length] == ',' || at[length] == ' ')
            return true;
    }
    return false;
}

/* True: the caller has it already, and the answer is 304. */
static bool is_known(struct exchange *x)
{
    const char *given = exchange_header(x, "If-None-Match");
    char tag[ANSWER_TAG_MAX];

    answer_tag(&x->answer, tag);
    x->is_kept = true;
    exchange_add_header(x, "ETag", tag);
    if (given == NULL || !answer_tag_is_in(given, tag))
        return false;
    x->status = 304;
    buffer_clear(&x->answer);
    return true;
}

/* ---- gzip ---- */

static bool weight_of(struct text parameters, double *weight)
{
    *weight = 1;
    for (size_t i = 0; i + 2 < parameters.length; i++) {
        const char *at = parameters.bytes + i;
        struct text number = {at + 2, parameters.length - i - 2};

        if ((*at == 'q' || *at == 'Q') && at[1] == '=')
            return number_parse_real(text_trim(number), '.', weight) && *weight >= 0 &&
                   *weight <= 1;
    }
    return true;
}

static bool name_is(struct text name, const char *word)
{
    return name.length == strlen(word) && strncasecmp(name.bytes, word, name.length) == 0;
}

bool accepts_gzip(const char *header)
{
    double gzip = -1, any = -1, identity = -1;

    while (header != NULL && *header != 0) {
        size_t length = strcspn(header, ","), name = strcspn(header, ",;");
        struct text coding = text_trim((struct text){header, name});
        double weight;

        if (weight_of((struct text){header + name, length - name}, &weight)) {
            if (name_is(coding, "gzip") || name_is(coding, "x-gzip"))
                gzip = weight;
            else if (name_is(coding, "*"))
                any = weight;
            else if (name_is(coding, "identity"))
                identity = weight;
        }
        header += length + (header[length] == ',');
    }
    gzip = gzip >= 0 ? gzip : any;
    return gzip > 0 && gzip >= identity;
}

static void pack(struct exchange *x)
{
    struct buffer packed;

    exchange_add_header(x, "Vary", "Accept-Encoding");
    if (!accepts_gzip(exchange_header(x, "Accept-Encoding")))
        return;
    buffer_init(&packed, HTTP_ANSWER_BYTES_MAX);
    if (gzip_pack((struct text){x->answer.bytes, x->answer.length}, &packed)) {
        struct buffer plain = x->answer;

        x->answer = packed;
        packed = plain;
        exchange_add_header(x, "Content-Encoding", "gzip");
    }
    buffer_fini(&packed);
}

void answer_finish(struct server *s, struct exchange *x)
{
    const struct route *r = x->route;

    if (r == NULL || x->status == 0 || x->translation != NULL) /* the translation goes first */
        return;
    if (x->status == 200 && r->rows != NULL)
        sparse_apply(s, x);
    if (x->status == 200 && r->is_kept && is_known(x))
        return;
    if (x->answer.length >= FINISH_GZIP_MIN && !x->is_packed)
        pack(x);
}
