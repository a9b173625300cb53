// SPDX-License-Identifier: Apache-2.0
/* What a UNIX socket can do that others cannot: tell who is at its other end, and hand over a descriptor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
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

void peer_who(int fd, char text[PEER_WHO])
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || len != sizeof(peer))
        snprintf(text, PEER_WHO, "somebody");
    else
        snprintf(text, PEER_WHO, "process %ld of user %lu", (long)peer.pid,
                 (unsigned long)peer.uid);
}

const char *peer_send_fd(int fd, bool waits, const char *line, int share)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    char newline[] = "\n";
    struct iovec parts[2] = {{(void *)(uintptr_t)line, strlen(line)}, {newline, 1}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    if (waits)
        return "read what was answered before, or ask on a connection of its own";
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &share, sizeof(share));
    /* It has read all before, so that a short line always goes in one piece. */
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? "the descriptor could not be sent; ask again" : NULL;
}
