/* The log's system calls that change the disk, with tests' faults (fault.h) and the words for what
 * went wrong. All return 0, or -1 with errno, unless said otherwise; EINTR is retried. */
#ifndef ASSAY_LOG_DISK_H
#define ASSAY_LOG_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

int disk_create(int directory, const char *name) MUST_USE; /* a new empty file: its fd */
int disk_write(int fd, const void *bytes, size_t length, size_t at) MUST_USE;
/* Room for [from, to), at the file's end: allocated, and written with zeros where asked (then a
 * later sync of data there changes no metadata). On failure the file has its old length again. */
int disk_extend(int fd, size_t from, size_t to, bool write_zeros) MUST_USE;
int disk_zero(int fd, size_t from, size_t to) MUST_USE;
int disk_sync(int fd) MUST_USE;           /* fdatasync */
int disk_sync_directory(int fd) MUST_USE; /* fsync */
int disk_rename(int directory, const char *from, const char *to) MUST_USE;
int disk_remove(int directory, const char *name) MUST_USE;

/* What errno says about <directory>/<name>: ERROR_FULL with the space that is free for a full disk
 * or quota, ERROR_INVALID for EBADMSG (a damaged packed segment), ERROR_WORLD otherwise. Always
 * false. */
bool disk_error(struct error *e, const char *doing, const char *directory, const char *name);

#endif
