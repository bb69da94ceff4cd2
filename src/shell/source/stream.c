/* Two threads meet at a ring of blocks: the reading thread fills them in order, the caller empties
 * them in order.
 *
 *     filled: blocks full and not yet taken, 0..STREAM_BLOCKS
 *     reader waits while filled = STREAM_BLOCKS, caller while filled = 0 and not done
 */
#include "shell/source/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/link/postgres.h"
#include "shell/link/sqlite.h"
#include "shell/os/digest.h"
#include "shell/source/topic.h"
#include "shell/source/unpack.h"

enum { INPUT_BYTES = 128 << 10 };

struct block {
    char *bytes;
    size_t length;
};

struct stream {
    char *path;
    int fd;
    int wake;     /* readable when the reader shall stop: it may be waiting for a pipe */
    bool is_live; /* a pipe: its writer may take its time */
    uint64_t total_bytes;
    uint64_t until; /* bytes of the file, as they lie there, that are read at most */
    atomic_uint_fast64_t done_bytes;
    struct postgres *db;      /* instead of fd; or NULL */
    struct sqlite_link *file; /* instead of db; or NULL */
    struct sqlite_statement *select;
    struct buffer line;         /* of the file */
    struct topic_reader *topic; /* likewise */
    struct digest *digest;
    struct text row; /* of the database, what the input had no room for */

    /* of the reading thread */
    pthread_t thread;
    char *input;
    struct text left; /* of the input, not yet unpacked */
    struct unpacker *unpacker;
    bool input_end;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct block ring[STREAM_BLOCKS];
    unsigned first, filled;
    bool done; /* the reader has ended */
    bool stop;
    struct error error; /* its kind is ERROR_NONE where all went well */

    /* of the caller */
    char *window;
    size_t window_at, window_end, window_capacity;
    uint64_t taken;
    bool at_end;
};

/* The next row of the database; length 0 is the end. */
static bool next_row(struct stream *s, struct error *e)
{
    bool has, wants;

    if (s->topic != NULL)
        return topic_next(s->topic, s->wake, &s->row, e);
    if (s->db != NULL)
        return postgres_copy_next(s->db, s->wake, &s->row, e);
    pthread_mutex_lock(&s->mutex);
    wants = !s->stop;
    pthread_mutex_unlock(&s->mutex);
    buffer_clear(&s->line);
    if (!wants || s->select == NULL)
        return true;
    if (!sqlite_step(s->select, &has, e))
        return false;
    if (has) {
        sqlite_csv_row(s->select, &s->line);
    } else {
        sqlite_statement_free(s->select);
        s->select = NULL;
    }
    s->row = (struct text){s->line.bytes, s->line.length};
    return !s->line.overflow ||
           error_set(e, ERROR_INVALID, "%s: a row of over %d bytes", s->path, STREAM_WINDOW_MAX);
}

/* As many rows as there is room for; none is the end, or that the reader shall stop. */
static bool read_rows(struct stream *s, struct error *e)
{
    size_t used = 0;

    while (used < INPUT_BYTES) {
        size_t room = INPUT_BYTES - used;

        if (s->row.length == 0 && !next_row(s, e))
            return false;
        if (s->row.length == 0)
            break;
        if (s->row.length < room)
            room = s->row.length;
        memcpy(s->input + used, s->row.bytes, room);
        s->row = (struct text){s->row.bytes + room, s->row.length - room};
        used += room;
    }
    s->left = (struct text){s->input, used};
    s->input_end = used == 0;
    digest_add(s->digest, s->input, used);
    atomic_fetch_add_explicit(&s->done_bytes, (uint64_t)used, memory_order_relaxed);
    return true;
}

/* More input, put `at` bytes into its buffer; at its end, input_end. */
static bool read_input(struct stream *s, size_t at, struct error *e)
{
    struct pollfd wait[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};
    uint64_t left = s->until - atomic_load_explicit(&s->done_bytes, memory_order_relaxed);
    ssize_t n;

    if (s->db != NULL || s->file != NULL || s->topic != NULL)
        return read_rows(s, e);
    do {
        if (poll(wait, 2, -1) > 0 && wait[1].revents != 0) {
            s->left.length = 0;
            s->input_end = true;
            return true;
        }
        n = read(s->fd, s->input + at, left < INPUT_BYTES ? (size_t)left : INPUT_BYTES);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    if (n < 0)
        return error_set(e, ERROR_WORLD, "cannot read %s: %m", s->path);
    s->left = (struct text){s->input + at, (size_t)n};
    s->input_end = n == 0;
    atomic_fetch_add_explicit(&s->done_bytes, (uint64_t)n, memory_order_relaxed);
    return true;
}

static bool input_waits(const struct stream *s)
{
    struct pollfd input = {.fd = s->fd, .events = POLLIN};

    return poll(&input, 1, 0) != 0;
}

/* Fills a block, of a pipe with what is there; a length of 0 is the end. */
static bool fill_block(struct stream *s, struct block *b, struct error *e)
{
    b->length = 0;
    while (b->length < STREAM_BLOCK_BYTES) {
        size_t produced;

        if (!unpack(s->unpacker, &s->left, b->bytes + b->length, STREAM_BLOCK_BYTES - b->length,
                    &produced, e))
            return error_prefix(e, "%s", s->path);
        b->length += produced;
        if (produced > 0 || s->left.length > 0)
            continue;
        if (s->input_end || (s->is_live && b->length > 0 && !input_waits(s)))
            break;
        if (!read_input(s, 0, e))
            return false;
    }
    if (b->length == 0 && !unpacker_is_complete(s->unpacker))
        return error_set(e, ERROR_INVALID, "%s ends in the middle of its packed data: cut short?",
                         s->path);
    return true;
}

static void *read_ahead(void *context)
{
    struct stream *s = context;
    struct error e = {0};
    bool go_on = true;

    pthread_mutex_lock(&s->mutex);
    while (go_on) {
        struct block *b;

        while (s->filled == STREAM_BLOCKS && !s->stop)
            pthread_cond_wait(&s->changed, &s->mutex);
        if (s->stop)
            break;
        b = &s->ring[(s->first + s->filled) % STREAM_BLOCKS];
        pthread_mutex_unlock(&s->mutex);
        go_on = fill_block(s, b, &e) && b->length > 0;
        pthread_mutex_lock(&s->mutex);
        s->filled += go_on;
        pthread_cond_signal(&s->changed);
    }
    s->error = e;
    s->done = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

static bool open_file(struct stream *s, struct error *e)
{
    struct stat st;

    s->fd = strcmp(s->path, "-") == 0 ? dup(STDIN_FILENO) : open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return error_set(e, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_WORLD, "cannot open %s: %m",
                         s->path);
    s->wake = eventfd(0, EFD_CLOEXEC);
    if (s->wake < 0 || fstat(s->fd, &st) != 0)
        return error_set(e, ERROR_WORLD, "cannot read %s: %m", s->path);
    if (S_ISDIR(st.st_mode))
        return error_set(e, ERROR_INVALID, "%s is a directory: write %s/*.csv for its files",
                         s->path, s->path);
    s->is_live = !S_ISREG(st.st_mode);
    if (!s->is_live) {
        s->total_bytes = (uint64_t)st.st_size;
        (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return true;
}

/* The first bytes tell the packing; a pipe may give them one by one. */
static bool find_packing(struct stream *s, struct error *e)
{
    struct text first = {s->input, 0};
    enum packing packing;

    while (first.length < UNPACK_MAGIC_BYTES && !s->input_end) {
        if (!read_input(s, first.length, e))
            return false;
        first.length += s->left.length;
    }
    s->left = first;
    if (!packing_find(first, &packing, e))
        return error_prefix(e, "%s", s->path);
    s->unpacker = unpacker_new(packing);
    return true;
}

static void stream_free(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->wake >= 0)
        close(s->wake);
    postgres_close(s->db);
    sqlite_statement_free(s->select);
    sqlite_link_close(s->file);
    buffer_fini(&s->line);
    topic_close(s->topic);
    digest_free(s->digest);
    unpacker_free(s->unpacker);
    for (int i = 0; i < STREAM_BLOCKS; i++)
        mem_free(s->ring[i].bytes);
    mem_free(s->input);
    mem_free(s->window);
    mem_free(s->path);
    mem_free(s);
}

static struct stream *stream_new(const char *path)
{
    struct stream *s = mem_alloc(sizeof *s);

    s->fd = s->wake = -1;
    s->until = UINT64_MAX;
    s->path = mem_text(path, strlen(path));
    s->input = mem_resize(NULL, INPUT_BYTES + UNPACK_MAGIC_BYTES, 1);
    return s;
}

static bool stream_start(struct stream *s, struct error *e)
{
    int code;

    for (int i = 0; i < STREAM_BLOCKS; i++)
        s->ring[i].bytes = mem_resize(NULL, STREAM_BLOCK_BYTES, 1);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    code = pthread_create(&s->thread, NULL, read_ahead, s);
    if (code == 0)
        return true;
    errno = code;
    return error_set(e, ERROR_WORLD, "cannot start a thread to read %s: %m", s->path);
}

bool stream_open(const char *path, struct stream **stream, struct error *e)
{
    return stream_open_until(path, UINT64_MAX, stream, e);
}

bool stream_open_until(const char *path, uint64_t bytes, struct stream **stream, struct error *e)
{
    struct stream *s = stream_new(path);

    s->until = bytes;
    if (!open_file(s, e) || !find_packing(s, e) || !stream_start(s, e)) {
        stream_free(s);
        return false;
    }
    *stream = s;
    return true;
}

/* Of what is no file: plain bytes, of which a digest is made. */
static bool open_plain(struct stream *s, struct error *e)
{
    s->wake = eventfd(0, EFD_CLOEXEC);
    if (s->wake < 0)
        return error_set(e, ERROR_WORLD, "cannot read %s: %m", s->path);
    s->unpacker = unpacker_new(PACKING_NONE);
    s->digest = digest_new();
    digest_start(s->digest);
    return true;
}

bool stream_open_topic(const struct source_topic *topic, struct stream **stream, struct error *e)
{
    struct stream *s = stream_new(topic->name);

    if (!open_plain(s, e) || !topic_open(topic->kafka, topic->name, &s->topic, e) ||
        !stream_start(s, e)) {
        stream_free(s);
        return false;
    }
    *stream = s;
    return true;
}

static bool open_database(struct stream *s, const struct source_database *d, struct error *e)
{
    struct buffer sql;
    bool ok;

    if (!open_plain(s, e))
        return false;
    if (sqlite_link_is(d->url)) {
        buffer_init(&s->line, STREAM_WINDOW_MAX);
        if (!sqlite_link_open(d->url, false, &s->file, e) ||
            !sqlite_link_select(s->file, d->table, d->query, &s->select, e))
            return false;
        sqlite_csv_names(s->select, &s->line);
        s->row = (struct text){s->line.bytes, s->line.length};
        return true;
    }
    buffer_init(&sql, 2 * POSTGRES_QUERY_MAX);
    ok = postgres_open(d->url, &s->db, e) &&
         postgres_copy_format(s->db, d->table, d->query, &sql, e);
    if (ok) {
        buffer_add_text(&sql, "TO STDOUT (FORMAT csv, HEADER)");
        ok = postgres_copy_out(s->db, buffer_text(&sql), e);
    }
    buffer_fini(&sql);
    return ok;
}

bool stream_open_database(const char *name, const struct source_database *database,
                          struct stream **stream, struct error *e)
{
    struct stream *s = stream_new(name);

    if (!open_database(s, database, e)) {
        error_prefix(e, "%s", name);
        stream_free(s);
        return false;
    }
    if (!stream_start(s, e)) {
        stream_free(s);
        return false;
    }
    *stream = s;
    return true;
}

void stream_digest(struct stream *s, uint8_t digest[32])
{
    memset(digest, 0, DIGEST_BYTES);
    if (s->digest == NULL)
        return;
    pthread_mutex_lock(&s->mutex); /* the reader has ended, or waits for room */
    if (s->done)
        digest_peek(s->digest, digest);
    pthread_mutex_unlock(&s->mutex);
}

void stream_close(struct stream *s)
{
    uint64_t one = 1;

    if (s == NULL)
        return;
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    if (write(s->wake, &one, sizeof one) != sizeof one)
        ASSERT(errno == EAGAIN);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    stream_free(s);
}

struct text stream_window(const struct stream *s)
{
    return (struct text){s->window != NULL ? s->window + s->window_at : "",
                         s->window_end - s->window_at};
}

bool stream_at_end(const struct stream *s)
{
    return s->at_end;
}

void stream_take(struct stream *s, size_t bytes)
{
    ASSERT(bytes <= s->window_end - s->window_at);
    s->window_at += bytes;
    s->taken += bytes;
}

uint64_t stream_taken(const struct stream *s)
{
    return s->taken;
}

static void append_to_window(struct stream *s, const struct block *b)
{
    size_t waiting = s->window_end - s->window_at;

    ASSERT(waiting + b->length <= STREAM_WINDOW_MAX);
    if (waiting > 0 && s->window_at > 0)
        memmove(s->window, s->window + s->window_at, waiting);
    s->window_at = 0;
    s->window_end = waiting;
    if (s->window_capacity < waiting + b->length) {
        s->window_capacity = 2 * (waiting + b->length);
        s->window = mem_resize(s->window, s->window_capacity, 1);
    }
    memcpy(s->window + waiting, b->bytes, b->length);
    s->window_end += b->length;
}

bool stream_is_idle(struct stream *s)
{
    bool is_idle;

    pthread_mutex_lock(&s->mutex);
    is_idle = s->filled == 0 && !s->done;
    pthread_mutex_unlock(&s->mutex);
    return is_idle;
}

bool stream_more(struct stream *s, struct error *e)
{
    bool good = true;

    pthread_mutex_lock(&s->mutex);
    while (s->filled == 0 && !s->done)
        pthread_cond_wait(&s->changed, &s->mutex);
    if (s->filled > 0) {
        struct block *b = &s->ring[s->first];

        pthread_mutex_unlock(&s->mutex);
        append_to_window(s, b);
        pthread_mutex_lock(&s->mutex);
        s->first = (s->first + 1) % STREAM_BLOCKS;
        s->filled--;
        pthread_cond_signal(&s->changed);
    } else if (s->error.kind != ERROR_NONE) {
        *e = s->error;
        good = false;
    } else {
        s->at_end = true;
    }
    pthread_mutex_unlock(&s->mutex);
    return good;
}

uint64_t stream_bytes_done(const struct stream *s)
{
    return atomic_load_explicit(&s->done_bytes, memory_order_relaxed);
}

uint64_t stream_bytes_total(const struct stream *s)
{
    return s->total_bytes;
}
