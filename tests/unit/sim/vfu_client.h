// SPDX-License-Identifier: Apache-2.0
/*
 * A vfio-user client for tests that says exactly what it is told, right or wrong, and the fake card behind
 * the server. Client and server run in one thread: vc_call() sends, lets the server work, and receives.
 */
#ifndef PC_TEST_VFU_CLIENT_H
#define PC_TEST_VFU_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfio_user_wire.h"
#include "vfu/vfu.h"

enum { VC_VECTORS = 8, VC_VENDOR = 0x1234, VC_DEVICE = 0x9ca0, VC_NOTHING = -1000 };

struct vc {
    char dir[64], path[96];
    struct pc_vfu *server;
    int fd;
    uint16_t next_id;
    /* the fake card */
    uint32_t regs[PC_VFU_BAR0_BYTES / 4];
    unsigned reads, writes, resets;
    uint32_t last_offset;
    void (*on_write)(struct vc *c, uint32_t offset, uint32_t value);
    char notice[256];
    int result; /* for on_write */
    /* the last reply */
    struct pc_vfu_header reply;
    uint8_t data[PC_VFU_MAX_MSG];
};

struct vc *vc_new(void);       /* server, no client */
struct vc *vc_new_ready(void); /* server, client with versions agreed */
void vc_free(struct vc *c);
void vc_connect(struct vc *c);
void vc_disconnect(struct vc *c);
void vc_pump(struct vc *c); /* the server works until it has nothing to do */
void vc_raw(struct vc *c, const void *bytes, size_t len, const int *fds, unsigned nfds);
uint16_t vc_send(struct vc *c, uint16_t cmd, uint32_t flags, const void *payload, size_t len,
                 const int *fds, unsigned nfds);
/* Receives one reply, blocking at most timeout_ms. Return: payload bytes, -errno of the reply, VC_NOTHING. */
int vc_receive(struct vc *c, int timeout_ms);
/* Sends a command, returns as vc_receive(). */
int vc_call(struct vc *c, uint16_t cmd, const void *payload, size_t len);
int vc_call_fds(struct vc *c, uint16_t cmd, const void *payload, size_t len, const int *fds,
                unsigned nfds);
int vc_version(struct vc *c, uint16_t major, uint16_t minor, const char *json);
int vc_read(struct vc *c, uint32_t region, uint64_t offset, void *dst, uint32_t count);
int vc_write(struct vc *c, uint32_t region, uint64_t offset, const void *src, uint32_t count);
int vc_map(struct vc *c, uint64_t iova, uint64_t size, uint64_t offset, uint32_t flags, int fd);
int vc_unmap(struct vc *c, uint64_t iova, uint64_t size);
int vc_set_irqs(struct vc *c, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
                const int *fds, unsigned nfds);
void vc_command(struct vc *c, uint16_t value); /* COMMAND of configuration space */
int vc_memfd(size_t size);
unsigned vc_open_fds(void);
struct pc_vfu_stats vc_stats(struct vc *c);

#endif /* PC_TEST_VFU_CLIENT_H */
