// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts as eventfds: making, draining and sleeping on them, with an eye on the device.
 */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <portcam/dev.h>

#include "err.h"
#include "irq.h"

int portcam_irq_open(int *ret)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0) {
        int err = -errno;

        return pc_fail(err, "no eventfd for an interrupt: %s; raise the limit of open files",
                       pc_strerror(err));
    }
    *ret = fd;
    return 0;
}

int portcam_irq_drain(int fd, uint64_t *ret)
{
    uint64_t count = 0;

    if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count)) {
        int err = -errno;

        if (err != -EAGAIN && err != -EINTR)
            return pc_fail(err, "interrupt descriptor %d cannot be read: %s", fd, pc_strerror(err));
        count = 0;
    }
    if (ret)
        *ret = count;
    return 0;
}

int64_t pc_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int portcam_irq_wait(struct portcam_dev *dev, int fd, int timeout_ms)
{
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : pc_now_ms() + timeout_ms;

    for (;;) {
        struct pollfd fds[1 + PORTCAM_DEV_POLL_FDS];
        int dev_fds[PORTCAM_DEV_POLL_FDS];
        unsigned n = portcam_dev_poll_fds(dev, dev_fds);
        int64_t left = timeout_ms < 0 ? -1 : deadline - pc_now_ms();
        bool asked = false;
        int got;

        fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
        for (unsigned i = 0; i < n; i++)
            fds[1 + i] = (struct pollfd){.fd = dev_fds[i], .events = POLLIN};
        got = poll(fds, 1 + n, timeout_ms < 0 ? -1 : left < 0 ? 0 : (int)left);
        if (got < 0 && errno != EINTR) {
            int err = -errno;

            return pc_fail(err, "waiting for an interrupt failed: %s", pc_strerror(err));
        }
        if (got > 0 && fds[0].revents & POLLIN)
            return portcam_irq_drain(fd, NULL);
        if (got > 0 && fds[0].revents)
            return pc_fail(-EBADF, "descriptor %d is not open for interrupts", fd);
        for (unsigned i = 1; got > 0 && i <= n; i++)
            asked |= fds[i].revents != 0;
        if (asked) {
            int err = portcam_dev_alive(dev);

            if (err)
                return err;
        }
        if (timeout_ms >= 0 && pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT, "no interrupt for %d ms", timeout_ms);
    }
}
