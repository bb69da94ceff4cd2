/* Webhooks and chats: a POST for each notification.
 *
 * A webhook gets a CloudEvent, signed as Standard Webhooks say: HMAC with SHA-256 over
 * "id.timestamp.body", where the id and the time of the try are headers too, so that a receiver can
 * refuse what is old. A chat gets {"text": ...}. Redirects are not followed; certificates are
 * verified. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/memory.h"
#include "core/data/base64.h"
#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/os/signature.h"
#include "shell/watch/notify_sender.h"

enum {
    HEADER_BYTES = 512,
    SIGNED_MAX = 1 << 20,
    PATH_BYTES = 1024,
    SECOND_US = 1000000,
    WAIT_MOST_S = 3600, /* of Retry-After */
};

struct notify_http {
    struct notify_sender sender;
    struct http_client *client;
    struct signature_key *key; /* NULL: unsigned */
    char *authorization;       /* the header; or NULL */
    struct buffer body, answer, words, bytes;
};

static void http_close(struct notify_sender *t)
{
    struct notify_http *h = (struct notify_http *)t;

    http_client_free(h->client);
    signature_key_free(h->key);
    mem_free(h->authorization);
    buffer_fini(&h->body);
    buffer_fini(&h->answer);
    buffer_fini(&h->words);
    buffer_fini(&h->bytes);
    mem_free(h);
}

static bool take_secret(struct notify_http *h, const char *secret, struct error *e)
{
    static const char prefix[] = "whsec_";
    struct text t = text_of(secret);

    if (strncmp(secret, prefix, sizeof prefix - 1) == 0) {
        buffer_clear(&h->bytes);
        if (!base64_decode((struct text){secret + sizeof prefix - 1, t.length - sizeof prefix + 1},
                           &h->bytes))
            return error_set(e, ERROR_INVALID, "secret: what follows whsec_ is no base64");
        t = (struct text){h->bytes.bytes, h->bytes.length};
    }
    h->key = signature_key_secret(t);
    return true;
}

static bool http_open(const struct settings *s, const struct notify_setting *n,
                      struct notify_sender **out, struct error *e)
{
    struct notify_http *h = mem_alloc(sizeof *h);
    char ca[PATH_BYTES], line[2048];

    buffer_init(&h->body, SIGNED_MAX);
    buffer_init(&h->answer, NOTIFY_ANSWER_MAX);
    buffer_init(&h->words, NOTIFY_TEXT_MAX);
    buffer_init(&h->bytes, SIGNED_MAX);
    h->client = http_client_of(&(struct http_peer){
        .url = n->url, .ca = notify_ca(s, n, ca, sizeof ca), .is_secret = true});
    if (n->authorization != NULL) {
        snprintf(line, sizeof line, "Authorization: %s", n->authorization);
        h->authorization = mem_text(line, strlen(line));
    }
    if (n->to == NOTIFY_TO_WEBHOOK && n->secret != NULL && !take_secret(h, n->secret, e)) {
        http_close(&h->sender);
        return false;
    }
    *out = &h->sender;
    return true;
}

/* Too much to do, or something on the way to it that is down: not about this notification. */
static bool is_away(int status)
{
    return status == 408 || status == 425 || status == 429 || status == 502 || status == 503 ||
           status == 504;
}

/* Seconds; a date is passed over, as the wait grows by itself. */
static int64_t retry_after(const char *header)
{
    long seconds = strtol(header, NULL, 10);

    return seconds <= 0 ? 0 : (seconds > WAIT_MOST_S ? WAIT_MOST_S : seconds) * (int64_t)SECOND_US;
}

static void post(struct notify_http *h, struct http_request *request, uint32_t headers,
                 struct notify_result *r)
{
    struct http_reply reply;
    struct error e;

    if (h->authorization != NULL)
        request->header[headers] = h->authorization;
    request->method = "POST";
    request->path = "";
    request->body = (struct text){h->body.bytes, h->body.length};
    request->timeout_ms = (uint32_t)(h->sender.setting->timeout_us / 1000);
    if (!http_client_send(h->client, request, &h->answer, &reply, &e) && e.kind != ERROR_FULL) {
        r->end = NOTIFY_AWAY;
        snprintf(r->words, sizeof r->words, "%.*s", NOTIFY_WORDS_MAX - 1, e.text);
        return;
    }
    r->end = reply.status >= 200 && reply.status < 300 ? NOTIFY_SENT
             : is_away(reply.status)                   ? NOTIFY_AWAY
                                                       : NOTIFY_REFUSED;
    r->wait_us = retry_after(reply.retry_after);
    if (r->end != NOTIFY_SENT)
        snprintf(r->words, sizeof r->words, "it answers %d%s", reply.status,
                 reply.status >= 300 && reply.status < 400 ? "; redirects are not followed" : "");
}

static void sign(struct notify_http *h, const struct notify_event *ev, int64_t now_s,
                 char header[HEADER_BYTES])
{
    uint8_t mac[SIGNATURE_HMAC_BYTES];
    struct buffer text;

    buffer_clear(&h->bytes);
    buffer_add_slice(&h->bytes, ev->id);
    buffer_format(&h->bytes, ".%" PRId64 ".", now_s);
    buffer_add(&h->bytes, h->body.bytes, h->body.length);
    signature_hmac(h->key, (struct text){h->bytes.bytes, h->bytes.length}, mac);
    buffer_init(&text, HEADER_BYTES);
    base64_encode(mac, sizeof mac, &text);
    snprintf(header, HEADER_BYTES, "webhook-signature: v1,%s", buffer_text(&text));
    buffer_fini(&text);
}

static uint32_t webhook_send(struct notify_sender *t, const struct notify_event *const *ev,
                             uint32_t count, struct notify_result *r)
{
    struct notify_http *h = (struct notify_http *)t;
    char id[HEADER_BYTES], time[HEADER_BYTES], signature[HEADER_BYTES];
    int64_t now_s = clock_now_us() / SECOND_US;
    struct http_request request = {.type = "application/cloudevents+json; charset=utf-8",
                                   .header = {id, time}};
    uint32_t headers = 2;

    (void)count;
    buffer_clear(&h->body);
    notify_cloudevent(ev[0], t->settings->name, &h->body);
    snprintf(id, sizeof id, "webhook-id: %.*s", TEXT_ARG(ev[0]->id));
    snprintf(time, sizeof time, "webhook-timestamp: %" PRId64, now_s);
    if (h->key != NULL) {
        sign(h, ev[0], now_s, signature);
        request.header[headers++] = signature;
    }
    post(h, &request, headers, r);
    return r->end == NOTIFY_SENT;
}

static uint32_t chat_send(struct notify_sender *t, const struct notify_event *const *ev,
                          uint32_t count, struct notify_result *r)
{
    struct notify_http *h = (struct notify_http *)t;

    (void)count;
    buffer_clear(&h->words);
    notify_body(t->setting, ev[0], t->json, &h->words);
    buffer_clear(&h->body);
    buffer_add_text(&h->body, "{\"text\":");
    json_add_text(&h->body, text_trim((struct text){h->words.bytes, h->words.length}));
    buffer_add_char(&h->body, '}');
    post(h, &(struct http_request){.type = "application/json"}, 0, r);
    return r->end == NOTIFY_SENT;
}

const struct notify_sender_ops notify_webhook_ops = {
    .name = "webhook", .batch = 1, .open = http_open, .close = http_close, .send = webhook_send};

const struct notify_sender_ops notify_chat_ops = {
    .name = "chat", .batch = 1, .open = http_open, .close = http_close, .send = chat_send};
