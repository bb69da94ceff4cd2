/* One byte of state per block, with two changes of it that race:
 *
 *   engine   copies the block, links the copy to its chunk, then  any -> SAVED
 *   reader   copies the block, then                             CLEAN -> READ
 *
 * The engine changes the block's bytes only after its exchange. So if the reader's CLEAN -> READ
 * succeeds, what it read was not yet changed; if it fails, the block was saved, its link is
 * visible, and the copy replaces what was read, torn or not. That torn read is the one access here
 * that another thread's plain writes may overlap; its value is never used (copy_racing).
 *
 * A mapped read-only page with a fault handler, and userfaultfd, were measured and rejected: 4.6 us
 * for the first write to each page, against 0.1 us for a block of 512 bytes; and protecting 4 GiB
 * costs 80 ms where its pages are small. */
#include "shell/run/freeze.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

enum block_state { CLEAN, READ, SAVED };

enum stage { IDLE, FROZEN, OVER, GIVEN_UP };

enum {
    STATES_AT_ONCE = 8,
};

struct copy {
    uint32_t next; /* of the chunk; number + 1, 0: none */
    uint32_t block;
};

struct freeze {
    struct region_watch watch; /* first: the region knows the freeze by it */
    size_t bytes_max, copies_max;
    unsigned block_log;

    _Atomic uint8_t *state;  /* by block */
    _Atomic uint32_t *chunk; /* by chunk: its newest copy + 1 */
    struct copy *copy;       /* copies_max of them */
    uint8_t *saved;          /* their bytes */
    _Atomic uint32_t copies; /* written by the engine only */

    const uint8_t *base;
    size_t bytes;
    _Atomic int stage;
};

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void release(void *p, size_t bytes)
{
    if (p != NULL)
        munmap(p, bytes);
}

static size_t block_count(const struct freeze *f)
{
    return (f->bytes_max >> f->block_log) + STATES_AT_ONCE;
}

static size_t chunk_bytes(const struct freeze *f)
{
    return ((f->bytes_max >> FREEZE_CHUNK_LOG) + 1) * sizeof *f->chunk;
}

/* Before the bytes of a block change for the first time. */
static void save(struct freeze *f, size_t block)
{
    size_t at = block << f->block_log, length = (size_t)1 << f->block_log;
    _Atomic uint32_t *chunk = &f->chunk[at >> FREEZE_CHUNK_LOG];
    uint32_t n = atomic_load_explicit(&f->copies, memory_order_relaxed);
    struct copy *c = &f->copy[n];

    if (n == f->copies_max) {
        atomic_store(&f->stage, GIVEN_UP);
        return;
    }
    if (length > f->bytes - at)
        length = f->bytes - at;
    memcpy(f->saved + ((size_t)n << f->block_log), f->base + at, length);
    c->block = (uint32_t)block;
    c->next = atomic_load_explicit(chunk, memory_order_relaxed);
    atomic_store_explicit(&f->copies, n + 1, memory_order_relaxed);
    atomic_store_explicit(chunk, n + 1, memory_order_release);
    atomic_exchange_explicit(&f->state[block], SAVED, memory_order_acq_rel);
}

static void before_change(struct region_watch *w, size_t at, size_t bytes)
{
    struct freeze *f = (struct freeze *)w;
    size_t last;

    if (bytes == 0 || at >= f->bytes ||
        atomic_load_explicit(&f->stage, memory_order_relaxed) != FROZEN)
        return;
    last = (at + bytes < f->bytes ? at + bytes : f->bytes) - 1;
    for (size_t b = at >> f->block_log; b <= last >> f->block_log; b++) {
        if (atomic_load_explicit(&f->state[b], memory_order_acquire) == CLEAN)
            save(f, b);
    }
}

struct freeze *freeze_new(size_t bytes_max, unsigned block_log, size_t copies_max, struct error *e)
{
    struct freeze *f = mem_alloc(sizeof *f);

    ASSERT(block_log >= 3 && block_log <= FREEZE_CHUNK_LOG);
    f->watch.before_change = before_change;
    f->bytes_max = bytes_max;
    f->block_log = block_log;
    f->copies_max = copies_max >> block_log;
    if (f->copies_max > UINT32_MAX - 1)
        f->copies_max = UINT32_MAX - 1;
    f->state = reserve(block_count(f));
    f->chunk = reserve(chunk_bytes(f));
    f->copy = reserve((f->copies_max + 1) * sizeof *f->copy);
    f->saved = reserve((f->copies_max + 1) << block_log);
    if (f->state != NULL && f->chunk != NULL && f->copy != NULL && f->saved != NULL)
        return f;
    error_set(e, ERROR_FULL, "cannot reserve %zu MiB for snapshots: %s", copies_max >> 20,
              strerror(errno));
    freeze_free(f);
    return NULL;
}

void freeze_free(struct freeze *f)
{
    if (f == NULL)
        return;
    release((void *)f->state, block_count(f));
    release((void *)f->chunk, chunk_bytes(f));
    release(f->copy, (f->copies_max + 1) * sizeof *f->copy);
    release(f->saved, (f->copies_max + 1) << f->block_log);
    mem_free(f);
}

/* Pages for all copies that may come, made here and not by the engine's page faults: made as they
 * were needed, some groups of events waited for ten milliseconds instead of one. */
static void populate(struct freeze *f, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    size_t most = bytes >> f->block_log < f->copies_max ? bytes >> f->block_log : f->copies_max;

    (void)madvise(f->saved, most << f->block_log, MADV_POPULATE_WRITE);
    (void)madvise(f->copy, most * sizeof *f->copy, MADV_POPULATE_WRITE);
#endif
}

/* The states are written here, not on the engine's thread, so that there they are no page faults.
 */
void freeze_prepare(struct freeze *f, size_t bytes)
{
    size_t most = bytes > f->bytes ? bytes : f->bytes;

    if (most > f->bytes_max)
        most = f->bytes_max;
    memset((void *)f->state, CLEAN, (most >> f->block_log) + STATES_AT_ONCE);
    memset((void *)f->chunk, 0, ((most >> FREEZE_CHUNK_LOG) + 1) * sizeof *f->chunk);
    atomic_store(&f->copies, 0);
    populate(f, bytes);
}

struct region_watch *freeze_begin(struct freeze *f, const void *base, size_t bytes)
{
    ASSERT(bytes <= f->bytes_max && bytes % 8 == 0 && atomic_load(&f->stage) == IDLE);
    f->base = base;
    f->bytes = bytes;
    atomic_store(&f->stage, FROZEN);
    return &f->watch;
}

/* Whole words, each read at once. */
__attribute__((no_sanitize("thread"), noinline)) static void
copy_racing(void *out, const uint8_t *from, size_t length)
{
    const uint64_t *word = (const uint64_t *)from;
    uint64_t *to = out;

    for (size_t i = 0; i < length / sizeof *word; i++)
        to[i] = __atomic_load_n(&word[i], __ATOMIC_RELAXED);
}

/* CLEAN -> READ for the blocks of [first, end); where eight are clean, by one exchange of their
 * eight bytes. */
static void mark_read(struct freeze *f, size_t first, size_t end)
{
    static const uint64_t all_read = READ * UINT64_C(0x0101010101010101);

    while (first < end) {
        uint64_t clean = 0;
        uint8_t one = CLEAN;

        if (first % STATES_AT_ONCE == 0 && first + STATES_AT_ONCE <= end &&
            atomic_compare_exchange_strong((_Atomic uint64_t *)(void *)&f->state[first], &clean,
                                           all_read)) {
            first += STATES_AT_ONCE;
            continue;
        }
        atomic_compare_exchange_strong(&f->state[first], &one, READ);
        first++;
    }
}

bool freeze_read(struct freeze *f, size_t chunk, void *out)
{
    size_t at = chunk << FREEZE_CHUNK_LOG, length = FREEZE_CHUNK, block = (size_t)1 << f->block_log;

    ASSERT(at < f->bytes);
    if (atomic_load(&f->stage) != FROZEN)
        return false;
    if (length > f->bytes - at)
        length = f->bytes - at;
    copy_racing(out, f->base + at, length);
    mark_read(f, at >> f->block_log, (at + length + block - 1) >> f->block_log);
    for (uint32_t n = atomic_load_explicit(&f->chunk[chunk], memory_order_acquire); n != 0;) {
        const struct copy *c = &f->copy[n - 1];
        size_t to = ((size_t)c->block << f->block_log) - at;

        memcpy((uint8_t *)out + to, f->saved + ((size_t)(n - 1) << f->block_log),
               block < length - to ? block : length - to);
        n = c->next;
    }
    return atomic_load(&f->stage) == FROZEN;
}

void freeze_over(struct freeze *f)
{
    int frozen = FROZEN;

    atomic_compare_exchange_strong(&f->stage, &frozen, OVER);
    /* The memory goes back. A copy that the engine makes at this moment is of no use any more. */
    madvise(f->saved, f->copies_max << f->block_log, MADV_DONTNEED);
}

bool freeze_is_over(const struct freeze *f)
{
    int stage = atomic_load(&f->stage);

    return stage == OVER || stage == GIVEN_UP;
}

void freeze_end(struct freeze *f)
{
    atomic_store(&f->stage, IDLE);
}

size_t freeze_bytes_max(const struct freeze *f)
{
    return f->bytes_max;
}

size_t freeze_copied(const struct freeze *f)
{
    return (size_t)atomic_load_explicit(&f->copies, memory_order_relaxed) << f->block_log;
}

bool freeze_was_given_up(const struct freeze *f)
{
    return atomic_load(&f->stage) == GIVEN_UP;
}
