// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user client against a server that lies: each field of each reply, early ends, silence,
 * noise. Every case must end in time, with an error and a sentence or with a usable device, and
 * leave nothing behind.
 */
#include "driver_test.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "dev_ops.h"
#include "fake_server.h"
#include "portcam_defs.h"

enum { TIMEOUT_MS = 60, PATIENT_MS = 500, LIMIT_MS = 1500 };

static struct fs s;
static unsigned fds_before;

/* What is wrong with the reply to the n-th command of a kind. */
enum lie {
    SIZE_0,
    SIZE_15,
    SIZE_16,
    SIZE_LESS,
    SIZE_MORE,   /* claims one byte more than is sent */
    SIZE_LONGER, /* one byte more, and it is sent */
    SIZE_HUGE,
    SIZE_ONES,
    SIZE_LIMIT, /* just beyond the largest message */
    WRONG_ID,
    WRONG_CMD,
    TYPE_COMMAND, /* a command where the reply should be, then nothing */
    TYPE_2,
    TYPE_15,
    ERROR_ZERO,
    ERROR_BIG,
    ERROR_EIO,
    ERROR_WITH_BODY,
    BODY_ONES,
    BODY_ZEROS,
    BODY_NOISE,
    CLOSE_AT_ONCE,
    CLOSE_IN_HEADER,
    CLOSE_IN_BODY,
    SILENCE,
    STALL_IN_HEADER,
    STALL_IN_BODY,
    ONLY_COMMANDS, /* DMA commands without end */
    N_LIES,
};

static struct {
    uint16_t cmd;
    unsigned nth; /* of this command, from 1 */
    enum lie lie;
    atomic_uint seen;
    uint32_t seed;
} want;

/* A good reply, to be spoilt. */
static unsigned char spoilt[8192];

static size_t good_reply(const struct pc_vfu_header *h, const unsigned char *payload,
                         unsigned char *out)
{
    struct pc_vfu_header r = *h;
    size_t len = h->size - sizeof(*h);

    r.flags = PC_VFU_F_REPLY;
    memcpy(out + sizeof(r), payload, len < 4096 ? len : 4096);
    switch (h->cmd) {
    case PC_VFU_VERSION: {
        static const char json[] = "{\"capabilities\":{\"max_msg_fds\":8}}";

        memcpy(out + sizeof(r) + 4, json, sizeof(json));
        len = 4 + sizeof(json);
        break;
    }
    case PC_VFU_DEVICE_GET_INFO: {
        const struct pc_vfu_device_info info = {16, 3, 9, 5};

        memcpy(out + sizeof(r), &info, sizeof(info));
        break;
    }
    case PC_VFU_REGION_READ:
        memset(out + sizeof(r) + len, 0x12, 4);
        len += 4;
        break;
    case PC_VFU_REGION_WRITE:
        len = sizeof(struct pc_vfu_region_access);
        break;
    case PC_VFU_DMA_MAP:
    case PC_VFU_DEVICE_SET_IRQS:
    case PC_VFU_DEVICE_RESET:
        len = 0;
        break;
    default:
        break;
    }
    r.size = (uint32_t)(sizeof(r) + len);
    memcpy(out, &r, sizeof(r));
    return r.size;
}

static void send_commands_for_ever(struct fs *f)
{
    struct {
        struct pc_vfu_header h;
        struct pc_vfu_dma_access a;
    } read = {{1, PC_VFU_DMA_READ, sizeof(read), 0, 0}, {0x1000, 4}};

    for (unsigned i = 0; i < 400 && !atomic_load(&f->stop); i++) {
        if (!fs_send(f, &read, sizeof(read)))
            return;
        usleep(1000);
    }
}

static enum fs_verdict tell_lie(struct fs *f, const struct pc_vfu_header *h, unsigned char *payload,
                                size_t len)
{
    unsigned char *out = spoilt;
    struct pc_vfu_header r;
    size_t n;

    (void)len;
    if (h->cmd != want.cmd || atomic_fetch_add(&want.seen, 1) + 1 != want.nth)
        return FS_PASS;
    n = good_reply(h, payload, out);
    memcpy(&r, out, sizeof(r));
    switch (want.lie) {
    case SIZE_0:
        r.size = 0;
        break;
    case SIZE_15:
        r.size = 15;
        break;
    case SIZE_16:
        r.size = 16;
        n = 16;
        break;
    case SIZE_LESS:
        r.size -= 1;
        n -= 1;
        break;
    case SIZE_MORE:
        r.size += 1;
        break;
    case SIZE_LONGER:
        r.size += 1;
        out[n++] = 0;
        break;
    case SIZE_HUGE:
        r.size = 0x7fffffff;
        break;
    case SIZE_ONES:
        r.size = UINT32_MAX;
        break;
    case SIZE_LIMIT:
        r.size = PC_VFU_MAX_MSG + 1;
        break;
    case WRONG_ID:
        r.id ^= 1;
        break;
    case WRONG_CMD:
        r.cmd ^= 1;
        break;
    case TYPE_COMMAND:
        r.flags = PC_VFU_F_COMMAND;
        break;
    case TYPE_2:
        r.flags = 2;
        break;
    case TYPE_15:
        r.flags = 15;
        break;
    case ERROR_ZERO:
    case ERROR_BIG:
    case ERROR_EIO:
        r.flags |= PC_VFU_F_ERROR;
        r.error = want.lie == ERROR_ZERO ? 0 : want.lie == ERROR_BIG ? 1u << 31 : EIO;
        r.size = 16;
        n = 16;
        break;
    case ERROR_WITH_BODY:
        r.flags |= PC_VFU_F_ERROR;
        r.error = EIO;
        break;
    case BODY_ONES:
        memset(out + 16, 0xff, n - 16);
        break;
    case BODY_ZEROS:
        memset(out + 16, 0, n - 16);
        break;
    case BODY_NOISE:
        for (size_t i = 16; i < n; i++)
            out[i] = (unsigned char)((want.seed = want.seed * 1664525u + 1013904223u) >> 24);
        break;
    case CLOSE_AT_ONCE:
        return FS_CLOSE;
    case CLOSE_IN_HEADER:
        fs_send(f, out, 7);
        return FS_CLOSE;
    case CLOSE_IN_BODY:
        fs_send(f, out, n > 17 ? 17 : n - 1);
        return FS_CLOSE;
    case SILENCE:
        return FS_DONE;
    case STALL_IN_HEADER:
        n = 9;
        break;
    case STALL_IN_BODY:
        n = n > 17 ? 17 : n - 1;
        break;
    case ONLY_COMMANDS:
        send_commands_for_ever(f);
        return FS_DONE;
    default:
        break;
    }
    memcpy(out, &r, sizeof(r));
    fs_send(f, out, n);
    return FS_DONE;
}

static unsigned open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int setup(void **state)
{
    (void)state;
    fds_before = open_fds();
    memset(&s, 0, sizeof(s));
    s.hook = tell_lie;
    fs_start(&s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fs_stop(&s);
    assert_int_equal(open_fds(), fds_before);
    return 0;
}

static unsigned timeout_ms = TIMEOUT_MS;

/* What a program does, until something fails. */
static int use(void)
{
    struct portcam_dev_opts opts = {
        .sz = sizeof(opts),
        .timeout_ms = timeout_ms,
        .arena_size = 2u << 20,
        .flags = PORTCAM_DEV_RESET,
    };
    struct portcam_dev *dev = NULL;
    uint32_t value;
    void *vaddr;
    uint64_t iova;
    int fd = -1;
    int err;

    err = portcam_dev_open(s.name, &opts, &dev);
    if (err) {
        assert_null(dev);
        return err;
    }
    assert_int_equal(portcam_irq_open(&fd), 0);
    err = portcam_dev_set_irqs(dev, 0, 1, &fd);
    if (!err)
        err = portcam_dma_alloc(dev, 1, 0, &vaddr, &iova);
    if (!err)
        err = portcam_dev_start(dev);
    if (!err)
        err = portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value);
    if (!err)
        err = portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 1);
    if (!err)
        err = portcam_dev_alive(dev);
    portcam_dev_close(dev);
    close(fd);
    return err;
}

/* Lies that no client may take for an answer. */
static bool is_deadly(enum lie lie)
{
    return lie <= SIZE_LIMIT || (lie >= WRONG_ID && lie <= ERROR_BIG) || lie >= CLOSE_AT_ONCE;
}

/*
 * An empty reply of 16 bytes is right where there is no payload; unmapping happens while closing.
 */
static bool forgiven(uint16_t cmd, enum lie lie)
{
    bool empty =
        cmd == PC_VFU_DMA_MAP || cmd == PC_VFU_DEVICE_SET_IRQS || cmd == PC_VFU_DEVICE_RESET;

    return cmd == PC_VFU_DMA_UNMAP || (empty && lie == SIZE_16);
}

/* One lie at the n-th command of a kind. Return: did the command come at all? */
static bool one_lie(uint16_t cmd, unsigned nth, enum lie lie)
{
    double begin = now_ms();
    int err;

    want.cmd = cmd;
    want.nth = nth;
    want.lie = lie;
    want.seed = cmd * 1000u + nth;
    atomic_store(&want.seen, 0);
    err = use();
    if (now_ms() - begin > LIMIT_MS)
        fail_msg("command %u (%u.), lie %d: took %.0f ms", cmd, nth, (int)lie, now_ms() - begin);
    if (atomic_load(&want.seen) < nth)
        return false;
    assert_in_range(-err, 0, 4095);
    if (err && !portcam_dev_error()[0])
        fail_msg("command %u (%u.), lie %d: no sentence", cmd, nth, (int)lie);
    if (!err && nth == 1 && is_deadly(lie) && !forgiven(cmd, lie))
        fail_msg("command %u (%u.), lie %d: was believed", cmd, nth, (int)lie);
    return true;
}

static void every_lie(void **state)
{
    static const uint16_t cmds[] = {
        PC_VFU_VERSION,
        PC_VFU_DEVICE_GET_INFO,
        PC_VFU_DEVICE_GET_REGION_INFO,
        PC_VFU_DEVICE_GET_IRQ_INFO,
        PC_VFU_DEVICE_SET_IRQS,
        PC_VFU_REGION_READ,
        PC_VFU_REGION_WRITE,
        PC_VFU_DMA_MAP,
        PC_VFU_DMA_UNMAP,
        PC_VFU_DEVICE_RESET,
    };
    unsigned told = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
        for (int lie = 0; lie < N_LIES; lie++)
            told += one_lie(cmds[i], 1, (enum lie)lie);
    assert_int_equal(told, 10 * N_LIES); /* each command came, so each lie was told */
}

/* The same at later requests: every one of a whole life in turn. */
static void at_every_request(void **state)
{
    static const enum lie lies[] = {SIZE_LESS,  SIZE_LONGER, WRONG_ID,     BODY_ONES,
                                    BODY_NOISE, ERROR_EIO,   CLOSE_AT_ONCE};
    static const uint16_t cmds[] = {PC_VFU_DEVICE_GET_REGION_INFO, PC_VFU_DEVICE_GET_IRQ_INFO,
                                    PC_VFU_DEVICE_SET_IRQS, PC_VFU_REGION_READ,
                                    PC_VFU_REGION_WRITE};
    unsigned told = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cmds) / sizeof(*cmds); i++)
        for (size_t k = 0; k < sizeof(lies) / sizeof(*lies); k++)
            for (unsigned nth = 2; one_lie(cmds[i], nth, lies[k]); nth++)
                told++;
    assert_in_range(told, 100, 1000);
}

/* Which error each kind of lie becomes. */
static void errors(void **state)
{
    static const struct {
        uint16_t cmd;
        enum lie lie;
        int err;
        const char *says;
    } rows[] = {
        {PC_VFU_DEVICE_GET_INFO, SIZE_0, EPROTO, "impossible size (0)"},
        {PC_VFU_DEVICE_GET_INFO, SIZE_ONES, EPROTO, "impossible size (4294967295)"},
        {PC_VFU_DEVICE_GET_INFO, SIZE_LESS, EPROTO, "has 15 bytes, expected 16 to 16"},
        {PC_VFU_DEVICE_GET_INFO, WRONG_ID, EPROTO, "wrong message id"},
        {PC_VFU_DEVICE_GET_INFO, WRONG_CMD, EPROTO, "wrong command"},
        {PC_VFU_DEVICE_GET_INFO, TYPE_2, EPROTO, "neither command nor reply"},
        {PC_VFU_DEVICE_GET_INFO, ERROR_ZERO, EPROTO, "no errno"},
        {PC_VFU_DEVICE_GET_INFO, ERROR_EIO, EIO, "refused command 4"},
        {PC_VFU_DEVICE_GET_INFO, SILENCE, ETIMEDOUT, "no answer within 500 ms"},
        {PC_VFU_DEVICE_GET_INFO, STALL_IN_BODY, ETIMEDOUT, "no answer within 500 ms"},
        {PC_VFU_DEVICE_GET_INFO, ONLY_COMMANDS, ETIMEDOUT, "never the reply"},
        {PC_VFU_DEVICE_GET_INFO, CLOSE_AT_ONCE, ENODEV, "closed the connection"},
        {PC_VFU_DEVICE_GET_INFO, CLOSE_IN_BODY, ENODEV, "closed the connection"},
        {PC_VFU_DEVICE_GET_INFO, BODY_ONES, EPROTO, "it claims 4294967295 regions"},
        {PC_VFU_DEVICE_GET_INFO, BODY_ZEROS, EPROTO, "it is not a PCI device"},
        {PC_VFU_DEVICE_GET_REGION_INFO, BODY_ONES, EPROTO, "asked for region 0"},
        {PC_VFU_DEVICE_GET_IRQ_INFO, BODY_ONES, EPROTO, "asked for interrupt 0"},
        {PC_VFU_VERSION, BODY_ONES, EPROTONOSUPPORT, "speaks vfio-user 65535.65535"},
        {PC_VFU_VERSION, BODY_ZEROS, EPROTO, "not valid JSON"},
        {PC_VFU_REGION_READ, BODY_ONES, EPROTO, "for another place than 0x0"},
        {PC_VFU_REGION_WRITE, BODY_ZEROS, EPROTO, "for another place than 0x4"},
    };

    (void)state;
    timeout_ms = PATIENT_MS; /* the server gets to say something, however busy the machine is */
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        want.cmd = rows[i].cmd;
        want.nth = 1;
        want.lie = rows[i].lie;
        atomic_store(&want.seen, 0);
        assert_err(use(), rows[i].err);
        assert_says(rows[i].says);
    }
    timeout_ms = TIMEOUT_MS;
}

static void wrong_versions(void **state)
{
    (void)state;
    want.cmd = 0;
    s.json = "{\"capabilities\":{\"max_msg_fds\":{}}}";
    assert_err(use(), EPROTO);
    s.json = "";
    assert_int_equal(use(), 0); /* none: the protocol's defaults */
    s.major = 1;
    assert_err(use(), EPROTONOSUPPORT);
    s.major = 0;
    s.minor = 9;
    assert_err(use(), EPROTO);
    assert_says("newer minor version");
}

static void wrong_cards(void **state)
{
    uint32_t magic = s.regs[0];

    (void)state;
    want.cmd = 0;
    s.regs[0] = 0;
    assert_err(use(), EPROTO);
    assert_says("is not a portcam card");
    s.regs[0] = UINT32_MAX;
    assert_err(use(), ENODEV);
    assert_says("card is gone");
    s.regs[0] = magic;
    s.bar0_size = 4096;
    assert_err(use(), EPROTO);
    assert_says("BAR0 has 4096 bytes");
    s.bar0_size = 0x10000;
    memset(s.config, 0xff, 4);
    assert_err(use(), ENODEV);
    assert_says("all-ones");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("vfio-user lies: every field, end and silence of every reply", every_lie, setup,
                  teardown),
        TEST_WITH("vfio-user lies: at every request in turn", at_every_request, setup, teardown),
        TEST_WITH("vfio-user lies: each becomes its error and sentence", errors, setup, teardown),
        TEST_WITH("vfio-user lies: versions and capabilities", wrong_versions, setup, teardown),
        TEST_WITH("vfio-user lies: not a portcam card, or none", wrong_cards, setup, teardown),
    };

    return cmocka_run_group_tests_name("vfio-user lies", tests, NULL, NULL);
}
