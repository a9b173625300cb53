// SPDX-License-Identifier: Apache-2.0
/*
 * Reads of sysfs, see sysfs.h.
 */
#include "sysfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads exactly `digits` hexadecimal digits; -1 when they are not there. */
static long hex(const char **text, int digits)
{
    long value = 0;

    for (int i = 0; i < digits; i++) {
        int c = tolower((unsigned char)**text);

        if (!isxdigit(c))
            return -1;
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
        (*text)++;
    }
    return value;
}

int pc_bdf_parse(const char *text, char bdf[PC_BDF_LEN])
{
    const char *p = text;
    long domain = 0;
    long bus;
    long device;
    long function;

    if (strlen(p) == PC_BDF_LEN - 1) {
        domain = hex(&p, 4);
        if (domain < 0 || *p++ != ':')
            return -EINVAL;
    }
    bus = hex(&p, 2);
    if (bus < 0 || *p++ != ':')
        return -EINVAL;
    device = hex(&p, 2);
    if (device < 0 || device > 31 || *p++ != '.')
        return -EINVAL;
    function = hex(&p, 1);
    if (function < 0 || function > 7 || *p)
        return -EINVAL;
    snprintf(bdf, PC_BDF_LEN, "%04x:%02x:%02x.%x", (unsigned)domain & 0xffffu,
             (unsigned)bus & 0xffu, (unsigned)device & 0x1fu, (unsigned)function & 7u);
    return 0;
}

static int full_path(char *to, size_t len, const char *root, const char *path)
{
    int n = snprintf(to, len, "%s/%s", root, path);

    return n < 0 || (size_t)n >= len ? -ENAMETOOLONG : 0;
}

bool pc_sysfs_exists(const char *root, const char *path)
{
    char full[PATH_MAX];

    return full_path(full, sizeof(full), root, path) == 0 && access(full, F_OK) == 0;
}

int pc_sysfs_link(const char *root, const char *path, char *buf, size_t len)
{
    char full[PATH_MAX];
    char target[PATH_MAX];
    const char *base;
    ssize_t n;
    int err = full_path(full, sizeof(full), root, path);

    if (err)
        return err;
    n = readlink(full, target, sizeof(target) - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    base = strrchr(target, '/');
    base = base ? base + 1 : target;
    if (strlen(base) >= len)
        return -ENAMETOOLONG;
    memcpy(buf, base, strlen(base) + 1);
    return 0;
}

int pc_sysfs_bytes(const char *root, const char *path, void *buf, size_t len)
{
    char full[PATH_MAX];
    ssize_t n;
    int fd;
    int err = full_path(full, sizeof(full), root, path);

    if (err)
        return err;
    fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, buf, len);
    err = n < 0 ? -errno : (int)n;
    close(fd);
    return err;
}

int pc_sysfs_first(const char *root, const char *path, const char *prefix, char *buf, size_t len)
{
    char full[PATH_MAX];
    const struct dirent *entry;
    DIR *dir;
    int err = full_path(full, sizeof(full), root, path);

    if (err)
        return err;
    dir = opendir(full);
    if (!dir)
        return -errno;
    err = -ENOENT;
    while ((entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || strlen(entry->d_name) >= len)
            continue;
        memcpy(buf, entry->d_name, strlen(entry->d_name) + 1);
        err = 0;
        break;
    }
    closedir(dir);
    return err;
}

int pc_sysfs_driver(const char *root, const char *bdf, char *buf, size_t len)
{
    char path[128];
    int err;

    snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", bdf);
    err = pc_sysfs_link(root, path, buf, len);
    if (err == -ENOENT) {
        buf[0] = '\0';
        err = 0;
    }
    return err;
}

int pc_sysfs_group(const char *root, const char *bdf)
{
    char path[128];
    char name[32];
    char *end;
    long group;
    int err;

    snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", bdf);
    err = pc_sysfs_link(root, path, name, sizeof(name));
    if (err)
        return err;
    errno = 0;
    group = strtol(name, &end, 10);
    if (*end || end == name || errno || group < 0 || group > INT_MAX)
        return -EINVAL;
    return (int)group;
}
