// SPDX-License-Identifier: Apache-2.0
/*
 * Packet ports of the simulated card: where its Ethernet frames come from and go to.
 *
 *   tap:NAME       a TAP interface, attached to or made (gone again with the process unless it persists)
 *   pcap:IN,OUT    frames from one capture file, into another; either may be empty, and pcap:IN is enough
 *   socket:PATH    a UNIX stream socket that we listen on, framed as QEMU's stream netdev
 *   null           nothing comes, everything sent is counted and gone
 *
 * All ports carry whole frames without FCS of 1 to PC_PORT_MAX_FRAME bytes; others are refused and counted.
 * No call blocks. Nothing is printed: pc_port_message() has the last thing worth saying. Not thread-safe.
 */
#ifndef PC_PORT_H
#define PC_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PC_PORT_MAX_FRAME = 9600 };

/**
 * struct pc_port_stats - counters since pc_port_open()
 * @rx: frames handed to the card. @rx_refused: frames empty, longer than PC_PORT_MAX_FRAME or than the
 *      caller's buffer, or truncated by the capture.
 * @tx: frames taken. @tx_refused: frames empty or longer than PC_PORT_MAX_FRAME.
 * @tx_lost: frames taken that nobody can receive (no peer, interface down).
 * @peers: peers that connected (socket only).
 */
struct pc_port_stats {
    uint64_t rx;
    uint64_t rx_refused;
    uint64_t tx;
    uint64_t tx_refused;
    uint64_t tx_lost;
    uint64_t peers;
};

struct pc_port;

/**
 * struct pc_port_ops - what one kind of port does; users call the pc_port_*() functions instead
 * @open: from the text behind the colon; 0 or -errno with a sentence in the port's message.
 * @recv: as pc_port_recv(); may return 0 after refusing a frame although more is there.
 * @send: as pc_port_send(); @len has been checked.
 * @close: release everything; also called after a failed @open.
 */
struct pc_port_ops {
    const char *name;
    int (*open)(struct pc_port *p, const char *arg);
    ssize_t (*recv)(struct pc_port *p, void *buf, size_t cap);
    int (*send)(struct pc_port *p, const void *buf, size_t len);
    void (*close)(struct pc_port *p);
};

struct pc_port {
    const struct pc_port_ops *ops;
    int fd;
    struct pc_port_stats stats;
    char message[256];
    void *priv;
};

extern const struct pc_port_ops pc_port_tap, pc_port_pcap, pc_port_socket;

/**
 * pc_port_open() - open a port from its text
 * @err: on failure, a sentence that names the wrong part and the cure.
 * Return: the port, or NULL.
 */
struct pc_port *pc_port_open(const char *spec, char *err, size_t err_len);

/** pc_port_close() - NULL is allowed. */
void pc_port_close(struct pc_port *p);

/**
 * pc_port_fd() - descriptor that is readable (level-triggered) when pc_port_recv() has something to do
 * Return: the descriptor, or -1: a file or nothing, call pc_port_recv() whenever a frame is wanted.
 */
int pc_port_fd(const struct pc_port *p);

/**
 * pc_port_recv() - next frame
 * Return: its bytes; 0 nothing now; -ENODATA the capture file is at its end (or there is none); -EPROTO the
 * peer broke the framing and was disconnected, the port goes on; other -errno the port is broken. All but
 * the first two leave a sentence in pc_port_message().
 */
ssize_t pc_port_recv(struct pc_port *p, void *buf, size_t cap);

/**
 * pc_port_send() - send one frame
 * Return: 0 taken (perhaps lost, see the counters); -EMSGSIZE length not in 1..PC_PORT_MAX_FRAME; -EAGAIN
 * full, try again when pc_port_fd() was readable or after a while; other -errno the port is broken.
 */
int pc_port_send(struct pc_port *p, const void *buf, size_t len);

/** pc_port_message() - the last sentence about this port, empty when there is none; valid until close. */
const char *pc_port_message(const struct pc_port *p);

/** pc_port_get_stats() - copy the counters. */
void pc_port_get_stats(const struct pc_port *p, struct pc_port_stats *out);

#ifdef __cplusplus
}
#endif

#endif /* PC_PORT_H */
