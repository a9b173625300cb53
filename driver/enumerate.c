// SPDX-License-Identifier: Apache-2.0
/*
 * Which cards there are: functions, names and ids from libpciaccess, driver, group and readiness
 * from sysfs.
 *
 * Nothing is opened or changed. libpciaccess takes one snapshot for the process; it is made and
 * dropped under a lock here, and never maps a BAR.
 */
#include <errno.h>
#include <pciaccess.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "opts.h"
#include "preflight.h"
#include "sys.h"

#define CLASS_ACCELERATOR 0x1200u

static pthread_mutex_t snapshot_lock = PTHREAD_MUTEX_INITIALIZER;

struct list {
    struct portcam_dev_entry *entries;
    size_t count;
    size_t room;
};

static void name(char *to, size_t len, const char *text)
{
    snprintf(to, len, "%s", text ? text : "");
}

static void fill(struct portcam_dev_entry *e, struct pci_device *p)
{
    snprintf(e->bdf, sizeof(e->bdf), "%04x:%02x:%02x.%x", p->domain & 0xffffu, p->bus & 0xffu,
             p->dev & 0x1fu, p->func & 7u);
    snprintf(e->open_name, sizeof(e->open_name), "pci:%s", e->bdf);
    e->vendor_id = (uint16_t)p->vendor_id;
    e->device_id = (uint16_t)p->device_id;
    e->subvendor_id = (uint16_t)p->subvendor_id;
    e->subdevice_id = (uint16_t)p->subdevice_id;
    e->class_code = p->device_class & 0xffffffu;
    e->revision = (uint8_t)p->revision;
    for (unsigned i = 0; i < 6; i++)
        e->bar_size[i] = p->regions[i].size;
    if (pci_device_cfg_read(p, e->header, 0, sizeof(e->header), NULL) != 0)
        memset(e->header, 0xff, sizeof(e->header));
    name(e->vendor_name, sizeof(e->vendor_name), pci_device_get_vendor_name(p));
    name(e->device_name, sizeof(e->device_name), pci_device_get_device_name(p));
}

static void look_at_sysfs(struct portcam_dev_entry *e, const struct portcam_dev_list_opts *opts)
{
    struct portcam_dev_opts check = {
        .sz = sizeof(check),
        .sysfs_root = opts->sysfs_root,
        .dev_root = opts->dev_root,
        .sys = &pc_sys_libc,
    };
    struct pc_preflight pf;

    if (pc_sysfs_driver(opts->sysfs_root, e->bdf, e->driver, sizeof(e->driver)) != 0)
        e->driver[0] = '\0';
    e->iommu_group = pc_sysfs_group(opts->sysfs_root, e->bdf);
    if (e->iommu_group < 0)
        e->iommu_group = -1;
    e->usable = pc_preflight(e->bdf, &check, &pf) == 0;
    if (!e->usable)
        name(e->problem, sizeof(e->problem), portcam_dev_error());
}

static int add(struct list *l, struct pci_device *p, const struct portcam_dev_list_opts *opts)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 4;
        struct portcam_dev_entry *grown = realloc(l->entries, room * sizeof(*grown));

        if (!grown)
            return pc_fail(-ENOMEM, "out of memory");
        l->entries = grown;
        l->room = room;
    }
    memset(&l->entries[l->count], 0, sizeof(*l->entries));
    fill(&l->entries[l->count], p);
    look_at_sysfs(&l->entries[l->count], opts);
    l->count++;
    return 0;
}

static int collect(const struct portcam_dev_list_opts *opts, struct list *l)
{
    const struct pci_id_match match = {
        .vendor_id = opts->vendor_id ? opts->vendor_id : PCI_MATCH_ANY,
        .device_id = opts->device_id ? opts->device_id : PCI_MATCH_ANY,
        .subvendor_id = PCI_MATCH_ANY,
        .subdevice_id = PCI_MATCH_ANY,
        .device_class = opts->all_classes ? 0 : CLASS_ACCELERATOR << 8,
        .device_class_mask = opts->all_classes ? 0 : 0xffff00u,
    };
    struct pci_device_iterator *it;
    struct pci_device *p;
    int err;

    if (!pc_sysfs_exists(opts->sysfs_root, "bus/pci/devices"))
        return 0; /* a machine without PCI has no cards; libpciaccess calls that an error */
    err = -pci_system_init();
    if (err)
        return pc_fail(err, "PCI functions cannot be listed: %s", pc_strerror(err));
    it = pci_id_match_iterator_create(&match);
    if (!it)
        err = pc_fail(-ENOMEM, "out of memory");
    while (!err && (p = pci_device_next(it)) != NULL) {
        if (pci_device_probe(p) == 0)
            err = add(l, p, opts);
    }
    if (it)
        pci_iterator_destroy(it);
    pci_system_cleanup();
    return err;
}

int portcam_dev_list(const struct portcam_dev_list_opts *user, struct portcam_dev_entry **ret,
                     size_t *ret_count)
{
    struct portcam_dev_list_opts opts;
    struct list l = {0};
    int err;

    err = pc_copy_opts(&opts, sizeof(opts), user);
    if (err)
        return err;
    if (!opts.sysfs_root)
        opts.sysfs_root = "/sys";
    if (!opts.dev_root)
        opts.dev_root = "/dev";
    pthread_mutex_lock(&snapshot_lock);
    err = collect(&opts, &l);
    pthread_mutex_unlock(&snapshot_lock);
    if (err) {
        free(l.entries);
        return err;
    }
    *ret = l.entries;
    *ret_count = l.count;
    return 0;
}

void portcam_dev_list_free(struct portcam_dev_entry *list)
{
    free(list);
}
