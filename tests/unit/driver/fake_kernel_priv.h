// SPDX-License-Identifier: Apache-2.0
/* The inside of the false kernel, for the files that implement it. */
#ifndef FAKE_KERNEL_PRIV_H
#define FAKE_KERNEL_PRIV_H

#include "fake_kernel.h"

#include "driver_test.h"

enum { FIRST_FD = 1000 };

/* Where a region of the device lies in its file. */
#define REGION(index) ((uint64_t)(index) << 40)

/* Writes the call down. Return: false when it is to fail. */
bool fk_step(bool may_fail, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* errno is set. Return: -1. */
int fk_fails(int err);

/* A descriptor that is open from now on, or -1. */
int fk_new_fd(enum fk_kind kind);

/* What an open descriptor is. */
enum fk_kind fk_kind_of(int fd);

int fk_ioctl(int fd, unsigned long request, void *arg);

#endif
