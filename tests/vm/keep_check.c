// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel resets a card when nobody has it open: `keep_check DEVICE DIRECTORY` makes connections of a service, ends in
 * order, opens the card again, and wants them back. One TAP line. The directory exists and is empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>
#include <portcam/portcam.h>

#include "lib/src/connections/saved.h"

enum { CONNECTIONS = 3000 };

static const char Config[] = "{\"format\": 1, \"domains\": [{\"name\": \"d\"}],"
                             " \"addresses\": [{\"address\": \"198.51.100.1\", \"domain\": \"d\"}],"
                             " \"backends\": [{\"name\": \"b\", \"address\": \"192.0.2.1\", "
                             "\"port\": 8080, \"function\": 1}],"
                             " \"services\": [{\"name\": \"s\", \"domain\": \"d\", \"address\": "
                             "\"198.51.100.1\", \"protocol\": \"tcp\","
                             " \"port\": 80, \"mode\": \"stateful\", \"backends\": [\"b\"]}]}";

static void need(bool good, const char *what)
{
    if (good)
        return;
    printf("# %s: the driver's last sentence is \"%s\"\nnot ok - connections kept over an end in "
           "order\n",
           what, portcam_dev_error());
    exit(1);
}

static struct portcam *opened(const char *device, const char *dir)
{
    struct portcam_opts opts = {.sz = sizeof(opts), .device = device, .state_dir = dir};
    struct portcam *pc = NULL;

    need(portcam_open(&opts, NULL, &pc) == 0, "the card cannot be opened");
    return pc;
}

/* Established connections of the one service; numbers of what there is one of are 0. */
static void make(struct portcam *pc)
{
    struct pc_saved records = {0};
    unsigned status = 0;
    size_t made = 0;

    need(pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &records.now) == 0, "no clock");
    for (uint32_t n = 0; n < CONNECTIONS; n++) {
        struct portcam_connection_image i = {.family = PORTCAM_FAMILY_4,
                                             .protocol = 6,
                                             .client_ip = {203, 0, 113, (uint8_t)(1 + n % 250)},
                                             .client_port = (uint16_t)(1024 + n),
                                             .public_port = 80,
                                             .state = PORTCAM_CONNECTION_STATE_ESTABLISHED,
                                             .created = records.now,
                                             .last_used = records.now};
        need(pc_saved_add(&records, &i) == 0, "no memory");
    }
    need(pc_saved_restore(pc, &records, &made, &status) == 0 && made == CONNECTIONS,
         "records cannot be made");
    pc_saved_free(&records);
}

int main(int argc, char **argv)
{
    struct portcam_config *config = NULL;
    struct pc_saved found = {0};
    uint32_t scratch = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: keep_check DEVICE DIRECTORY\n");
        return 2;
    }
    struct portcam *pc = opened(argv[1], argv[2]);
    need(portcam_config_parse(Config, strlen(Config), NULL, NULL, &config) == 0 &&
             portcam_config_apply(pc, config, NULL, NULL) == 0,
         "the configuration is refused");
    make(pc);
    need(pc_hw_set_register(pc->hw, PORTCAM_REG_SCRATCH, 0x5ca1ab1e) == 0, "no register");
    portcam_close(pc);
    pc = opened(argv[1], argv[2]);
    need(pc_hw_register(pc->hw, PORTCAM_REG_SCRATCH, &scratch) == 0 && scratch == 0,
         "the kernel did not reset the card");
    need(pc_saved_read(pc, &found) == 0 && found.count == CONNECTIONS, "connections are missing");
    for (size_t n = 0; n < found.count; n++)
        need(found.image[n].state == PORTCAM_CONNECTION_STATE_ESTABLISHED &&
                 found.image[n].public_port == 80,
             "a connection is another one");
    pc_saved_free(&found);
    portcam_config_free(config);
    portcam_close(pc);
    printf("ok - connections kept over an end in order\n");
    return 0;
}
