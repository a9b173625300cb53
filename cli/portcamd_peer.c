// SPDX-License-Identifier: Apache-2.0
/* Who is at the other end of a UNIX socket, as the kernel tells it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portcamd.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* Is `group` among the supplementary groups of the peer? */
static bool in_groups(int fd, gid_t group)
{
    socklen_t len = 0;
    bool found = false;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE || len == 0)
        return false;
    gid_t *groups = malloc(len);
    if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
        for (size_t i = 0; i < len / sizeof(*groups); i++)
            found |= groups[i] == group;
    }
    free(groups);
    return found;
}

bool peer_allowed(int fd, bool has_group, gid_t group)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || len != sizeof(peer))
        return false;
    if (peer.uid == 0 || peer.uid == geteuid())
        return true;
    return has_group && (peer.gid == group || in_groups(fd, group));
}
