// SPDX-License-Identifier: Apache-2.0
/*
 * A TAP interface as a packet port: the kernel's network stack is the other end of the cable.
 *
 * An interface that exists is attached to; otherwise one is made that goes when the process does. It is not
 * brought up and gets no address: that is its owner's business. While it is down, frames sent are lost, as
 * on an unplugged cable.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ports/port.h"

static const char *cure(int error)
{
    switch (error) {
    case EPERM:
        return "no permission; run with CAP_NET_ADMIN, or make it first with "
               "\"ip tuntap add dev NAME mode tap user USER\"";
    case EBUSY:
        return "another process has it; stop that one or choose another name";
    case EINVAL:
        return "an interface of this name exists and is not a plain TAP; choose another name";
    case ENOENT:
    case ENODEV:
        return "the kernel has no TUN/TAP; load it with \"modprobe tun\"";
    default:
        return NULL;
    }
}

static int fail(struct pc_port *p, const char *what, int error)
{
    const char *text = cure(error);

    snprintf(p->message, sizeof(p->message), "%s: %s", what, text ? text : strerror(error));
    return -error;
}

static int tap_open(struct pc_port *p, const char *arg)
{
    struct ifreq r;
    size_t len = strlen(arg);

    if (len >= IFNAMSIZ || strpbrk(arg, "/:% \t\n") || !strcmp(arg, ".") || !strcmp(arg, "..")) {
        snprintf(p->message, sizeof(p->message),
                 "\"%.40s\" cannot be the name of an interface; use at most %d characters without "
                 "space, slash, colon or percent",
                 arg, IFNAMSIZ - 1);
        return -EINVAL;
    }
    p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0)
        return fail(p, "/dev/net/tun", errno == EACCES ? EPERM : errno);
    memset(&r, 0, sizeof(r));
    memcpy(r.ifr_name, arg, len);
    r.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(p->fd, TUNSETIFF, &r))
        return fail(p, "TAP interface", errno);
    return 0;
}

static ssize_t tap_recv(struct pc_port *p, void *buf, size_t cap)
{
    uint8_t rest[1];
    struct iovec v[2] = {{.iov_base = buf, .iov_len = cap}, {.iov_base = rest, .iov_len = 1}};
    ssize_t n = readv(p->fd, v, 2);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        snprintf(p->message, sizeof(p->message), "the TAP interface is gone: %s", strerror(errno));
        return -errno;
    }
    if (n == 0 || (size_t)n > cap) { /* the byte in rest says that it was longer */
        p->stats.rx_refused++;
        return 0;
    }
    return n;
}

static int tap_send(struct pc_port *p, const void *buf, size_t len)
{
    if (write(p->fd, buf, len) >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return -EAGAIN;
    case EIO:    /* the interface is down */
    case EINVAL: /* shorter than an Ethernet header */
        p->stats.tx_lost++;
        return 0;
    default:
        snprintf(p->message, sizeof(p->message), "the TAP interface is gone: %s", strerror(errno));
        return -errno;
    }
}

static void tap_close(struct pc_port *p)
{
    if (p->fd >= 0)
        close(p->fd);
}

const struct pc_port_ops pc_port_tap = {"tap", tap_open, tap_recv, tap_send, tap_close};
