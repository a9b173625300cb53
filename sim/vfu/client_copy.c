// SPDX-License-Identifier: Apache-2.0
/*
 * Copies to and from memory of the client that is mapped here, and that the client may take away meanwhile:
 * it may truncate the file, punch a hole where no page can be had any more, or keep its file in a file system
 * that is full. Any of these raises SIGBUS in the copy, and the copy then fails with -EFAULT.
 *
 * A look at the file before the copy promises nothing, because the file may change after it, and a seal against
 * shrinking does not keep holes out. pread() and pwrite() are no way either: files of huge pages cannot be
 * written so, and a driver that polls memory relies on the order of words, which they do not keep. Only a fault
 * inside of a copy, in the thread that makes it, is taken: every other SIGBUS goes where it went before.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "vfu/internal.h"

static _Thread_local sigjmp_buf landing;
static _Thread_local volatile sig_atomic_t copying;
static struct sigaction before;

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
    if (copying && info->si_code > 0) { /* a fault; what kill() sends is not positive */
        copying = 0;
        siglongjmp(landing, 1);
    }
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(sig, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(sig);
    } else if (info->si_code > 0) {
        sigaction(sig, &before, NULL); /* the fault comes again, and ends the process */
    } else if (before.sa_handler == SIG_DFL) {
        sigaction(sig, &before, NULL);
        raise(sig);
    }
}

void pc_client_copy_init(void)
{
    /* Not blocked in its handler: the jump out of it needs not to restore a mask. */
    struct sigaction now,
        mine = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigemptyset(&mine.sa_mask);
    if (sigaction(SIGBUS, NULL, &now) ||
        ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus_error))
        return;
    before = now;
    sigaction(SIGBUS, &mine, NULL);
}

/*
 * Ascending copies of shared memory by the widest words alignment allows. Functions of their own, not inlined:
 * what they change is not in the frame that a jump returns to.
 */
static __attribute__((noinline)) void from_client(uint8_t *dst, const uint8_t *src, size_t len)
{
    while (len) {
        size_t n = 1;

        if (len >= 8 && !((uintptr_t)src & 7)) {
            uint64_t v = __atomic_load_n((const uint64_t *)(const void *)src, __ATOMIC_ACQUIRE);

            memcpy(dst, &v, n = 8);
        } else if (len >= 4 && !((uintptr_t)src & 3)) {
            uint32_t v = __atomic_load_n((const uint32_t *)(const void *)src, __ATOMIC_ACQUIRE);

            memcpy(dst, &v, n = 4);
        } else {
            *dst = __atomic_load_n(src, __ATOMIC_ACQUIRE);
        }
        dst += n;
        src += n;
        len -= n;
    }
}

static __attribute__((noinline)) void to_client(uint8_t *dst, const uint8_t *src, size_t len)
{
    while (len) {
        size_t n = 1;

        if (len >= 8 && !((uintptr_t)dst & 7)) {
            uint64_t v;

            memcpy(&v, src, n = 8);
            __atomic_store_n((uint64_t *)(void *)dst, v, __ATOMIC_RELEASE);
        } else if (len >= 4 && !((uintptr_t)dst & 3)) {
            uint32_t v;

            memcpy(&v, src, n = 4);
            __atomic_store_n((uint32_t *)(void *)dst, v, __ATOMIC_RELEASE);
        } else {
            __atomic_store_n(dst, *src, __ATOMIC_RELEASE);
        }
        dst += n;
        src += n;
        len -= n;
    }
}

int pc_client_copy(uint8_t *client, uint8_t *ours, size_t len, bool write)
{
    if (sigsetjmp(landing, 0))
        return -EFAULT;
    copying = 1;
    atomic_signal_fence(memory_order_seq_cst);
    if (write)
        to_client(client, ours, len);
    else
        from_client(ours, client, len);
    atomic_signal_fence(memory_order_seq_cst);
    copying = 0;
    return 0;
}
