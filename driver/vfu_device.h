// SPDX-License-Identifier: Apache-2.0
/*
 * A PCI device behind a vfio-user connection: one function for each message, its answer checked.
 */
#ifndef PC_VFU_DEVICE_H
#define PC_VFU_DEVICE_H

#include "vfu_conn.h"
#include "vfu_version.h"

struct pc_vfuc {
    struct pc_vfuc_conn conn;
    struct pc_vfuc_caps caps;
    uint64_t region_size[PC_VFU_NUM_REGIONS];
    uint32_t irq_count[PC_VFU_NUM_IRQS];
    bool can_reset;
    uint16_t vendor_id;
    uint16_t device_id;
    int err_fd; /* eventfds of the error and request interrupts */
    int req_fd;
};

/* Flags and counts of the device. Return: number of interrupt types known to us, or -errno. */
int pc_vfuc_device_info(struct pc_vfuc *v);

/* Size of a region, into v->region_size. */
int pc_vfuc_region(struct pc_vfuc *v, uint32_t index);

/* Number of eventfd interrupts of a type, into v->irq_count. */
int pc_vfuc_irq(struct pc_vfuc *v, uint32_t index);

/* Up to 64 bytes. */
int pc_vfuc_region_read(struct pc_vfuc *v, uint32_t region, uint64_t offset, void *buf,
                        uint32_t count);
int pc_vfuc_region_write(struct pc_vfuc *v, uint32_t region, uint64_t offset, const void *buf,
                         uint32_t count);

/* Changes bits of the PCI command register. */
int pc_vfuc_command(struct pc_vfuc *v, uint16_t clear, uint16_t set);

/* One SET_IRQS message; with descriptors, one for each vector. */
int pc_vfuc_set_irqs(struct pc_vfuc *v, uint32_t index, uint32_t flags, uint32_t start,
                     uint32_t count, const int *fds, unsigned n_fds);

#endif /* PC_VFU_DEVICE_H */
