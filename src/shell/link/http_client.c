#include "shell/link/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum { URL_MAX = 4096 };

struct http_client {
    CURL *curl;
    char base[URL_MAX / 2];
    char *authorization, *ca; /* or NULL */
    bool deletes;
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

static void set_body(struct http_client *c, struct curl_slist *headers, struct text body)
{
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    if (body.bytes == NULL) {
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, c->deletes ? "DELETE" : NULL);
        c->deletes = false;
        return;
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.bytes);
}

bool http_client_ask(struct http_client *c, const char *path, const char *content_type,
                     struct text body, struct buffer *answer, int *status, struct error *e)
{
    struct curl_slist *headers = NULL;
    char url[URL_MAX], type[256];
    long code = 0;
    CURLcode failed;

    snprintf(url, sizeof url, "%s%s", c->base, path);
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    if (body.bytes != NULL)
        headers = curl_slist_append(headers, type);
    if (c->authorization != NULL)
        headers = curl_slist_append(headers, c->authorization);
    if (c->ca != NULL)
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->ca);
    buffer_clear(answer);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)HTTP_TIMEOUT_MS);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->trouble);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    set_body(c, headers, body);
    c->trouble[0] = 0;
    failed = curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    if (failed != CURLE_OK)
        return error_set(e, ERROR_WORLD, "%s: %s", url,
                         c->trouble[0] != 0 ? c->trouble : curl_easy_strerror(failed));
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    return true;
}

const char *http_client_library(void)
{
    return curl_version();
}
