#include "shell/log/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/log/packed.h"
#include "shell/os/file.h"

enum { NAME_DIGITS = 20, HEADER_CRC_AT = 56 };

#define MAGIC  "ASSAYLOG"
#define SUFFIX ".log"
#define PACKED ".log.zst"

void segment_header_encode(const struct segment_header *h, uint8_t bytes[SEGMENT_HEADER])
{
    struct buffer b;

    buffer_init(&b, SEGMENT_HEADER);
    buffer_add(&b, MAGIC, 8);
    buffer_add_u32(&b, h->version);
    buffer_add_u32(&b, h->shard);
    buffer_add_u64(&b, h->first_seq);
    buffer_add(&b, h->chain, DIGEST_BYTES);
    buffer_add_u32(&b, (uint32_t)crc32_z(0, (const uint8_t *)b.bytes, HEADER_CRC_AT));
    memset(bytes, 0, SEGMENT_HEADER);
    memcpy(bytes, b.bytes, SEGMENT_HEADER_USED);
    buffer_fini(&b);
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

enum header_state segment_header_decode(const uint8_t *bytes, size_t available,
                                        struct segment_header *h)
{
    struct reader r;
    const uint8_t *chain;

    if (is_zero(bytes, available < SEGMENT_HEADER ? available : SEGMENT_HEADER))
        return HEADER_NONE;
    if (available < SEGMENT_HEADER || memcmp(bytes, MAGIC, 8) != 0 ||
        !is_zero(bytes + SEGMENT_HEADER_USED, SEGMENT_HEADER - SEGMENT_HEADER_USED))
        return HEADER_DAMAGED;
    reader_init(&r, bytes + 8, SEGMENT_HEADER_USED - 8);
    h->version = reader_u32(&r);
    h->shard = reader_u32(&r);
    h->first_seq = reader_u64(&r);
    chain = reader_get(&r, DIGEST_BYTES);
    if (chain == NULL || reader_u32(&r) != (uint32_t)crc32_z(0, bytes, HEADER_CRC_AT))
        return HEADER_DAMAGED;
    memcpy(h->chain, chain, DIGEST_BYTES);
    return HEADER_WHOLE;
}

bool segment_header_check(const uint8_t *bytes, size_t available, const char *directory,
                          uint64_t first_seq, struct segment_header *h, struct error *e)
{
    char name[SEGMENT_NAME];

    segment_name(first_seq, name);
    if (segment_header_decode(bytes, available, h) != HEADER_WHOLE)
        return error_set(e, ERROR_INVALID,
                         "%s/%s: the segment's header is damaged; hint: restore this file from a "
                         "backup",
                         directory, name);
    if (h->version != LOG_FORMAT_VERSION)
        return error_set(e, ERROR_INVALID,
                         "%s/%s: format version %" PRIu32 ", this program reads %d; hint: use the "
                         "version of assay that wrote it",
                         directory, name, h->version, LOG_FORMAT_VERSION);
    if (h->first_seq != first_seq)
        return error_set(e, ERROR_INVALID,
                         "%s/%s: the header says first seq %" PRIu64
                         "; hint: the file was renamed, give it its own name back",
                         directory, name, h->first_seq);
    return true;
}

void segment_name(uint64_t first_seq, char name[SEGMENT_NAME])
{
    snprintf(name, SEGMENT_NAME, "%0*" PRIu64 SUFFIX, NAME_DIGITS, first_seq);
}

void segment_packed_name(uint64_t first_seq, char name[SEGMENT_NAME])
{
    snprintf(name, SEGMENT_NAME, "%0*" PRIu64 PACKED, NAME_DIGITS, first_seq);
}

/* "00000000000000000001.log" or ".log.zst" -> 1; 0 for any other name. */
static uint64_t first_of_name(const char *name)
{
    char again[SEGMENT_NAME], packed[SEGMENT_NAME];
    uint64_t first;

    if (strspn(name, "0123456789") != NAME_DIGITS)
        return 0;
    first = strtoull(name, NULL, 10);
    segment_name(first, again);
    segment_packed_name(first, packed);
    return strcmp(name, again) == 0 || strcmp(name, packed) == 0 ? first : 0;
}

bool segment_open(int directory, uint64_t first_seq, struct segment_file *f,
                  char name[SEGMENT_NAME])
{
    int fd;

    segment_name(first_seq, name);
    *f = (struct segment_file){.fd = openat(directory, name, O_RDONLY | O_CLOEXEC)};
    if (f->fd >= 0 || errno != ENOENT)
        return f->fd >= 0;
    segment_packed_name(first_seq, name);
    fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    f->packed = packed_open(fd, first_seq);
    return f->packed != NULL;
}

void segment_close(struct segment_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    packed_close(f->packed);
    *f = (struct segment_file){.fd = -1};
}

long long segment_read(struct segment_file *f, void *bytes, size_t length, size_t at)
{
    return f->packed != NULL ? packed_read(f->packed, bytes, length, at)
                             : file_read_at(f->fd, bytes, length, at);
}

static int compare_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

bool segment_list(int directory, const char *path, uint64_t **first, size_t *count, struct error *e)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    uint64_t *list = NULL;
    size_t n = 0, room = 0;

    if (d == NULL) {
        disk_error(e, "read directory", path, "");
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (;;) {
        struct dirent *entry = readdir(d);
        uint64_t seq = entry == NULL ? 0 : first_of_name(entry->d_name);

        if (entry == NULL)
            break;
        if (seq == 0)
            continue;
        if (n == room) {
            room = room == 0 ? 16 : room * 2;
            list = mem_resize(list, room, sizeof *list);
        }
        list[n++] = seq;
    }
    closedir(d);
    if (n > 1)
        qsort(list, n, sizeof *list, compare_first);
    *first = list;
    *count = 0;
    for (size_t i = 0; i < n; i++) /* being packed: in both forms */
        if (*count == 0 || list[*count - 1] != list[i])
            list[(*count)++] = list[i];
    return true;
}

static size_t bytes_of(int directory, const char *name)
{
    struct stat st;

    return fstatat(directory, name, &st, 0) == 0 ? (size_t)st.st_size : 0;
}

size_t segment_file_bytes(int directory, uint64_t first_seq)
{
    char name[SEGMENT_NAME];
    size_t bytes;

    segment_name(first_seq, name);
    bytes = bytes_of(directory, name);
    segment_packed_name(first_seq, name);
    return bytes > 0 ? bytes : bytes_of(directory, name);
}

bool segment_is_plain(int directory, uint64_t first_seq)
{
    char name[SEGMENT_NAME];

    segment_name(first_seq, name);
    return faccessat(directory, name, F_OK, 0) == 0;
}

bool segment_is_packed(int directory, uint64_t first_seq)
{
    char name[SEGMENT_NAME];

    segment_packed_name(first_seq, name);
    return faccessat(directory, name, F_OK, 0) == 0;
}

void segment_buffer_init(struct buffer *b)
{
    buffer_init(b, SEGMENT_BYTES_MAX);
}

static bool load(struct segment_file *f, const char *path, const char *name, struct buffer *into,
                 struct error *e)
{
    struct stat st;
    size_t bytes;
    long long got;

    if (f->packed == NULL && fstat(f->fd, &st) != 0)
        return disk_error(e, "read", path, name);
    bytes = f->packed != NULL ? packed_unpacked_bytes(f->packed) : (size_t)st.st_size;
    if (bytes > SEGMENT_BYTES_MAX)
        return error_set(e, ERROR_INVALID, "%s/%s: %zu bytes, a segment has at most %d", path, name,
                         bytes, SEGMENT_BYTES_MAX);
    buffer_clear(into);
    if (bytes == 0)
        return true;
    if (into->capacity < bytes) { /* exactly, not the next power of two */
        into->bytes = mem_resize(into->bytes, bytes, 1);
        into->capacity = bytes;
    }
    got = segment_read(f, into->bytes, bytes, 0);
    if (got < 0)
        return disk_error(e, "read", path, name);
    into->length = (size_t)got;
    return true;
}

bool segment_load(int directory, const char *path, uint64_t first_seq, struct buffer *into,
                  struct error *e)
{
    char name[SEGMENT_NAME];
    struct segment_file f;
    bool is_loaded;

    if (!segment_open(directory, first_seq, &f, name))
        return disk_error(e, "open", path, name);
    is_loaded = load(&f, path, name, into, e);
    segment_close(&f);
    return is_loaded;
}
