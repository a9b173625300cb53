// SPDX-License-Identifier: Apache-2.0
/* The connections of a listening UNIX socket, for the servers of the simulated card. */
#ifndef PC_ACCEPTOR_H
#define PC_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct pc_acceptor - a socket that is listened on, watched by an epoll descriptor of its owner
 * @fd: the socket, -1: none. @timer_fd: watched too. @epoll_fd: the owner's.
 * @paused: another connection could not be taken; @fd is not watched until @timer_fd fires.
 */
struct pc_acceptor {
    int fd, timer_fd, epoll_fd;
    bool paused;
};

/**
 * pc_acceptor_open() - pc_unix_listen() at @path, watched by @epoll_fd
 * Return: 0, or -errno with a sentence in @err that names the path and the cure; @a is then as closed.
 */
int pc_acceptor_open(struct pc_acceptor *a, int epoll_fd, const char *path, char *err,
                     size_t err_len);

/**
 * pc_acceptor_next() - the next connection, non-blocking, close-on-exec; to be called when @epoll_fd was readable
 *
 * A connection that cannot be taken for want of descriptors or memory waits, and @epoll_fd with it: it becomes
 * readable again after a tenth of a second and not before, so that waiting costs nothing.
 *
 * Return: its descriptor, or -errno.
 */
int pc_acceptor_next(struct pc_acceptor *a);

/** pc_acceptor_close() - the socket file stays: its owner removes it. */
void pc_acceptor_close(struct pc_acceptor *a);

#ifdef __cplusplus
}
#endif

#endif /* PC_ACCEPTOR_H */
