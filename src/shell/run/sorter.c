/* A record in memory and in a run: u32 length, u64 high, u64 low, bytes. A run is records in order,
 * [at, end) of the file. Runs are numbered as they were made, which is the order of their records'
 * adding: of equal keys the lower run comes first. A merged run takes the place of those that it
 * was made of, and these always stand side by side.
 */
#include "shell/run/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/temporary.h"

enum { HEAD_BYTES = 20, RECORD_MAX = 1 << 30, WRITE_BYTES = 1 << 20, INDEX_FIRST = 1024 };

struct place {
    struct sort_key key;
    size_t at; /* in the bytes */
};

struct run {
    uint64_t at, end; /* in the file */
};

/* A run while it is read. */
struct run_reader {
    uint64_t at, end; /* what is left in the file */
    char *bytes;
    size_t capacity, from, until; /* of the bytes in memory */
    struct sort_key key;
    struct text record;
    uint32_t number;
};

struct sorter {
    size_t memory_bytes;
    char *directory;
    struct temporary *file;

    char *bytes; /* records that are not in a run */
    size_t used, capacity;
    struct place *index;
    size_t count, index_capacity;

    struct run *run;
    uint32_t runs;

    bool is_finished;
    size_t next;               /* in the index, where there is no run */
    struct run_reader *reader; /* one per run */
    struct run_reader **heap;  /* the least first */
    uint32_t heap_count;
    bool has_given; /* the heap's first was given out: it moves on before the next */
};

struct sorter *sorter_new(size_t memory_bytes, const char *directory)
{
    struct sorter *s = mem_alloc(sizeof *s);

    s->memory_bytes = memory_bytes;
    s->directory = mem_text(directory, strlen(directory));
    return s;
}

static void readers_free(struct sorter *s)
{
    for (uint32_t i = 0; s->reader != NULL && i < s->runs; i++)
        mem_free(s->reader[i].bytes);
    mem_free(s->reader);
    mem_free(s->heap);
    s->reader = NULL;
    s->heap = NULL;
    s->heap_count = 0;
}

static void memory_free(struct sorter *s)
{
    mem_free(s->bytes);
    mem_free(s->index);
    s->bytes = NULL;
    s->index = NULL;
    s->used = s->capacity = s->count = s->index_capacity = 0;
}

void sorter_free(struct sorter *s)
{
    if (s == NULL)
        return;
    readers_free(s);
    memory_free(s);
    temporary_close(s->file);
    mem_free(s->run);
    mem_free(s->directory);
    mem_free(s);
}

static void put64(char *out, uint64_t v)
{
    memcpy(out, &v, sizeof v);
}

static uint64_t get64(const char *in)
{
    uint64_t v;

    memcpy(&v, in, sizeof v);
    return v;
}

static uint32_t get32(const char *in)
{
    uint32_t v;

    memcpy(&v, in, sizeof v);
    return v;
}

static int compare_keys(struct sort_key a, struct sort_key b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = compare_keys(x->key, y->key);

    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static size_t record_bytes(const struct sorter *s, const struct place *p)
{
    return HEAD_BYTES + get32(s->bytes + p->at);
}

/* ---- runs */

static bool file_open(struct sorter *s, struct error *e)
{
    return s->file != NULL || temporary_open(s->directory, &s->file, e);
}

static bool write_records(struct sorter *s, struct error *e)
{
    char *out = mem_alloc(WRITE_BYTES);
    size_t length = 0;
    bool ok = true;

    for (size_t i = 0; i < s->count && ok; i++) {
        size_t bytes = record_bytes(s, &s->index[i]);

        if (length + bytes > WRITE_BYTES) {
            ok = temporary_append(s->file, out, length, e);
            length = 0;
        }
        if (bytes > WRITE_BYTES) {
            ok = ok && temporary_append(s->file, s->bytes + s->index[i].at, bytes, e);
            continue;
        }
        memcpy(out + length, s->bytes + s->index[i].at, bytes);
        length += bytes;
    }
    ok = ok && temporary_append(s->file, out, length, e);
    mem_free(out);
    return ok;
}

/* What is in memory becomes a run. */
static bool spill(struct sorter *s, struct error *e)
{
    struct run run;

    if (s->count == 0)
        return true;
    if (!file_open(s, e))
        return false;
    run.at = temporary_length(s->file);
    qsort(s->index, s->count, sizeof *s->index, compare_places);
    if (!write_records(s, e))
        return false;
    run.end = temporary_length(s->file);
    s->run = mem_resize(s->run, s->runs + 1, sizeof *s->run);
    s->run[s->runs++] = run;
    s->used = s->count = 0;
    return true;
}

/* Sorting the index takes as much again (glibc's qsort merges). */
static size_t taken_with(const struct sorter *s, size_t bytes)
{
    return s->used + bytes + (s->count + 1) * 2 * sizeof *s->index;
}

static void make_room(struct sorter *s, size_t bytes)
{
    size_t capacity = s->capacity > 0 ? s->capacity : WRITE_BYTES;

    while (capacity < s->used + bytes)
        capacity *= 2;
    if (capacity > s->capacity)
        s->bytes = mem_resize(s->bytes, s->capacity = capacity, 1);
    if (s->count == s->index_capacity) {
        s->index_capacity = s->index_capacity > 0 ? s->index_capacity * 2 : INDEX_FIRST;
        s->index = mem_resize(s->index, s->index_capacity, sizeof *s->index);
    }
}

bool sorter_add(struct sorter *s, struct sort_key key, struct text record, struct error *e)
{
    size_t bytes = HEAD_BYTES + record.length;
    uint32_t length = (uint32_t)record.length;
    char *at;

    ASSERT(!s->is_finished && record.length <= RECORD_MAX);
    if (taken_with(s, bytes) > s->memory_bytes && !spill(s, e))
        return false;
    make_room(s, bytes);
    at = s->bytes + s->used;
    memcpy(at, &length, sizeof length);
    put64(at + 4, key.high);
    put64(at + 12, key.low);
    if (record.length > 0)
        memcpy(at + HEAD_BYTES, record.bytes, record.length);
    s->index[s->count++] = (struct place){key, s->used};
    s->used += bytes;
    return true;
}

uint64_t sorter_spilled_bytes(const struct sorter *s)
{
    return s->file != NULL ? temporary_length(s->file) : 0;
}

/* ---- merging */

/* At least `bytes` of the run in memory, if it has as many. */
static bool run_fill(const struct sorter *s, struct run_reader *r, size_t bytes, struct error *e)
{
    size_t have = r->until - r->from, more;

    if (have >= bytes)
        return true;
    memmove(r->bytes, r->bytes + r->from, have);
    r->from = 0;
    r->until = have;
    if (bytes > r->capacity)
        r->bytes = mem_resize(r->bytes, r->capacity = bytes, 1);
    more = r->capacity - have;
    if (more > r->end - r->at)
        more = (size_t)(r->end - r->at);
    if (!temporary_read(s->file, r->at, r->bytes + have, more, e))
        return false;
    r->at += more;
    r->until += more;
    return true;
}

/* The run's next record into key and record; record.bytes = NULL past the last. */
static bool run_next(const struct sorter *s, struct run_reader *r, struct error *e)
{
    const char *head;

    r->record = (struct text){0};
    if (!run_fill(s, r, HEAD_BYTES, e))
        return false;
    if (r->until == r->from)
        return true;
    if (!run_fill(s, r, HEAD_BYTES + (size_t)get32(r->bytes + r->from), e))
        return false;
    head = r->bytes + r->from;
    r->key = (struct sort_key){get64(head + 4), get64(head + 12)};
    r->record = (struct text){head + HEAD_BYTES, get32(head)};
    r->from += HEAD_BYTES + r->record.length;
    return true;
}

static bool comes_before(const struct run_reader *a, const struct run_reader *b)
{
    int order = compare_keys(a->key, b->key);

    return order != 0 ? order < 0 : a->number < b->number;
}

static void sift_down(struct sorter *s, uint32_t i)
{
    struct run_reader *moved = s->heap[i];

    for (uint32_t child = 2 * i + 1; child < s->heap_count; child = 2 * i + 1) {
        if (child + 1 < s->heap_count && comes_before(s->heap[child + 1], s->heap[child]))
            child++;
        if (comes_before(moved, s->heap[child]))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = moved;
}

static uint32_t runs_at_once(const struct sorter *s)
{
    size_t fit = s->memory_bytes / SORTER_RUN_READ_MIN;

    return fit < 2 ? 2 : fit > SORTER_RUNS_MAX ? SORTER_RUNS_MAX : (uint32_t)fit;
}

/* Runs [first, first + count) at their beginning, in a heap. */
static bool merge_begin(struct sorter *s, uint32_t first, uint32_t count, struct error *e)
{
    size_t bytes = s->memory_bytes / count;

    bytes = bytes < SORTER_RUN_READ_MIN   ? SORTER_RUN_READ_MIN
            : bytes > SORTER_RUN_READ_MAX ? SORTER_RUN_READ_MAX
                                          : bytes;
    readers_free(s);
    s->reader = mem_array(s->runs, sizeof *s->reader);
    s->heap = mem_array(count, sizeof *s->heap);
    s->has_given = false;
    for (uint32_t i = 0; i < count; i++) {
        struct run_reader *r = &s->reader[i];

        *r = (struct run_reader){.at = s->run[first + i].at, .end = s->run[first + i].end};
        r->number = i;
        r->capacity = bytes;
        r->bytes = mem_alloc(bytes);
        if (!run_next(s, r, e))
            return false;
        s->heap[s->heap_count++] = r; /* no run is empty */
    }
    for (uint32_t i = s->heap_count / 2; i-- > 0;)
        sift_down(s, i);
    return true;
}

static bool merge_next(struct sorter *s, struct sort_key *key, struct text *record, struct error *e)
{
    *record = (struct text){0};
    if (s->has_given) {
        if (!run_next(s, s->heap[0], e))
            return false;
        if (s->heap[0]->record.bytes == NULL)
            s->heap[0] = s->heap[--s->heap_count];
        if (s->heap_count > 0)
            sift_down(s, 0);
    }
    s->has_given = s->heap_count > 0;
    if (s->heap_count > 0) {
        *key = s->heap[0]->key;
        *record = s->heap[0]->record;
    }
    return true;
}

/* Merges the runs [first, first + count) into one, in their place. */
static bool merge_runs(struct sorter *s, uint32_t first, uint32_t count, struct error *e)
{
    struct run merged = {.at = temporary_length(s->file)};
    uint32_t behind = s->runs - first - count;
    struct sort_key key;
    struct text record;

    if (!merge_begin(s, first, count, e))
        return false;
    for (;;) {
        const char *head;

        if (!merge_next(s, &key, &record, e))
            return false;
        if (record.bytes == NULL)
            break;
        head = record.bytes - HEAD_BYTES;
        if (s->used + HEAD_BYTES + record.length > WRITE_BYTES) {
            if (!temporary_append(s->file, s->bytes, s->used, e))
                return false;
            s->used = 0;
        }
        make_room(s, HEAD_BYTES + record.length);
        memcpy(s->bytes + s->used, head, HEAD_BYTES + record.length);
        s->used += HEAD_BYTES + record.length;
    }
    if (!temporary_append(s->file, s->bytes, s->used, e))
        return false;
    s->used = 0;
    merged.end = temporary_length(s->file);
    readers_free(s);
    s->run[first] = merged;
    memmove(&s->run[first + 1], &s->run[first + count], behind * sizeof *s->run);
    s->runs -= count - 1;
    return true;
}

/* As few runs as can be merged at once. */
static bool merge_down(struct sorter *s, struct error *e)
{
    uint32_t most = runs_at_once(s);

    while (s->runs > most) {
        for (uint32_t first = 0; first + 1 < s->runs && s->runs > most; first++) {
            uint32_t left = s->runs - first, over = s->runs - most + 1;
            uint32_t count = left < most ? left : most;

            if (!merge_runs(s, first, count < over ? count : over, e))
                return false;
        }
    }
    return true;
}

static bool finish(struct sorter *s, struct error *e)
{
    if (s->runs == 0) {
        qsort(s->index, s->count, sizeof *s->index, compare_places);
        return true;
    }
    if (!spill(s, e))
        return false;
    memory_free(s);
    if (!merge_down(s, e))
        return false;
    memory_free(s);
    return true;
}

bool sorter_rewind(struct sorter *s, struct error *e)
{
    if (!s->is_finished && !finish(s, e))
        return false;
    s->is_finished = true;
    s->next = 0;
    return s->runs == 0 || merge_begin(s, 0, s->runs, e);
}

bool sorter_next(struct sorter *s, struct sort_key *key, struct text *record, struct error *e)
{
    const struct place *p;

    ASSERT(s->is_finished);
    if (s->runs > 0)
        return merge_next(s, key, record, e);
    *record = (struct text){0};
    if (s->next == s->count)
        return true;
    p = &s->index[s->next++];
    *key = p->key;
    *record = (struct text){s->bytes + p->at + HEAD_BYTES, get32(s->bytes + p->at)};
    return true;
}
