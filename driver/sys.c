// SPDX-License-Identifier: Apache-2.0
/*
 * The real system calls behind struct pc_sys: thin, so that signatures without variable arguments
 * exist.
 */
#include "sys.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int libc_open(const char *path, int flags)
{
    return open(path, flags);
}

static int libc_ioctl(int fd, unsigned long request, void *arg)
{
    return ioctl(fd, request, arg);
}

static int libc_eventfd(unsigned initial, int flags)
{
    return eventfd(initial, flags);
}

static int libc_getrlimit(int resource, struct rlimit *limit)
{
    return getrlimit(resource, limit);
}

static int libc_has_ipc_lock(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &head, data) != 0)
        return 0;
    return (data[CAP_IPC_LOCK / 32].effective >> (CAP_IPC_LOCK % 32)) & 1;
}

static int libc_add_seals(int fd, int seals)
{
    return fcntl(fd, F_ADD_SEALS, seals);
}

const struct pc_sys pc_sys_libc = {
    .open = libc_open,
    .close = close,
    .ioctl = libc_ioctl,
    .mmap = mmap,
    .munmap = munmap,
    .madvise = madvise,
    .pread = pread,
    .pwrite = pwrite,
    .read = read,
    .eventfd = libc_eventfd,
    .memfd_create = memfd_create,
    .ftruncate = ftruncate,
    .add_seals = libc_add_seals,
    .access = access,
    .getrlimit = libc_getrlimit,
    .has_ipc_lock = libc_has_ipc_lock,
};
