// SPDX-License-Identifier: Apache-2.0
/*
 * Packet ports: every wrong text gets a sentence, frames go both ways through each kind, frames of
 * impossible length are counted, and a peer that lies or leaves does not end the port. The TAP test runs in
 * a network namespace of its own and is skipped where none can be made.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ports/port.h"

enum { TEST_TYPE = 0x88b5 /* local experimental */ };

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/pc-port-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char cmd[96];

    (void)state;
    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    return system(cmd);
}

static const char *in_dir(const char *name)
{
    static char paths[4][128];
    static int turn;
    char *p = paths[turn++ % 4];

    snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
    return p;
}

static struct pc_port *open_port(const char *format, const char *a, const char *b)
{
    char spec[512], err[256] = "";
    struct pc_port *p;

    snprintf(spec, sizeof(spec), format, a, b);
    p = pc_port_open(spec, err, sizeof(err));
    if (!p)
        fail_msg("%s", err);
    return p;
}

static struct pc_port_stats stats(const struct pc_port *p)
{
    struct pc_port_stats s;

    pc_port_get_stats(p, &s);
    return s;
}

static bool readable(const struct pc_port *p)
{
    struct pollfd f = {.fd = pc_port_fd(p), .events = POLLIN};

    return poll(&f, 1, 0) == 1;
}

static void wrong_texts(void **state)
{
    static const struct {
        const char *spec, *part, *cure;
    } rows[] = {
        {"", "unknown kind \"\"", "use tap:NAME"},
        {"eth0", "unknown kind \"eth0\"", "or null"},
        {"Tap:x", "unknown kind \"Tap\"", "tap:NAME"},
        {"tap", "nothing after \"tap\"", "use tap:NAME"},
        {"tap:", "nothing after \"tap\"", "use tap:NAME"},
        {"tap:0123456789abcdef", "cannot be the name", "at most 15 characters"},
        {"tap:a/b", "cannot be the name", "without space, slash"},
        {"tap:pc%d", "cannot be the name", "percent"},
        {"pcap", "nothing after \"pcap\"", "use pcap:IN,OUT"},
        {"pcap:a", "IN \"a\" is not a file", "name a capture file"},
        {"pcap:a,b,c", "more than one comma", "use pcap:IN,OUT"},
        {"pcap:,", "neither IN nor OUT", "use null"},
        {"pcap:/nonexistent/in,", "IN \"/nonexistent/in\" is not a file", "leave IN empty"},
        {"pcap:/proc/version,", "cannot be read as pcap", "IN"},
        {"pcap:,/nonexistent/out", "OUT \"/nonexistent/out\" cannot be written", "leave OUT empty"},
        {"pcap:,-", "OUT \"-\"", "must be a file"},
        {"pcap:same,same", "same file", "name another OUT"},
        {"socket", "nothing after \"socket\"", "use socket:PATH"},
        {"socket:/nonexistent/s", "cannot listen", "create the directory"},
        {"socket:/proc/version", "is not a socket", "choose another path"},
        {"null:x", "takes no argument", "write null"},
    };
    char err[256], longest[300] = "socket:/";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        err[0] = '\0';
        assert_null(pc_port_open(rows[i].spec, err, sizeof(err)));
        if (!strstr(err, rows[i].part) || !strstr(err, rows[i].cure))
            fail_msg("%s: message is \"%s\"", rows[i].spec, err);
    }
    memset(longest + 8, 'x', 200);
    assert_null(pc_port_open(longest, err, sizeof(err)));
    assert_non_null(strstr(err, "socket path of 201 bytes"));
    pc_port_close(NULL);
}

static void null_port(void **state)
{
    struct pc_port *p = open_port("null", "", "");
    uint8_t b[PC_PORT_MAX_FRAME + 1] = {0};

    (void)state;
    assert_int_equal(pc_port_fd(p), -1);
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -ENODATA);
    assert_int_equal(pc_port_send(p, b, 1), 0);
    assert_int_equal(pc_port_send(p, b, PC_PORT_MAX_FRAME), 0);
    assert_int_equal(pc_port_send(p, b, 0), -EMSGSIZE);
    assert_int_equal(pc_port_send(p, b, PC_PORT_MAX_FRAME + 1), -EMSGSIZE);
    assert_int_equal(stats(p).tx, 2);
    assert_int_equal(stats(p).tx_refused, 2);
    pc_port_close(p);
}

/* ---- pcap ---- */

static void write_capture(const char *name, int link, const bpf_u_int32 (*sizes)[2], int count)
{
    static uint8_t data[70000];
    pcap_t *format = pcap_open_dead(link, 262144);
    pcap_dumper_t *out = pcap_dump_open(format, name);

    assert_non_null(out);
    for (int i = 0; i < count; i++) {
        struct pcap_pkthdr h = {.caplen = sizes[i][0], .len = sizes[i][1]};

        memset(data, i + 1, sizeof(data));
        pcap_dump((u_char *)out, &h, data);
    }
    pcap_dump_close(out);
    pcap_close(format);
}

static void pcap_both_ways(void **state)
{
    static const bpf_u_int32 sizes[][2] = {{60, 60}, {60, 100}, {9600, 9600}, {9601, 9601},
                                           {0, 0},   {1, 1},    {9000, 9000}};
    static const int want[] = {60, 9600, 1, 9000}, tag[] = {1, 3, 6, 7};
    const char *in = in_dir("in.pcap"), *out = in_dir("out.pcap");
    struct pc_port *p;
    uint8_t b[PC_PORT_MAX_FRAME];

    (void)state;
    write_capture(in, DLT_EN10MB, sizes, 7);
    p = open_port("pcap:%s,%s", in, out);
    assert_int_equal(pc_port_fd(p), -1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pc_port_recv(p, b, sizeof(b)), want[i]);
        assert_int_equal(b[0], tag[i]);
        assert_int_equal(pc_port_send(p, b, (size_t)want[i]), 0);
    }
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -ENODATA);
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -ENODATA);
    assert_int_equal(stats(p).rx, 4);
    assert_int_equal(stats(p).rx_refused, 3);
    /* the output is whole before the port is closed */
    struct pc_port *again = open_port("pcap:%s,%s", out, "");

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pc_port_recv(again, b, sizeof(b)), want[i]);
        assert_int_equal(b[want[i] - 1], tag[i]);
    }
    assert_int_equal(pc_port_recv(again, b, sizeof(b)), -ENODATA);
    assert_int_equal(pc_port_send(again, b, 60), 0);
    assert_int_equal(stats(again).tx_lost, 1);
    pc_port_close(again);
    pc_port_close(p);
    p = open_port("pcap:%s,%s", "", in_dir("only-out.pcap"));
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -ENODATA);
    pc_port_close(p);
    p = open_port("pcap:%s%s", in, ""); /* without comma there is no output */
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), want[0]);
    assert_int_equal(pc_port_send(p, b, 60), 0);
    assert_int_equal(stats(p).tx_lost, 1);
    pc_port_close(p);
}

static void pcap_damaged(void **state)
{
    static const bpf_u_int32 one[][2] = {{60, 60}, {60, 60}};
    const char *raw = in_dir("raw.pcap"), *cut = in_dir("cut.pcap");
    struct pc_port *p;
    struct stat st;
    uint8_t b[PC_PORT_MAX_FRAME];
    char err[256], spec[200];

    (void)state;
    write_capture(raw, DLT_RAW, one, 1);
    snprintf(spec, sizeof(spec), "pcap:%s,", raw);
    assert_null(pc_port_open(spec, err, sizeof(err)));
    assert_non_null(strstr(err, "capture Ethernet"));
    write_capture(cut, DLT_EN10MB, one, 2);
    assert_int_equal(stat(cut, &st), 0);
    assert_int_equal(truncate(cut, st.st_size - 7), 0);
    p = open_port("pcap:%s,%s", cut, "");
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), 60);
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -EIO);
    assert_non_null(strstr(pc_port_message(p), "is damaged"));
    assert_int_equal(pc_port_recv(p, b, sizeof(b)), -ENODATA);
    pc_port_close(p);
}

/* ---- socket ---- */

static int peer(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%.107s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void put_frame(int fd, uint32_t len, uint8_t tag)
{
    uint8_t b[4 + 70000];
    uint32_t be = htonl(len);

    memcpy(b, &be, 4);
    memset(b + 4, tag, len);
    assert_int_equal(send(fd, b, 4 + len, 0), 4 + len);
}

static ssize_t next_frame(struct pc_port *p, uint8_t *b)
{
    ssize_t n = 0;

    for (int i = 0; i < 100 && !n && readable(p); i++)
        n = pc_port_recv(p, b, PC_PORT_MAX_FRAME);
    return n;
}

static void socket_both_ways(void **state)
{
    const char *path = in_dir("net.sock");
    struct pc_port *p = open_port("socket:%s", path, "");
    uint8_t b[PC_PORT_MAX_FRAME], c[PC_PORT_MAX_FRAME + 4];
    int fd;

    (void)state;
    memset(b, 0x11, sizeof(b));
    assert_int_equal(pc_port_send(p, b, 60), 0); /* nobody there */
    assert_int_equal(stats(p).tx_lost, 1);
    assert_false(readable(p));
    fd = peer(path);
    put_frame(fd, 60, 1);
    put_frame(fd, 0, 2);
    put_frame(fd, PC_PORT_MAX_FRAME, 3);
    put_frame(fd, PC_PORT_MAX_FRAME + 1, 4);
    put_frame(fd, 69632, 5);
    put_frame(fd, 1, 6);
    assert_int_equal(next_frame(p, b), 60);
    assert_int_equal(b[59], 1);
    assert_true(readable(p)); /* more frames are there */
    assert_int_equal(next_frame(p, b), PC_PORT_MAX_FRAME);
    assert_int_equal(b[PC_PORT_MAX_FRAME - 1], 3);
    assert_int_equal(next_frame(p, b), 1);
    assert_int_equal(b[0], 6);
    assert_int_equal(next_frame(p, b), 0);
    assert_false(readable(p));
    assert_int_equal(stats(p).rx_refused, 3);
    assert_int_equal(pc_port_send(p, b, PC_PORT_MAX_FRAME), 0);
    assert_int_equal(recv(fd, c, sizeof(c), MSG_WAITALL), sizeof(c));
    assert_memory_equal(c, "\x00\x00\x25\x80\x06", 5);
    close(fd);
    pc_port_close(p);
    assert_int_equal(access(path, F_OK), -1);
}

static void socket_byte_by_byte(void **state)
{
    const char *path = in_dir("slow.sock");
    struct pc_port *p = open_port("socket:%s", path, "");
    int fd = peer(path);
    uint8_t b[PC_PORT_MAX_FRAME], wire[4 + 20] = {0, 0, 0, 20};

    (void)state;
    for (int frame = 0; frame < 3; frame++) {
        for (size_t i = 0; i < sizeof(wire); i++) {
            assert_int_equal(next_frame(p, b), 0);
            assert_int_equal(send(fd, wire + i, 1, 0), 1);
        }
        assert_int_equal(next_frame(p, b), 20);
    }
    close(fd);
    pc_port_close(p);
}

static void socket_lies_and_reconnects(void **state)
{
    const char *path = in_dir("lie.sock");
    struct pc_port *p = open_port("socket:%s", path, "");
    uint8_t b[PC_PORT_MAX_FRAME], c;
    int fd = peer(path), second;

    (void)state;
    assert_int_equal(next_frame(p, b), 0);
    second = peer(path);
    assert_int_equal(next_frame(p, b), 0);
    assert_int_equal(recv(second, &c, 1, 0), 0); /* one cable has two ends */
    assert_non_null(strstr(pc_port_message(p), "second peer"));
    close(second);
    assert_int_equal(send(fd, "GET / HTTP/1.1", 14, 0), 14);
    assert_int_equal(next_frame(p, b), -EPROTO);
    assert_non_null(strstr(pc_port_message(p), "announced a frame of 1195725856 bytes"));
    assert_int_equal(next_frame(p, b), 0);
    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
    for (int i = 0; i < 3; i++) { /* leaving in the middle of a frame */
        fd = peer(path);
        put_frame(fd, 60, (uint8_t)i);
        assert_int_equal(send(fd, "\0\0\0\x40half", 8, 0), 8);
        assert_int_equal(next_frame(p, b), 60);
        assert_int_equal(b[0], i);
        assert_int_equal(next_frame(p, b), 0);
        close(fd);
        assert_int_equal(next_frame(p, b), 0);
        assert_false(readable(p));
    }
    assert_int_equal(stats(p).peers, 4);
    pc_port_close(p);
}

static void socket_peer_that_does_not_read(void **state)
{
    const char *path = in_dir("full.sock");
    struct pc_port *p = open_port("socket:%s", path, "");
    int fd = peer(path), sent = 0, got = 0, again = 0;
    static uint8_t b[PC_PORT_MAX_FRAME], c[PC_PORT_MAX_FRAME + 4];

    (void)state;
    assert_int_equal(next_frame(p, b), 0);
    while (sent < 10000 && !again) {
        int rc = pc_port_send(p, b, 1000);

        assert_true(rc == 0 || rc == -EAGAIN);
        again = rc == -EAGAIN;
        sent += !rc;
    }
    assert_int_equal(again, 1);
    while (got < sent) {
        assert_int_equal(recv(fd, c, 1004, MSG_WAITALL), 1004);
        assert_memory_equal(c, "\x00\x00\x03\xe8", 4);
        got++;
        if (readable(p)) /* there is room: the rest of the cut frame goes out */
            assert_int_equal(pc_port_recv(p, b, sizeof(b)), 0);
    }
    assert_false(readable(p));
    assert_int_equal(pc_port_send(p, b, 1000), 0);
    assert_int_equal(stats(p).tx, sent + 1);
    close(fd);
    pc_port_close(p);
}

/* A peer that comes when the process is out of descriptors waits, and does not keep the card awake. */
static void socket_out_of_descriptors(void **state)
{
    const char *path = in_dir("late.sock");
    struct pc_port *p = open_port("socket:%s", path, "");
    struct pollfd f = {.fd = pc_port_fd(p), .events = POLLIN};
    uint8_t b[PC_PORT_MAX_FRAME];
    int fd = peer(path), free_fd = dup(fd);
    struct rlimit old, low;
    bool busy = false;

    (void)state;
    assert_true(free_fd >= 0);
    close(free_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)free_fd; /* poll() may still be given those that are open */
    setrlimit(RLIMIT_NOFILE, &low);
    for (int i = 0; i < 3; i++) {
        busy |= poll(&f, 1, -1) != 1; /* it is tried again, after a while */
        busy |= pc_port_recv(p, b, sizeof(b)) != 0 || readable(p);
    }
    setrlimit(RLIMIT_NOFILE, &old);
    assert_false(busy);
    assert_int_equal(stats(p).peers, 0);
    put_frame(fd, 60, 7);
    while (!stats(p).peers) {
        assert_int_equal(poll(&f, 1, -1), 1);
        assert_int_equal(pc_port_recv(p, b, sizeof(b)), 0);
    }
    assert_int_equal(next_frame(p, b), 60);
    close(fd);
    pc_port_close(p);
}

/* ---- TAP ---- */

static int up(const char *name)
{
    struct ifreq r;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

    memset(&r, 0, sizeof(r));
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    r.ifr_mtu = 9000;
    rc = ioctl(fd, SIOCSIFMTU, &r);
    r.ifr_flags = IFF_UP;
    rc |= ioctl(fd, SIOCSIFFLAGS, &r);
    close(fd);
    return rc;
}

/*
 * The next frame of the test: the kernel sends frames of its own (IPv6, all of them short) when it likes, and
 * hands on what was sent to the interface when it comes to it. Return: its bytes, or 0: it was refused.
 */
static ssize_t next_of_test(struct pc_port *p, uint8_t *b, size_t cap)
{
    struct pollfd f = {.fd = pc_port_fd(p), .events = POLLIN};
    uint64_t refused = stats(p).rx_refused;

    for (;;) {
        ssize_t n;

        assert_int_equal(poll(&f, 1, -1), 1);
        n = pc_port_recv(p, b, cap);
        assert_true(n >= 0);
        if (stats(p).rx_refused != refused ||
            (n > 13 && b[12] == TEST_TYPE >> 8 && b[13] == (TEST_TYPE & 0xff)))
            return n;
    }
}

static void tap_both_ways(void **state)
{
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(TEST_TYPE)};
    struct pc_port *p, *also;
    static uint8_t b[PC_PORT_MAX_FRAME], c[PC_PORT_MAX_FRAME];
    char err[256];
    int s;

    (void)state;
    if (access("/dev/net/tun", R_OK | W_OK) ||
        (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))) {
        print_message("# skipped: no permission for a network namespace\n");
        skip();
    }
    p = open_port("tap:%s", "pctest0", "");
    also = pc_port_open("tap:pctest0", err, sizeof(err));
    assert_null(also);
    assert_non_null(strstr(err, "another process has it"));
    assert_null(pc_port_open("tap:lo", err, sizeof(err)));
    assert_non_null(strstr(err, "not a plain TAP"));
    memset(b, 0xff, 6);
    b[6] = 2;
    b[12] = TEST_TYPE >> 8;
    b[13] = TEST_TYPE & 0xff;
    for (size_t i = 14; i < sizeof(b); i++)
        b[i] = (uint8_t)i;
    assert_int_equal(pc_port_send(p, b, 60), 0); /* down: lost */
    assert_int_equal(stats(p).tx_lost, 1);
    assert_int_equal(up("pctest0"), 0);
    s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(TEST_TYPE));
    a.sll_ifindex = (int)if_nametoindex("pctest0");
    assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(pc_port_send(p, b, 9000), 0);
    assert_int_equal(recv(s, c, sizeof(c), 0), 9000);
    assert_memory_equal(c, b, 9000);
    assert_int_equal(send(s, b, 9014, 0), 9014);
    assert_int_equal(next_of_test(p, c, sizeof(c)), 9014);
    assert_memory_equal(c, b, 9014);
    assert_int_equal(send(s, b, 500, 0), 500);
    assert_int_equal(next_of_test(p, c, 499), 0); /* too long for the buffer: refused, not cut */
    assert_int_equal(stats(p).rx_refused, 1);
    assert_int_equal(send(s, b, 500, 0), 500);
    assert_int_equal(next_of_test(p, c, sizeof(c)), 500);
    close(s);
    pc_port_close(p);
    assert_int_equal(if_nametoindex("pctest0"), 0); /* not persistent */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"wrong texts name the part and the cure", wrong_texts, NULL, NULL, NULL},
        {"null counts and refuses lengths", null_port, NULL, NULL, NULL},
        {"pcap: frames of one file into another", pcap_both_ways, NULL, NULL, NULL},
        {"pcap: damaged and foreign captures", pcap_damaged, NULL, NULL, NULL},
        {"socket: both ways, lengths refused", socket_both_ways, NULL, NULL, NULL},
        {"socket: frames in single bytes", socket_byte_by_byte, NULL, NULL, NULL},
        {"socket: lies, second peers, reconnects", socket_lies_and_reconnects, NULL, NULL, NULL},
        {"socket: a peer that does not read", socket_peer_that_does_not_read, NULL, NULL, NULL},
        {"socket: a peer waits for a descriptor", socket_out_of_descriptors, NULL, NULL, NULL},
        {"tap: both ways in a namespace", tap_both_ways, NULL, NULL, NULL},
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
