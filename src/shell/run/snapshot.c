#include "shell/run/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/buffer.h"

enum { HEADER_BYTES = 4096, SNAPSHOT_VERSION = 1, SNAPSHOTS_KEPT = 2, SNAPSHOTS_LISTED = 64 };

static const char magic[8] = "ASSAYSNP";

static void snapshot_path(char path[PATH_MAX], const char *directory, uint64_t seq,
                          const char *suffix)
{
    snprintf(path, PATH_MAX, "%s/%020" PRIu64 ".snapshot%s", directory, seq, suffix);
}

static void format_header(const struct snapshot_head *h, const uint8_t digest[DIGEST_BYTES],
                          struct buffer *out)
{
    static const uint8_t zeros[HEADER_BYTES];

    buffer_add(out, magic, sizeof magic);
    buffer_add_u32(out, SNAPSHOT_VERSION);
    buffer_add_u32(out, h->plan);
    buffer_add_u32(out, h->history);
    buffer_add_u64(out, h->seq);
    buffer_add_u64(out, h->layout);
    buffer_add_u64(out, h->bytes);
    buffer_add(out, h->chain, sizeof h->chain);
    buffer_add(out, digest, DIGEST_BYTES);
    buffer_add(out, zeros, HEADER_BYTES - out->length);
}

static bool parse_header(const uint8_t *raw, struct snapshot_head *h, uint8_t digest[DIGEST_BYTES])
{
    struct reader r;
    const void *m;

    reader_init(&r, raw, HEADER_BYTES);
    m = reader_get(&r, sizeof magic);
    if (memcmp(m, magic, sizeof magic) != 0 || reader_u32(&r) != SNAPSHOT_VERSION)
        return false;
    h->plan = reader_u32(&r);
    h->history = reader_u32(&r);
    h->seq = reader_u64(&r);
    h->layout = reader_u64(&r);
    h->bytes = reader_u64(&r);
    memcpy(h->chain, reader_get(&r, DIGEST_BYTES), DIGEST_BYTES);
    memcpy(digest, reader_get(&r, DIGEST_BYTES), DIGEST_BYTES);
    return true;
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        ssize_t n = write(fd, at, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t length)
{
    uint8_t *at = bytes;

    while (length > 0) {
        ssize_t n = read(fd, at, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

/* Positions of the snapshots there, newest first. */
static size_t list(const char *directory, uint64_t seqs[SNAPSHOTS_LISTED])
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

        if (end != entry->d_name + 20 || strcmp(end, ".snapshot") != 0)
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
    size_t count = list(directory, seqs);
    char path[PATH_MAX];

    for (size_t i = SNAPSHOTS_KEPT; i < count; i++) {
        snapshot_path(path, directory, seqs[i], "");
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

bool snapshot_write(const char *directory, const struct snapshot_head *h, const void *bytes,
                    struct error *e)
{
    char path[PATH_MAX], part[PATH_MAX];
    uint8_t digest[DIGEST_BYTES];
    struct buffer header;
    bool ok;
    int fd;

    snapshot_path(path, directory, h->seq, "");
    snapshot_path(part, directory, h->seq, ".part");
    digest_bytes(bytes, h->bytes, digest);
    buffer_init(&header, HEADER_BYTES);
    format_header(h, digest, &header);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write_all(fd, header.bytes, header.length) && write_all(fd, bytes, h->bytes) &&
         fdatasync(fd) == 0;
    if (fd >= 0)
        ok &= close(fd) == 0;
    ok = ok && rename(part, path) == 0;
    if (!ok) {
        error_set(e, errno == ENOSPC ? ERROR_FULL : ERROR_WORLD, "cannot write snapshot %s: %s",
                  part, strerror(errno));
        unlink(part);
    } else {
        sync_directory(directory);
        remove_old(directory);
    }
    buffer_fini(&header);
    return ok;
}

static bool read_one(const char *path, uint64_t layout, uint64_t last_seq, void *memory,
                     size_t capacity, struct snapshot_head *h)
{
    uint8_t raw[HEADER_BYTES], said[DIGEST_BYTES], found[DIGEST_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct snapshot_head read;
    bool ok;

    if (fd < 0)
        return false;
    ok = read_all(fd, raw, sizeof raw) && parse_header(raw, &read, said) && read.layout == layout &&
         read.seq <= last_seq && read.bytes <= capacity && read_all(fd, memory, read.bytes);
    close(fd);
    if (!ok)
        return false;
    digest_bytes(memory, read.bytes, found);
    if (memcmp(said, found, sizeof said) != 0)
        return false;
    *h = read;
    return true;
}

bool snapshot_read(const char *directory, uint64_t layout, uint64_t last_seq, void *memory,
                   size_t capacity, struct snapshot_head *h)
{
    uint64_t seqs[SNAPSHOTS_LISTED];
    size_t count = list(directory, seqs);
    char path[PATH_MAX];

    for (size_t i = 0; i < count; i++) {
        snapshot_path(path, directory, seqs[i], "");
        if (read_one(path, layout, last_seq, memory, capacity, h))
            return true;
        madvise(memory, capacity, MADV_DONTNEED); /* zeros again: nothing of a bad one may stay */
    }
    return false;
}
