#include "shell/run/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "core/base/memory.h"
#include "shell/os/thread.h"

enum {
    HEADER_BYTES = 1 << 16, /* a whole number of pages, whatever their size */
    FIELDS_BYTES = 8 + 3 * 4 + 3 * 8 + DIGEST_BYTES,
    SNAPSHOT_VERSION = 2,
    SNAPSHOTS_KEPT = 2,
    SNAPSHOTS_LISTED = 64,
    FLUSH_BYTES = 16 << 20, /* written out at a time, so that the log's syncs find short queues */
    VERIFY_THREADS_MAX = 8,
};

static const char magic[8] = "ASSAYSNP";

#define SUFFIX ".snapshot"
#define BASE   ".base"

static void snapshot_path(char path[PATH_MAX], const char *directory, uint64_t seq,
                          const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/%020" PRIu64 "%s", directory, seq, suffix);
}

/* With the zeros behind them. */
static size_t padded(uint64_t bytes)
{
    return (size_t)(bytes + HEADER_BYTES - 1) / HEADER_BYTES * HEADER_BYTES;
}

static size_t chunk_count(uint64_t bytes)
{
    return (padded(bytes) + SNAPSHOT_CHUNK - 1) / SNAPSHOT_CHUNK;
}

static size_t chunk_length(uint64_t bytes, size_t chunk)
{
    size_t left = padded(bytes) - chunk * SNAPSHOT_CHUNK;

    return left < SNAPSHOT_CHUNK ? left : SNAPSHOT_CHUNK;
}

/* The digest of the whole: of the fields and the chunks' digests. */
static void digest_all(const struct buffer *fields, const uint8_t *digests, size_t chunks,
                       uint8_t out[DIGEST_BYTES])
{
    struct digest *d = digest_new();

    digest_start(d);
    digest_add(d, fields->bytes, fields->length);
    digest_add(d, digests, chunks * DIGEST_BYTES);
    digest_finish(d, out);
    digest_free(d);
}

static void format_fields(const struct snapshot_head *h, struct buffer *out)
{
    buffer_add(out, magic, sizeof magic);
    buffer_add_u32(out, SNAPSHOT_VERSION);
    buffer_add_u32(out, h->plan);
    buffer_add_u32(out, h->history);
    buffer_add_u64(out, h->seq);
    buffer_add_u64(out, h->layout);
    buffer_add_u64(out, h->bytes);
    buffer_add(out, h->chain, sizeof h->chain);
}

static bool parse_fields(const uint8_t *raw, struct snapshot_head *h)
{
    struct reader r;
    const void *m;

    reader_init(&r, raw, FIELDS_BYTES);
    m = reader_get(&r, sizeof magic);
    if (memcmp(m, magic, sizeof magic) != 0 || reader_u32(&r) != SNAPSHOT_VERSION)
        return false;
    h->plan = reader_u32(&r);
    h->history = reader_u32(&r);
    h->seq = reader_u64(&r);
    h->layout = reader_u64(&r);
    h->bytes = reader_u64(&r);
    memcpy(h->chain, reader_get(&r, DIGEST_BYTES), DIGEST_BYTES);
    return true;
}

static bool write_all(int fd, const void *bytes, size_t length, size_t offset)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        ssize_t n = pwrite(fd, at, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        offset += (size_t)n;
        length -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t length, size_t offset)
{
    uint8_t *at = bytes;

    while (length > 0) {
        ssize_t n = pread(fd, at, length, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        offset += (size_t)n;
        length -= (size_t)n;
    }
    return true;
}

/* Positions of the snapshots there, newest first. */
static size_t list(const char *directory, const char *suffix, uint64_t seqs[SNAPSHOTS_LISTED])
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    size_t count = 0;

    if (d == NULL)
        return 0;
    while ((entry = readdir(d)) != NULL && count < SNAPSHOTS_LISTED) {
        char *end;
        uint64_t seq = strtoull(entry->d_name, &end, 10);
        size_t at = count;

        if (end != entry->d_name + 20 || strcmp(end, suffix) != 0)
            continue;
        while (at > 0 && seqs[at - 1] < seq) {
            seqs[at] = seqs[at - 1];
            at--;
        }
        seqs[at] = seq;
        count++;
    }
    closedir(d);
    return count;
}

static void remove_old(const char *directory)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, SUFFIX, seqs);
    char path[PATH_MAX];

    for (size_t i = SNAPSHOTS_KEPT; i < count; i++) {
        snapshot_path(path, directory, seqs[i], SUFFIX);
        unlink(path);
    }
}

void snapshot_remove_unfinished(const char *directory)
{
    DIR *d = opendir(directory);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL) {
        const char *end = strchr(entry->d_name, '.');

        if (end == entry->d_name + 20 && strcmp(end, ".snapshot.part") == 0)
            unlinkat(dirfd(d), entry->d_name, 0);
    }
    closedir(d);
}

static void sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* ---- writing */

/* What was written is on its way to the disk while the next part is made; the part before it has
 * arrived. */
static void flush(int fd, size_t end)
{
    if (end % FLUSH_BYTES != 0)
        return;
    if (end >= 2 * FLUSH_BYTES)
        (void)sync_file_range(fd, (off_t)(end - 2 * FLUSH_BYTES), FLUSH_BYTES,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER);
    (void)sync_file_range(fd, (off_t)(end - FLUSH_BYTES), FLUSH_BYTES, SYNC_FILE_RANGE_WRITE);
}

static bool write_failed(const char *part, struct error *e)
{
    return error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "cannot write snapshot %s: %s",
                     part, strerror(errno));
}

static bool write_chunks(int fd, const char *part, const struct snapshot_head *h,
                         const struct snapshot_source *from, uint8_t *digests, struct error *e)
{
    uint8_t *chunk = mem_alloc(SNAPSHOT_CHUNK);
    size_t chunks = chunk_count(h->bytes);
    bool ok = true;

    for (size_t i = 0; i < chunks && ok; i++) {
        size_t length = chunk_length(h->bytes, i), at = i * SNAPSHOT_CHUNK;

        if (at + length > h->bytes) /* what is short leaves zeros behind it */
            memset(chunk, 0, length);
        ok = at >= h->bytes || from->read(from->context, i, chunk, e);
        if (!ok)
            break;
        digest_bytes(chunk, length, digests + i * DIGEST_BYTES);
        ok = write_all(fd, chunk, length, HEADER_BYTES + at) || write_failed(part, e);
        flush(fd, at + length);
        thread_give_way();
    }
    mem_free(chunk);
    return ok;
}

static bool write_file(int fd, const char *part, const struct snapshot_head *h,
                       const struct snapshot_source *from, struct error *e)
{
    size_t chunks = chunk_count(h->bytes);
    uint8_t *digests = mem_array(chunks, DIGEST_BYTES), all[DIGEST_BYTES];
    struct buffer fields;
    bool ok;

    buffer_init(&fields, FIELDS_BYTES);
    format_fields(h, &fields);
    ok = write_chunks(fd, part, h, from, digests, e);
    if (ok) {
        digest_all(&fields, digests, chunks, all);
        ok = (write_all(fd, digests, chunks * DIGEST_BYTES, HEADER_BYTES + padded(h->bytes)) &&
              write_all(fd, fields.bytes, fields.length, 0) &&
              write_all(fd, all, sizeof all, fields.length) && fdatasync(fd) == 0) ||
             write_failed(part, e);
    }
    buffer_fini(&fields);
    mem_free(digests);
    return ok;
}

bool snapshot_write(const char *directory, const struct snapshot_head *h,
                    const struct snapshot_source *from, struct error *e)
{
    char path[PATH_MAX], part[PATH_MAX];
    bool ok;
    int fd;

    snapshot_path(path, directory, h->seq, SUFFIX);
    snapshot_path(part, directory, h->seq, SUFFIX ".part");
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return write_failed(part, e);
    ok = write_file(fd, part, h, from, e);
    if (close(fd) != 0 && ok)
        ok = write_failed(part, e);
    if (ok)
        ok = rename(part, path) == 0 || write_failed(part, e);
    if (!ok) {
        unlink(part);
        return false;
    }
    sync_directory(directory);
    remove_old(directory);
    return true;
}

struct still {
    const uint8_t *bytes;
    size_t length;
};

static bool read_still(void *context, size_t chunk, void *out, struct error *e)
{
    const struct still *s = context;
    size_t at = chunk * SNAPSHOT_CHUNK, left = s->length - at;

    (void)e;
    memcpy(out, s->bytes + at, left < SNAPSHOT_CHUNK ? left : SNAPSHOT_CHUNK);
    return true;
}

bool snapshot_write_bytes(const char *directory, const struct snapshot_head *h, const void *bytes,
                          struct error *e)
{
    struct still still = {bytes, h->bytes};

    return snapshot_write(directory, h, &(struct snapshot_source){read_still, &still}, e);
}

/* ---- reading */

struct verifying {
    const struct snapshot_head *h;
    const uint8_t *memory;
    const uint8_t *digests;
    atomic_bool is_damaged;
};

static void verify_chunk(void *context, unsigned chunk)
{
    struct verifying *v = context;
    uint8_t found[DIGEST_BYTES];

    if (atomic_load_explicit(&v->is_damaged, memory_order_relaxed))
        return;
    digest_bytes(v->memory + (size_t)chunk * SNAPSHOT_CHUNK, chunk_length(v->h->bytes, chunk),
                 found);
    if (memcmp(found, v->digests + (size_t)chunk * DIGEST_BYTES, sizeof found) != 0)
        atomic_store(&v->is_damaged, true);
}

static bool verify(const struct snapshot_head *h, const void *memory, const uint8_t *digests)
{
    struct verifying v = {.h = h, .memory = memory, .digests = digests};
    unsigned threads = cpu_count();
    struct pool *pool = pool_new(threads < VERIFY_THREADS_MAX ? threads : VERIFY_THREADS_MAX);

    workers_run(pool_workers(pool), (unsigned)chunk_count(h->bytes), verify_chunk, &v);
    pool_free(pool);
    return !atomic_load(&v.is_damaged);
}

/* The list at the end, as the header's digest has it; NULL where the file is not whole. */
static uint8_t *read_digests(int fd, const uint8_t *header, const struct snapshot_head *h)
{
    size_t chunks = chunk_count(h->bytes), at = HEADER_BYTES + padded(h->bytes);
    struct buffer fields;
    uint8_t *digests, all[DIGEST_BYTES];
    struct stat file;
    bool ok;

    if (fstat(fd, &file) != 0 || (size_t)file.st_size != at + chunks * DIGEST_BYTES)
        return NULL;
    digests = mem_array(chunks, DIGEST_BYTES);
    buffer_init(&fields, FIELDS_BYTES);
    buffer_add(&fields, header, FIELDS_BYTES);
    ok = read_all(fd, digests, chunks * DIGEST_BYTES, at);
    digest_all(&fields, digests, chunks, all);
    buffer_fini(&fields);
    if (ok && memcmp(all, header + FIELDS_BYTES, sizeof all) == 0)
        return digests;
    mem_free(digests);
    return NULL;
}

static bool read_one(const char *path, uint64_t layout, uint64_t last_seq, struct state *s,
                     struct snapshot_head *h)
{
    uint8_t header[FIELDS_BYTES + DIGEST_BYTES], *digests = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct snapshot_head read;
    bool ok;

    if (fd < 0)
        return false;
    ok = read_all(fd, header, sizeof header, 0) && parse_fields(header, &read) &&
         read.layout == layout && read.seq <= last_seq && read.bytes > 0 &&
         read.bytes <= s->capacity;
    if (ok)
        digests = read_digests(fd, header, &read);
    ok = digests != NULL && state_map(s, fd, HEADER_BYTES, padded(read.bytes)) &&
         verify(&read, s->memory, digests);
    close(fd);
    mem_free(digests);
    if (ok)
        *h = read;
    return ok;
}

static bool read_any(const char *directory, const char *suffix, uint64_t layout, uint64_t last_seq,
                     struct state *s, struct snapshot_head *h)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, suffix, seqs);
    char path[PATH_MAX];

    for (size_t i = 0; i < count; i++) {
        snapshot_path(path, directory, seqs[i], suffix);
        if (read_one(path, layout, last_seq, s, h))
            return true;
        state_wipe(s); /* nothing of a bad one may stay */
    }
    return false;
}

bool snapshot_read(const char *directory, uint64_t layout, uint64_t last_seq, struct state *s,
                   struct snapshot_head *h)
{
    return read_any(directory, SUFFIX, layout, last_seq, s, h) ||
           read_any(directory, BASE, layout, last_seq, s, h);
}

bool snapshot_read_base(const char *directory, uint64_t layout, struct state *s,
                        struct snapshot_head *h)
{
    return read_any(directory, BASE, layout, UINT64_MAX, s, h);
}

/* ---- the base */

static bool read_head(const char *directory, uint64_t seq, const char *suffix,
                      struct snapshot_head *h)
{
    uint8_t header[FIELDS_BYTES];
    char path[PATH_MAX];
    bool ok;
    int fd;

    snapshot_path(path, directory, seq, suffix);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = read_all(fd, header, sizeof header, 0) && parse_fields(header, h) && h->seq == seq;
    close(fd);
    return ok;
}

bool snapshot_base(const char *directory, struct snapshot_head *h)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, BASE, seqs);

    return count > 0 && read_head(directory, seqs[0], BASE, h);
}

static void remove_bases(const char *directory, uint64_t but)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, BASE, seqs);
    char path[PATH_MAX];

    for (size_t i = 0; i < count; i++) {
        snapshot_path(path, directory, seqs[i], BASE);
        if (seqs[i] != but)
            unlink(path);
    }
}

bool snapshot_keep_base(const char *directory, uint64_t seq, uint64_t layout, uint64_t *base,
                        struct error *e)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, SUFFIX, seqs);
    char path[PATH_MAX], kept[PATH_MAX];
    struct snapshot_head h;

    *base = 0;
    for (size_t i = count; i > 0 && *base == 0; i--) {
        if (seqs[i - 1] >= seq && read_head(directory, seqs[i - 1], SUFFIX, &h) &&
            h.layout == layout)
            *base = seqs[i - 1];
    }
    if (*base == 0)
        return error_set(e, ERROR_NOT_FOUND, "no snapshot at or behind record %" PRIu64, seq);
    snapshot_path(path, directory, *base, SUFFIX);
    snapshot_path(kept, directory, *base, BASE);
    if (link(path, kept) != 0 && errno != EEXIST)
        return error_set(e, ERROR_WORLD, "cannot keep snapshot %s: %s", path, strerror(errno));
    sync_directory(directory);
    remove_bases(directory, *base);
    return true;
}
