// SPDX-License-Identifier: Apache-2.0
/* `portcam device list|bind|unbind`: PCI functions of this host, without a daemon. */
#include <errno.h>
#include <portcam/dev.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "portcam_defs.h"
#include "render.h"

/* The cards, or only the one at that address. */
static int answer_devices(const struct cli *cli, const char *only)
{
    struct portcam_dev_list_opts opts = {
        .sz = sizeof(opts), .vendor_id = PORTCAM_PCI_VENDOR, .device_id = PORTCAM_PCI_DEVICE};
    struct portcam_dev_entry *list = NULL;
    size_t count = 0;
    int rc = portcam_dev_list(&opts, &list, &count);

    if (rc)
        return fail(cli, "setup", NULL, "the cards cannot be listed: %s", portcam_dev_error());
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++)
        if (!only || strcasestr(list[i].bdf, only))
            json_array_append_new(
                devices, json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:s}", "name", list[i].open_name,
                                   "vendor", list[i].vendor_name, "device", list[i].device_name,
                                   "driver", list[i].driver, "iommu_group", list[i].iommu_group,
                                   "usable", (int)list[i].usable, "problem", list[i].problem));
    portcam_dev_list_free(list);
    json_t *answer = json_pack("{s:i, s:o}", "format", PORTCAM_FORMAT, "devices", devices);
    if (cli->dry_run)
        json_object_set_new(answer, "dry_run", json_true());
    if (cli->json)
        print_json(answer);
    else
        render(cli->command, answer);
    json_decref(answer);
    return EXIT_OK;
}

/* The kernel waits for whoever has the card open, and the operator should know for what. */
static void *tell_waiting(void *address)
{
    const struct timespec patience = {.tv_sec = 3};

    nanosleep(&patience, NULL);
    fprintf(stderr,
            "portcam: waiting until nobody has %s open: portcamd lets go by itself, other programs "
            "have to be stopped\n",
            (const char *)address);
    return NULL;
}

static int unbind(const char *address, const struct portcam_dev_bind_opts *opts)
{
    pthread_t thread;
    bool told = pthread_create(&thread, NULL, tell_waiting, (void *)(uintptr_t)address) == 0;
    int rc = portcam_dev_unbind(address, opts);

    if (told) {
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    return rc;
}

int devices_command(struct cli *cli, const json_t *args)
{
    const struct portcam_dev_bind_opts opts = {.sz = sizeof(opts), .check_only = cli->dry_run};
    const char *address = json_string_value(json_object_get(args, "name"));
    bool bind = strcmp(cli->command->verb, "bind") == 0;

    if (!address)
        return answer_devices(cli, NULL);
    int rc = bind ? portcam_dev_bind(address, &opts) : unbind(address, &opts);
    if (rc)
        return fail(cli,
                    rc == -EINVAL   ? "usage"
                    : rc == -ENODEV ? "not_found"
                                    : "setup",
                    NULL, "%s", portcam_dev_error());
    return answer_devices(cli, strncmp(address, "pci:", 4) ? address : address + 4);
}
