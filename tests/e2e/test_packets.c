// SPDX-License-Identifier: Apache-2.0
/*
 * Packets to and from a program at the simulated card, over vfio-user, once with the model behind it and once with RTL and
 * model in lockstep: fragments from the network come to the program, what it injects leaves by the ports, and a ring whose
 * memory is not there stops and starts again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <portcam/dev.h>
#include <portcam/punt.h>
#include <portcam/ring.h>

#include "portcam_defs.h"

enum { PATIENCE_MS = 60000, MOST = 9600, PACKETS = 200, BATCH = 8 };

static struct {
    char dir[64], card[96], net[96], host[96];
    pid_t pid;
    int net_fd, host_fd, irq_fd;
    struct portcam_dev *dev;
    struct portcam_ring *ring;
    struct portcam_punt *punt;
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
    close(fd);
    return -1;
}

/* The card takes one client at a time, so that it listens is not tried out. */
static int open_card(void)
{
    char device[128];
    int err = -1;

    snprintf(device, sizeof(device), "vfio-user:%s", lab.card);
    for (int i = 0; err && i < 2000; i++) {
        err = portcam_dev_open(device, NULL, &lab.dev);
        if (err)
            usleep(5000);
    }
    return err;
}

static int limits(unsigned rate)
{
    const struct portcam_limits_row row = {.punt_rate = (uint16_t)rate,
                                           .punt_burst = (uint16_t)rate,
                                           .punt_reasons = PORTCAM_PUNT_REASONS};
    struct portcam_command batch[] = {
        {.opcode = PORTCAM_OPCODE_CHANGE_BEGIN},
        {.opcode = PORTCAM_OPCODE_ROW_WRITE, .table_id = PORTCAM_TABLE_LIMITS},
        {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT},
    };

    memcpy(batch[1].data, &row, sizeof(row));
    return portcam_ring_run(lab.ring, batch, 3, PATIENCE_MS, NULL);
}

static int set_up(const char *engine)
{
    struct portcam_punt_opts opts = {
        .sz = sizeof(opts), .log2_punt = 4, .log2_inject = 4, .use_irq = true};
    char net[128], host[128];

    memset(&lab, 0, sizeof(lab));
    snprintf(lab.dir, sizeof(lab.dir), "/tmp/portcam-packets-XXXXXX");
    if (!mkdtemp(lab.dir))
        return -1;
    snprintf(lab.card, sizeof(lab.card), "%s/card", lab.dir);
    snprintf(lab.net, sizeof(lab.net), "%s/net", lab.dir);
    snprintf(lab.host, sizeof(lab.host), "%s/host", lab.dir);
    snprintf(net, sizeof(net), "socket:%s", lab.net);
    snprintf(host, sizeof(host), "socket:%s", lab.host);
    lab.pid = fork();
    if (lab.pid == 0) {
        execl("build/sim/portcam-sim", "portcam-sim", "--socket", lab.card, "--engine", engine,
              "--net", net, "--host", host, "--quiet", NULL);
        _exit(127);
    }
    lab.net_fd = dial(lab.net);
    lab.host_fd = dial(lab.host);
    if (lab.net_fd < 0 || lab.host_fd < 0 || open_card())
        return -1;
    if (portcam_irq_open(&lab.irq_fd) ||
        portcam_dev_set_irqs(lab.dev, PORTCAM_VECTOR_PUNTS, 1, &lab.irq_fd) ||
        portcam_ring_open(lab.dev, NULL, &lab.ring) || limits(65535))
        return -1;
    opts.irq_fd = lab.irq_fd;
    return portcam_punt_open(lab.dev, &opts, &lab.punt);
}

static int set_up_model(void **state)
{
    (void)state;
    return set_up("model");
}

static int set_up_lockstep(void **state)
{
    (void)state;
    return set_up("lockstep");
}

static int tear_down(void **state)
{
    char command[128];
    int status;

    (void)state;
    portcam_punt_close(lab.punt);
    portcam_ring_close(lab.ring);
    portcam_dev_close(lab.dev);
    close(lab.irq_fd);
    kill(lab.pid, SIGTERM);
    waitpid(lab.pid, &status, 0);
    close(lab.net_fd);
    close(lab.host_fd);
    snprintf(command, sizeof(command), "rm -rf '%s'", lab.dir);
    if (system(command))
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1; /* RTL and model agreed */
}

/* ---- frames ---- */

/* Number `n` of the test: a fragment of IPv4, its bytes by its number. */
static size_t fragment(unsigned n, uint8_t *f)
{
    static const uint8_t start[] = {2, 0, 0,    0, 0, 1, 2,   0,  0,    0, 0,  9,
                                    8, 0, 0x45, 0, 0, 0, 0,   0,  0x20, 0, 64, 17,
                                    0, 0, 192,  0, 2, 7, 198, 51, 100,  1};
    size_t len = n % 50 == 49 ? 1400 + n * 8 : 60 + n * 7 % 700;

    for (size_t i = 0; i < len; i++)
        f[i] = (uint8_t)(n * 31 + i * 7);
    memcpy(f, start, sizeof(start));
    f[16] = (uint8_t)((len - 14) >> 8);
    f[17] = (uint8_t)(len - 14);
    return len;
}

static void send_frame(int fd, const uint8_t *f, size_t len)
{
    const uint8_t head[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};

    assert_int_equal(write(fd, head, 4), 4);
    assert_int_equal(write(fd, f, len), (ssize_t)len);
}

static void read_all(int fd, void *dst, size_t len)
{
    for (size_t have = 0; have < len;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t n = read(fd, (uint8_t *)dst + have, len - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
}

static size_t receive_frame(int fd, uint8_t f[MOST])
{
    uint8_t head[4];

    read_all(fd, head, 4);
    size_t len = (size_t)head[2] << 8 | head[3];
    assert_in_range(len, 1, MOST);
    read_all(fd, f, len);
    return len;
}

/* The next packet that the card hands over is number `n` from the network; it goes on with another mark at its end. */
static void pass_on(unsigned n)
{
    static uint8_t want[MOST], sent[MOST], got[MOST];
    struct portcam_punted p;
    unsigned count;
    size_t len = fragment(n, want);

    assert_int_equal(portcam_punt_wait(lab.punt, PATIENCE_MS), 0);
    assert_int_equal(portcam_punt_poll(lab.punt, &p, 1, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(p.header.reason, PORTCAM_REASON_FRAGMENT);
    assert_int_equal(p.header.ingress, 0);
    assert_int_equal(p.header.egress, 1);
    assert_int_equal(p.header.len, len);
    assert_memory_equal(p.frame, want, len);
    memcpy(sent, p.frame, len);
    assert_int_equal(portcam_punt_release(lab.punt, 1), 0);
    sent[len - 1] ^= 0xff;
    struct portcam_injected out[2] = {{sent, len, p.header.egress}, {want, len, 0}};
    assert_int_equal(portcam_inject_send(lab.punt, out, 2, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(receive_frame(lab.host_fd, got), len);
    assert_memory_equal(got, sent, len);
    assert_int_equal(receive_frame(lab.net_fd, got), len);
    assert_memory_equal(got, want, len);
}

static void echo(void **state)
{
    static uint8_t f[MOST];

    (void)state;
    for (unsigned n = 0; n < PACKETS; n += BATCH) {
        for (unsigned i = n; i < n + BATCH; i++)
            send_frame(lab.net_fd, f, fragment(i, f));
        for (unsigned i = n; i < n + BATCH; i++)
            pass_on(i);
    }
}

/* Without the ring, or the bit in the limits, the fragment leaves as it came. */
static void passes(void **state)
{
    static uint8_t f[MOST], got[MOST];
    size_t len = fragment(3, f);

    (void)state;
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_PUNT_CONTROL, 0), 0);
    send_frame(lab.net_fd, f, len);
    assert_int_equal(receive_frame(lab.host_fd, got), len);
    assert_memory_equal(got, f, len);
    assert_int_equal(portcam_punt_restart(lab.punt), 0);
    send_frame(lab.net_fd, f, len);
    pass_on(3);
}

/* Memory that is not there: the ring stops, says so, and starts again. */
static void no_memory(void **state)
{
    static const uint8_t byte[60];
    static uint8_t f[MOST];
    struct portcam_injected out = {byte, sizeof(byte), 1};
    uint32_t count;
    int err = 0;

    (void)state;
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_PUNT_CONTROL, 0), 0);
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_PUNT_BASE_HI, 0x7fff), 0);
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_PUNT_CONTROL, 1), 0);
    send_frame(lab.net_fd, f, fragment(1, f));
    assert_int_equal(portcam_punt_wait(lab.punt, PATIENCE_MS), -EIO);
    assert_non_null(strstr(portcam_dev_error(), "the card stopped its punt ring"));
    assert_int_equal(portcam_reg_read32(lab.dev, PORTCAM_REG_ERROR_COUNT, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(portcam_punt_restart(lab.punt), 0);

    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_INJECT_CONTROL, 0), 0);
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_INJECT_BASE_HI, 0x7fff), 0);
    assert_int_equal(portcam_reg_write32(lab.dev, PORTCAM_REG_INJECT_CONTROL, 1), 0);
    for (int i = 0; err == 0 && i < PATIENCE_MS; i++) { /* the ring fills, and then it is noticed */
        err = portcam_inject_send(lab.punt, &out, 1, NULL);
        usleep(1000);
    }
    assert_int_equal(err, -EIO);
    assert_non_null(strstr(portcam_dev_error(), "the card stopped its inject ring"));
    assert_int_equal(portcam_punt_restart(lab.punt), 0);
    send_frame(lab.net_fd, f, fragment(2, f));
    pass_on(2);
}

#define TESTS(sentence, function)                                                                  \
    {"model: " sentence, function, set_up_model, tear_down, NULL},                                 \
    {                                                                                              \
        "lockstep: " sentence, function, set_up_lockstep, tear_down, NULL                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTS("fragments come to a program, and what it injects leaves", echo),
        TESTS("without the ring fragments pass", passes),
        TESTS("memory that is not there stops a ring", no_memory),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("packets to and from a program", tests, NULL, NULL);
}
