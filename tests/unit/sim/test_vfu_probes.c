// SPDX-License-Identifier: Apache-2.0
/*
 * Probes of the vfio-user server, one row each: what is sent, what has to come back, and that the connection
 * lives on. The rows are those once run against libvfio-user's server; where we differ on purpose the row's
 * name says so ("ours").
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfu_client.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define WORDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__})
#define TEXT(s) s, sizeof(s) /* with its NUL */
#define TEXT_NO_NUL(s) s, sizeof(s) - 1

enum { NEW = 1, READY = 0 }; /* is the version agreed before the probe? */

struct probe {
    const char *name;
    int state;
    uint16_t cmd;
    const void *payload;
    size_t len;
    int expect;    /* payload bytes of the reply or -errno */
    uint32_t size; /* instead of the true size, when not 0 */
    uint32_t flags;
};

#define V(minor) "\0\0" minor "\0"
#define ARGS(iova, size)                                                                           \
    (uint32_t)(iova), (uint32_t)((uint64_t)(iova) >> 32), (uint32_t)(size),                        \
        (uint32_t)((uint64_t)(size) >> 32)
#define MAP(flags, iova, size) WORDS(32, flags, 0, 0, ARGS(iova, size))
#define UNMAP(flags, iova, size) WORDS(24, flags, ARGS(iova, size))
#define ACCESS(offset, region, count)                                                              \
    WORDS((uint32_t)(offset), (uint32_t)((uint64_t)(offset) >> 32), region, count)

/* The version reply: 4 bytes and 100 of JSON with its NUL. Fixed: a longer one is a decision. */
enum { VERSION_REPLY = 4 + 100 };

static const struct probe probes[] = {
    {"VERSION 0.0 without JSON (SPDK) is accepted", NEW, PC_VFU_VERSION, TEXT_NO_NUL(V("\0")),
     VERSION_REPLY, 0, 0},
    {"VERSION 0.9 is answered with our minor", NEW, PC_VFU_VERSION, TEXT_NO_NUL(V("\x9")),
     VERSION_REPLY, 0, 0},
    {"VERSION with only a NUL as JSON is accepted", NEW, PC_VFU_VERSION, TEXT(V("\0")),
     VERSION_REPLY, 0, 0},
    {"VERSION 1.0 is EINVAL", NEW, PC_VFU_VERSION, TEXT_NO_NUL("\1\0\0\0"), -EINVAL, 0, 0},
    {"VERSION with bad JSON is EINVAL", NEW, PC_VFU_VERSION, TEXT(V("\0") "{\"cap"), -EINVAL, 0, 0},
    {"VERSION with JSON that is no object is EINVAL", NEW, PC_VFU_VERSION, TEXT(V("\0") "[1]"),
     -EINVAL, 0, 0},
    {"VERSION with JSON without NUL is EINVAL", NEW, PC_VFU_VERSION, TEXT_NO_NUL(V("\0") "{}"),
     -EINVAL, 0, 0},
    {"VERSION with JSON without capabilities is accepted", NEW, PC_VFU_VERSION, TEXT(V("\0") "{}"),
     VERSION_REPLY, 0, 0},
    {"VERSION with capabilities that are no object is EINVAL", NEW, PC_VFU_VERSION,
     TEXT(V("\0") "{\"capabilities\":3}"), -EINVAL, 0, 0},
    {"VERSION with max_data_xfer_size 0 is EINVAL", NEW, PC_VFU_VERSION,
     TEXT(V("\0") "{\"capabilities\":{\"max_data_xfer_size\":0}}"), -EINVAL, 0, 0},
    {"VERSION with a negative number is EINVAL", NEW, PC_VFU_VERSION,
     TEXT(V("\0") "{\"capabilities\":{\"max_msg_fds\":-1}}"), -EINVAL, 0, 0},
    {"VERSION with a text for a number is EINVAL", NEW, PC_VFU_VERSION,
     TEXT(V("\0") "{\"capabilities\":{\"max_dma_maps\":\"x\"}}"), -EINVAL, 0, 0},
    {"VERSION of 3 bytes is EINVAL", NEW, PC_VFU_VERSION, BYTES(0, 0, 0), -EINVAL, 0, 0},
    {"GET_INFO before VERSION is EINVAL", NEW, PC_VFU_DEVICE_GET_INFO, WORDS(16, 0, 0, 0), -EINVAL,
     0, 0},
    {"RESET before VERSION is EINVAL", NEW, PC_VFU_DEVICE_RESET, NULL, 0, -EINVAL, 0, 0},
    {"second VERSION is EINVAL", READY, PC_VFU_VERSION, TEXT_NO_NUL(V("\0")), -EINVAL, 0, 0},

    {"GET_INFO", READY, PC_VFU_DEVICE_GET_INFO, WORDS(16, 0, 0, 0), 16, 0, 0},
    {"GET_INFO argsz 8 is EINVAL", READY, PC_VFU_DEVICE_GET_INFO, WORDS(8, 0, 0, 0), -EINVAL, 0, 0},
    {"GET_INFO payload 12 is EINVAL", READY, PC_VFU_DEVICE_GET_INFO, WORDS(16, 0, 0), -EINVAL, 0,
     0},
    {"GET_INFO payload 64 is accepted", READY, PC_VFU_DEVICE_GET_INFO,
     WORDS(64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 16, 0, 0},

    {"region 8 exists with size 0", READY, PC_VFU_DEVICE_GET_REGION_INFO,
     WORDS(32, 0, 8, 0, 0, 0, 0, 0), 32, 0, 0},
    {"region 9 is EINVAL", READY, PC_VFU_DEVICE_GET_REGION_INFO, WORDS(32, 0, 9, 0, 0, 0, 0, 0),
     -EINVAL, 0, 0},
    {"region info argsz 31 is EINVAL", READY, PC_VFU_DEVICE_GET_REGION_INFO,
     WORDS(31, 0, 0, 0, 0, 0, 0, 0), -EINVAL, 0, 0},
    {"region info argsz 4096 is answered with 32", READY, PC_VFU_DEVICE_GET_REGION_INFO,
     WORDS(4096, 0, 0, 0, 0, 0, 0, 0), 32, 0, 0},
    {"irq index 4 exists", READY, PC_VFU_DEVICE_GET_IRQ_INFO, WORDS(16, 0, 4, 0), 16, 0, 0},
    {"irq index 5 is EINVAL", READY, PC_VFU_DEVICE_GET_IRQ_INFO, WORDS(16, 0, 5, 0), -EINVAL, 0, 0},

    {"REGION_READ of the whole config space", READY, PC_VFU_REGION_READ, ACCESS(0, 7, 4096),
     16 + 4096, 0, 0},
    {"REGION_READ past the end is EINVAL", READY, PC_VFU_REGION_READ, ACCESS(4092, 7, 8), -EINVAL,
     0, 0},
    {"REGION_READ at an offset that overflows is EINVAL", READY, PC_VFU_REGION_READ,
     ACCESS(~0ull - 1, 7, 4), -EINVAL, 0, 0},
    {"REGION_READ of 4 GiB is EINVAL", READY, PC_VFU_REGION_READ, ACCESS(0, 0, ~0u), -EINVAL, 0, 0},
    {"REGION_READ of a region of size 0 is EINVAL", READY, PC_VFU_REGION_READ, ACCESS(0, 1, 4),
     -EINVAL, 0, 0},
    {"REGION_READ of the ROM is EINVAL", READY, PC_VFU_REGION_READ, ACCESS(0, 6, 4), -EINVAL, 0, 0},
    {"REGION_READ of region 77 is EINVAL", READY, PC_VFU_REGION_READ, ACCESS(0, 77, 4), -EINVAL, 0,
     0},
    {"REGION_READ count 0 succeeds (ours: with its 16 bytes)", READY, PC_VFU_REGION_READ,
     ACCESS(0, 7, 0), 16, 0, 0},
    {"REGION_READ with BARs off succeeds", READY, PC_VFU_REGION_READ, ACCESS(0, 0, 8), 24, 0, 0},
    {"REGION_READ of 15 bytes is EINVAL", READY, PC_VFU_REGION_READ,
     BYTES(0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0), -EINVAL, 0, 0},
    {"REGION_WRITE with less data than count is EINVAL", READY, PC_VFU_REGION_WRITE,
     WORDS(4, 0, 7, 4), -EINVAL, 0, 0},
    {"REGION_WRITE with BARs off succeeds", READY, PC_VFU_REGION_WRITE, WORDS(0, 0, 0, 4, 1), 16, 0,
     0},

    {"DMA_MAP unaligned without descriptor", READY, PC_VFU_DMA_MAP, MAP(3, 0x1234, 0x111), 0, 0, 0},
    {"DMA_MAP flags 0 is accepted", READY, PC_VFU_DMA_MAP, MAP(0, 0x10000, 0x1000), 0, 0, 0},
    {"DMA_MAP size 0 is EINVAL (ours)", READY, PC_VFU_DMA_MAP, MAP(3, 0x10000, 0), -EINVAL, 0, 0},
    {"DMA_MAP of an unknown flag is EINVAL", READY, PC_VFU_DMA_MAP, MAP(4, 0x10000, 0x1000),
     -EINVAL, 0, 0},
    {"DMA_MAP to the very end of the space", READY, PC_VFU_DMA_MAP, MAP(3, ~0ull - 0xfff, 0x1000),
     0, 0, 0},
    {"DMA_MAP beyond the end of the space is EINVAL", READY, PC_VFU_DMA_MAP,
     MAP(3, ~0ull - 0xfff, 0x1001), -EINVAL, 0, 0},
    {"DMA_MAP argsz 31 is EINVAL", READY, PC_VFU_DMA_MAP, WORDS(31, 3, 0, 0, ARGS(0, 4096)),
     -EINVAL, 0, 0},
    {"DMA_UNMAP of what was never mapped succeeds with 24 bytes (ours)", READY, PC_VFU_DMA_UNMAP,
     UNMAP(0, 0, 0x1000), 24, 0, 0},
    {"DMA_UNMAP up to 2^64 succeeds", READY, PC_VFU_DMA_UNMAP,
     UNMAP(0, 0xfef00000, 0xffffffff01100000), 24, 0, 0},
    {"DMA_UNMAP beyond 2^64 is EINVAL", READY, PC_VFU_DMA_UNMAP,
     UNMAP(0, 0xfef00001, 0xffffffff01100000), -EINVAL, 0, 0},
    {"DMA_UNMAP size 0 is EINVAL", READY, PC_VFU_DMA_UNMAP, UNMAP(0, 0x1000, 0), -EINVAL, 0, 0},
    {"DMA_UNMAP of all, bit 1", READY, PC_VFU_DMA_UNMAP, UNMAP(2, 0, 0), 24, 0, 0},
    {"DMA_UNMAP of all, bit 2 (rust-vmm)", READY, PC_VFU_DMA_UNMAP, UNMAP(4, 0, 0), 24, 0, 0},
    {"DMA_UNMAP of all with a range is EINVAL", READY, PC_VFU_DMA_UNMAP, UNMAP(2, 0, 0x1000),
     -EINVAL, 0, 0},
    {"DMA_UNMAP with a dirty bitmap is EINVAL", READY, PC_VFU_DMA_UNMAP, UNMAP(1, 0, 0x1000),
     -EINVAL, 0, 0},

    {"SET_IRQS one eventfd vector, no descriptor (QEMU's -1)", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x24, 2, 0, 1), 0, 0, 0},
    {"SET_IRQS disable of MSI-X", READY, PC_VFU_DEVICE_SET_IRQS, WORDS(20, 0x21, 2, 0, 0), 0, 0, 0},
    {"SET_IRQS disable of INTx, which has no line", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x21, 0, 0, 0), 0, 0, 0},
    {"SET_IRQS two actions is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS, WORDS(20, 0x31, 2, 0, 1),
     -EINVAL, 0, 0},
    {"SET_IRQS no action is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS, WORDS(20, 0x01, 2, 0, 1),
     -EINVAL, 0, 0},
    {"SET_IRQS unknown flag is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS, WORDS(20, 0x61, 2, 0, 1),
     -EINVAL, 0, 0},
    {"SET_IRQS index without lines is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x24, 1, 0, 1), -EINVAL, 0, 0},
    {"SET_IRQS index 5 is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS, WORDS(20, 0x24, 5, 0, 1), -EINVAL,
     0, 0},
    {"SET_IRQS nine vectors of eight is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x24, 2, 0, 9), -EINVAL, 0, 0},
    {"SET_IRQS start and count that overflow is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x24, 2, ~0u, 2), -EINVAL, 0, 0},
    {"SET_IRQS booleans missing is EINVAL", READY, PC_VFU_DEVICE_SET_IRQS,
     WORDS(20, 0x22, 2, 0, 5, 0), -EINVAL, 0, 0},

    {"WRITE_MULTI was not offered: ENOTSUP", READY, PC_VFU_REGION_WRITE_MULTI,
     WORDS(1, 0, 0, 0, 0, 4, 0, 0), -ENOTSUP, 0, 0},
    {"REGION_IO_FDS is ENOTSUP", READY, PC_VFU_DEVICE_GET_REGION_IO_FDS, WORDS(16, 0, 0, 0),
     -ENOTSUP, 0, 0},
    {"DEVICE_FEATURE is ENOTSUP", READY, PC_VFU_DEVICE_FEATURE, WORDS(8, 0), -ENOTSUP, 0, 0},
    {"command 0 is ENOTSUP", READY, 0, NULL, 0, -ENOTSUP, 0, 0},
    {"command 14 is ENOTSUP", READY, 14, NULL, 0, -ENOTSUP, 0, 0},
    {"command 65535 is ENOTSUP", READY, 65535, NULL, 0, -ENOTSUP, 0, 0},
    {"DMA_READ from a client is ENOTSUP", READY, PC_VFU_DMA_READ, WORDS(0, 0, 4, 0), -ENOTSUP, 0,
     0},
    {"a type that is neither command nor reply is EINVAL", READY, PC_VFU_DEVICE_RESET, NULL, 0,
     -EINVAL, 0, 7},
    {"RESET with stray payload is accepted", READY, PC_VFU_DEVICE_RESET, WORDS(1, 2, 3), 0, 0, 0},
    {"size 15 is EINVAL", READY, PC_VFU_DEVICE_RESET, NULL, 0, -EINVAL, 15, 0},
    {"size 0xffffffff is EINVAL", READY, PC_VFU_DEVICE_RESET, NULL, 0, -EINVAL, 0xffffffff, 0},
    {"size one above the largest is EINVAL", READY, PC_VFU_DEVICE_RESET, NULL, 0, -EINVAL,
     PC_VFU_MAX_MSG + 1, 0},
    {"a reply that nobody asked for is not answered (ours)", READY, PC_VFU_DMA_READ, NULL, 0,
     VC_NOTHING, 0, PC_VFU_F_REPLY},
    {"NO_REPLY is not answered", READY, PC_VFU_REGION_WRITE, WORDS(0, 0, 7, 1, 0), VC_NOTHING, 0,
     PC_VFU_F_NO_REPLY},
    {"an error is not answered with NO_REPLY", READY, 99, NULL, 0, VC_NOTHING, 0,
     PC_VFU_F_NO_REPLY},
};

static void run_probe(void **state)
{
    const struct probe *p = *state;
    struct vc *c = p->state == NEW ? vc_new() : vc_new_ready();
    uint8_t b[256];
    struct pc_vfu_header h = {.id = 4711, .cmd = p->cmd, .flags = p->flags};
    struct pc_vfu_device_info info = {.argsz = sizeof(info)};

    if (p->state == NEW)
        vc_connect(c);
    assert_true(p->len + sizeof(h) <= sizeof(b));
    h.size = p->size ? p->size : (uint32_t)(sizeof(h) + p->len);
    memcpy(b, &h, sizeof(h));
    if (p->len)
        memcpy(b + sizeof(h), p->payload, p->len);
    vc_raw(c, b, sizeof(h) + p->len, NULL, 0);
    vc_pump(c);
    assert_int_equal(vc_receive(c, 0), p->expect);
    if (p->expect != VC_NOTHING) {
        assert_int_equal(c->reply.id, h.id);
        assert_int_equal(c->reply.cmd, h.cmd);
    }
    /* The connection lives on and is in step. */
    if (p->state == NEW && !(p->cmd == PC_VFU_VERSION && p->expect > 0))
        assert_true(vc_version(c, 0, 0, NULL) > 0);
    assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_INFO, &info, sizeof(info)), sizeof(info));
    vc_free(c);
}

int main(void)
{
    enum { N = sizeof(probes) / sizeof(probes[0]) };
    struct CMUnitTest tests[N];

    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){probes[i].name, run_probe, NULL, NULL,
                                       (void *)(uintptr_t)&probes[i]};
    return _cmocka_run_group_tests("vfio-user probes", tests, N, NULL, NULL);
}
