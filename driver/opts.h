// SPDX-License-Identifier: Apache-2.0
/*
 * Options of the public interface. Each begins with its size, so that a program may be older or newer
 * than this library.
 */
#ifndef PC_OPTS_H
#define PC_OPTS_H

#include <stddef.h>

/**
 * pc_copy_opts() - take over the caller's options of any size
 * @to: options as this library knows them; a size_t, their size, is first
 * @size: of @to
 * @from: the caller's, or NULL: all zero
 *
 * A tail that this library does not know must be zero.
 *
 * Return: 0, -EINVAL without a size, -E2BIG for an option that is not known; then with a sentence.
 */
int pc_copy_opts(void *to, size_t size, const void *from);

#endif /* PC_OPTS_H */
