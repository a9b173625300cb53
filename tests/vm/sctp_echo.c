// SPDX-License-Identifier: Apache-2.0
/*
 * The server of tests/e2e/sctp_talk.c, with the SCTP of the kernel: sctp_echo ADDRESS PORT. It tells each peer its address and port
 * in 64 bytes, and sends back all that comes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HELLO = 64 };

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static bool send_all(int s, const char *bytes, size_t n)
{
    for (ssize_t len; n; bytes += len, n -= (size_t)len) {
        len = send(s, bytes, n, MSG_NOSIGNAL);
        if (len <= 0)
            return false;
    }
    return true;
}

static void echo(int s, const char *hello)
{
    char bytes[16384];
    ssize_t len;

    if (!send_all(s, hello, HELLO))
        return;
    while ((len = recv(s, bytes, sizeof(bytes), 0)) > 0 && send_all(s, bytes, (size_t)len))
        ;
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char hello[HELLO] = {0};

    need(argc == 3 && inet_pton(AF_INET, argv[1], &a.sin_addr) == 1, "sctp_echo ADDRESS PORT");
    a.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    (void)snprintf(hello, sizeof(hello), "%s:%s", argv[1], argv[2]);
    int listener = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    need(listener >= 0, "socket");
    need(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
    need(listen(listener, 4) == 0, "listen");
    if (daemon(0, 1) != 0)
        return 1;
    for (;;) {
        int s = accept(listener, NULL, NULL);
        need(s >= 0, "accept");
        echo(s, hello);
        close(s);
    }
}
