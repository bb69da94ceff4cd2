#include "shell/stream/outbox.h"

#include "core/base/memory.h"
#include "core/base/panic.h"

enum { CHUNK = 8 << 20, CHUNKS_MAX = OUTBOX_BYTES_MAX / CHUNK, ITEMS_FIRST = 4096 };

struct item {
    const char *topic;
    int32_t partition;
    struct kafka_record record;
};

/* Of one transaction. */
struct box {
    char *chunk[CHUNKS_MAX];
    uint32_t chunks, current; /* made; the one that is filled */
    size_t used;              /* of that */
    struct item *item;
    uint32_t count, capacity, sent;
};

struct outbox {
    struct box box[2];
    uint32_t filled; /* the other one is sealed, or empty */
    struct kafka_record batch[KAFKA_BATCH_MAX];
};

struct outbox *outbox_new(void)
{
    return mem_alloc(sizeof(struct outbox));
}

void outbox_free(struct outbox *o)
{
    if (o == NULL)
        return;
    for (int b = 0; b < 2; b++) {
        for (uint32_t i = 0; i < o->box[b].chunks; i++)
            mem_free(o->box[b].chunk[i]);
        mem_free(o->box[b].item);
    }
    mem_free(o);
}

static char *room(struct box *o, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (bytes > OUTBOX_RECORD_MAX)
        return NULL;
    if (o->chunks > 0 && o->used + bytes > CHUNK) {
        o->current++;
        o->used = 0;
    }
    if (o->current == o->chunks) {
        if (o->chunks == CHUNKS_MAX)
            return NULL;
        o->chunk[o->chunks++] = mem_aligned(64, CHUNK);
    }
    o->used += bytes;
    return o->chunk[o->current] + o->used - bytes;
}

struct text outbox_keep(struct outbox *o, struct text t)
{
    char *bytes = t.bytes != NULL ? room(&o->box[o->filled], t.length + 1) : NULL;

    if (bytes == NULL)
        return (struct text){0};
    if (t.length > 0)
        memcpy(bytes, t.bytes, t.length);
    return (struct text){bytes, t.length};
}

bool outbox_add(struct outbox *box, const char *topic, int32_t partition,
                const struct kafka_record *r, struct error *e)
{
    struct box *o = &box->box[box->filled];
    size_t bytes = r->headers * sizeof *r->header;
    struct kafka_header *header = bytes > 0 ? (struct kafka_header *)room(o, bytes) : NULL;

    if (r->value.bytes == NULL || (bytes > 0 && header == NULL))
        return error_set(e, ERROR_FULL,
                         "topic %s: a record over %d MiB, or a transaction over %d MiB; make "
                         "stream.events smaller",
                         topic, OUTBOX_RECORD_MAX >> 20, OUTBOX_BYTES_MAX >> 20);
    if (bytes > 0)
        memcpy(header, r->header, bytes);
    if (o->count == o->capacity) {
        o->capacity = o->capacity > 0 ? 2 * o->capacity : ITEMS_FIRST;
        o->item = mem_resize(o->item, o->capacity, sizeof *o->item);
    }
    o->item[o->count] = (struct item){topic, partition, *r};
    o->item[o->count++].record.header = header;
    return true;
}

uint32_t outbox_count(const struct outbox *o)
{
    return o->box[o->filled].count;
}

/* How many from `first` on go together: one topic, one partition, no headers. */
static uint32_t run_of(struct outbox *o, uint32_t first)
{
    const struct item *begin = &o->box[o->filled].item[first];
    uint32_t count = o->box[o->filled].count, n = 0;

    while (n < KAFKA_BATCH_MAX && first + n < count && begin[n].topic == begin->topic &&
           begin[n].partition == begin->partition && begin[n].record.headers == 0) {
        o->batch[n] = begin[n].record;
        n++;
    }
    return n;
}

bool outbox_send(struct outbox *o, struct kafka_producer *p, struct error *e)
{
    struct box *b = &o->box[o->filled];

    while (b->sent < b->count) {
        const struct item *i = &b->item[b->sent];
        uint32_t n = run_of(o, b->sent);

        if (n == 0 ? !kafka_send(p, i->topic, i->partition, &i->record, e)
                   : !kafka_send_all(p, i->topic, i->partition, o->batch, n, e))
            return false;
        b->sent += n == 0 ? 1 : n;
    }
    return true;
}

static void empty(struct box *b)
{
    b->count = b->sent = b->current = 0;
    b->used = 0;
}

void outbox_again(struct outbox *o)
{
    o->box[o->filled].sent = 0;
}

void outbox_seal(struct outbox *o)
{
    ASSERT(o->box[o->filled].sent == o->box[o->filled].count && o->box[!o->filled].count == 0);
    o->filled = !o->filled;
}

void outbox_committed(struct outbox *o)
{
    empty(&o->box[!o->filled]);
}

void outbox_clear(struct outbox *o)
{
    empty(&o->box[0]);
    empty(&o->box[1]);
}
