// SPDX-License-Identifier: Apache-2.0
/*
 * The driver alone: opens a card, writes one row in a change set, reads it back by DMA, and reads a counter.
 *
 *   row DEVICE      for instance: row model:
 */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

enum { TIMEOUT_MS = 5000 };

static struct portcam_command command(unsigned opcode, unsigned table, uint64_t address)
{
    struct portcam_command c = {.opcode = (uint8_t)opcode, .table_id = htole16((uint16_t)table)};

    address = htole64(address);
    memcpy(c.data, &address, sizeof(address));
    return c;
}

static int write_row(struct portcam_ring *ring)
{
    const struct portcam_device_row row = {.mac = {2, 0, 0, 0, 0, 0xaa}};
    struct portcam_command batch[] = {
        command(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0),
        command(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_DEVICE, 0),
        command(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0),
        command(PORTCAM_OPCODE_CHANGE_ABORT, 0, 0), /* ends a set whose commit was refused */
    };

    memcpy(batch[1].data, &row, sizeof(row));
    return portcam_ring_run(ring, batch, 4, TIMEOUT_MS, NULL); /* one doorbell for all */
}

static int read_back(struct portcam_dev *dev, struct portcam_ring *ring)
{
    void *memory;
    uint64_t iova; /* what the card calls `memory` */
    int err = portcam_dma_alloc(dev, 128, 64, &memory, &iova);

    if (err)
        return err;
    struct portcam_command batch[] = {
        command(PORTCAM_OPCODE_ROW_READ, PORTCAM_TABLE_DEVICE, iova),
        command(PORTCAM_OPCODE_COUNTER_READ, PORTCAM_COUNTER_TABLE_REASON, iova + 64),
    };
    batch[1].row = htole32(PORTCAM_REASON_NO_MATCH);
    batch[1].count = htole32(1);
    err = portcam_ring_run(ring, batch, 2, TIMEOUT_MS, NULL);
    if (err == 0) {
        const struct portcam_row_image *image = memory;
        const struct portcam_counter_row *counter =
            (const struct portcam_counter_row *)((const char *)memory + 64);
        const uint8_t *mac = image->data;
        printf("row %s, mac %02x:%02x:%02x:%02x:%02x:%02x\n",
               le16toh(image->flags) & PORTCAM_ROW_IMAGE_VALID ? "valid" : "empty", mac[0], mac[1],
               mac[2], mac[3], mac[4], mac[5]);
        printf("no_match: %" PRIu64 " packets, %" PRIu64 " octets\n", le64toh(counter->packets),
               le64toh(counter->octets));
    }
    portcam_dma_free(dev, memory);
    return err;
}

int main(int argc, char **argv)
{
    struct portcam_dev *dev = NULL;
    struct portcam_ring *ring = NULL;

    int err = portcam_dev_open(argc > 1 ? argv[1] : "model:", NULL, &dev);
    if (!err)
        err = portcam_ring_open(dev, NULL, &ring); /* allows DMA, then enables the ring */
    if (!err)
        err = write_row(ring);
    if (!err)
        err = read_back(dev, ring);
    if (err)
        fprintf(stderr, "%s\n", portcam_dev_error());
    portcam_ring_close(ring);
    portcam_dev_close(dev);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
