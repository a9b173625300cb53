// SPDX-License-Identifier: Apache-2.0
/*
 * The mirror of a card's connections against the card: `mirror_check DEVICE COUNT` makes half of the connections, opens
 * the mirror, makes the others and ends some while it follows, and then compares every slot with what the card tells.
 * One TAP line; lines "# ..." say how long it took.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <portcam/dev.h>
#include <portcam/mirror.h>
#include <portcam/portcam.h>

#include "lib/src/connections/connections.h"

enum { BATCH = 64, MOST = 50000 };

static struct {
    struct portcam *pc;
    struct portcam_mirror *mirror;
    struct portcam_connection_image *images; /* BATCH, in memory of the card */
    uint64_t iova;
    unsigned told[PORTCAM_MIRROR_ENDED + 1];
} t;

static void need(bool good, const char *what)
{
    if (good)
        return;
    printf("# %s: the driver's last sentence is \"%s\"\nnot ok - mirror equal to the card\n", what,
           portcam_dev_error());
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void changed(void *ctx, const struct portcam_mirror_change *change)
{
    (void)ctx;
    t.told[change->kind]++;
}

/* Every third over IPv6, every fifth with UDP, in all states of theirs. */
static struct portcam_connection_image image(uint32_t number)
{
    bool udp = number % 5 == 0;
    struct portcam_connection_image i = {
        .family = number % 3 == 0 ? 6 : 4,
        .protocol = udp ? 17 : 6,
        .client_port = (uint16_t)(1024 + number % 60000),
        .public_port = udp ? 53 : 80,
        .state = (uint8_t)(udp ? PORTCAM_CONNECTION_STATE_UNREPLIED + number % 2
                               : PORTCAM_CONNECTION_STATE_SYN_SEEN +
                                     number % (PORTCAM_CONNECTION_STATE_ESTABLISHED + 1 -
                                               PORTCAM_CONNECTION_STATE_SYN_SEEN)),
        .created = number,
        .last_used = number + 7,
        .client_next = number * 77777u,
        .forward_packets = number,
        .forward_octets = (uint64_t)number * 100,
    };

    memcpy(i.client_ip, &number, sizeof(number));
    i.client_ip[0] |= 1;
    return i;
}

static void insert(uint32_t first, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t n = count - done < BATCH ? count - done : BATCH;
        struct portcam_command c = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT, .count = n};
        unsigned index = 0;
        unsigned status = 0;

        for (uint32_t i = 0; i < n; i++)
            t.images[i] = image(2 * (first + done + i)); /* the lowest bit of an address is 1 */
        memcpy(c.data, &t.iova, sizeof(t.iova));
        int rc = pc_hw_run(t.pc->hw, &c, 1, &index, &status);
        if (rc)
            printf("# connection_insert: %d, status %u\n", rc, status);
        need(rc == 0, "records cannot be made");
        done += n;
        if (t.mirror)
            need(portcam_mirror_run(t.mirror, 0, NULL) == 0, "events cannot be followed");
    }
}

static void follow(void)
{
    bool more = true;

    while (more)
        need(portcam_mirror_run(t.mirror, 0, &more) == 0, "events cannot be followed");
}

/* Every seventh slot with a record. */
static uint32_t end_some(void)
{
    static struct portcam_connection_image found[PC_HW_CHUNK], some[PC_HW_CHUNK];
    uint32_t ended = 0;

    for (uint32_t slot = 0; slot < pc_hw_slots(t.pc->hw); slot += PC_HW_CHUNK) {
        uint32_t count = pc_hw_slots(t.pc->hw) - slot, n = 0, m = 0;

        count = count < PC_HW_CHUNK ? count : PC_HW_CHUNK;
        need(pc_hw_connections(t.pc->hw, slot, count, found, &n) == 0, "records cannot be read");
        for (uint32_t i = 0; i < n; i += 7)
            some[m++] = found[i];
        need(m == 0 || pc_hw_end_connections(t.pc->hw, some, m, &n) == 0,
             "records cannot be ended");
        ended += m ? n : 0;
        follow();
    }
    return ended;
}

/* The mirror has the same records and no others; counters are the card's alone. */
static uint32_t compare(void)
{
    static struct portcam_connection_image found[PC_HW_CHUNK];
    uint32_t records = 0;

    for (uint32_t slot = 0; slot < pc_hw_slots(t.pc->hw); slot += PC_HW_CHUNK) {
        uint32_t count = pc_hw_slots(t.pc->hw) - slot, n = 0, at = 0;

        count = count < PC_HW_CHUNK ? count : PC_HW_CHUNK;
        need(pc_hw_connections(t.pc->hw, slot, count, found, &n) == 0, "records cannot be read");
        for (uint32_t s = slot; s < slot + count; s++) {
            struct portcam_mirror_record record;
            bool there = at < n && found[at].slot == s;
            int rc = portcam_mirror_read(t.mirror, s, &record);

            need(rc == (there ? 0 : -ENOENT), "a record is in one and not in the other");
            if (!there)
                continue;
            struct portcam_connection_image mirrored = pc_image_of_mirror(&record);
            found[at].forward_packets = found[at].forward_octets = 0;
            found[at].reverse_packets = found[at].reverse_octets = 0;
            need(memcmp(&mirrored, &found[at], sizeof(mirrored)) == 0, "a record differs");
            at++;
        }
        records += n;
    }
    return records;
}

int main(int argc, char **argv)
{
    uint32_t count = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    struct portcam_mirror_opts mirror_opts = {.sz = sizeof(mirror_opts), .changed = changed};
    struct portcam_mirror_audit audit = {0};
    struct portcam_opts opts = {.sz = sizeof(opts)};
    void *memory = NULL;

    if (count < 2 || count > MOST) {
        fprintf(stderr, "usage: mirror_check DEVICE COUNT\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    opts.device = argv[1];
    need(portcam_open(&opts, NULL, &t.pc) == 0, "the card cannot be opened");
    need(portcam_dma_alloc(pc_hw_device(t.pc->hw), BATCH * sizeof(*t.images), 64, &memory,
                           &t.iova) == 0,
         "no memory for the card");
    t.images = memory;
    insert(1, count / 2);
    double start = seconds();
    need(portcam_mirror_open(t.pc, &mirror_opts, NULL, &t.mirror) == 0, "no mirror");
    printf("# %u connections mirrored at the start in %.0f ms\n", t.told[PORTCAM_MIRROR_FOUND],
           (seconds() - start) * 1e3);
    need(t.told[PORTCAM_MIRROR_FOUND] == count / 2, "the mirror does not begin with all");
    start = seconds();
    insert(1 + count / 2, count - count / 2);
    follow();
    double took = seconds() - start;
    printf("# %u more made and followed in %.0f ms: %.0f events a second\n",
           t.told[PORTCAM_MIRROR_BEGAN], took * 1e3, t.told[PORTCAM_MIRROR_BEGAN] / took);
    need(t.told[PORTCAM_MIRROR_BEGAN] == count - count / 2, "events are missing");
    need(compare() == count, "not all connections are in the card");
    uint32_t ended = end_some();
    need(t.told[PORTCAM_MIRROR_ENDED] == ended && ended > count / 8, "ends are missing");
    need(compare() == count - ended, "not the right ones have ended");
    need(portcam_mirror_audit(t.mirror, 0, portcam_mirror_blocks(t.mirror), &audit) == 0 &&
             audit.blocks == portcam_mirror_blocks(t.mirror) && audit.records == count - ended &&
             !audit.different && !audit.unsettled,
         "the card's sums are not those of the mirror");
    printf("# %u ended; %u equal to the card\nok - mirror equal to the card\n", ended,
           count - ended);
    portcam_close(t.pc);
    return 0;
}
