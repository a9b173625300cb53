// SPDX-License-Identifier: Apache-2.0
/* portcamd --user: what only root may do is done before this, the rest is done as somebody else. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "portcamd.h"

/* The state directory and what is in it: written as root until now, from now on by the user. */
static int hand_over(const char *state_dir, const struct passwd *user)
{
    static const char *const files[] = {"state.json", "next.json"};
    int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;

    if (dir < 0)
        return -errno;
    if (fchown(dir, user->pw_uid, user->pw_gid))
        rc = -errno;
    for (size_t i = 0; rc == 0 && i < sizeof(files) / sizeof(*files); i++)
        if (fchownat(dir, files[i], user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW) &&
            errno != ENOENT)
            rc = -errno;
    close(dir);
    return rc;
}

int become_user(const char *name, const char *state_dir)
{
    errno = 0;
    const struct passwd *user = getpwnam(name);

    if (!user) {
        daemon_log("--user: there is no user %s: create it with \"systemd-sysusers\" or useradd",
                   name);
        return -ENOENT;
    }
    if (geteuid() == user->pw_uid)
        return 0;
    int rc = hand_over(state_dir, user);
    if (rc) {
        daemon_log("--user: %s cannot be given to %s: %s", state_dir, name, strerror(-rc));
        return rc;
    }
    /* all threads change, for libc does it for each */
    if (initgroups(name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid)) {
        rc = errno ? -errno : -EPERM;
        daemon_log("--user: %s cannot be become: %s; only root can do that", name, strerror(-rc));
        return rc;
    }
    if (setuid(0) == 0) {
        daemon_log("--user: root could be become again; ending");
        return -EPERM;
    }
    daemon_log("goes on as the user %s", name);
    return 0;
}
