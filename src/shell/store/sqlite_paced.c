/* The writer's files, synced as they grow and not all at once.
 *
 * SQLite syncs when it moves the log of its writes (WAL) into the database: tens of MiB in one go,
 * for which a disk needs tens of milliseconds, and commits of decisions, which are synced one by
 * one, stand in line behind them. So this layer between SQLite and its own one for the system (a
 * "VFS", as SQLite calls it) asks for a sync after each piece that is written. What SQLite itself
 * syncs, and when, stays as it is; it finds less to do. */
#include <pthread.h>

#include "core/base/panic.h"
#include "shell/os/thread.h"
#include "shell/store/sqlite.h"

enum { SHORT_BYTES = 1 << 15, PIECE_BYTES = 1 << 18 };

/* Behind SQLite's own struct of an open file. */
struct paced {
    const sqlite3_io_methods *own;
    sqlite3_io_methods methods; /* those, but for the writing */
    int written;                /* since the last sync */
};

static sqlite3_vfs *own_vfs, paced_vfs;

static struct paced *paced_of(sqlite3_file *f)
{
    return (struct paced *)(void *)((char *)f + paced_vfs.szOsFile - sizeof(struct paced));
}

static int paced_sync(sqlite3_file *f, int flags)
{
    struct paced *p = paced_of(f);

    p->written = 0;
    return p->own->xSync(f, flags);
}

/* A sync that fails here would fail again when SQLite asks: it is told at once. */
static int paced_write(sqlite3_file *f, const void *bytes, int length, sqlite3_int64 at)
{
    struct paced *p = paced_of(f);
    int rc = p->own->xWrite(f, bytes, length, at);

    if ((p->written + length) / SHORT_BYTES > p->written / SHORT_BYTES)
        thread_give_way();
    p->written += rc == SQLITE_OK ? length : 0;
    return p->written < PIECE_BYTES ? rc : paced_sync(f, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static int paced_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
                      int *flags_out)
{
    int rc = own_vfs->xOpen(own_vfs, name, f, flags, flags_out);
    struct paced *p = paced_of(f);

    (void)vfs;
    if (rc != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
        return rc;
    *p = (struct paced){.own = f->pMethods, .methods = *f->pMethods};
    p->methods.xWrite = paced_write;
    p->methods.xSync = paced_sync;
    f->pMethods = &p->methods;
    return rc;
}

static void paced_make(void)
{
    enum { ALIGNMENT = 16 };

    own_vfs = sqlite3_vfs_find(NULL);
    ASSERT(own_vfs != NULL);
    paced_vfs = *own_vfs;
    paced_vfs.pNext = NULL;
    paced_vfs.zName = "assay-paced";
    paced_vfs.szOsFile =
        (own_vfs->szOsFile + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + (int)sizeof(struct paced);
    paced_vfs.xOpen = paced_open;
    ASSERT(sqlite3_vfs_register(&paced_vfs, 0) == SQLITE_OK);
}

const char *sqlite_paced(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, paced_make);
    return paced_vfs.zName;
}
