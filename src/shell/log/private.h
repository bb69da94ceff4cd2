/* The writing side of a log, shared by log.c (open, append, commit), reserve.c and recover.c. */
#ifndef ASSAY_LOG_PRIVATE_H
#define ASSAY_LOG_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "shell/log/ahead.h"
#include "shell/log/index.h"
#include "shell/log/log.h"
#include "shell/log/segment.h"

#define NEW_NAME "new.zeros" /* a segment being made by log_reserve */

/* A segment open for writing. Made by the engine's thread; the commit thread closes it when it
 * comes to the next one. */
struct writing {
    struct writing *next;
    int fd;
    uint64_t first_seq;
    char name[SEGMENT_NAME];
    bool is_new; /* its directory entry is not synced yet; the commit thread's */
};

/* Bytes of a group that go to one segment. */
struct piece {
    struct writing *segment;
    size_t offset; /* in the segment */
    size_t start;  /* in the group's bytes */
    size_t length;
};

struct group {
    struct buffer bytes;
    struct piece *pieces;
    uint32_t count;
    uint32_t room;
    uint64_t last_seq;
    uint8_t chain[DIGEST_BYTES];
};

struct log {
    char *path;
    int directory;
    int lock_file;
    uint32_t shard;
    size_t segment_bytes;
    enum log_sync sync;
    struct index *index;
    struct ahead *ahead; /* NULL: segments are made where they are needed */

    /* the engine thread's */
    struct digest *digest;
    uint64_t next_seq;
    uint8_t chain[DIGEST_BYTES];
    struct writing *current; /* NULL: none yet */
    size_t position;         /* of the next record in it */
    size_t reserved_end;
    size_t prepared; /* bytes of the file that are there */
    size_t ask_at;   /* position from which the next segment is asked for */

    /* both threads', under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint64_t sealed, committed; /* groups so far; group n is groups[n % 2] */
    char failure[ERROR_TEXT_MAX];
    atomic_bool is_broken;
    struct group groups[2];

    /* the commit thread's */
    struct writing *oldest; /* list of segments open for writing, oldest first */
    uint64_t unsynced_from; /* first seq of the first segment with unsynced records, 0: none */
};

/* recover.c: reads what is there, cuts a torn end, sets the engine's fields and the index. */
bool log_recover(struct log *l, struct log_found *found, struct error *e) MUST_USE;

/* lock.c: one writer per directory. */
int writer_lock(int directory, const char *path, struct error *e); /* fd, or -1 */
bool writer_is_live(int directory); /* somebody has it open for writing */

#endif
