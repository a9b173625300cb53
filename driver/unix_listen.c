// SPDX-License-Identifier: Apache-2.0
/*
 * Opens a listening UNIX socket, with the accidents of everyday use turned into sentences: the socket file
 * of a process that died is replaced, one that is in use is named, a path that is too long is measured. It
 * does not remove the file when the program ends; the owner of the descriptor does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix_listen.h"

#define BACKLOG 8

/* Removes a socket file that nobody listens on. Return: 0 (also when there is none) or -errno. */
static int remove_stale(const struct sockaddr_un *a, char *err, size_t err_len)
{
    struct stat st;
    int fd, rc;

    if (lstat(a->sun_path, &st))
        return 0;
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(err, err_len, "%s exists and is not a socket: choose another path or remove it",
                 a->sun_path);
        return -EEXIST;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    rc = connect(fd, (const struct sockaddr *)a, sizeof(*a)) ? -errno : 0;
    close(fd);
    if (rc == -ECONNREFUSED)
        return unlink(a->sun_path) ? -errno : 0;
    snprintf(err, err_len, "%s is in use by another process: stop it or choose another path",
             a->sun_path);
    return -EADDRINUSE;
}

/* A sentence for what has none yet. */
static void say(const char *path, int rc, char *err, size_t err_len)
{
    if (!err[0])
        snprintf(err, err_len, "cannot listen at %s: %s%s", path, strerror(-rc),
                 rc == -ENOENT   ? "; create the directory"
                 : rc == -EACCES ? "; choose a directory that you may write"
                                 : "");
}

int pc_unix_bind(const char *path, char *err, size_t err_len)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd, rc;

    if (!len || len >= sizeof(a.sun_path)) {
        snprintf(err, err_len,
                 "socket path of %zu bytes: it must have 1 to %zu; choose a shorter one", len,
                 sizeof(a.sun_path) - 1);
        return -ENAMETOOLONG;
    }
    memcpy(a.sun_path, path, len);
    err[0] = '\0';
    rc = remove_stale(&a, err, err_len);
    fd = rc ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!rc && (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a))))
        rc = -errno;
    if (!rc)
        return fd;
    if (fd >= 0)
        close(fd);
    say(path, rc, err, err_len);
    return rc;
}

int pc_unix_listen(const char *path, char *err, size_t err_len)
{
    int fd = pc_unix_bind(path, err, err_len);
    if (fd < 0 || listen(fd, BACKLOG) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    say(path, rc, err, err_len);
    return rc;
}
