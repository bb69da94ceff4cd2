#include "shell/log/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/memory.h"
#include "shell/log/disk.h"
#include "shell/log/record.h"
#include "shell/log/segment.h"
#include "shell/log/window.h"
#include "shell/os/file.h"
#include "shell/os/thread.h"
#include "shell/os/zstd_block.h"

enum {
    LEVEL = 1,
    SYNC_BYTES = 1 << 18,
    TABLE_MAGIC = 0x184D2A5A,
    TABLE_HEAD = 8,
    TABLE_ENTRY = 12,
    TABLE_END = 16,
    FRAMES_MAX = SEGMENT_BYTES_MAX / PACKED_BYTES + SEGMENT_BYTES_MAX / RECORD_BYTES_MIN / 256,
    FRAME_MAX = PACKED_BYTES + RECORD_BYTES_MAX + SEGMENT_HEADER,
};

#define END_MAGIC "ASSAYPCK"

struct frame {
    uint64_t seq;     /* of its first record */
    size_t at;        /* of its bytes as they were, */
    size_t packed_at; /* and in the file */
    uint32_t packed_bytes, bytes, records;
};

struct packed {
    int fd;
    struct frame *frames;
    uint32_t count;
    uint32_t loaded; /* the frame in `bytes`; count: none */
    size_t total;
    struct buffer from, bytes;
};

/* ---- reading */

/* The table's entries as frames; false: they do not add up to the file. */
static bool take_frames(struct packed *p, struct reader *r, uint64_t seq, size_t table_at)
{
    size_t at = 0, packed_at = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        struct frame *f = &p->frames[i];

        *f = (struct frame){.seq = seq, .at = at, .packed_at = packed_at};
        f->packed_bytes = reader_u32(r);
        f->bytes = reader_u32(r);
        f->records = reader_u32(r);
        if (f->bytes == 0 || f->bytes > FRAME_MAX || f->packed_bytes > table_at ||
            f->records > PACKED_RECORDS)
            return false;
        seq += f->records;
        at += f->bytes;
        packed_at += f->packed_bytes;
    }
    p->total = at;
    return packed_at == table_at && at <= SEGMENT_BYTES_MAX;
}

static bool take_table(struct packed *p, const uint8_t *table, size_t length, uint64_t seq,
                       size_t table_at)
{
    struct reader r;

    reader_init(&r, table, length);
    if (reader_u32(&r) != TABLE_MAGIC || reader_u32(&r) != length - TABLE_HEAD)
        return false;
    reader_init(&r, table + length - TABLE_END, TABLE_END);
    if (reader_u32(&r) != p->count ||
        reader_u32(&r) != (uint32_t)crc32_z(0, table, length - TABLE_END + 4))
        return false;
    reader_init(&r, table + TABLE_HEAD, length - TABLE_HEAD);
    return take_frames(p, &r, seq, table_at);
}

static bool read_table(struct packed *p, size_t file_bytes, uint64_t first_seq)
{
    uint8_t end[TABLE_END];
    struct reader r;
    size_t length;

    errno = EBADMSG;
    if (file_bytes < TABLE_HEAD + TABLE_END ||
        file_read_at(p->fd, end, TABLE_END, file_bytes - TABLE_END) != TABLE_END ||
        memcmp(end + 8, END_MAGIC, 8) != 0)
        return false;
    reader_init(&r, end, sizeof end);
    p->count = reader_u32(&r);
    length = TABLE_HEAD + (size_t)p->count * TABLE_ENTRY + TABLE_END;
    if (p->count == 0 || p->count > FRAMES_MAX || length > file_bytes)
        return false;
    p->frames = mem_array(p->count, sizeof *p->frames);
    p->loaded = p->count;
    buffer_clear(&p->from);
    if (buffer_reserve(&p->from, length) == NULL ||
        file_read_at(p->fd, p->from.bytes, length, file_bytes - length) != (long long)length)
        return false;
    errno = EBADMSG;
    return take_table(p, (const uint8_t *)p->from.bytes, length, first_seq, file_bytes - length);
}

struct packed *packed_open(int fd, uint64_t first_seq)
{
    struct packed *p;
    struct stat st;
    int saved;

    if (fstat(fd, &st) != 0) {
        saved = errno;
        close(fd);
        errno = saved;
        return NULL;
    }
    p = mem_alloc(sizeof *p);
    p->fd = fd;
    buffer_init(&p->from, SEGMENT_BYTES_MAX);
    buffer_init(&p->bytes, FRAME_MAX);
    if (read_table(p, (size_t)st.st_size, first_seq))
        return p;
    saved = errno;
    packed_close(p);
    errno = saved;
    return NULL;
}

void packed_close(struct packed *p)
{
    if (p == NULL)
        return;
    close(p->fd);
    mem_free(p->frames);
    buffer_fini(&p->from);
    buffer_fini(&p->bytes);
    mem_free(p);
}

size_t packed_unpacked_bytes(const struct packed *p)
{
    return p->total;
}

/* The frame with the byte `at`. */
static uint32_t frame_at(const struct packed *p, size_t at)
{
    uint32_t low = 0, high = p->count;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (p->frames[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void packed_find(const struct packed *p, uint64_t seq, uint64_t *first, size_t *at)
{
    uint32_t low = 0, high = p->count;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (p->frames[middle].seq <= seq)
            low = middle;
        else
            high = middle;
    }
    *first = p->frames[low].seq;
    *at = low == 0 ? SEGMENT_HEADER : p->frames[low].at;
}

static bool load(struct packed *p, uint32_t i)
{
    const struct frame *f = &p->frames[i];

    if (p->loaded == i)
        return true;
    p->loaded = p->count;
    buffer_clear(&p->from);
    buffer_clear(&p->bytes);
    if (buffer_reserve(&p->from, f->packed_bytes) == NULL ||
        buffer_reserve(&p->bytes, f->bytes) == NULL) {
        errno = EBADMSG;
        return false;
    }
    if (file_read_at(p->fd, p->from.bytes, f->packed_bytes, f->packed_at) < 0)
        return false;
    if (!zstd_block_unpack(p->from.bytes, f->packed_bytes, p->bytes.bytes, f->bytes)) {
        errno = EBADMSG;
        return false;
    }
    p->loaded = i;
    return true;
}

long long packed_read(struct packed *p, void *bytes, size_t length, size_t at)
{
    uint8_t *out = bytes;
    size_t done = 0;

    while (done < length && at + done < p->total) {
        uint32_t i = frame_at(p, at + done);
        const struct frame *f = &p->frames[i];
        size_t skip = at + done - f->at, n = f->bytes - skip;

        if (!load(p, i))
            return -1;
        if (n > length - done)
            n = length - done;
        memcpy(out + done, p->bytes.bytes + skip, n);
        done += n;
    }
    return (long long)done;
}

/* ---- making */

struct making {
    struct window from;
    int fd;
    size_t at;      /* of the file that is written */
    size_t synced;  /* up to there: never much at once, for commits wait for the same disk */
    size_t from_at; /* the next record's place in the segment */
    uint64_t seq;   /* and its number */
    struct buffer frame, packed, table;
    uint32_t count;
    struct zstd_packer *packer;
};

/* Up to a frame's worth of records from the segment; false: damaged, or it cannot be read. */
static bool take_records(struct making *m, uint64_t next, uint32_t *records)
{
    enum record_state state;
    struct record_frame f;

    for (*records = 0; m->seq < next && *records < PACKED_RECORDS; ++*records) {
        size_t length;

        if (m->frame.length >= PACKED_BYTES)
            break;
        if (!window_record(&m->from, m->from_at, true, &f, &state))
            return false;
        if (state != RECORD_WHOLE || f.record.seq != m->seq) {
            errno = EBADMSG;
            return false;
        }
        buffer_add(&m->frame, window_view(&m->from, m->from_at, &length), f.bytes);
        m->from_at += f.bytes;
        m->seq++;
    }
    return true;
}

static bool write_frame(struct making *m, uint32_t records)
{
    char *out;
    size_t bytes;

    buffer_clear(&m->packed);
    out = buffer_reserve(&m->packed, zstd_block_bound(m->frame.length));
    if (out == NULL) {
        errno = EFBIG;
        return false;
    }
    bytes = zstd_block_pack(m->packer, m->frame.bytes, m->frame.length, out);
    buffer_add_u32(&m->table, (uint32_t)bytes);
    buffer_add_u32(&m->table, (uint32_t)m->frame.length);
    buffer_add_u32(&m->table, records);
    m->count++;
    if (disk_write(m->fd, out, bytes, m->at) != 0)
        return false;
    m->at += bytes;
    if (m->at - m->synced < SYNC_BYTES)
        return true;
    m->synced = m->at;
    return disk_sync(m->fd) == 0;
}

static bool write_table(struct making *m)
{
    struct buffer whole;
    bool ok;

    buffer_init(&whole, m->table.length + TABLE_HEAD + TABLE_END);
    buffer_add_u32(&whole, TABLE_MAGIC);
    buffer_add_u32(&whole, (uint32_t)(m->table.length + TABLE_END));
    buffer_add(&whole, m->table.bytes, m->table.length);
    buffer_add_u32(&whole, m->count);
    buffer_add_u32(&whole, (uint32_t)crc32_z(0, (const uint8_t *)whole.bytes, whole.length));
    buffer_add(&whole, END_MAGIC, 8);
    ok = disk_write(m->fd, whole.bytes, whole.length, m->at) == 0;
    m->at += whole.length;
    buffer_fini(&whole);
    return ok;
}

static bool write_all(struct making *m, uint64_t next)
{
    uint32_t records;
    char *header;

    header = buffer_reserve(&m->frame, SEGMENT_HEADER);
    if (header == NULL ||
        file_read_at(m->from.file.fd, header, SEGMENT_HEADER, 0) != SEGMENT_HEADER) {
        errno = EBADMSG;
        return false;
    }
    m->frame.length = SEGMENT_HEADER;
    while (m->seq < next) {
        if (!take_records(m, next, &records) || !write_frame(m, records))
            return false;
        thread_give_way();
        buffer_clear(&m->frame);
    }
    return write_table(m) && disk_sync(m->fd) == 0;
}

/* What was written unpacks to what is there. */
static bool is_same(struct making *m, int directory, uint64_t first)
{
    int fd = openat(directory, PACK_NAME, O_RDONLY | O_CLOEXEC);
    struct packed *p = fd < 0 ? NULL : packed_open(fd, first);
    uint8_t *own = mem_alloc(PACKED_BYTES), *its = mem_alloc(PACKED_BYTES);
    size_t at = 0;
    bool same = p != NULL && packed_unpacked_bytes(p) == m->from_at;

    while (same && at < m->from_at) {
        size_t n = m->from_at - at < PACKED_BYTES ? m->from_at - at : PACKED_BYTES;

        same = file_read_at(m->from.file.fd, own, n, at) == (long long)n &&
               packed_read(p, its, n, at) == (long long)n && memcmp(own, its, n) == 0;
        at += n;
        thread_give_way();
    }
    mem_free(own);
    mem_free(its);
    packed_close(p);
    if (!same)
        errno = EBADMSG;
    return same;
}

static bool make(struct making *m, int directory, uint64_t first, uint64_t next)
{
    char name[SEGMENT_NAME], packed[SEGMENT_NAME];

    segment_name(first, name);
    segment_packed_name(first, packed);
    return write_all(m, next) && is_same(m, directory, first) &&
           disk_rename(directory, PACK_NAME, packed) == 0 && disk_sync_directory(directory) == 0 &&
           disk_remove(directory, name) == 0;
}

bool packed_make(int directory, const char *path, uint64_t first, uint64_t next, size_t *saved,
                 struct error *e)
{
    size_t before = segment_file_bytes(directory, first);
    struct making m = {.from_at = SEGMENT_HEADER, .seq = first};
    char name[SEGMENT_NAME];
    bool ok;

    segment_name(first, name);
    if (!window_open(&m.from, directory, first, WINDOW_READING))
        return disk_error(e, "open", path, name);
    m.fd = disk_create(directory, PACK_NAME);
    if (m.fd < 0) {
        window_close(&m.from);
        return disk_error(e, "create", path, PACK_NAME);
    }
    m.packer = zstd_packer_new(LEVEL);
    buffer_init(&m.frame, FRAME_MAX);
    buffer_init(&m.packed, zstd_block_bound(FRAME_MAX));
    buffer_init(&m.table, SEGMENT_BYTES_MAX);
    ok = make(&m, directory, first, next) || disk_error(e, "pack", path, name);
    if (!ok && disk_remove(directory, PACK_NAME) != 0) {
        /* Left over: the next one writes over it, the next opening removes it. */
    }
    *saved = ok && before > m.at ? before - m.at : 0;
    zstd_packer_free(m.packer);
    buffer_fini(&m.frame);
    buffer_fini(&m.packed);
    buffer_fini(&m.table);
    close(m.fd);
    window_close(&m.from);
    return ok;
}
