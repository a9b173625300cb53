// SPDX-License-Identifier: Apache-2.0
/* A listening UNIX stream socket at a path, for the servers of the simulated card. */
#ifndef PC_UNIX_LISTEN_H
#define PC_UNIX_LISTEN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * pc_unix_listen() - bind and listen at @path, non-blocking, close-on-exec
 *
 * A socket file that nobody listens on any more is replaced. Another kind of file, or a live socket, is not.
 *
 * Return: the descriptor, or -errno with a sentence in @err that names the path and the cure.
 */
int pc_unix_listen(const char *path, char *err, size_t err_len);

#ifdef __cplusplus
}
#endif

#endif /* PC_UNIX_LISTEN_H */
