// SPDX-License-Identifier: Apache-2.0
/*
 * A vfio-user connection of the client: one request and its reply at a time, under one lock.
 *
 * While it waits it serves the DMA commands of the server. Nothing the server says is believed:
 * sizes, identifiers, flags and counts are checked, every wait has a deadline, and a connection
 * that is out of step, silent or closed is dead for good (its device is gone). A refusal by the
 * server (an error reply) leaves it usable.
 */
#ifndef PC_VFU_CONN_H
#define PC_VFU_CONN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio_user_wire.h"

struct portcam_dev;

struct pc_vfuc_conn {
    struct portcam_dev *dev;
    pthread_mutex_t lock;
    int fd;
    unsigned timeout_ms;
    uint16_t next_id;
    bool dead;
    bool only_commands; /* came since the request */
    char why[128];      /* of death */
    uint32_t max_xfer;
    _Atomic bool master; /* the card may do DMA */
    unsigned char *rx;   /* payload of the message being read, PC_VFU_MAX_MSG bytes */
};

/* A request and what its reply may be. */
struct pc_vfuc_call {
    enum pc_vfu_cmd cmd;
    const void *head;
    size_t head_len;
    const void *data; /* follows head; NULL for none */
    size_t data_len;
    const int *fds;
    unsigned n_fds;
    void *reply; /* payload goes here */
    size_t reply_min;
    size_t reply_max;
};

/* Connect. Return: 0 or -errno with a sentence. */
int pc_vfuc_connect(struct pc_vfuc_conn *c, struct portcam_dev *dev, const char *path,
                    unsigned timeout_ms);
void pc_vfuc_disconnect(struct pc_vfuc_conn *c);

/*
 * One request. *ret_len (may be NULL) gets the payload's size, within reply_min and reply_max.
 * Return: 0; -errno told by the server; -ENODEV connection closed; -ETIMEDOUT; -EPROTO nonsense
 * received.
 */
int pc_vfuc_call(struct pc_vfuc_conn *c, const struct pc_vfuc_call *call, size_t *ret_len);

/*
 * Serve commands that are waiting, without waiting for more. Return: 0, -ENODEV, -EPROTO,
 * -ETIMEDOUT.
 */
int pc_vfuc_pump(struct pc_vfuc_conn *c);

/* The server's claim makes no sense: end the connection. Return: -EPROTO with a sentence. */
int pc_vfuc_nonsense(struct pc_vfuc_conn *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The layer of bytes below (vfu_io.c), called with the lock held. `deadline` is on the clock of
 * pc_now_ms().
 */
struct iovec;
int pc_vfuc_send(struct pc_vfuc_conn *c, struct iovec *iov, unsigned n_iov, const int *fds,
                 unsigned n_fds, int64_t deadline);
/* Header and payload of the next message; the payload is in c->rx. */
int pc_vfuc_receive(struct pc_vfuc_conn *c, struct pc_vfu_header *h, size_t *ret_len,
                    int64_t deadline);
/* End of the connection because the deadline is over. */
int pc_vfuc_late(struct pc_vfuc_conn *c);
/* End of the connection; the first reason is kept. Return: err with a sentence. */
int pc_vfuc_die(struct pc_vfuc_conn *c, int err, const char *why);
int pc_vfuc_die_of(struct pc_vfuc_conn *c, const char *what, unsigned long long value);

#endif /* PC_VFU_CONN_H */
