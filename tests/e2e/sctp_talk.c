// SPDX-License-Identifier: Apache-2.0
/*
 * Two ends of SCTP in user space (usrsctp over raw sockets), for kernels that have none.
 *
 *   sctp_talk serve ADDRESS PORT [ADDRESS PORT]...   answers: its own address and port (64 bytes), then all that it gets
 *   sctp_talk ask OWN-ADDRESS ADDRESS PORT BYTES     so many bytes there and back, compared; prints who answered
 *
 * Both tell an association that was not shut down by both sides. ADDRESS "any" is all addresses of the machine, which
 * go into INIT and INIT ACK; else there is none in them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <usrsctp.h>

enum { HELLO = 64, PIECE = 5000 /* several chunks, which SCTP cuts itself */ };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The library has threads that look at its memory; no destructor may run beside them. */
static _Noreturn void end(int status)
{
    fflush(NULL);
    _exit(status);
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "sctp_talk: %s: %s\n", what, strerror(errno));
    end(1);
}

static union address address_of(const char *text, const char *port)
{
    union address a = {
        .v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))}};

    if (strcmp(text, "any") == 0 || inet_pton(AF_INET, text, &a.v4.sin_addr) == 1)
        return a;
    a.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = a.v4.sin_port};
    need(inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1, text);
    return a;
}

static socklen_t size_of(const union address *a)
{
    return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static struct socket *bound(union address a)
{
    struct socket *s =
        usrsctp_socket(a.any.sa_family, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);

    need(s && usrsctp_bind(s, &a.any, size_of(&a)) == 0, "bind");
    return s;
}

static bool send_all(struct socket *s, const uint8_t *bytes, size_t n)
{
    for (size_t len; n; bytes += len, n -= len) {
        len = n < PIECE ? n : PIECE;
        if (usrsctp_sendv(s, bytes, len, NULL, 0, NULL, 0, SCTP_SENDV_NOINFO, 0) != (ssize_t)len)
            return false;
    }
    return true;
}

/* 0: the other side has shut down, and all of it has come. */
static ssize_t receive(struct socket *s, uint8_t *bytes, size_t room)
{
    struct sctp_rcvinfo info;
    socklen_t from_len = 0, info_len = sizeof(info);
    unsigned type = 0;
    int flags = 0;

    return usrsctp_recvv(s, bytes, room, NULL, &from_len, &info, &info_len, &type, &flags);
}

static size_t receive_up_to(struct socket *s, uint8_t *bytes, size_t n)
{
    size_t got = 0;

    for (ssize_t len; got < n; got += (size_t)len) {
        len = receive(s, bytes + got, n - got);
        if (len <= 0)
            break;
    }
    return got;
}

/* ---- the server ---- */

struct place {
    struct socket *s;
    char name[HELLO];
};

static void *echo(void *arg)
{
    struct place *at = arg;
    uint8_t bytes[65536];
    unsigned long all = 0;
    ssize_t len = send_all(at->s, (const uint8_t *)at->name, HELLO) ? 1 : -1;

    while (len > 0 && (len = receive(at->s, bytes, sizeof(bytes))) > 0) {
        all += (unsigned long)len;
        if (!send_all(at->s, bytes, (size_t)len))
            len = -1;
    }
    printf("%s: %lu bytes, %s\n", at->name, all, len == 0 ? "shut down" : strerror(errno));
    usrsctp_close(at->s);
    free(at);
    return NULL;
}

static void start(void *(*run)(void *), void *arg)
{
    pthread_t thread;

    errno = pthread_create(&thread, NULL, run, arg);
    need(errno == 0 && pthread_detach(thread) == 0, "thread");
}

static void *listen_to(void *arg)
{
    const struct place *at = arg;

    for (;;) {
        struct place *one = malloc(sizeof(*one));
        need(one != NULL, "memory");
        *one = *at;
        one->s = usrsctp_accept(at->s, NULL, NULL);
        need(one->s != NULL, "accept");
        start(echo, one);
    }
    return NULL;
}

static _Noreturn void serve(char **words)
{
    for (; words[0] && words[1]; words += 2) {
        struct place *at = calloc(1, sizeof(*at));
        need(at != NULL, "memory");
        at->s = bound(address_of(words[0], words[1]));
        need(usrsctp_listen(at->s, 8) == 0, "listen");
        snprintf(at->name, sizeof(at->name), "%s:%s", words[0], words[1]);
        start(listen_to, at);
    }
    printf("ready\n");
    for (;;)
        pause();
}

/* ---- the client ---- */

struct question {
    struct socket *s;
    uint8_t *bytes;
    size_t n;
};

static void *put(void *arg)
{
    struct question *q = arg;
    need(send_all(q->s, q->bytes, q->n), "send");
    return NULL;
}

static void fill(uint8_t *bytes, size_t n)
{
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(x >> 24);
    }
}

static _Noreturn void ask(char **words)
{
    union address there = address_of(words[1], words[2]);
    struct question q = {.s = bound(address_of(words[0], "0")), .n = strtoul(words[3], NULL, 10)};
    uint8_t hello[HELLO + 1] = {0}, *back = malloc(q.n + 1);

    q.bytes = malloc(q.n + 1);
    need(back && q.bytes, "memory");
    fill(q.bytes, q.n);
    need(usrsctp_connect(q.s, &there.any, size_of(&there)) == 0, "connect");
    need(receive_up_to(q.s, hello, HELLO) == HELLO, "no hello");
    start(put, &q);
    need(receive_up_to(q.s, back, q.n) == q.n, "lost");
    need(memcmp(back, q.bytes, q.n) == 0, "other bytes");
    need(usrsctp_shutdown(q.s, SHUT_WR) == 0, "shutdown");
    need(receive(q.s, back, 1) == 0, "the end");
    printf("%s\n", hello);
    end(0);
}

int main(int argc, char **argv)
{
    setlinebuf(stdout);
    usrsctp_init(0, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    if (argc >= 4 && strcmp(argv[1], "serve") == 0)
        serve(argv + 2);
    if (argc == 6 && strcmp(argv[1], "ask") == 0)
        ask(argv + 2);
    fprintf(stderr,
            "usage: sctp_talk serve ADDRESS PORT... | ask OWN-ADDRESS ADDRESS PORT BYTES\n");
    end(2);
}
