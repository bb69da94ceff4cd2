#include "shell/personal/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "core/base/memory.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"

enum {
    VERSION = 1,
    HEAD_BYTES = 4096,
    HEAD_FIXED = 16,
    WRAPPED_TOKEN_KEY = 16 + CIPHER_OVERHEAD,
    MASTER_PATH_MAX = HEAD_BYTES - HEAD_FIXED - WRAPPED_TOKEN_KEY,
    TOKEN_BYTES = 16,
    WRAPPED_KEY = CIPHER_KEY_BYTES + CIPHER_OVERHEAD,
    ENTRY_BYTES = 4 + TOKEN_BYTES + WRAPPED_KEY,
    BESIDE_BYTES = 8 + TOKEN_BYTES,
    MASTER_HEX = 2 * CIPHER_KEY_BYTES,
    PENDING_MAX = 64 << 20,
    ROOM_STEP = 8192, /* entries whose place on the disk is taken before they come */
    COPY_BYTES = 1 << 20,
    INDEX_LEAST = 1024,
    KEY_MODE = 0600,
    DIRECTORY_MODE = 0700,
};

static const char magic[8] = "ASSAYSUB";

enum entry_state { ENTRY_VOID, ENTRY_LIVE, ENTRY_ERASED };

/* `lock` is held for memory only; `writing` while the file is written, and before `lock`. */
struct subject_keys {
    char directory[PATH_MAX - 64], path[PATH_MAX], master_path[PATH_MAX];
    enum subject_keys_mode mode;
    int fd, lock_fd;
    bool is_moved; /* the master key's path is another than the head has */
    uint8_t master[CIPHER_KEY_BYTES];
    struct hash_key token_key;
    atomic_uint erasures;
    atomic_bool is_pending, is_broken;
    pthread_mutex_t writing;
    pthread_mutex_t lock; /* of all below, and of fd */
    struct cipher *cipher;
    uint64_t room;         /* entries that the disk has place for */
    uint64_t written;      /* entries in the file */
    uint64_t count;        /* and in memory */
    struct buffer pending; /* entries [written, count) */
    struct hash128 *token; /* by entry (writing only); zeros: none */
    uint64_t token_room;
    uint32_t *index; /* entry + 1 by token, open addressing; 0: free */
    uint64_t index_size;
    struct subject_counts counts;
};

_Static_assert(ENTRY_BYTES == 80, "as keys.h says");

static bool fail(const struct subject_keys *k, const char *what, struct error *e)
{
    return error_set(e, errno == ENOSPC || errno == EDQUOT ? ERROR_FULL : ERROR_WORLD,
                     "cannot %s %s: %m", what, k->path);
}

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool write_at(int fd, const void *bytes, size_t length, uint64_t at)
{
    const char *from = bytes;

    while (length > 0) {
        ssize_t n = pwrite(fd, from, length, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        from += n;
        at += (uint64_t)n;
        length -= (size_t)n;
    }
    return true;
}

static uint64_t entry_at(uint64_t entry)
{
    return HEAD_BYTES + entry * ENTRY_BYTES;
}

/* A disk that is full is told while nothing has been applied yet, not when a key cannot be written.
 * File systems without this promise nothing. */
static void make_room(struct subject_keys *k)
{
    if (fallocate(k->fd, FALLOC_FL_KEEP_SIZE, (off_t)entry_at(k->written),
                  (off_t)ROOM_STEP * ENTRY_BYTES) == 0)
        k->room = k->written + ROOM_STEP;
    else if (errno != ENOSPC && errno != EDQUOT)
        k->room = UINT64_MAX;
}

static bool is_nobody(struct hash128 t)
{
    return t.low == 0 && t.high == 0;
}

/* ---- the master key ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool parse_master(struct text t, uint8_t key[CIPHER_KEY_BYTES])
{
    t = text_trim(t);
    if (t.length != MASTER_HEX)
        return false;
    for (size_t i = 0; i < CIPHER_KEY_BYTES; i++) {
        int high = hex_digit(t.bytes[2 * i]), low = hex_digit(t.bytes[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool load_master(struct subject_keys *k, struct error *e)
{
    struct buffer text;
    struct stat st;
    bool ok;

    if (stat(k->master_path, &st) != 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: the master key of personal fields is not there (%m); restore it, or "
                         "say by personal.key_file where it is now",
                         k->master_path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(e, ERROR_INVALID,
                         "%s: the master key of personal fields may be read by others (mode %03o); "
                         "hint: chmod 600",
                         k->master_path, (unsigned)(st.st_mode & 0777));
    buffer_init(&text, 256);
    ok = file_read(k->master_path, &text, e) &&
         (parse_master((struct text){text.bytes, text.length}, k->master) ||
          error_set(e, ERROR_INVALID,
                    "%s: expected 64 hexadecimal digits, as `openssl rand -hex 32` prints them",
                    k->master_path));
    cipher_forget(text.bytes, text.length);
    buffer_fini(&text);
    return ok;
}

static bool make_master(struct subject_keys *k, struct error *e)
{
    char hex[MASTER_HEX + 2];
    bool ok;

    random_bytes(k->master, sizeof k->master);
    digest_hex(k->master, hex);
    hex[MASTER_HEX] = '\n';
    ok = file_write(k->master_path, hex, MASTER_HEX + 1, KEY_MODE, e);
    cipher_forget(hex, sizeof hex);
    return ok;
}

/* ---- the head ---- */

static struct text token_key_beside(void)
{
    return (struct text){magic, sizeof magic};
}

static void format_head(struct subject_keys *k, uint8_t head[HEAD_BYTES])
{
    struct text token_key = {(const char *)&k->token_key, sizeof k->token_key};
    size_t length = strlen(k->master_path);

    memset(head, 0, HEAD_BYTES);
    memcpy(head, magic, sizeof magic);
    put32(head + 8, VERSION);
    put32(head + 12, (uint32_t)length);
    cipher_seal(k->cipher, k->master, token_key_beside(), token_key, head + HEAD_FIXED);
    memcpy(head + HEAD_FIXED + WRAPPED_TOKEN_KEY, k->master_path, length);
}

static bool parse_head(struct subject_keys *k, const char *master, struct error *e)
{
    uint8_t head[HEAD_BYTES];
    uint32_t length;
    ssize_t n = file_read_at(k->fd, head, sizeof head, 0);
    struct text sealed = {(const char *)head + HEAD_FIXED, WRAPPED_TOKEN_KEY};

    if (n < 0)
        return fail(k, "read", e);
    length = get32(head + 12);
    if (n < HEAD_BYTES || memcmp(head, magic, sizeof magic) != 0 || get32(head + 8) != VERSION ||
        length == 0 || length >= MASTER_PATH_MAX)
        return error_set(e, ERROR_INVALID,
                         "%s: no key file of this version, or damaged; restore it from a backup",
                         k->path);
    snprintf(k->master_path, sizeof k->master_path, "%.*s", (int)length,
             (const char *)head + HEAD_FIXED + WRAPPED_TOKEN_KEY);
    if (master != NULL && strcmp(k->master_path, master) != 0) {
        k->is_moved = k->mode == SUBJECT_KEYS_WRITE;
        snprintf(k->master_path, sizeof k->master_path, "%s", master);
    }
    if (!load_master(k, e))
        return false;
    return cipher_open(k->cipher, k->master, token_key_beside(), sealed,
                       (uint8_t *)&k->token_key) ||
           error_set(e, ERROR_INVALID, "%s: its keys are not sealed under the master key in %s",
                     k->path, k->master_path);
}

/* The path is kept, so that what reads the log without the settings finds the master key. */
static bool write_head(struct subject_keys *k, struct error *e)
{
    uint8_t head[HEAD_BYTES];

    if (strlen(k->master_path) >= MASTER_PATH_MAX)
        return error_set(e, ERROR_INVALID, "path of the master key is over %d bytes",
                         MASTER_PATH_MAX);
    format_head(k, head);
    return (write_at(k->fd, head, sizeof head, 0) && fdatasync(k->fd) == 0) || fail(k, "write", e);
}

/* ---- the index ---- */

static uint64_t place_of(const struct subject_keys *k, struct hash128 token)
{
    uint64_t at = token.low & (k->index_size - 1);

    while (k->index[at] != 0) {
        struct hash128 t = k->token[k->index[at] - 1];

        if (t.low == token.low && t.high == token.high)
            break;
        at = (at + 1) & (k->index_size - 1);
    }
    return at;
}

static void index_grow(struct subject_keys *k)
{
    uint64_t size = k->index_size == 0 ? INDEX_LEAST : k->index_size * 2;

    mem_free(k->index);
    k->index = mem_array(size, sizeof *k->index);
    k->index_size = size;
    for (uint64_t i = 0; i < k->count; i++) {
        if (!is_nobody(k->token[i]))
            k->index[place_of(k, k->token[i])] = (uint32_t)i + 1;
    }
}

/* The token of entry `count`, which becomes one more. */
static void token_push(struct subject_keys *k, struct hash128 token)
{
    if (k->count == k->token_room) {
        k->token_room = k->token_room == 0 ? INDEX_LEAST : k->token_room * 2;
        k->token = mem_resize(k->token, k->token_room, sizeof *k->token);
    }
    k->token[k->count++] = token;
    if (2 * k->count > k->index_size)
        index_grow(k);
    else if (!is_nobody(token))
        k->index[place_of(k, token)] = (uint32_t)k->count;
}

static bool load_entries(struct subject_keys *k, uint64_t count, struct error *e)
{
    enum { AT_ONCE = COPY_BYTES / ENTRY_BYTES };
    uint8_t *bytes = mem_alloc(AT_ONCE * ENTRY_BYTES);
    bool ok = true;

    index_grow(k);
    for (uint64_t i = 0; ok && i < count; i += AT_ONCE) {
        uint64_t some = count - i < AT_ONCE ? count - i : AT_ONCE;

        ok = file_read_at(k->fd, bytes, some * ENTRY_BYTES, entry_at(i)) ==
                 (ssize_t)(some * ENTRY_BYTES) ||
             fail(k, "read", e);
        for (uint64_t j = 0; ok && j < some; j++) {
            const uint8_t *entry = bytes + j * ENTRY_BYTES;
            struct hash128 token = {0};

            if (get32(entry) == ENTRY_LIVE)
                memcpy(&token, entry + 4, TOKEN_BYTES);
            k->counts.live += get32(entry) == ENTRY_LIVE;
            k->counts.erased += get32(entry) == ENTRY_ERASED;
            token_push(k, token);
        }
    }
    mem_free(bytes);
    return ok;
}

/* What a crash left half written at the end is overwritten by the next entry: no record names it.
 */
static bool load(struct subject_keys *k, const char *master, struct error *e)
{
    struct stat st;

    if (!parse_head(k, master, e) || (k->is_moved && !write_head(k, e)))
        return false;
    if (fstat(k->fd, &st) != 0)
        return fail(k, "look at", e);
    k->written = ((uint64_t)st.st_size - HEAD_BYTES) / ENTRY_BYTES;
    if (k->written > SUBJECTS_MAX)
        return error_set(e, ERROR_INVALID, "%s: over %d subjects", k->path, SUBJECTS_MAX);
    return k->mode == SUBJECT_KEYS_READ || load_entries(k, k->written, e);
}

/* ---- open and close ---- */

static bool take_lock(struct subject_keys *k, struct error *e)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/subject.lock", k->directory);
    k->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, KEY_MODE);
    if (k->lock_fd < 0)
        return error_set(e, ERROR_WORLD, "cannot open %s: %m", path);
    if (fcntl(k->lock_fd, F_OFD_SETLK, &whole) == 0)
        return true;
    return error_set(e, ERROR_WORLD,
                     "%s: another process has it open for writing; hint: where a service runs on "
                     "this data directory, ask it with --url",
                     k->path);
}

static bool make_file(struct subject_keys *k, const char *master, struct error *e)
{
    uint8_t head[HEAD_BYTES];

    if (master != NULL)
        snprintf(k->master_path, sizeof k->master_path, "%s", master);
    else
        snprintf(k->master_path, sizeof k->master_path, "%s/master.key", k->directory);
    if (strlen(k->master_path) >= MASTER_PATH_MAX)
        return error_set(e, ERROR_INVALID, "path of the master key is over %d bytes",
                         MASTER_PATH_MAX);
    if (file_exists(k->master_path) || master != NULL ? !load_master(k, e) : !make_master(k, e))
        return false;
    random_bytes(&k->token_key, sizeof k->token_key);
    format_head(k, head);
    return file_write(k->path, head, sizeof head, KEY_MODE, e);
}

static bool open_file(struct subject_keys *k, const char *master, struct error *e)
{
    bool writes = k->mode == SUBJECT_KEYS_WRITE;

    if (writes && (!file_make_directories(k->directory, DIRECTORY_MODE, e) || !take_lock(k, e)))
        return false;
    if (writes && !file_exists(k->path) && !make_file(k, master, e))
        return false;
    k->fd = open(k->path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (k->fd < 0 && errno == ENOENT)
        return error_set(e, ERROR_NOT_FOUND,
                         "%s: the keys of personal fields are not there; restore the file from a "
                         "backup",
                         k->path);
    return k->fd >= 0 ? load(k, master, e) : fail(k, "open", e);
}

bool subject_keys_open(const char *control, enum subject_keys_mode mode, const char *master,
                       struct subject_keys **out, struct error *e)
{
    struct subject_keys *k = mem_alloc(sizeof *k);
    char absolute[PATH_MAX];

    k->mode = mode;
    k->fd = k->lock_fd = -1;
    snprintf(k->directory, sizeof k->directory, "%s", control);
    snprintf(k->path, sizeof k->path, "%s/subject.keys", k->directory);
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->writing, NULL);
    k->cipher = cipher_new();
    buffer_init(&k->pending, PENDING_MAX);
    if (master != NULL && realpath(master, absolute) != NULL)
        master = absolute;
    if (!open_file(k, master, e)) {
        subject_keys_close(k);
        return false;
    }
    *out = k;
    return true;
}

void subject_keys_close(struct subject_keys *k)
{
    if (k == NULL)
        return;
    if (k->fd >= 0)
        close(k->fd);
    if (k->lock_fd >= 0)
        close(k->lock_fd);
    cipher_free(k->cipher);
    buffer_fini(&k->pending);
    mem_free(k->token);
    mem_free(k->index);
    pthread_mutex_destroy(&k->lock);
    pthread_mutex_destroy(&k->writing);
    cipher_forget(k, sizeof *k);
    mem_free(k);
}

bool subject_keys_exist(const char *control)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/subject.keys", control);
    return file_exists(path);
}

/* ---- use ---- */

struct hash128 subject_token(const struct subject_keys *k, struct text kind, struct text id)
{
    uint8_t bytes[SUBJECT_KIND_MAX + 1 + 4096 + 8];
    size_t length = 0;

    if (kind.length > SUBJECT_KIND_MAX)
        kind.length = SUBJECT_KIND_MAX;
    if (id.length > 4096)
        id.length = 4096;
    bytes[length++] = (uint8_t)kind.length;
    memcpy(bytes + length, kind.bytes, kind.length);
    length += kind.length;
    if (id.length > 0)
        memcpy(bytes + length, id.bytes, id.length);
    return hash_token(bytes, length + id.length, &k->token_key);
}

static void beside_of(uint64_t entry, const uint8_t token[TOKEN_BYTES],
                      uint8_t beside[BESIDE_BYTES])
{
    for (int i = 0; i < 8; i++)
        beside[i] = (uint8_t)(entry >> (8 * i));
    memcpy(beside + 8, token, TOKEN_BYTES);
}

/* Under the lock. */
static bool make_entry(struct subject_keys *k, struct hash128 token, uint8_t key[CIPHER_KEY_BYTES],
                       struct error *e)
{
    uint8_t *at, beside[BESIDE_BYTES];

    if (k->mode != SUBJECT_KEYS_WRITE)
        return error_set(e, ERROR_NOT_FOUND, "there is no key of this subject");
    if (k->count >= SUBJECTS_MAX)
        return error_set(e, ERROR_FULL, "%s has %d subjects, which is its limit", k->path,
                         SUBJECTS_MAX);
    if (k->count >= k->room)
        make_room(k);
    if (k->count >= k->room)
        return error_set(e, ERROR_FULL, "no room for another key: the disk of %s is full", k->path);
    at = (uint8_t *)buffer_reserve(&k->pending, ENTRY_BYTES);
    if (at == NULL) {
        k->pending.overflow = false;
        return error_set(e, ERROR_FULL, "over %d MiB of new keys wait for the disk",
                         PENDING_MAX >> 20);
    }
    random_bytes(key, CIPHER_KEY_BYTES);
    put32(at, ENTRY_LIVE);
    memcpy(at + 4, &token, TOKEN_BYTES);
    beside_of(k->count, at + 4, beside);
    cipher_seal(k->cipher, k->master, (struct text){(const char *)beside, sizeof beside},
                (struct text){(const char *)key, CIPHER_KEY_BYTES}, at + 4 + TOKEN_BYTES);
    k->pending.length += ENTRY_BYTES;
    token_push(k, token);
    k->counts.live++;
    atomic_store(&k->is_pending, true);
    return true;
}

/* Erased, void or of another file where *state is not ENTRY_LIVE. Under the lock. */
static bool read_entry(struct subject_keys *k, uint64_t entry, uint8_t bytes[ENTRY_BYTES],
                       enum entry_state *state, struct error *e)
{
    ssize_t n = ENTRY_BYTES;

    if (entry >= k->written && entry - k->written < k->pending.length / ENTRY_BYTES)
        memcpy(bytes, k->pending.bytes + (entry - k->written) * ENTRY_BYTES, ENTRY_BYTES);
    else
        n = entry < SUBJECTS_MAX ? file_read_at(k->fd, bytes, ENTRY_BYTES, entry_at(entry)) : 0;
    if (n < 0)
        return fail(k, "read", e);
    *state = n < ENTRY_BYTES ? ENTRY_VOID : (enum entry_state)get32(bytes);
    return true;
}

/* A reader's file may have been exchanged by an erasure, and then gone on. */
static void reopen(struct subject_keys *k)
{
    int fd;

    if (k->mode != SUBJECT_KEYS_READ)
        return;
    fd = open(k->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    close(k->fd);
    k->fd = fd;
}

static bool get_key(struct subject_keys *k, uint64_t entry, uint8_t key[CIPHER_KEY_BYTES],
                    bool *is_erased, struct error *e)
{
    uint8_t bytes[ENTRY_BYTES], beside[BESIDE_BYTES];
    enum entry_state state = ENTRY_VOID;

    if (!read_entry(k, entry, bytes, &state, e))
        return false;
    if (state == ENTRY_VOID) {
        reopen(k);
        if (!read_entry(k, entry, bytes, &state, e))
            return false;
    }
    *is_erased = state == ENTRY_ERASED;
    if (*is_erased)
        return true;
    beside_of(entry, bytes + 4, beside);
    if (state == ENTRY_LIVE &&
        cipher_open(k->cipher, k->master, (struct text){(const char *)beside, sizeof beside},
                    (struct text){(const char *)bytes + 4 + TOKEN_BYTES, WRAPPED_KEY}, key))
        return true;
    return error_set(e, ERROR_INVALID,
                     "%s: its entry %llu, which a record of the log names, is %s; restore the file "
                     "from a backup",
                     k->path, (unsigned long long)entry,
                     state == ENTRY_LIVE ? "damaged" : "not there");
}

bool subject_keys_get(struct subject_keys *k, uint64_t entry, uint8_t key[CIPHER_KEY_BYTES],
                      bool *is_erased, struct error *e)
{
    bool ok;

    pthread_mutex_lock(&k->lock);
    ok = get_key(k, entry, key, is_erased, e);
    pthread_mutex_unlock(&k->lock);
    return ok;
}

static bool find(struct subject_keys *k, struct hash128 token, bool makes, uint64_t *entry,
                 uint8_t key[CIPHER_KEY_BYTES], struct error *e)
{
    uint32_t known = k->index_size > 0 ? k->index[place_of(k, token)] : 0;
    bool is_erased;

    if (known == 0 && !makes)
        return error_set(e, ERROR_NOT_FOUND, "there is no key of this subject");
    if (known == 0) {
        *entry = k->count;
        return make_entry(k, token, key, e);
    }
    *entry = known - 1;
    return get_key(k, *entry, key, &is_erased, e);
}

bool subject_keys_find(struct subject_keys *k, struct hash128 token, bool makes, uint64_t *entry,
                       uint8_t key[CIPHER_KEY_BYTES], struct error *e)
{
    bool ok;

    pthread_mutex_lock(&k->lock);
    ok = find(k, token, makes, entry, key, e);
    pthread_mutex_unlock(&k->lock);
    return ok;
}

/* ---- writing; `writing` is held ---- */

static bool write_pending(struct subject_keys *k, struct error *e)
{
    struct buffer bytes;
    bool ok;

    buffer_init(&bytes, PENDING_MAX);
    pthread_mutex_lock(&k->lock);
    buffer_add(&bytes, k->pending.bytes, k->pending.length);
    pthread_mutex_unlock(&k->lock);
    ok = write_at(k->fd, bytes.bytes, bytes.length, entry_at(k->written)) && fdatasync(k->fd) == 0;
    if (!ok) {
        (void)fail(k, "write", e);
        atomic_store(&k->is_broken, true);
    } else {
        pthread_mutex_lock(&k->lock);
        k->written += bytes.length / ENTRY_BYTES;
        if (k->room < k->written + ROOM_STEP / 2)
            make_room(k);
        if (k->pending.length > bytes.length)
            memmove(k->pending.bytes, k->pending.bytes + bytes.length,
                    k->pending.length - bytes.length);
        k->pending.length -= bytes.length;
        atomic_store(&k->is_pending, k->pending.length > 0);
        pthread_mutex_unlock(&k->lock);
    }
    buffer_fini(&bytes);
    return ok;
}

/* After a failed sync nothing is known of what is on the disk: until it is opened anew, no. */
static bool is_whole(const struct subject_keys *k, struct error *e)
{
    return !atomic_load(&k->is_broken) ||
           error_set(e, ERROR_WORLD, "%s could not be written before: restart", k->path);
}

bool subject_keys_sync(struct subject_keys *k, struct error *e)
{
    bool ok;

    if (k == NULL || !atomic_load(&k->is_pending))
        return true;
    pthread_mutex_lock(&k->writing);
    ok = is_whole(k, e) && write_pending(k, e);
    pthread_mutex_unlock(&k->writing);
    return ok;
}

static bool copy_to(struct subject_keys *k, int to, struct error *e)
{
    uint64_t end = entry_at(k->written);
    uint8_t *bytes = mem_alloc(COPY_BYTES);
    bool ok = true;

    for (uint64_t at = 0; ok && at < end; at += COPY_BYTES) {
        size_t some = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;

        ok = (file_read_at(k->fd, bytes, some, at) == (ssize_t)some &&
              write_at(to, bytes, some, at)) ||
             fail(k, "copy", e);
    }
    mem_free(bytes);
    return ok;
}

/* The whole file anew, so that on file systems that never overwrite in place the old blocks are
 * given back too. */
static bool write_anew(struct subject_keys *k, struct error *e)
{
    char beside[PATH_MAX + 8];
    int to, old;

    snprintf(beside, sizeof beside, "%s.new", k->path);
    to = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, KEY_MODE);
    if (to < 0)
        return fail(k, "write beside", e);
    if (!copy_to(k, to, e)) {
        close(to);
        unlink(beside);
        return false;
    }
    if (fsync(to) != 0 || rename(beside, k->path) != 0) {
        (void)fail(k, "exchange", e);
        close(to);
        unlink(beside);
        return false;
    }
    pthread_mutex_lock(&k->lock);
    old = k->fd;
    k->fd = to;
    k->room = 0; /* taken anew by the next key */
    pthread_mutex_unlock(&k->lock);
    close(old);
    return file_sync_directory(k->directory, e);
}

/* The entry of a token, counted from 1; 0: none. */
static uint32_t known_entry(struct subject_keys *k, struct hash128 token)
{
    uint32_t known;

    pthread_mutex_lock(&k->lock);
    known = k->index_size > 0 ? k->index[place_of(k, token)] : 0;
    pthread_mutex_unlock(&k->lock);
    return known;
}

static void drop_token(struct subject_keys *k, uint64_t entry)
{
    pthread_mutex_lock(&k->lock);
    k->token[entry] = (struct hash128){0};
    k->index_size /= 2; /* index_grow doubles it: the same size, made anew without the token */
    index_grow(k);
    k->counts.live--;
    k->counts.erased++;
    pthread_mutex_unlock(&k->lock);
}

static bool erase(struct subject_keys *k, struct hash128 token, bool *found, struct error *e)
{
    uint8_t gone[ENTRY_BYTES] = {ENTRY_ERASED};
    uint32_t known = known_entry(k, token);

    *found = known != 0;
    if (!*found)
        return true;
    if (!is_whole(k, e) || !write_pending(k, e))
        return false;
    if (!write_at(k->fd, gone, sizeof gone, entry_at(known - 1)) || fdatasync(k->fd) != 0)
        return fail(k, "write", e);
    drop_token(k, known - 1);
    atomic_fetch_add(&k->erasures, 1);
    return write_anew(k, e) || error_prefix(e, "the key is destroyed, but its file is not new");
}

bool subject_keys_erase(struct subject_keys *k, struct hash128 token, bool *found, struct error *e)
{
    bool ok;

    if (k->mode != SUBJECT_KEYS_WRITE)
        return error_set(e, ERROR_INVALID, "%s is open for reading only", k->path);
    pthread_mutex_lock(&k->writing);
    ok = erase(k, token, found, e);
    pthread_mutex_unlock(&k->writing);
    return ok;
}

unsigned subject_keys_erasures(const struct subject_keys *k)
{
    return atomic_load(&k->erasures);
}

void subject_keys_count(struct subject_keys *k, struct subject_counts *c)
{
    pthread_mutex_lock(&k->lock);
    *c = k->counts;
    pthread_mutex_unlock(&k->lock);
}
