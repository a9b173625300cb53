// SPDX-License-Identifier: Apache-2.0
/*
 * What the rooms of the vfio-user server share: its state, and one paragraph of functions for each room.
 * Nothing here is for users of the server; those read vfu.h.
 */
#ifndef PC_VFU_INTERNAL_H
#define PC_VFU_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ports/acceptor.h"
#include "vfio_user_wire.h"
#include "vfu/vfu.h"

/* ---- message.c: framing over a byte stream -------------------------------------------------------- */

enum {
    PC_FRAME_MAX_FDS = PC_VFU_MAX_FDS,
    PC_FRAME_MAX_OUT =
        4 << 20,           /* unsent bytes after which a client that does not read is dropped */
    PC_FRAME_MAX_BAD = 16, /* impossible headers in a row after which the stream is given up */
};

/*
 * How bytes come and go. recv stores up to *nfds descriptors, sets *nfds to their number and *lost when some
 * could not be delivered; it returns bytes, 0 at the end of the stream, -EAGAIN or another -errno. send
 * returns bytes taken or -errno. wait returns 0 when recv (or, with want_send, send) is worth a try,
 * -ETIMEDOUT or another -errno. close may be NULL; it is called once, when the client is given up.
 */
struct pc_stream {
    void *ctx;
    ssize_t (*recv)(void *ctx, void *buf, size_t len, int *fds, unsigned *nfds, bool *lost);
    ssize_t (*send)(void *ctx, const void *head, size_t head_len, const void *data, size_t len);
    int (*wait)(void *ctx, bool want_send, int timeout_ms);
    void (*close)(void *ctx);
};

/* A message that has arrived whole. The receiver owns payload and descriptors until pc_message_release(). */
struct pc_message {
    struct pc_vfu_header header;
    uint8_t *payload; /* exactly len bytes of their own, NULL when len is 0 */
    uint32_t len;
    int fds[PC_FRAME_MAX_FDS];
    unsigned nfds;
    bool lost_fds;
};

struct pc_frame {
    struct pc_stream io;
    struct pc_message in; /* being received */
    size_t have;          /* bytes of it, header included */
    unsigned bad;         /* impossible headers in a row */
    uint8_t *out;         /* unsent bytes: out[out_at..out_len) */
    size_t out_at, out_len, out_cap;
};

void pc_frame_init(struct pc_frame *f, const struct pc_stream *io);
void pc_frame_reset(struct pc_frame *f);
/* 1: *m is a message; 0: none yet; -EBADMSG: *m is a header whose size cannot be; else the stream is over. */
int pc_frame_receive(struct pc_frame *f, struct pc_message *m);
int pc_frame_send(struct pc_frame *f, const struct pc_vfu_header *h, const void *a, size_t a_len,
                  const void *b, size_t b_len);
int pc_frame_flush(struct pc_frame *f);
bool pc_frame_unsent(const struct pc_frame *f);
void pc_message_release(struct pc_message *m);
int pc_message_take_fd(struct pc_message *m, unsigned index);

/* ---- dma_map.c: the client's memory ----------------------------------------------------------------- */

struct pc_vfu_file; /* one mapped file */

struct pc_vfu_map {
    uint64_t first, last;     /* I/O addresses, both inclusive */
    uint64_t offset;          /* in the file */
    uint32_t flags;           /* PC_VFU_DMA_FLAG_* */
    struct pc_vfu_file *file; /* NULL: reach it by messages */
};

struct pc_vfu_maps {
    void *maps; /* tsearch trees */
    void *files;
    uint64_t count, fdless, file_count;
};

/* Takes over fd (-1: none) whatever happens. */
int pc_vfu_maps_add(struct pc_vfu_maps *t, const struct pc_vfu_dma_map *req, int fd);
int pc_vfu_maps_remove(struct pc_vfu_maps *t, uint64_t iova, uint64_t size);
void pc_vfu_maps_clear(struct pc_vfu_maps *t);
const struct pc_vfu_map *pc_vfu_maps_find(const struct pc_vfu_maps *t, uint64_t iova);
/* Where iova, inside m, is mapped here: for pc_client_copy() and nothing else. */
uint8_t *pc_vfu_map_at(const struct pc_vfu_map *m, uint64_t iova);

/* ---- client_copy.c: copies that survive the memory's end -------------------------------------------- */

void pc_client_copy_init(void); /* takes SIGBUS, unless it has it */
/*
 * len bytes of client memory from ours, or into ours (then ours is written). Return: 0, or -EFAULT when the
 * memory is not there any more, with a part copied.
 */
int pc_client_copy(uint8_t *client, uint8_t *ours, size_t len, bool write);

/* ---- config_space.c: PCI configuration space -------------------------------------------------------- */

struct pc_config {
    uint8_t bytes[PC_VFU_CONFIG_BYTES];
    uint16_t vendor, device;
    unsigned vectors;
    bool pulled; /* out of its slot: nothing is enabled, for good */
};

void pc_config_init(struct pc_config *c, uint16_t vendor, uint16_t device, unsigned vectors);
void pc_config_reset(struct pc_config *c);
void pc_config_read(const struct pc_config *c, uint32_t offset, uint8_t *dst, size_t len);
/* Writes in range; true when the write asks for a function level reset. */
bool pc_config_write(struct pc_config *c, uint32_t offset, const uint8_t *data, size_t len);
bool pc_config_memory_enabled(const struct pc_config *c); /* MEM set and power state D0 */
bool pc_config_bus_master(const struct pc_config *c);     /* BME set and power state D0 */
bool pc_config_function_mask(const struct pc_config *c);  /* MSI-X enabled and masked as a whole */

/* ---- irq.c: interrupts ------------------------------------------------------------------------------ */

struct pc_irq_line {
    int fd;      /* -1: none */
    bool masked; /* by SET_IRQS */
    bool pending;
    bool row_written; /* the client programs this row of the table itself */
    uint32_t row[4];  /* address low, address high, data, control (bit 0 is the mask) */
};

struct pc_irqs {
    struct pc_irq_line msix[PC_VFU_MAX_VECTORS];
    int err_fd, req_fd;
};

void pc_irqs_init(struct pc_irqs *q);
void pc_irqs_close(struct pc_irqs *q); /* the client is gone: drop descriptors and its masks */
void pc_irqs_reset(struct pc_irqs *q); /* function reset: rows and pending bits */
unsigned pc_irq_count(const struct pc_vfu *s, uint32_t index);
int pc_irq_set(struct pc_vfu *s, struct pc_message *m);
void pc_irq_resend(struct pc_vfu *s); /* something was unmasked: send what is pending */
void pc_irq_bar_read(const struct pc_vfu *s, uint32_t offset, uint8_t *dst, size_t len);
void pc_irq_bar_write(struct pc_vfu *s, uint32_t offset, uint32_t value);

/* ---- regions.c: what REGION_READ and REGION_WRITE reach ---------------------------------------------- */

uint64_t pc_region_size(uint32_t index);
void pc_region_read(struct pc_vfu *s, uint32_t index, uint64_t offset, uint8_t *dst, size_t len);
void pc_region_write(struct pc_vfu *s, uint32_t index, uint64_t offset, const uint8_t *src,
                     size_t len);
void pc_function_reset(struct pc_vfu *s);

/* ---- version.c: negotiation ------------------------------------------------------------------------- */

struct pc_version {
    bool done;
    uint32_t max_data; /* most bytes of data in one message the client accepts */
};

/* Writes the reply payload to out, returns its length or -errno. */
ssize_t pc_version_negotiate(struct pc_version *v, const uint8_t *payload, size_t len, char *out,
                             size_t cap);

/* ---- commands.c, dma.c, socket.c and server.c ------------------------------------------------------------------------ */

enum { PC_REFUSED = 4 /* clients waiting to be told that they cannot be served */ };

struct pc_vfu {
    struct pc_vfu_device dev;
    struct pc_vfu_stats stats;
    struct pc_config config;
    struct pc_irqs irqs;
    struct pc_vfu_maps dma;
    struct pc_version version;
    struct pc_frame frame;

    bool connected;
    uint64_t client;  /* number of the connection, so that a waiter notices a change */
    bool answering;   /* a request is being executed and has no reply yet */
    bool dma_waiting; /* a DMA message is out ... */
    uint16_t dma_id;  /* ... with this id (of the last one, when none is out) ... */
    uint16_t dma_cmd; /* ... and this command */
    bool dma_answered;
    struct pc_message dma_reply; /* valid once dma_answered */

    int epoll_fd, conn_fd;
    struct pc_acceptor acceptor;
    int refused[PC_REFUSED];
    bool conn_wants_send;
    char *path;
};

/* A server without socket, for any stream; pc_vfu_new() adds the socket. NULL: no memory or bad device. */
struct pc_vfu *pc_vfu_new_bare(const struct pc_vfu_device *dev, char *err, size_t err_len);
void pc_vfu_attach(struct pc_vfu *s, const struct pc_stream *io);
void pc_vfu_detach(
    struct pc_vfu *s); /* drops maps, interrupts and the stream; device state stays */
/* Serves up to limit messages. Return: commands served; the client is gone when !s->connected after it. */
int pc_vfu_serve(struct pc_vfu *s, unsigned limit);
void pc_vfu_command(struct pc_vfu *s, struct pc_message *m);
int pc_socket_watch(struct pc_vfu *s, int op, int fd, uint32_t events); /* epoll_ctl */
void pc_socket_attach(struct pc_vfu *s); /* s->conn_fd is a new client */
void pc_vfu_notice(struct pc_vfu *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* PC_VFU_INTERNAL_H */
