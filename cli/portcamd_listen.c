// SPDX-License-Identifier: Apache-2.0
/* The socket that portcamd listens on, and who may connect to it. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "portcamd.h"
#include "unix_listen.h"

enum { BACKLOG = 64 };

static void make_folder(const char *path)
{
    char folder[256];
    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return;
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = 0;
        (void)mkdir(folder, 0755);
    }
}

static bool find_group(const char *name, gid_t *ret)
{
    const struct group *group = name ? getgrnam(name) : NULL;
    if (group)
        *ret = group->gr_gid;
    else if (name)
        daemon_log("there is no group %s: only root may talk to portcamd; create it with groupadd",
                   name);
    return group != NULL;
}

/* Nobody can connect before the file has its owner and mode. */
int server_listen(const struct server_opts *opts, bool *ret_has_group, gid_t *ret_group)
{
    const char *path = opts->socket_path;
    char error[256];

    *ret_has_group = find_group(opts->group, ret_group);
    make_folder(path);
    mode_t old = umask(0177);
    int fd = pc_unix_bind(path, error, sizeof(error));
    umask(old);
    if (fd < 0) {
        daemon_log("%s", error);
        return fd;
    }
    int rc = 0;
    if (*ret_has_group && (chown(path, (uid_t)-1, *ret_group) || chmod(path, 0660)))
        rc = -errno;
    if (rc == 0 && listen(fd, BACKLOG))
        rc = -errno;
    if (rc == 0)
        return fd;
    daemon_log("%s: %s", path, strerror(-rc));
    close(fd);
    return rc;
}
