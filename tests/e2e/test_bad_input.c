// SPDX-License-Identifier: Apache-2.0
/*
 * Bad commands, bad memory, bad doorbells and bad registers at the simulated card, RTL and model in
 * lockstep: each gets its own error, and after each the card still rewrites packets by its tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "checksum.h"
#include "portcam_defs.h"

enum { FRAME = 60, PATIENCE_MS = 20000, UNMAPPED = 64 };

static struct {
    char dir[64], card[128], net[96], host[96];
    pid_t card_pid;
    int net_fd, host_fd;
    unsigned sent;
    struct portcam_dev *dev;
    struct portcam_ring *ring;
    uint8_t *memory; /* that the card can reach */
    uint64_t iova;
} lab;

/* ---- the card and its cables ---- */

static int dial(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    for (int i = 0; i < 2000; i++) {
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
            return fd;
        usleep(5000);
    }
    return -1;
}

static void run(char *const argv[])
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Is the socket listened on? Its file is there a moment earlier, and the card takes one client at a time. */
static bool listens(const char *path)
{
    char line[256];
    FILE *f = fopen("/proc/net/unix", "r");
    bool found = false;

    assert_non_null(f);
    while (!found && fgets(line, sizeof(line), f))
        found = strstr(line, path) && strstr(line, " 00010000 "); /* __SO_ACCEPTCON */
    fclose(f);
    return found;
}

static int set_up(void **state)
{
    char net[128], host[128], device[160], states[96];

    (void)state;
    snprintf(lab.dir, sizeof(lab.dir), "/tmp/portcam-bad-XXXXXX");
    if (!mkdtemp(lab.dir))
        return -1;
    snprintf(lab.card, sizeof(lab.card), "%s/card", lab.dir);
    snprintf(lab.net, sizeof(lab.net), "%s/net", lab.dir);
    snprintf(lab.host, sizeof(lab.host), "%s/host", lab.dir);
    snprintf(net, sizeof(net), "socket:%s", lab.net);
    snprintf(host, sizeof(host), "socket:%s", lab.host);
    snprintf(device, sizeof(device), "vfio-user:%s", lab.card);
    snprintf(states, sizeof(states), "%s/state", lab.dir);
    lab.card_pid = fork();
    if (lab.card_pid == 0) {
        execl("build/sim/portcam-sim", "portcam-sim", "--socket", lab.card, "--engine", "lockstep",
              "--net", net, "--host", host, "--quiet", NULL);
        _exit(127);
    }
    if (mkdir(states, 0700))
        return -1;
    lab.net_fd = dial(lab.net);
    lab.host_fd = dial(lab.host);
    for (int i = 0; i < 2000 && !listens(lab.card); i++)
        usleep(5000);
    run((char *[]){"build/cli/portcam", "-d", device, "-D", states, "config", "apply",
                   "demo/shop.json", NULL});
    if (portcam_dev_open(device, NULL, &lab.dev) || portcam_ring_open(lab.dev, NULL, &lab.ring))
        return -1;
    void *p;
    if (portcam_dma_alloc(lab.dev, 65536, 4096, &p, &lab.iova))
        return -1;
    lab.memory = p;
    return lab.net_fd < 0 || lab.host_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    char command[128];
    int status;

    (void)state;
    portcam_ring_close(lab.ring);
    portcam_dev_close(lab.dev);
    kill(lab.card_pid, SIGTERM);
    waitpid(lab.card_pid, &status, 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", lab.dir);
    if (system(command))
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1; /* RTL and model agreed */
}

/* One TCP segment from the network to the public address arrives rewritten at function 1. */
static void forwards(void)
{
    uint8_t f[4 + FRAME] = {0, 0, 0, FRAME}, got[4 + FRAME];
    static const uint8_t start[] = {
        0x02, 0, 0,    0,    1, 1,  0x02, 0, 0,  0, 0, 2, 0x08, 0, /* Ethernet */
        0x45, 0, 0,    40,   0, 1,  0x40, 0, 64, 6, 0, 0, 192,  0, 2,    2, 198,  51,
        100,  2, 0x9c, 0x40, 0, 80, 0,    0, 0,  1, 0, 0, 0,    0, 0x50, 2, 0xfa, 0xf0};
    size_t have = 0;

    memcpy(f + 4, start, sizeof(start));
    f[4 + 41] = (uint8_t)++lab.sent;
    assert_int_equal(write(lab.net_fd, f, sizeof(f)), sizeof(f));
    while (have < sizeof(got)) {
        struct pollfd p = {.fd = lab.host_fd, .events = POLLIN};

        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t n = read(lab.host_fd, got + have, sizeof(got) - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(got + 4 + 30, ((uint8_t[]){192, 0, 2, 10}), 4);
    assert_int_equal(got[4 + 36] << 8 | got[4 + 37], 8082);
    assert_int_equal(got[4 + 41], (uint8_t)lab.sent);
}

/* ---- commands ---- */

static void put_address(struct portcam_command *c, unsigned at, uint64_t iova)
{
    memcpy(c->data + at, &iova, sizeof(iova));
}

/* The card answers this command with this status, and lives on. */
static void answers(struct portcam_command c, unsigned status)
{
    struct portcam_completion failed = {0};
    int err = portcam_ring_run(lab.ring, &c, 1, PATIENCE_MS, &failed);

    if (status == PORTCAM_STATUS_OK)
        assert_int_equal(err, 0);
    else {
        assert_int_equal(err, -EREMOTEIO);
        assert_int_equal(failed.status, status);
        assert_non_null(strstr(portcam_dev_error(), portcam_status_text(status)));
    }
    forwards();
}

static void commands(void **state)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_MAX};

    (void)state;
    forwards();
    answers(c, PORTCAM_STATUS_UNKNOWN_OPCODE);
    c.opcode = 0xff;
    answers(c, PORTCAM_STATUS_UNKNOWN_OPCODE);
    c.opcode = PORTCAM_OPCODE_SET_TIME;
    answers(c, PORTCAM_STATUS_UNSUPPORTED);
    c.opcode = PORTCAM_OPCODE_ROW_READ;
    c.table_id = PORTCAM_TABLE_MAX;
    answers(c, PORTCAM_STATUS_UNKNOWN_TABLE);
    c.table_id = 0xffff;
    answers(c, PORTCAM_STATUS_UNKNOWN_TABLE);
    c.table_id = PORTCAM_TABLE_SERVICE;
    c.row = PORTCAM_BUILD_SERVICES;
    answers(c, PORTCAM_STATUS_ROW_OUT_OF_RANGE);
    c.row = UINT32_MAX;
    answers(c, PORTCAM_STATUS_ROW_OUT_OF_RANGE);
    c.row = 0;
    put_address(&c, 0, lab.iova + 8);
    answers(c, PORTCAM_STATUS_BAD_ALIGNMENT);
    put_address(&c, 0, lab.iova);
    answers(c, PORTCAM_STATUS_OK);
    c.opcode = PORTCAM_OPCODE_ROW_WRITE;
    answers(c, PORTCAM_STATUS_NO_CHANGE_SET);
    c.opcode = PORTCAM_OPCODE_CHANGE_COMMIT;
    answers(c, PORTCAM_STATUS_NO_CHANGE_SET);
    c.opcode = PORTCAM_OPCODE_COUNTER_READ;
    c.table_id = PORTCAM_COUNTER_TABLE_REASON;
    answers(c, PORTCAM_STATUS_BAD_LENGTH);
    c.count = 1025;
    answers(c, PORTCAM_STATUS_BAD_LENGTH);
    c.count = 1024;
    answers(c, PORTCAM_STATUS_ROW_OUT_OF_RANGE);
    c.count = 1;
    c.table_id = PORTCAM_COUNTER_TABLE_MAX;
    answers(c, PORTCAM_STATUS_UNKNOWN_TABLE);
}

static void bad_rows(void **state)
{
    struct portcam_command begin = {.opcode = PORTCAM_OPCODE_CHANGE_BEGIN};
    struct portcam_command commit = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    struct portcam_command abort_it = {.opcode = PORTCAM_OPCODE_CHANGE_ABORT};
    struct portcam_command row = {.opcode = PORTCAM_OPCODE_ROW_WRITE,
                                  .table_id = PORTCAM_TABLE_SERVICE};

    (void)state;
    answers(begin, PORTCAM_STATUS_OK);
    answers(begin, PORTCAM_STATUS_CHANGE_SET_OPEN);
    memset(row.data, 0xff, sizeof(row.data));
    answers(row, PORTCAM_STATUS_BAD_ROW);
    answers(commit, PORTCAM_STATUS_CHANGE_SET_FAILED);
    answers(abort_it, PORTCAM_STATUS_OK);
    answers(commit, PORTCAM_STATUS_NO_CHANGE_SET);
}

/* ---- memory ---- */

static void unmapped(void **state)
{
    static const struct {
        uint8_t opcode;
        uint64_t first, second; /* 0: memory that is there */
        unsigned status;
    } cases[] = {
        {PORTCAM_OPCODE_ROW_READ, 0x7ff000000000, UNMAPPED, PORTCAM_STATUS_DMA_WRITE_ERROR},
        {PORTCAM_OPCODE_COUNTER_READ, UINT64_MAX << 6, UNMAPPED, PORTCAM_STATUS_DMA_WRITE_ERROR},
        {PORTCAM_OPCODE_SELF_TEST, 0x40, UNMAPPED, PORTCAM_STATUS_DMA_READ_ERROR},
        {PORTCAM_OPCODE_SELF_TEST, 0, 0x7ff000000000, PORTCAM_STATUS_DMA_WRITE_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct portcam_command c = {.opcode = cases[i].opcode, .count = 1};

        put_address(&c, 0, cases[i].first ? cases[i].first : lab.iova);
        put_address(&c, 8, cases[i].second);
        answers(c, cases[i].status);
    }
    struct portcam_command good = {.opcode = PORTCAM_OPCODE_SELF_TEST};
    put_address(&good, 0, lab.iova);
    put_address(&good, 8, lab.iova + 64);
    memset(lab.memory, 0x5a, 64);
    answers(good, PORTCAM_STATUS_OK);
    assert_memory_equal(lab.memory, lab.memory + 64, 64);
}

/* ---- doorbells and rings ---- */

static void restart(void)
{
    assert_int_equal(portcam_ring_restart(lab.ring), 0);
    answers((struct portcam_command){.opcode = PORTCAM_OPCODE_NOP}, PORTCAM_STATUS_OK);
}

static void stopped(const char *says)
{
    struct portcam_command nop = {.opcode = PORTCAM_OPCODE_NOP};

    assert_int_equal(portcam_ring_run(lab.ring, &nop, 1, PATIENCE_MS, NULL), -EIO);
    if (!strstr(portcam_dev_error(), says))
        fail_msg("\"%s\" does not say \"%s\"", portcam_dev_error(), says);
    forwards();
    restart();
}

static void doorbell(void **state)
{
    (void)state;
    restart();
    for (uint32_t ahead = 1025; ahead; ahead = ahead < UINT32_MAX / 64 ? ahead * 64 : 0) {
        assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_CMD_DOORBELL, ahead + 1), 0);
        stopped("doorbell");
    }
}

/* The card is told of a ring in memory that is not there, or of a ring that cannot be. */
static void bad_rings(void **state)
{
    static const struct {
        uint32_t reg, value;
        unsigned reason;
    } cases[] = {
        {PORTCAM_REG_CMD_BASE_HI, 0x7ff0, PORTCAM_STATUS_DMA_READ_ERROR},
        {PORTCAM_REG_CPL_BASE_HI, 0x7ff0, PORTCAM_STATUS_DMA_WRITE_ERROR},
        {PORTCAM_REG_CMD_BASE_LO, 0x40, PORTCAM_STATUS_BAD_RING},
        {PORTCAM_REG_CMD_SIZE, 0, PORTCAM_STATUS_BAD_RING},
        {PORTCAM_REG_CMD_SIZE, 17, PORTCAM_STATUS_BAD_RING},
        {PORTCAM_REG_CMD_SIZE, UINT32_MAX, PORTCAM_STATUS_BAD_RING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t status = 0;

        assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_CMD_CONTROL, 0), 0);
        assert_int_equal(portcam_reg_write32(lab.dev, cases[i].reg, cases[i].value), 0);
        assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_CMD_DOORBELL, 0), 0);
        assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_CMD_CONTROL, 1), 0);
        assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_CMD_DOORBELL, 1), 0);
        for (int n = 0; n < 4000 && !(status & PORTCAM_CMD_STATUS_ERROR); n++) {
            usleep(1000);
            assert_int_equal(portcam_reg_read32(lab.dev, PORTCAM_REG_CMD_STATUS, &status), 0);
        }
        assert_true(status & PORTCAM_CMD_STATUS_ERROR);
        assert_int_equal((status & PORTCAM_CMD_STATUS_REASON) >> PORTCAM_CMD_STATUS_REASON_SHIFT,
                         cases[i].reason);
        forwards();
        restart();
    }
}

/* ---- registers ---- */

static void registers(void **state)
{
    uint32_t value;
    unsigned seed = 11;

    (void)state;
    print_message("# seed %u\n", seed);
    assert_int_equal(portcam_reg_read32(lab.dev, 0x2, &value), -EINVAL);
    assert_int_equal(portcam_reg_read32(lab.dev, UINT32_MAX & ~3u, &value), -EINVAL);
    /* Read-only and absent registers ignore what is written; absent ones read as 0. */
    for (uint32_t offset = 0; offset < PORTCAM_REG_STATUS; offset += 4) {
        uint32_t before = 0, after = 0;

        assert_int_equal(portcam_reg_read32(lab.dev, offset, &before), 0);
        assert_int_equal(portcam_reg_write32(lab.dev, offset, ~before), 0);
        assert_int_equal(portcam_reg_read32(lab.dev, offset, &after), 0);
        assert_int_equal(before, after);
    }
    for (int i = 0; i < 200; i++) {
        uint32_t offset = 0x2000 + ((uint32_t)rand_r(&seed) & 0x7ffc);

        assert_int_equal(portcam_reg_write32(lab.dev, offset, (uint32_t)rand_r(&seed)), 0);
        assert_int_equal(portcam_reg_read32(lab.dev, offset, &value), 0);
        assert_int_equal(value, 0);
    }
    forwards();
    restart();
}

/* ---- frames ---- */

static void bad_frames(void **state)
{
    static const uint8_t empty[4] = {0};
    uint8_t too_long[4 + PORTCAM_BUILD_MAX_FRAME + 1] = {0};

    (void)state;
    too_long[2] = (PORTCAM_BUILD_MAX_FRAME + 1) >> 8;
    too_long[3] = (PORTCAM_BUILD_MAX_FRAME + 1) & 0xff;
    assert_int_equal(write(lab.net_fd, empty, sizeof(empty)), sizeof(empty));
    assert_int_equal(write(lab.net_fd, too_long, sizeof(too_long)), sizeof(too_long));
    forwards();
    /* A peer that promises more than there can be is disconnected, and the next one is served. */
    static const uint8_t lie[4] = {0xff, 0xff, 0xff, 0xff};
    assert_int_equal(write(lab.net_fd, lie, sizeof(lie)), sizeof(lie));
    assert_int_equal(read(lab.net_fd, too_long, 1), 0);
    close(lab.net_fd);
    lab.net_fd = dial(lab.net);
    forwards();
}

/* ---- peers of the PCI side ---- */

/* The driver goes without goodbye, in the middle of a message; the card serves the next one. */
static void driver_dies(void **state)
{
    char device[160];
    void *p;

    (void)state;
    portcam_ring_close(lab.ring);
    portcam_dev_close(lab.dev);
    lab.ring = NULL;
    lab.dev = NULL;
    for (int bytes = 0; bytes < 40; bytes += 13) {
        uint8_t noise[40];
        int fd = dial(lab.card);

        memset(noise, bytes, sizeof(noise));
        assert_true(fd >= 0);
        assert_true(write(fd, noise, (size_t)bytes) == bytes);
        close(fd);
        forwards();
    }
    snprintf(device, sizeof(device), "vfio-user:%s", lab.card);
    assert_int_equal(portcam_dev_open(device, NULL, &lab.dev), 0);
    assert_int_equal(portcam_ring_open(lab.dev, NULL, &lab.ring), 0);
    assert_int_equal(portcam_dma_alloc(lab.dev, 65536, 4096, &p, &lab.iova), 0);
    lab.memory = p;
    answers((struct portcam_command){.opcode = PORTCAM_OPCODE_NOP}, PORTCAM_STATUS_OK);
}

#define TEST(sentence, function)                                                                   \
    {                                                                                              \
        sentence, function, NULL, NULL, NULL                                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("commands that cannot be done, each with its status", commands),
        TEST("section 9 a refused row makes its change set fail, and nothing else", bad_rows),
        TEST("addresses that are not mapped", unmapped),
        TEST("doorbells beyond the ring", doorbell),
        TEST("rings that cannot be, or in memory that is not there", bad_rings),
        TEST("registers that are read-only or absent", registers),
        TEST("frames that are empty or too long, and a peer that lies about them", bad_frames),
        TEST("a driver that goes in the middle of a message", driver_dies),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("bad input", tests, set_up, tear_down);
}
