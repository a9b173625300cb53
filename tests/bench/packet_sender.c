// SPDX-License-Identifier: Apache-2.0
/* Sends the traffic of bench_frames.h as fast as one core can: frames to services out of the first interface, replies out
 * of the second, by sendmmsg on packet sockets. What the kernel does with a frame of a veth pair happens in the
 * sender's own context, so the CPU time that is printed covers it.
 * Usage: packet_sender CLIENTS SERVERS SECONDS; says ready, waits for a line, prints frames sent and CPU seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_frames.h"

enum { BATCH = 64, SIDES = 2 };

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_side(const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    int bypass = 1, fd = socket(AF_PACKET, SOCK_RAW, 0); /* protocol 0: it receives nothing */
    if (fd >= 0 && address.sll_ifindex &&
        bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) == 0)
        return fd;
    fprintf(stderr, "packet_sender: %s: %s\n", interface, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* All frames once, a batch of one side after a batch of the other; flows begin at the client. */
static int send_all(const int fd[SIDES], struct mmsghdr message[SIDES][BENCH_FRAMES / SIDES])
{
    for (unsigned at = 0; at < BENCH_FRAMES / SIDES; at += BATCH) {
        for (unsigned side = 0; side < SIDES; side++) {
            for (unsigned done = 0; done < BATCH;) {
                int n = sendmmsg(fd[side], message[side] + at + done, BATCH - done, 0);
                if (n < 0 && errno != EINTR && errno != ENOBUFS) {
                    perror("packet_sender: sendmmsg");
                    return -1;
                }
                done += n > 0 ? (unsigned)n : 0;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static uint8_t frame[BENCH_FRAMES][BENCH_LEN];
    static struct iovec vector[BENCH_FRAMES];
    static struct mmsghdr message[SIDES][BENCH_FRAMES / SIDES];
    unsigned long long frames = 0;
    int fd[SIDES];

    if (argc != 4) {
        fputs("usage: packet_sender CLIENTS SERVERS SECONDS\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < SIDES; i++)
        if ((fd[i] = open_side(argv[1 + i])) < 0)
            return 1;
    for (unsigned i = 0; i < BENCH_FRAMES; i++) {
        bench_frame(frame[i], i);
        vector[i] = (struct iovec){frame[i], BENCH_LEN};
        message[i % SIDES][i / SIDES].msg_hdr =
            (struct msghdr){.msg_iov = &vector[i], .msg_iovlen = 1};
    }
    if (send_all(fd, message) != 0) /* connections are made before the clock starts */
        return 1;
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;
    double seconds = strtod(argv[3], NULL), start = cpu_seconds(), used = 0;
    while (used < seconds) {
        if (send_all(fd, message) != 0)
            return 1;
        frames += BENCH_FRAMES;
        used = cpu_seconds() - start;
    }
    printf("%llu %.6f\n", frames, used);
    return 0;
}
