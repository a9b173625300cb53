// SPDX-License-Identifier: Apache-2.0
/*
 * The sentence behind a failure: written where the cause is known, read with portcam_dev_error().
 *
 * One buffer for each thread, like errno, so that a failed open needs no device and threads do not
 * mix.
 */
#ifndef PC_ERR_H
#define PC_ERR_H

#include <stddef.h>

/**
 * pc_fail() - set the calling thread's sentence
 * @err: negative errno
 * @fmt: the sentence: cause first, then the cure
 *
 * Return: @err, so that `return pc_fail(...)` reads well.
 */
int pc_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The system's text for a negative errno, in the calling thread's own buffer. */
const char *pc_strerror(int err);

/* Forget the sentence. */
void pc_err_clear(void);

#endif /* PC_ERR_H */
