#include "shell/link/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum {
    URL_MAX = 4096,
    SLOW_BYTES = 1024, /* a second: less is as good as nothing */
};

struct http_client {
    CURL *curl;
    char base[URL_MAX / 2];
    char *authorization, *ca; /* or NULL */
    bool deletes, is_secret;
    char trouble[CURL_ERROR_SIZE];
};

struct http_client *http_client_new(const char *base_url)
{
    struct http_client *c = mem_alloc(sizeof *c);

    snprintf(c->base, sizeof c->base, "%s", base_url);
    c->curl = curl_easy_init();
    ASSERT(c->curl != NULL);
    return c;
}

struct http_client *http_client_of(const struct http_peer *peer)
{
    struct http_client *c = http_client_new(peer->url);
    struct buffer header;

    c->is_secret = peer->is_secret;
    if (peer->basic != NULL)
        curl_easy_setopt(c->curl, CURLOPT_USERPWD, peer->basic);
    if (peer->ca != NULL)
        c->ca = mem_text(peer->ca, strlen(peer->ca));
    if (peer->key == NULL)
        return c;
    buffer_init(&header, URL_MAX);
    buffer_format(&header, "Authorization: Bearer %s", peer->key);
    c->authorization = mem_text(buffer_text(&header), header.length);
    buffer_fini(&header);
    return c;
}

void http_client_sign(struct http_client *c, const struct http_signer *signer)
{
    struct buffer words;

    buffer_init(&words, URL_MAX);
    buffer_format(&words, "aws:amz:%s:%s", signer->region, signer->service);
    curl_easy_setopt(c->curl, CURLOPT_AWS_SIGV4, buffer_text(&words));
    curl_easy_setopt(c->curl, CURLOPT_USERNAME, signer->access_key);
    curl_easy_setopt(c->curl, CURLOPT_PASSWORD, signer->secret_key);
    buffer_fini(&words);
}

void http_client_delete(struct http_client *c)
{
    c->deletes = true;
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    mem_free(c->authorization);
    mem_free(c->ca);
    mem_free(c);
}

void http_url_show(struct text url, bool host_only, struct buffer *out)
{
    const char *scheme = memmem(url.bytes, url.length, "://", 3);
    size_t host = scheme != NULL ? (size_t)(scheme - url.bytes) + 3 : 0, end = host;
    const char *at;

    while (end < url.length && memchr("/?#", url.bytes[end], 3) == NULL)
        end++;
    at = memrchr(url.bytes + host, '@', end - host);
    buffer_add(out, url.bytes, host);
    if (at != NULL)
        host = (size_t)(at - url.bytes) + 1;
    buffer_add(out, url.bytes + host, (host_only ? end : url.length) - host);
    buffer_add_text(out, host_only && end < url.length ? "/..." : "");
}

void http_path_add(struct buffer *path, struct text part)
{
    for (size_t i = 0; i < part.length; i++) {
        unsigned char c = (unsigned char)part.bytes[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            memchr("-._~", c, 4) != NULL)
            buffer_add_char(path, (char)c);
        else
            buffer_format(path, "%%%02X", c);
    }
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct buffer *answer = context;

    buffer_add(answer, bytes, size * count);
    return answer->overflow ? 0 : size * count; /* fewer than given: libcurl stops */
}

/* ---- one request ---- */

/* Headers of an answer that are kept: a name in small letters and where it goes. */
static void keep_header(const char *line, size_t length, struct http_reply *reply)
{
    const struct {
        const char *name;
        char *to;
    } kept[] = {{"etag:", reply->etag},
                {"date:", reply->date},
                {"x-amz-bucket-region:", reply->region},
                {"retry-after:", reply->retry_after}};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        size_t name = strlen(kept[i].name);
        struct text value;

        if (length <= name || strncasecmp(line, kept[i].name, name) != 0)
            continue;
        value = text_trim((struct text){line + name, length - name});
        if (value.length < HTTP_HEADER_MAX)
            snprintf(kept[i].to, HTTP_HEADER_MAX, "%.*s", TEXT_ARG(value));
    }
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    keep_header(bytes, size * count, context);
    return size * count;
}

static void set_body(CURL *curl, const struct http_request *r)
{
    bool is_get = strcmp(r->method, "GET") == 0, is_post = strcmp(r->method, "POST") == 0;

    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L); /* also takes back a HEAD before */
    if (r->body.bytes != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body.bytes);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
                     is_get || (is_post && r->body.bytes != NULL) ? NULL : r->method);
}

static void set_limits(CURL *curl, const struct http_request *r)
{
    bool stalls = r->stall_ms > 0;
    long most = r->timeout_ms > 0 ? (long)r->timeout_ms : (long)HTTP_TIMEOUT_MS;

    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, most);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, stalls ? 0L : most);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, stalls ? (long)SLOW_BYTES : 0L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stalls ? (long)(r->stall_ms + 999) / 1000 : 0L);
}

static struct curl_slist *headers_of(const struct http_client *c, const struct http_request *r)
{
    struct curl_slist *headers = NULL;
    char type[256];

    snprintf(type, sizeof type, "Content-Type: %s",
             r->type != NULL ? r->type : "application/octet-stream");
    if (r->body.bytes != NULL)
        headers = curl_slist_append(headers, type);
    if (c->authorization != NULL)
        headers = curl_slist_append(headers, c->authorization);
    for (int i = 0; i < HTTP_HEADERS_MAX && r->header[i] != NULL; i++)
        headers = curl_slist_append(headers, r->header[i]);
    return headers;
}

/* "URL: words" */
static bool fail(const struct http_client *c, const char *url, enum error_kind kind,
                 const char *words, struct error *e)
{
    struct buffer shown;

    buffer_init(&shown, URL_MAX);
    http_url_show(text_of(url), c->is_secret, &shown);
    error_set(e, kind, "%s: %s", buffer_text(&shown), words);
    buffer_fini(&shown);
    return false;
}

static bool perform(struct http_client *c, const char *url, const struct buffer *answer,
                    struct http_reply *reply, struct error *e)
{
    curl_off_t length = -1;
    CURLcode failed;
    char words[64];
    long code = 0;

    c->trouble[0] = 0;
    failed = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    reply->status = (int)code;
    snprintf(words, sizeof words, "the answer is over %zu bytes", answer->max);
    if (failed != CURLE_OK && answer->overflow)
        return fail(c, url, ERROR_FULL, words, e);
    if (failed != CURLE_OK)
        return fail(c, url, ERROR_WORLD,
                    c->trouble[0] != 0 ? c->trouble : curl_easy_strerror(failed), e);
    curl_easy_getinfo(c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    reply->length = length > 0 ? (uint64_t)length : 0;
    return true;
}

bool http_client_send(struct http_client *c, const struct http_request *r, struct buffer *answer,
                      struct http_reply *reply, struct error *e)
{
    struct curl_slist *headers;
    char url[URL_MAX];
    bool ok;

    if (snprintf(url, sizeof url, "%s%s", c->base, r->path) >= URL_MAX)
        return error_set(e, ERROR_INVALID, "the URL is over %d bytes", URL_MAX);
    headers = headers_of(c, r);
    buffer_clear(answer);
    *reply = (struct http_reply){0};
    if (c->ca != NULL)
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->ca);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L); /* what is signed is what is asked */
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->trouble);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, reply);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    set_body(c->curl, r);
    set_limits(c->curl, r);
    ok = perform(c, url, answer, reply, e);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return ok;
}

bool http_client_ask(struct http_client *c, const char *path, const char *content_type,
                     struct text body, struct buffer *answer, int *status, struct error *e)
{
    struct http_request r = {.path = path, .type = content_type, .body = body};
    struct http_reply reply;

    r.method = body.bytes != NULL ? "POST" : c->deletes ? "DELETE" : "GET";
    c->deletes = false;
    if (!http_client_send(c, &r, answer, &reply, e))
        return false;
    *status = reply.status;
    return true;
}

const char *http_client_library(void)
{
    return curl_version();
}
