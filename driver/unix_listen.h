// SPDX-License-Identifier: Apache-2.0
/* A listening UNIX stream socket at a path, for portcamd and for the servers of the simulated card. */
#ifndef PC_UNIX_LISTEN_H
#define PC_UNIX_LISTEN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * pc_unix_bind() - bind a socket at @path without listening yet, non-blocking, close-on-exec
 *
 * For a caller that sets owner and mode of the file before anybody can connect. A socket file that nobody listens on
 * any more is replaced. Another kind of file, or a live socket, is not.
 *
 * Return: the descriptor, or -errno with a sentence in @err that names the path and the cure.
 */
int pc_unix_bind(const char *path, char *err, size_t err_len);

/**
 * pc_unix_listen() - bind and listen at @path, non-blocking, close-on-exec
 *
 * Replaces what pc_unix_bind() replaces.
 *
 * Return: as pc_unix_bind().
 */
int pc_unix_listen(const char *path, char *err, size_t err_len);

#ifdef __cplusplus
}
#endif

#endif /* PC_UNIX_LISTEN_H */
