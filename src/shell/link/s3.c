#include "shell/link/s3.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/digest.h"

enum {
    BASE_MAX = 512,
    PATH_MAX_BYTES = 3 * S3_KEY_MAX + 256,
    TOKEN_MAX = 8 << 10, /* of a session, of a page */
    PAGE_MAX = 4 << 20,  /* bytes of a page of a list: 1000 keys */
    WAIT_MOST_MS = 5000,
    CODE_MAX = 64,
    PAGES_MAX = 10000,
    REFUSAL_MAX = 64 << 10, /* bytes of what is said instead of an object */
};

struct s3 {
    struct http_client *client;
    char bucket[64 + 1];
    char base[BASE_MAX];   /* scheme and host, and what of the path stands before all */
    bool in_path;          /* the bucket is in the path */
    struct buffer token;   /* header; empty: none */
    struct buffer trouble; /* what was answered where no object was asked for */
};

/* ---- opening ---- */

static const char *either(const char *given, const char *name, const char *other)
{
    if (given != NULL && given[0] != 0)
        return given;
    given = getenv(name);
    if ((given == NULL || given[0] == 0) && other != NULL)
        given = getenv(other);
    return given != NULL ? given : "";
}

static bool check_bucket(const char *bucket, struct error *e)
{
    size_t length = strlen(bucket);

    for (size_t i = 0; i < length; i++) {
        char c = bucket[i];

        if (!(islower((unsigned char)c) || isdigit((unsigned char)c) || c == '-' || c == '.'))
            length = 0;
    }
    return (length >= 3 && length <= 63) ||
           error_set(e, ERROR_INVALID,
                     "\"%.80s\" cannot be a bucket's name: expected 3 to 63 small letters, digits, "
                     "\"-\" and \".\"",
                     bucket);
}

static bool check_region(const char *region, struct error *e)
{
    size_t length = strlen(region);

    for (size_t i = 0; i < length; i++) {
        if (!(isalnum((unsigned char)region[i]) || region[i] == '-'))
            length = 0;
    }
    return (length >= 1 && length <= 32) ||
           error_set(e, ERROR_INVALID,
                     "\"%.80s\" cannot be a region: expected a name such as eu-west-1", region);
}

/* "https://host:port[/path]" without a slash at its end; the bucket goes before the host or behind
 * all. */
static bool make_base(struct s3 *s, const char *endpoint, const char *region, enum s3_style style,
                      struct error *e)
{
    char host[BASE_MAX];
    bool is_http = strncmp(endpoint, "http://", 7) == 0;
    const char *scheme = is_http ? "http://" : "https://";
    size_t length;

    s->in_path = style == S3_STYLE_PATH ||
                 (style == S3_STYLE_AUTO && (endpoint[0] != 0 || strchr(s->bucket, '.') != NULL));
    if (endpoint[0] == 0)
        snprintf(host, sizeof host, "s3.%s.amazonaws.com%s", region,
                 strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    else if (is_http || strncmp(endpoint, "https://", 8) == 0)
        snprintf(host, sizeof host, "%s", endpoint + strlen(scheme));
    else
        return error_set(e, ERROR_INVALID,
                         "endpoint \"%.80s\": expected a URL such as https://minio:9000", endpoint);
    length = strlen(host);
    while (length > 0 && host[length - 1] == '/')
        host[--length] = 0;
    if (length == 0 || length > 256 || strchr(host, '@') != NULL)
        return error_set(e, ERROR_INVALID,
                         "endpoint \"%s...\": expected a host of up to 256 bytes and nobody's name "
                         "in it; keys have settings of their own",
                         scheme);
    if (s->in_path)
        snprintf(s->base, sizeof s->base, "%s%s/%s", scheme, host, s->bucket);
    else
        snprintf(s->base, sizeof s->base, "%s%s.%s", scheme, s->bucket, host);
    return true;
}

static bool has_control(const char *text)
{
    for (; *text != 0; text++) {
        if (iscntrl((unsigned char)*text))
            return true;
    }
    return false;
}

/* All three come from one place, so that one's key never meets another's token. */
static bool set_keys(struct s3 *s, const struct s3_place *p, const char *region, struct error *e)
{
    bool is_given = p->access_key != NULL && p->access_key[0] != 0;
    const char *access = either(p->access_key, "AWS_ACCESS_KEY_ID", NULL);
    const char *secret = is_given ? p->secret_key : either(NULL, "AWS_SECRET_ACCESS_KEY", NULL);
    const char *token = is_given ? p->session_token : either(NULL, "AWS_SESSION_TOKEN", NULL);
    struct http_signer signer = {region, "s3", access, secret};

    if (access[0] == 0 || secret == NULL || secret[0] == 0)
        return error_set(e, ERROR_INVALID,
                         "no keys for bucket %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                         "or registry.access_key and registry.secret_key",
                         s->bucket);
    if (has_control(access) || has_control(secret) || (token != NULL && has_control(token)))
        return error_set(e, ERROR_INVALID,
                         "a key for bucket %s has a line end or another control character in it",
                         s->bucket);
    if (token != NULL && token[0] != 0)
        buffer_format(&s->token, "x-amz-security-token: %s", token);
    if (s->token.overflow)
        return error_set(e, ERROR_INVALID, "the session token is over %d bytes", TOKEN_MAX);
    http_client_sign(s->client, &signer);
    return true;
}

bool s3_open(const struct s3_place *place, struct s3 **out, struct error *e)
{
    const char *region = either(place->region, "AWS_REGION", "AWS_DEFAULT_REGION");
    const char *endpoint = either(place->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    struct s3 *s;
    bool ok;

    if (region[0] == 0)
        region = "us-east-1";
    if (!check_bucket(place->bucket, e) || !check_region(region, e))
        return false;
    s = mem_alloc(sizeof *s);
    buffer_init(&s->token, TOKEN_MAX);
    buffer_init(&s->trouble, PAGE_MAX);
    snprintf(s->bucket, sizeof s->bucket, "%s", place->bucket);
    ok = make_base(s, endpoint, region, place->style, e);
    if (ok) {
        struct http_peer peer = {.url = s->base, .ca = place->ca};

        s->client = http_client_of(&peer);
        ok = set_keys(s, place, region, e);
    }
    if (!ok) {
        s3_close(s);
        return false;
    }
    *out = s;
    return true;
}

void s3_close(struct s3 *s)
{
    if (s == NULL)
        return;
    http_client_free(s->client);
    buffer_fini(&s->token);
    buffer_fini(&s->trouble);
    mem_free(s);
}

/* ---- XML, as much as there is of it ---- */

/* The text of the first <name> from `at` on; false: none. */
static bool element(struct text xml, const char *name, struct text *found)
{
    char open[CODE_MAX], close[CODE_MAX];
    const char *from, *until;

    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    from = xml.length > 0 ? memmem(xml.bytes, xml.length, open, strlen(open)) : NULL;
    if (from == NULL)
        return false;
    from += strlen(open);
    until = memmem(from, (size_t)(xml.bytes + xml.length - from), close, strlen(close));
    if (until == NULL)
        return false;
    *found = (struct text){from, (size_t)(until - from)};
    return true;
}

/* One character that stands as "&lt;" or "&#39;" or "&#x27;"; 0: it is none. `t` begins behind the
 * "&", up to the ";". */
static char entity(struct text t)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    bool is_hex = t.length > 1 && t.bytes[0] == '#' && t.bytes[1] == 'x';
    char digits[8];
    unsigned long c;

    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (text_is(t, named[i].name))
            return named[i].c;
    }
    if (t.length < 2 || t.length > 6 || t.bytes[0] != '#')
        return 0;
    snprintf(digits, sizeof digits, "%.*s", (int)t.length - 1 - is_hex, t.bytes + 1 + is_hex);
    c = strtoul(digits, NULL, is_hex ? 16 : 10);
    return c < 128 ? (char)c : 0;
}

static bool plain(struct text xml, char *out, size_t room)
{
    size_t at = 0;

    for (size_t i = 0; i < xml.length; i++) {
        char c = xml.bytes[i];

        if (c == '&') {
            const char *end = memchr(xml.bytes + i, ';', xml.length - i);

            if (end == NULL)
                return false;
            c = entity((struct text){xml.bytes + i + 1, (size_t)(end - xml.bytes) - i - 1});
            i = (size_t)(end - xml.bytes);
        }
        if (c == 0 || at + 1 >= room)
            return false;
        out[at++] = c;
    }
    out[at] = 0;
    return true;
}

/* ---- asking ---- */

struct asking {
    const char *method, *key; /* key NULL: the bucket itself */
    const char *query;        /* sorted by names, "?..."; or NULL */
    const char *type, *condition;
    struct text body;
};

/* The bucket itself is "/bucket" or, where it is the host, "/". */
static void path_of(const struct s3 *s, const struct asking *a, struct buffer *path)
{
    struct text rest = a->key != NULL ? text_of(a->key) : (struct text){NULL, 0};

    buffer_add_text(path, a->key == NULL && s->in_path ? "" : "/");
    while (rest.length > 0) {
        const char *slash = memchr(rest.bytes, '/', rest.length);
        size_t part = slash != NULL ? (size_t)(slash - rest.bytes) : rest.length;

        http_path_add(path, (struct text){rest.bytes, part});
        if (slash != NULL)
            buffer_add_char(path, '/');
        part += slash != NULL;
        rest = (struct text){rest.bytes + part, rest.length - part};
    }
}

static void code_of(const struct buffer *answer, char code[CODE_MAX])
{
    struct text found;

    code[0] = 0;
    if (element((struct text){answer->bytes, answer->length}, "Code", &found) &&
        found.length < CODE_MAX && text_is_plain(found))
        snprintf(code, CODE_MAX, "%.*s", TEXT_ARG(found));
}

static bool may_pass(int status, const char *code)
{
    return status == 429 || status == 500 || status == 502 || status == 503 || status == 504 ||
           strcmp(code, "SlowDown") == 0 || strcmp(code, "RequestTimeout") == 0 ||
           strcmp(code, "ConditionalRequestConflict") == 0 || strcmp(code, "OperationAborted") == 0;
}

/* Doubled each time, of which half is by chance so that many do not come back at once. */
static void wait_for(int attempt, const struct http_reply *reply)
{
    int64_t ms = (int64_t)S3_WAIT_LEAST_MS << attempt, asked = 0;
    uint32_t chance;

    random_bytes(&chance, sizeof chance);
    ms = ms / 2 + (int64_t)(chance % (uint32_t)(ms / 2 + 1));
    if (isdigit((unsigned char)reply->retry_after[0]))
        asked = 1000 * (int64_t)strtoul(reply->retry_after, NULL, 10);
    if (asked > ms)
        ms = asked;
    clock_sleep_us(1000 * (ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS));
}

struct answered {
    struct http_reply reply;
    char code[CODE_MAX];
};

/* One attempt. A refusal has room also where the object has little. */
static bool attempt(struct s3 *s, const struct http_request *r, struct buffer *answer,
                    struct answered *found, struct error *e)
{
    size_t max = answer->max;
    bool ok;

    if (answer->max < REFUSAL_MAX)
        answer->max = REFUSAL_MAX;
    ok = http_client_send(s->client, r, answer, &found->reply, e);
    answer->max = max;
    code_of(answer, found->code);
    return ok && (found->reply.status != 200 || answer->length <= max ||
                  error_set(e, ERROR_FULL, "%s%s is over %zu bytes", s->base, r->path, max));
}

/* Any status that a later attempt would not change. */
static bool ask(struct s3 *s, const struct asking *a, struct buffer *answer, struct answered *found,
                struct error *e)
{
    char hash[32 + DIGEST_HEX] = "x-amz-content-sha256: ";
    uint8_t digest[DIGEST_BYTES];
    struct http_request r = {.method = a->method,
                             .type = a->type,
                             .body = a->body,
                             .header = {hash},
                             .stall_ms = S3_STALL_MS};
    struct buffer path;
    uint32_t headers = 1;
    bool ok = false;

    digest_bytes(a->body.bytes != NULL ? a->body.bytes : "", a->body.length, digest);
    digest_hex(digest, hash + strlen(hash));
    if (s->token.length > 0)
        r.header[headers++] = buffer_text(&s->token);
    if (a->condition != NULL)
        r.header[headers++] = a->condition;
    buffer_init(&path, PATH_MAX_BYTES + TOKEN_MAX);
    path_of(s, a, &path);
    buffer_add_text(&path, a->query != NULL ? a->query : "");
    r.path = buffer_text(&path);
    for (int i = 0; i < S3_ATTEMPTS; i++) {
        if (i > 0)
            wait_for(i - 1, &found->reply);
        ok = attempt(s, &r, answer, found, e);
        if (ok ? !may_pass(found->reply.status, found->code) : e->kind != ERROR_WORLD)
            break;
    }
    buffer_fini(&path);
    if (!ok && e->kind == ERROR_WORLD) {
        struct error last = *e;

        error_set(e, ERROR_WORLD, "%.500s, %d times; hint: see registry.endpoint and the network",
                  last.text, S3_ATTEMPTS);
    }
    return ok;
}

/* ---- what a refusal means ---- */

static const struct {
    const char *code, *remedy;
} remedies[] = {
    {"InvalidAccessKeyId", "the service does not know this access key"},
    {"SignatureDoesNotMatch", "the secret key is not that of the access key, or the region is not "
                              "the bucket's: see registry.secret_key, registry.region"},
    {"ExpiredToken", "the session is over: get new keys and a new session token"},
    {"InvalidToken", "the session token is not that of these keys"},
    {"AccessDenied", "these keys may not do that: they need s3:ListBucket on the bucket, "
                     "s3:GetObject on its objects, and s3:PutObject to train and promote"},
    {"NoSuchBucket", "there is no such bucket: make it, or see registry.artifacts"},
    {"EntityTooLarge", "the service takes no object as large"},
    {"NotImplemented", "the service does not do that: it is older than what Assay asks of it"},
};

static bool refused(const struct s3 *s, const struct asking *a, const struct answered *found,
                    struct error *e)
{
    const struct http_reply *r = &found->reply;
    const char *remedy =
        r->status >= 500 || r->status == 429 ? "it stayed so over several attempts: try again later"
        : r->status == 403 ? "these keys may not do that: see registry.access_key and the "
                             "bucket's policy"
                           : "see registry.artifacts, registry.endpoint and registry.region";
    const char *code = found->code[0] != 0 ? found->code : "no reason given";
    const char *slash = a->key != NULL ? "/" : "", *key = a->key != NULL ? a->key : "";

    if (strcmp(code, "RequestTimeTooSkewed") == 0)
        return error_set(e, ERROR_WORLD,
                         "%s s3://%s%s%.200s: 403 %s: the clocks differ, the service's says %s; "
                         "hint: set this machine's by chrony or ntpd",
                         a->method, s->bucket, slash, key, code,
                         r->date[0] != 0 ? r->date : "nothing");
    if (r->region[0] != 0 && (r->status == 301 || r->status == 307 || r->status == 400))
        return error_set(e, ERROR_WORLD,
                         "%s s3://%s%s%.200s: %d %s: the bucket is in region %s; hint: "
                         "registry.region: %s",
                         a->method, s->bucket, slash, key, r->status, code, r->region, r->region);
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        if (strcmp(remedies[i].code, code) == 0)
            remedy = remedies[i].remedy;
    }
    return error_set(e, ERROR_WORLD, "%s s3://%s%s%.200s at %s: %d %s; hint: %s", a->method,
                     s->bucket, slash, key, s->base, r->status, code, remedy);
}

static bool not_found(const struct s3 *s, const char *key, struct error *e)
{
    return error_set(e, ERROR_NOT_FOUND, "s3://%s/%s is not there", s->bucket, key);
}

/* 404 of a bucket is no 404 of an object; a HEAD does not tell which. */
static bool is_missing(const struct answered *found)
{
    return found->reply.status == 404 && strcmp(found->code, "NoSuchBucket") != 0;
}

/* ---- objects ---- */

/* An object that must be there: its answer and its ETag. */
static bool ask_there(struct s3 *s, const char *method, const char *key, struct buffer *answer,
                      struct answered *found, char etag[S3_ETAG_MAX], struct error *e)
{
    struct asking a = {.method = method, .key = key};

    if (!ask(s, &a, answer, found, e))
        return false;
    if (is_missing(found))
        return not_found(s, key, e);
    if (found->reply.status != 200)
        return refused(s, &a, found, e);
    snprintf(etag, S3_ETAG_MAX, "%s", found->reply.etag);
    return true;
}

bool s3_get(struct s3 *s, const char *key, struct buffer *out, char etag[S3_ETAG_MAX],
            struct error *e)
{
    struct answered found;

    return ask_there(s, "GET", key, out, &found, etag, e);
}

bool s3_head(struct s3 *s, const char *key, uint64_t *bytes, char etag[S3_ETAG_MAX],
             struct error *e)
{
    struct answered found;

    if (!ask_there(s, "HEAD", key, &s->trouble, &found, etag, e))
        return false;
    *bytes = found.reply.length;
    return true;
}

/* A put whose answer was lost is asked again, by us or inside libcurl, and then refused by what it
 * wrote itself. */
static bool is_ours(struct s3 *s, const struct s3_put *p, char etag[S3_ETAG_MAX])
{
    struct buffer there;
    struct error none;
    bool is_same;

    buffer_init(&there, p->body.length + 1);
    is_same = s3_get(s, p->key, &there, etag, &none) &&
              text_equal(p->body, (struct text){there.bytes, there.length});
    buffer_fini(&there);
    return is_same;
}

bool s3_put(struct s3 *s, const struct s3_put *p, bool *is_put, char etag[S3_ETAG_MAX],
            struct error *e)
{
    char condition[S3_ETAG_MAX + 16] = "If-None-Match: *";
    struct asking a = {
        .method = "PUT", .key = p->key, .type = p->type, .body = p->body, .condition = condition};
    struct answered found;

    if (p->body.length > S3_PUT_MAX)
        return error_set(e, ERROR_FULL, "s3://%s/%s: it has %zu bytes, one PUT takes at most 5 GiB",
                         s->bucket, p->key, p->body.length);
    if (a.body.bytes == NULL)
        a.body.bytes = "";
    if (p->condition == S3_IF_SAME)
        snprintf(condition, sizeof condition, "If-Match: %s", p->etag);
    if (p->condition == S3_ALWAYS)
        a.condition = NULL;
    if (!ask(s, &a, &s->trouble, &found, e))
        return false;
    *is_put = found.reply.status == 200;
    if (found.reply.status == 412 || (is_missing(&found) && p->condition == S3_IF_SAME)) {
        *is_put = is_ours(s, p, etag);
        return true;
    }
    if (!*is_put)
        return refused(s, &a, &found, e);
    snprintf(etag, S3_ETAG_MAX, "%s", found.reply.etag);
    return true;
}

bool s3_delete(struct s3 *s, const char *key, struct error *e)
{
    struct asking a = {.method = "DELETE", .key = key};
    struct answered found;

    return ask(s, &a, &s->trouble, &found, e) &&
           (found.reply.status == 204 || found.reply.status == 200 || is_missing(&found) ||
            refused(s, &a, &found, e));
}

/* ---- lists ---- */

static bool list_page(const struct s3 *s, struct text page,
                      bool (*each)(void *context, const char *key, uint64_t bytes, struct error *e),
                      void *context, uint64_t *count, struct error *e)
{
    struct text object, part;
    char key[S3_KEY_MAX + 1], size[24];

    while (element(page, "Contents", &object)) {
        if (!element(object, "Key", &part) || !plain(part, key, sizeof key) ||
            !element(object, "Size", &part) || !plain(part, size, sizeof size))
            return error_set(e, ERROR_WORLD, "%s: a list of objects that cannot be read", s->base);
        if (++*count > S3_LIST_MAX)
            return error_set(e, ERROR_FULL, "s3://%s has over %d objects there: use a prefix",
                             s->bucket, S3_LIST_MAX);
        if (!each(context, key, strtoull(size, NULL, 10), e))
            return false;
        page.length -= (size_t)(object.bytes + object.length - page.bytes);
        page.bytes = object.bytes + object.length;
    }
    return true;
}

static void page_query(struct buffer *query, const char *prefix, const char *token)
{
    buffer_clear(query);
    buffer_add_char(query, '?');
    if (token[0] != 0) {
        buffer_add_text(query, "continuation-token=");
        http_path_add(query, text_of(token));
        buffer_add_char(query, '&');
    }
    buffer_add_text(query, "list-type=2&prefix=");
    http_path_add(query, text_of(prefix));
}

bool s3_list(struct s3 *s, const char *prefix,
             bool (*each)(void *context, const char *key, uint64_t bytes, struct error *e),
             void *context, struct error *e)
{
    struct asking a = {.method = "GET"};
    char token[TOKEN_MAX / 4] = "";
    struct buffer query, page;
    struct answered found;
    uint64_t count = 0;
    uint32_t pages = 0;
    bool ok, more = true;

    buffer_init(&query, PATH_MAX_BYTES + TOKEN_MAX);
    buffer_init(&page, PAGE_MAX);
    for (ok = true; ok && more;) {
        struct text body, part;

        page_query(&query, prefix, token);
        a.query = buffer_text(&query);
        ok = ask(s, &a, &page, &found, e) &&
             (found.reply.status == 200 || refused(s, &a, &found, e));
        body = (struct text){page.bytes, page.length};
        ok = ok && list_page(s, body, each, context, &count, e);
        more = ok && element(body, "IsTruncated", &part) && text_is(part, "true");
        if (more && ++pages < PAGES_MAX)
            ok = (element(body, "NextContinuationToken", &part) &&
                  plain(part, token, sizeof token)) ||
                 error_set(e, ERROR_WORLD, "%s: a list that does not say how it goes on", s->base);
        else if (more)
            ok = error_set(e, ERROR_FULL, "%s: a list of over %d pages", s->base, PAGES_MAX);
    }
    buffer_fini(&query);
    buffer_fini(&page);
    return ok;
}
