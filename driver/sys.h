// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls of the driver, as a table.
 *
 * Everything in the VFIO, arena and preflight rooms that reaches the kernel goes through this
 * table, so that tests can expect calls in order and make the N-th one fail. Functions behave as in
 * libc: -1 and errno.
 */
#ifndef PC_SYS_H
#define PC_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct pc_sys {
    int (*open)(const char *path, int flags);
    int (*close)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *arg);
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
    int (*munmap)(void *addr, size_t len);
    int (*madvise)(void *addr, size_t len, int advice);
    ssize_t (*pread)(int fd, void *buf, size_t len, off_t offset);
    ssize_t (*pwrite)(int fd, const void *buf, size_t len, off_t offset);
    ssize_t (*read)(int fd, void *buf, size_t len);
    int (*eventfd)(unsigned initial, int flags);
    int (*memfd_create)(const char *name, unsigned flags);
    int (*ftruncate)(int fd, off_t len);
    int (*add_seals)(int fd, int seals);
    int (*access)(const char *path, int mode);
    int (*getrlimit)(int resource, struct rlimit *limit);
    int (*has_ipc_lock)(void); /* 1 when the memory-lock limit does not apply to this process */
};

/* The real ones. */
extern const struct pc_sys pc_sys_libc;

#endif /* PC_SYS_H */
