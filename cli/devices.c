// SPDX-License-Identifier: Apache-2.0
/* `portcam device list`: PCI functions of this host, without a daemon. */
#include <portcam/dev.h>

#include "cli.h"
#include "portcam_defs.h"
#include "render.h"

int list_devices(struct cli *cli)
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
        json_array_append_new(
            devices, json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:s}", "name", list[i].open_name,
                               "vendor", list[i].vendor_name, "device", list[i].device_name,
                               "driver", list[i].driver, "iommu_group", list[i].iommu_group,
                               "usable", (int)list[i].usable, "problem", list[i].problem));
    portcam_dev_list_free(list);
    json_t *answer = json_pack("{s:i, s:o}", "format", PORTCAM_FORMAT, "devices", devices);
    if (cli->json)
        print_json(answer);
    else
        render(cli->command, answer);
    json_decref(answer);
    return EXIT_OK;
}
