#include "shell/produce/poll.h"

#include <stdio.h>

#include "shell/link/http_client.h"
#include "shell/os/clock.h"
#include "shell/produce/payload.h"

enum { NAP_US = 50000, STATUS_OK = 200, STATUS_REFUSED = 400, STATUS_FAILED = 500 };

struct poll {
    const struct poll_options *o;
    const char *url; /* as it is shown */
    struct http_client *client;
    struct payload *payload;
    struct buffer answer, record;
    struct sender *sender;
    struct poll_counts *counts;
};

/* False: stopped. */
static bool nap(const struct poll *p, int64_t until_us)
{
    while (!p->o->is_stopped()) {
        int64_t left_us = until_us - clock_monotonic_us();

        if (left_us <= 0)
            return true;
        clock_sleep_us(left_us < NAP_US ? left_us : NAP_US);
    }
    return false;
}

static bool is_passing(int status)
{
    return status >= STATUS_FAILED || status == 408 || status == 429;
}

/* One request; ERROR_WORLD where another may help. */
static bool fetch(struct poll *p, struct error *e)
{
    int status = 0;

    if (!http_client_ask(p->client, "", "application/json", (struct text){NULL, 0}, &p->answer,
                         &status, e))
        return false;
    if (status < STATUS_OK || status >= 300)
        return error_set(e, is_passing(status) ? ERROR_WORLD : ERROR_INVALID, "%s answers %d: %.*s",
                         p->url, status, (int)(p->answer.length < 200 ? p->answer.length : 200),
                         p->answer.length > 0 ? p->answer.bytes : "");
    if (!payload_begin(p->payload, (struct text){p->answer.bytes, p->answer.length}, p->o->pointer,
                       e)) {
        e->kind = ERROR_WORLD;
        return error_prefix(e, "%s", p->url);
    }
    return true;
}

static bool fetch_patiently(struct poll *p, bool *stopped, struct error *e)
{
    int64_t pause_ms = POLL_PAUSE_MS;

    for (uint32_t tries = 1; !fetch(p, e); tries++) {
        p->counts->failures++;
        if (e->kind != ERROR_WORLD || tries == p->o->tries)
            return error_prefix(e, "after %u tr%s", tries, tries == 1 ? "y" : "ies");
        p->o->on_event(p->o->context, e->text);
        if (!nap(p, clock_monotonic_us() + pause_ms * 1000)) {
            *stopped = true;
            return true;
        }
        pause_ms = pause_ms * 2 < POLL_PAUSE_MAX_MS ? pause_ms * 2 : POLL_PAUSE_MAX_MS;
    }
    return true;
}

static bool send_records(struct poll *p, struct error *e)
{
    for (;;) {
        struct error why;

        buffer_clear(&p->record);
        switch (payload_next(p->payload, &p->record, &why)) {
        case PAYLOAD_END:
            return sender_flush(p->sender, e);
        case PAYLOAD_BAD:
            if (p->counts->rejected++ == 0)
                snprintf(p->counts->rejection, sizeof p->counts->rejection, "%s", why.text);
            break;
        case PAYLOAD_RECORD:
            p->counts->records++;
            if (!sender_add(p->sender, (struct text){p->record.bytes, p->record.length}, e))
                return false;
        }
        if (p->o->is_stopped())
            return sender_flush(p->sender, e);
    }
}

static bool poll_on(struct poll *p, struct error *e)
{
    int64_t next_us = clock_monotonic_us();
    bool stopped = false;

    for (;;) {
        if (!fetch_patiently(p, &stopped, e))
            return false;
        if (stopped)
            return true;
        if (!send_records(p, e))
            return false;
        p->counts->polls++;
        p->o->on_event(p->o->context, NULL);
        if (p->o->every_us == 0 || p->counts->polls == p->o->polls)
            return true;
        next_us += p->o->every_us;
        if (next_us < clock_monotonic_us()) /* it took longer: none is made up for */
            next_us = clock_monotonic_us();
        if (!nap(p, next_us))
            return true;
    }
}

bool poll_run(const struct poll_options *o, struct sender *s, struct poll_counts *c,
              struct error *e)
{
    struct http_peer peer = {.url = o->url, .key = o->bearer};
    struct poll p = {.o = o, .sender = s, .counts = c};
    struct buffer shown;
    bool ok;

    *c = (struct poll_counts){0};
    buffer_init(&shown, POLL_URL_MAX + 1);
    http_url_show(text_of(o->url), false, &shown);
    p.url = buffer_text(&shown);
    p.client = http_client_of(&peer);
    p.payload = payload_new();
    buffer_init(&p.answer, HTTP_ANSWER_MAX);
    buffer_init(&p.record, 2 * HTTP_ANSWER_MAX);
    ok = poll_on(&p, e);
    buffer_fini(&p.record);
    buffer_fini(&p.answer);
    payload_free(p.payload);
    http_client_free(p.client);
    buffer_fini(&shown);
    return ok;
}
