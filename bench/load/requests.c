#include "bench/load/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Puts `length` bytes for the mark, which are filled in at each sending. */
static void place(char *body, const char *mark, size_t length, uint32_t *at)
{
    char *found = strstr(body, mark);

    if (found == NULL)
        return;
    memmove(found + length, found + strlen(mark), strlen(found + strlen(mark)) + 1);
    memset(found, '0', length);
    *at = (uint32_t)(found - body);
}

static void shift(uint32_t *at, size_t by)
{
    if (*at != 0)
        *at += (uint32_t)by;
}

static bool add_line(struct requests *r, const char *line, const struct request_head *h,
                     struct error *e)
{
    char body[REQUEST_BYTES_MAX], head[REQUEST_BYTES_MAX];
    struct request made = {0};
    int n;

    if (strlen(line) >= sizeof body - REQUEST_ID_BYTES - REQUEST_TIME_BYTES)
        return error_set(e, ERROR_INVALID, "an event of %zu bytes; at most %d are sent",
                         strlen(line),
                         REQUEST_BYTES_MAX - REQUEST_ID_BYTES - REQUEST_TIME_BYTES - 1);
    memcpy(body, line, strlen(line) + 1);
    /* The later one first: what is before it does not move. */
    if (strstr(body, "{time}") > strstr(body, "{id}")) {
        place(body, "{time}", REQUEST_TIME_BYTES, &made.time_at);
        place(body, "{id}", REQUEST_ID_BYTES, &made.id_at);
        shift(&made.time_at, made.id_at != 0 ? REQUEST_ID_BYTES - strlen("{id}") : 0);
    } else {
        place(body, "{id}", REQUEST_ID_BYTES, &made.id_at);
        place(body, "{time}", REQUEST_TIME_BYTES, &made.time_at);
        shift(&made.id_at, made.time_at != 0 ? REQUEST_TIME_BYTES - strlen("{time}") : 0);
    }
    n = snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n%s%s\r\n",
                 h->path, h->host, h->port, strlen(body), h->header != NULL ? h->header : "",
                 h->header != NULL ? "\r\n" : "");
    made.length = (uint32_t)(n + (int)strlen(body));
    if (made.length >= REQUEST_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "a request of %u bytes; at most %d are sent",
                         made.length, REQUEST_BYTES_MAX - 1);
    shift(&made.id_at, (size_t)n);
    shift(&made.time_at, (size_t)n);
    made.bytes = malloc(made.length);
    memcpy(made.bytes, head, (size_t)n);
    memcpy(made.bytes + n, body, strlen(body));
    r->item = realloc(r->item, (r->count + 1) * sizeof *r->item);
    r->item[r->count++] = made;
    return true;
}

bool requests_read(struct requests *r, const char *file, const struct request_head *head,
                   struct error *e)
{
    char line[REQUEST_BYTES_MAX];
    FILE *f = fopen(file, "r");
    bool ok = true;

    *r = (struct requests){.second = -1};
    if (f == NULL)
        return error_set(e, ERROR_WORLD, "cannot read %s: %s", file, strerror(errno));
    snprintf(r->run, sizeof r->run, "%s", head->run);
    while (ok && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = 0;
        ok = line[0] == 0 || add_line(r, line, head, e);
    }
    fclose(f);
    if (ok && r->count == 0)
        return error_set(e, ERROR_INVALID, "%s: no requests in it", file);
    return ok;
}

static void time_now(struct requests *r)
{
    struct timespec now;
    struct tm day;
    long micros;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != r->second) {
        gmtime_r(&now.tv_sec, &day);
        strftime(r->time, sizeof r->time, "%Y-%m-%dT%H:%M:%S.000000Z", &day);
        r->second = now.tv_sec;
    }
    micros = now.tv_nsec / 1000;
    for (int i = 25; i >= 20; i--, micros /= 10)
        r->time[i] = (char)('0' + micros % 10);
}

size_t requests_next(struct requests *r, char *out)
{
    const struct request *q = &r->item[r->sent % r->count];
    char id[REQUEST_ID_BYTES + 1];

    memcpy(out, q->bytes, q->length);
    if (q->id_at != 0) {
        snprintf(id, sizeof id, "%.8s-%011llu", r->run, (unsigned long long)r->sent);
        memcpy(out + q->id_at, id, REQUEST_ID_BYTES);
    }
    if (q->time_at != 0) {
        time_now(r);
        memcpy(out + q->time_at, r->time, REQUEST_TIME_BYTES);
    }
    r->sent++;
    return q->length;
}

void requests_fini(struct requests *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        free(r->item[i].bytes);
    free(r->item);
}
