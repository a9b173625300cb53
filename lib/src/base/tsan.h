// SPDX-License-Identifier: Apache-2.0
/* Tells ThreadSanitizer of an order that a library which it does not see through keeps. */
#ifndef PC_TSAN_H
#define PC_TSAN_H

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define PC_TSAN_ACQUIRE(address) __tsan_acquire((void *)(uintptr_t)(address))
#define PC_TSAN_RELEASE(address) __tsan_release((void *)(uintptr_t)(address))
#else
#define PC_TSAN_ACQUIRE(address) ((void)(address))
#define PC_TSAN_RELEASE(address) ((void)(address))
#endif

#endif
