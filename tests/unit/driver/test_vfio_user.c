// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user client against a server that keeps the rules: every message, in every splitting,
 * both directions.
 */
#include "driver_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dev_ops.h"
#include "fake_server.h"
#include "portcam_defs.h"
#include "vfu_version.h"

static struct fs s;
static struct portcam_dev *dev;
static unsigned fds_before;

static unsigned open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static int setup(void **state)
{
    (void)state;
    fds_before = open_fds();
    memset(&s, 0, sizeof(s));
    dev = NULL;
    return 0;
}

static int open_server(unsigned timeout_ms)
{
    struct portcam_dev_opts opts = {
        .sz = sizeof(opts),
        .timeout_ms = timeout_ms,
        .arena_size = 2u << 20,
    };

    return portcam_dev_open(s.name, &opts, &dev);
}

static void start(void)
{
    fs_start(&s);
    if (open_server(2000) != 0)
        fail_msg("open: %s", portcam_dev_error());
}

static int teardown(void **state)
{
    (void)state;
    portcam_dev_close(dev);
    fs_stop(&s);
    assert_int_equal(open_fds(), fds_before);
    return 0;
}

static void check_registers(void)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(portcam_reg_write32(dev, 0x2000 + i * 4, i * 0x01010101), 0);
        assert_int_equal(portcam_reg_read32(dev, 0x2000 + i * 4, &value), 0);
        assert_int_equal(value, i * 0x01010101);
    }
}

static void good(void **state)
{
    const struct portcam_dev_info *info;
    void *vaddr;
    uint64_t iova;

    (void)state;
    start();
    info = portcam_dev_info(dev);
    assert_string_equal(info->transport, "vfio-user");
    assert_int_equal(info->vendor_id, 0x1234);
    assert_int_equal(info->device_id, 0x9ca0);
    assert_int_equal(info->vectors, 8);
    assert_int_equal(info->dma_maps_max, 6);
    assert_int_equal(s.config[4], 0x02); /* memory on, bus master cleared first */
    check_registers();
    assert_int_equal(portcam_dma_alloc(dev, 5000, 4096, &vaddr, &iova), 0);
    memset(vaddr, 0x5c, 5000);
    assert_non_null(s.maps[0].at); /* the server has the very memory */
    assert_int_equal(s.maps[0].seals, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(s.maps[0].at[iova - s.maps[0].iova + 4999], 0x5c);
    s.maps[0].at[iova - s.maps[0].iova] = 0x11;
    assert_int_equal(*(unsigned char *)vaddr, 0x11);
    assert_int_equal(portcam_dev_start(dev), 0);
    assert_int_equal(s.config[4], 0x06);
    assert_int_equal(portcam_dev_start(dev), 0);
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(s.config[4], 0x02);
    assert_int_equal(atomic_load(&s.commands[PC_VFU_DEVICE_RESET]), 1);
    assert_int_equal(portcam_dev_alive(dev), 0);
    portcam_dev_close(dev);
    dev = NULL;
    assert_int_equal(atomic_load(&s.commands[PC_VFU_DMA_UNMAP]), 1);
    assert_int_equal(open_server(2000), 0); /* and again */
    assert_int_equal(atomic_load(&s.clients), 2);
}

static void split(void **state)
{
    (void)state;
    s.split = true;
    start();
    check_registers();
}

static void stray_descriptors(void **state)
{
    (void)state;
    s.region_fds = true;
    start();
    check_registers();
}

static void interrupts(void **state)
{
    int fds[8];
    uint64_t n;

    (void)state;
    start();
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(portcam_irq_open(&fds[i]), 0);
    assert_int_equal(portcam_dev_set_irqs(dev, 0, 8, fds), 0);
    /* REQ and ERR at open, then eight vectors of which a message takes two */
    assert_int_equal(atomic_load(&s.commands[PC_VFU_DEVICE_SET_IRQS]), 2 + 4);
    for (unsigned i = 0; i < 8; i++) {
        fs_fire(&s, 2, i);
        fs_fire(&s, 2, i);
        assert_int_equal(portcam_irq_drain(fds[i], &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(portcam_irq_drain(fds[i], &n), 0);
        assert_int_equal(n, 0);
    }
    int some[3] = {-1, fds[1], -1};
    assert_int_equal(portcam_dev_set_irqs(dev, 1, 3, some), 0);
    assert_int_equal(s.irq_fds[2][1], -1);
    assert_int_not_equal(s.irq_fds[2][2], -1);
    assert_int_equal(s.irq_fds[2][3], -1);
    fs_fire(&s, 2, 2);
    assert_int_equal(portcam_irq_wait(dev, fds[1], 1000), 0);
    assert_err(portcam_irq_wait(dev, fds[1], 10), ETIMEDOUT);
    assert_int_equal(portcam_dev_set_irqs(dev, 0, 0, NULL), 0);
    assert_int_equal(s.irq_fds[2][0], -1);
    assert_err(portcam_dev_set_irqs(dev, 7, 2, fds), EINVAL);
    for (unsigned i = 0; i < 8; i++)
        close(fds[i]);
}

static void states(void **state)
{
    int fds[PORTCAM_DEV_POLL_FDS];

    (void)state;
    start();
    assert_int_equal(portcam_dev_poll_fds(dev, fds), 3);
    fs_fire(&s, PC_VFU_IRQ_REQ, 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_RELEASE_WANTED);
    fs_fire(&s, PC_VFU_IRQ_ERR, 0);
    assert_err(portcam_dev_alive(dev), EIO);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_ERROR);
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
}

static void without_states(void **state)
{
    int fds[PORTCAM_DEV_POLL_FDS];

    (void)state;
    s.no_err_req = true;
    start();
    assert_int_equal(portcam_dev_poll_fds(dev, fds), 1);
}

static void mappings(void **state)
{
    static _Alignas(4096) char memory[8 * 4096];

    (void)state;
    start();
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(portcam_map_dma(dev, (32u << 20) + i * 4096, 4096, -1, 0,
                                         memory + i * 4096, PORTCAM_DMA_READ),
                         0);
    assert_err(portcam_map_dma(dev, 64u << 20, 4096, -1, 0, memory, PORTCAM_DMA_READ), ENOSPC);
    assert_says("takes 6 mappings");
    assert_err(portcam_map_dma(dev, 32u << 20, 4096, -1, 0, memory, PORTCAM_DMA_READ), EEXIST);
    assert_int_equal(portcam_unmap_dma(dev, 32u << 20, 4096), 0);
    assert_int_equal(portcam_map_dma(dev, 64u << 20, 4096, -1, 0, memory, PORTCAM_DMA_READ), 0);
    assert_int_equal(atomic_load(&s.commands[PC_VFU_DMA_MAP]), 7);
}

/* DMA messages while a request is pending: what the server found goes to where the test looks. */
static struct {
    uint64_t iova;
    unsigned char read[100];
    int errors[8];
    atomic_bool armed;
} dma;

static enum fs_verdict dma_in_request(struct fs *f, const struct pc_vfu_header *h,
                                      unsigned char *payload, size_t len)
{
    unsigned char big[65536];

    (void)payload, (void)len;
    if (h->cmd != PC_VFU_REGION_READ || !atomic_exchange(&dma.armed, false))
        return FS_PASS;
    memset(big, 0xab, sizeof(big));
    dma.errors[0] = fs_dma(f, false, dma.iova, dma.read, 100);
    dma.errors[1] = fs_dma(f, true, dma.iova + 200, big, 50);
    dma.errors[2] = fs_dma(f, true, dma.iova, big, 65536);
    dma.errors[3] = fs_dma(f, false, 0x1000, big, 4);
    dma.errors[4] = fs_dma(f, false, dma.iova, big, 65537);
    dma.errors[5] = fs_dma(f, false, UINT64_MAX, big, 4);
    dma.errors[6] = fs_dma(f, false, dma.iova, big, UINT64_MAX);
    return FS_PASS;
}

static void dma_messages(void **state)
{
    unsigned char *memory;
    uint32_t value;
    void *p;

    (void)state;
    s.hook = dma_in_request;
    start();
    assert_int_equal(portcam_dma_alloc(dev, 65536, 4096, &p, &dma.iova), 0);
    memory = p;
    memset(memory, 0x33, 100);
    memset(dma.read, 0, sizeof(dma.read));
    atomic_store(&dma.armed, true);
    assert_int_equal(portcam_reg_read32(dev, 0, &value), 0);
    assert_int_equal(value, PORTCAM_MAGIC);
    assert_int_equal(dma.errors[0], EACCES); /* no bus master yet */
    assert_int_equal(dma.errors[1], EACCES);
    assert_int_equal(memory[200], 0);
    assert_int_equal(portcam_dev_start(dev), 0);
    atomic_store(&dma.armed, true);
    assert_int_equal(portcam_reg_read32(dev, 0, &value), 0);
    assert_int_equal(value, PORTCAM_MAGIC);
    assert_int_equal(dma.errors[0], 0);
    assert_int_equal(dma.read[0], 0x33);
    assert_int_equal(dma.read[99], 0x33);
    assert_int_equal(dma.errors[1], 0);
    assert_int_equal(dma.errors[2], 0);
    assert_int_equal(memory[0], 0xab);
    assert_int_equal(memory[65535], 0xab);
    assert_int_equal(dma.errors[3], EFAULT);
    assert_int_equal(dma.errors[4], EINVAL); /* beyond what was agreed */
    assert_int_equal(dma.errors[5], EFAULT);
    assert_int_equal(dma.errors[6], EINVAL);
    check_registers();
}

/* A DMA command and the reply in one piece, and commands that want no reply. */
static enum fs_verdict several_in_one(struct fs *f, const struct pc_vfu_header *h,
                                      unsigned char *payload, size_t len)
{
    struct {
        struct pc_vfu_header h;
        struct pc_vfu_dma_access a;
        unsigned char data[8];
    } write = {{0x1111, PC_VFU_DMA_WRITE, sizeof(write), PC_VFU_F_NO_REPLY, 0}, {dma.iova, 8}, {7}};
    struct {
        struct pc_vfu_header h;
        struct pc_vfu_region_access a;
        uint32_t value;
    } reply = {{h->id, h->cmd, sizeof(reply.h) + 20, PC_VFU_F_REPLY, 0}, {0, 0, 4}, 0x01020304};
    unsigned char all[3 * sizeof(write) + sizeof(reply)];

    if (h->cmd != PC_VFU_REGION_READ || !atomic_exchange(&dma.armed, false))
        return FS_PASS;
    if (len >= sizeof(reply.a))
        memcpy(&reply.a, payload, sizeof(reply.a));
    for (unsigned i = 0; i < 3; i++) {
        write.a.iova = dma.iova + i * 8;
        write.data[0] = (unsigned char)(7 + i);
        memcpy(all + i * sizeof(write), &write, sizeof(write));
    }
    memcpy(all + 3 * sizeof(write), &reply.h, sizeof(reply.h));
    memcpy(all + 3 * sizeof(write) + 16, &reply.a, 16);
    memcpy(all + 3 * sizeof(write) + 32, &reply.value, 4);
    fs_send(f, all, 3 * sizeof(write) + 36);
    return FS_DONE;
}

static void pieces_together(void **state)
{
    unsigned char *memory;
    uint32_t value;
    void *p;

    (void)state;
    s.hook = several_in_one;
    start();
    assert_int_equal(portcam_dma_alloc(dev, 4096, 4096, &p, &dma.iova), 0);
    memory = p;
    assert_int_equal(portcam_dev_start(dev), 0);
    for (unsigned round = 0; round < 2; round++) {
        s.split = round == 1;
        memset(memory, 0, 64);
        atomic_store(&dma.armed, true);
        assert_int_equal(portcam_reg_read32(dev, 0x2000, &value), 0);
        assert_int_equal(value, 0x01020304);
        assert_int_equal(memory[0], 7);
        assert_int_equal(memory[8], 8);
        assert_int_equal(memory[16], 9);
    }
}

/* Commands that come while nobody waits are served by the liveness check. */
static void pumped(void **state)
{
    struct {
        struct pc_vfu_header h;
        struct pc_vfu_dma_access a;
        unsigned char data[8];
    } write = {{9, PC_VFU_DMA_WRITE, sizeof(write), PC_VFU_F_NO_REPLY, 0}, {0, 8}, {42}};
    unsigned char *memory;
    uint64_t iova;
    void *p;

    (void)state;
    start();
    assert_int_equal(portcam_dma_alloc(dev, 4096, 4096, &p, &iova), 0);
    memory = p;
    assert_int_equal(portcam_dev_start(dev), 0);
    write.a.iova = iova;
    assert_int_equal(send(s.conn, &write, sizeof(write), 0), sizeof(write));
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_int_equal(memory[0], 42);
    /* an unknown command is refused and the connection goes on */
    write.h.cmd = 99;
    assert_int_equal(send(s.conn, &write, sizeof(write), 0), sizeof(write));
    assert_int_equal(portcam_dev_alive(dev), 0);
}

static void refusals(void **state)
{
    uint32_t value = 9;

    (void)state;
    s.bar0_size = 0x20000; /* the server answers EINVAL above 64 KiB */
    start();
    assert_err(portcam_reg_read32(dev, 0x11000, &value), EINVAL);
    assert_says("refused command 9");
    assert_int_equal(value, 9);
    check_registers();
}

static void *reader(void *arg)
{
    for (unsigned i = 0; i < 500; i++) {
        uint32_t value = 0;

        if (portcam_reg_read32(arg, 0, &value) != 0 || value != PORTCAM_MAGIC ||
            portcam_dev_alive(arg) != 0)
            return arg;
    }
    return NULL;
}

static void threads(void **state)
{
    pthread_t t[3];

    (void)state;
    start();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, reader, dev), 0);
    for (unsigned i = 0; i < 3; i++) {
        void *bad;

        pthread_join(t[i], &bad);
        assert_null(bad);
    }
}

static void removal_ends_sleep(void **state)
{
    int fd;

    (void)state;
    start();
    assert_int_equal(portcam_irq_open(&fd), 0);
    shutdown(s.conn, SHUT_RDWR);
    assert_err(portcam_irq_wait(dev, fd, 5000), ENODEV);
    assert_says("card is gone");
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_GONE);
    assert_err(portcam_dev_alive(dev), ENODEV);
    close(fd);
}

static void cannot_connect(void **state)
{
    char name[300];
    struct portcam_dev *none = NULL;

    (void)state;
    start();
    assert_err(portcam_dev_open("vfio-user:", NULL, &none), EINVAL);
    assert_err(portcam_dev_open("vfio-user:/nonexistent/s", NULL, &none), ENOENT);
    assert_says("start the simulated card first");
    memset(name, 'x', sizeof(name));
    memcpy(name, "vfio-user:/", 11);
    name[sizeof(name) - 1] = '\0';
    assert_err(portcam_dev_open(name, NULL, &none), ENAMETOOLONG);
    snprintf(name, sizeof(name), "vfio-user:%s/t", s.dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/t", s.dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_err(portcam_dev_open(name, NULL, &none), ECONNREFUSED);
    assert_says("nobody listens");
    close(fd);
    unlink(at.sun_path);
    assert_null(none);
}

static void capabilities(void **state)
{
    static const char *const bad[] = {
        "x",
        "[]",
        "{",
        "null",
        "3",
        "{\"capabilities\":[]}",
        "{\"capabilities\":{\"max_msg_fds\":0}}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
        "{\"capabilities\":{\"max_data_xfer_size\":1.5}}",
        "{\"capabilities\":{\"pgsizes\":0}}",
        "{\"capabilities\":{\"pgsizes\":1073741824}}",
        "{\"capabilities\":{\"max_dma_maps\":{}}}",
        "{\"capabilities\":{},\"capabilities\":{}}",
        "{\"capabilities\":{\"max_msg_fds\":99999999999999999999}}",
    };
    struct pc_vfuc_caps caps = {7, 7, 7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(pc_vfuc_parse_caps(bad[i], strlen(bad[i]) + 1, &caps), -EPROTO);
    assert_int_equal(pc_vfuc_parse_caps("{}", 2, &caps), -EPROTO); /* no NUL */
    assert_int_equal(pc_vfuc_parse_caps("{}\0\0", 4, &caps), -EPROTO);
    assert_int_equal(caps.max_fds, 7);
    assert_int_equal(pc_vfuc_parse_caps("", 0, &caps), 0);
    assert_int_equal(caps.max_fds, 1);
    assert_int_equal(caps.max_data_xfer, 1 << 20);
    assert_int_equal(caps.max_dma_maps, 65535);
    assert_int_equal(caps.page_sizes, 4096);
    assert_int_equal(pc_vfuc_parse_caps("{}", 3, &caps), 0);
    const char big[] = "{\"capabilities\":{\"max_msg_fds\":1000,\"max_data_xfer_size\":99999999999,"
                       "\"unknown\":[],\"pgsizes\":4198400}}";
    assert_int_equal(pc_vfuc_parse_caps(big, sizeof(big), &caps), 0);
    assert_int_equal(caps.max_fds, 16);
    assert_int_equal(caps.max_data_xfer, 1 << 20);
    assert_int_equal(caps.page_sizes, 4198400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("vfio-user: open, registers, shared memory, reset, close, again", good, setup,
                  teardown),
        TEST_WITH("vfio-user: replies byte by byte", split, setup, teardown),
        TEST_WITH("vfio-user: descriptors nobody asked for are closed", stray_descriptors, setup,
                  teardown),
        TEST_WITH("vfio-user: vectors in several messages, disconnecting", interrupts, setup,
                  teardown),
        TEST_WITH("vfio-user: request and error interrupts are states", states, setup, teardown),
        TEST_WITH("vfio-user: a server without these interrupts", without_states, setup, teardown),
        TEST_WITH("vfio-user: number of mappings, overlap", mappings, setup, teardown),
        TEST_WITH("vfio-user: DMA messages while a request is pending", dma_messages, setup,
                  teardown),
        TEST_WITH("vfio-user: several messages in one piece", pieces_together, setup, teardown),
        TEST_WITH("vfio-user: DMA messages while nobody waits", pumped, setup, teardown),
        TEST_WITH("vfio-user: a refusal leaves the connection usable", refusals, setup, teardown),
        TEST_WITH("vfio-user: requests of several threads", threads, setup, teardown),
        TEST_WITH("vfio-user: removal ends a sleep", removal_ends_sleep, setup, teardown),
        TEST_WITH("vfio-user: names that do not connect", cannot_connect, setup, teardown),
        TEST("vfio-user: capabilities, good and bad JSON", capabilities),
    };

    return cmocka_run_group_tests_name("vfio-user", tests, NULL, NULL);
}
