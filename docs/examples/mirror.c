// SPDX-License-Identifier: Apache-2.0
/*
 * The connections of a card, from its mirror: asks portcamd once, then only reads memory. With an argument more it looks for
 * one client's connection to a port.
 *
 *     mirror SOCKET
 *     mirror SOCKET IPV4 PORT PUBLIC-PORT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/mirror_reader.h"

static void print(const struct portcam_mirror_record *r)
{
    char client[INET6_ADDRSTRLEN];

    inet_ntop(r->flags & PORTCAM_MIRROR_RECORD_IS_V6 ? AF_INET6 : AF_INET, r->client_ip, client,
              sizeof(client));
    printf("%u:%u protocol %u, %s port %u to port %u, service %u, backend %u, state %u\n", r->slot,
           r->generation, r->protocol, client, r->client_port, r->public_port, r->service,
           r->backend, r->state);
}

static int find(const struct portcam_reader *reader, char **words)
{
    struct portcam_reader_ends ends = {.protocol = 6,
                                       .client_port = (uint16_t)strtoul(words[1], NULL, 10),
                                       .public_port = (uint16_t)strtoul(words[2], NULL, 10)};
    struct portcam_mirror_record r;

    if (inet_pton(AF_INET, words[0], ends.client_ip) != 1) {
        fprintf(stderr, "%s is no IPv4 address\n", words[0]);
        return 1;
    }
    if (portcam_reader_find(reader, &ends, &r)) {
        printf("there is no such connection\n");
        return 4;
    }
    print(&r);
    return 0;
}

int main(int argc, char **argv)
{
    struct portcam_reader *reader = NULL;
    struct portcam_mirror_record r;
    uint32_t slot = 0, count = 0;
    int result = 0;

    if (argc != 2 && argc != 5) {
        fprintf(stderr, "usage: mirror SOCKET [IPV4 PORT PUBLIC-PORT]\n");
        return 1;
    }
    int rc = portcam_reader_open(argv[1], &reader);
    if (rc) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(-rc));
        return 5;
    }
    if (argc == 5) {
        result = find(reader, argv + 2);
    } else {
        while (portcam_reader_next(reader, &slot, &r)) {
            print(&r);
            count++;
        }
        printf("%u connections, %u slots\n", count, portcam_reader_slots(reader));
    }
    portcam_reader_close(reader);
    return result;
}
