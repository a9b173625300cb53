// SPDX-License-Identifier: Apache-2.0
/*
 * The messages of the vfio-user client about its device, see vfu_device.h.
 */
#include "vfu_device.h"

#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

enum {
    MAX_VECTORS = 2048,
    REPLY_ROOM = 4096, /* argsz of information requests */
};

int pc_vfuc_device_info(struct pc_vfuc *v)
{
    struct pc_vfu_device_info info = {.argsz = sizeof(info)};
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DEVICE_GET_INFO,
        .head = &info,
        .head_len = sizeof(info),
        .reply = &info,
        .reply_min = sizeof(info),
        .reply_max = sizeof(info),
    };
    int err = pc_vfuc_call(&v->conn, &call, NULL);

    if (err)
        return err;
    if (!(info.flags & PC_VFU_DEVICE_FLAG_PCI))
        return pc_vfuc_nonsense(&v->conn, "it is not a PCI device");
    if (info.num_regions <= PC_VFU_REGION_CONFIG || info.num_regions > 256)
        return pc_vfuc_nonsense(&v->conn, "it claims %u regions", info.num_regions);
    if (info.num_irqs <= PC_VFU_IRQ_MSIX || info.num_irqs > 256)
        return pc_vfuc_nonsense(&v->conn, "it claims %u interrupt types", info.num_irqs);
    v->can_reset = info.flags & PC_VFU_DEVICE_FLAG_RESET;
    for (unsigned i = info.num_irqs; i < PC_VFU_NUM_IRQS; i++)
        v->irq_count[i] = 0;
    return (int)(info.num_irqs < PC_VFU_NUM_IRQS ? info.num_irqs : PC_VFU_NUM_IRQS);
}

int pc_vfuc_region(struct pc_vfuc *v, uint32_t index)
{
    unsigned char room[REPLY_ROOM];
    struct pc_vfu_region_info info = {.argsz = REPLY_ROOM, .index = index};
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DEVICE_GET_REGION_INFO,
        .head = &info,
        .head_len = sizeof(info),
        .reply = room,
        .reply_min = sizeof(info),
        .reply_max = sizeof(room),
    };
    int err = pc_vfuc_call(&v->conn, &call, NULL);

    if (err)
        return err;
    memcpy(&info, room, sizeof(info));
    if (info.index != index)
        return pc_vfuc_nonsense(&v->conn, "asked for region %u it answers %u", index, info.index);
    v->region_size[index] = info.size;
    return 0;
}

int pc_vfuc_irq(struct pc_vfuc *v, uint32_t index)
{
    struct pc_vfu_irq_info info = {.argsz = sizeof(info), .index = index};
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DEVICE_GET_IRQ_INFO,
        .head = &info,
        .head_len = sizeof(info),
        .reply = &info,
        .reply_min = sizeof(info),
        .reply_max = sizeof(info),
    };
    int err = pc_vfuc_call(&v->conn, &call, NULL);

    if (err)
        return err;
    if (info.index != index)
        return pc_vfuc_nonsense(&v->conn, "asked for interrupt %u it answers %u", index,
                                info.index);
    if (info.count > MAX_VECTORS)
        return pc_vfuc_nonsense(&v->conn, "it claims %u vectors", info.count);
    v->irq_count[index] = info.flags & PC_VFU_IRQ_INFO_EVENTFD ? info.count : 0;
    return 0;
}

int pc_vfuc_region_read(struct pc_vfuc *v, uint32_t region, uint64_t offset, void *buf,
                        uint32_t count)
{
    struct pc_vfu_region_access a = {.offset = offset, .region = region, .count = count};
    unsigned char reply[sizeof(a) + 64];
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_REGION_READ,
        .head = &a,
        .head_len = sizeof(a),
        .reply = reply,
        .reply_min = sizeof(a) + count,
        .reply_max = sizeof(a) + count,
    };
    int err = count > 64 ? -EINVAL : pc_vfuc_call(&v->conn, &call, NULL);

    if (err)
        return err;
    if (memcmp(&a, reply, sizeof(a)) != 0)
        return pc_vfuc_nonsense(&v->conn, "a read reply is for another place than 0x%llx",
                                (unsigned long long)offset);
    memcpy(buf, reply + sizeof(a), count);
    return 0;
}

int pc_vfuc_region_write(struct pc_vfuc *v, uint32_t region, uint64_t offset, const void *buf,
                         uint32_t count)
{
    struct pc_vfu_region_access a = {.offset = offset, .region = region, .count = count};
    struct pc_vfu_region_access reply;
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_REGION_WRITE,
        .head = &a,
        .head_len = sizeof(a),
        .data = buf,
        .data_len = count,
        .reply = &reply,
        .reply_min = sizeof(reply),
        .reply_max = sizeof(reply),
    };
    int err = pc_vfuc_call(&v->conn, &call, NULL);

    if (err)
        return err;
    if (memcmp(&a, &reply, sizeof(a)) != 0)
        return pc_vfuc_nonsense(&v->conn, "a write reply is for another place than 0x%llx",
                                (unsigned long long)offset);
    return 0;
}

int pc_vfuc_command(struct pc_vfuc *v, uint16_t clear, uint16_t set)
{
    uint16_t command = 0;
    int err = pc_vfuc_region_read(v, PC_VFU_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));

    if (err)
        return err;
    command = htole16((uint16_t)((le16toh(command) & ~clear) | set));
    return pc_vfuc_region_write(v, PC_VFU_REGION_CONFIG, PCI_COMMAND, &command, sizeof(command));
}

int pc_vfuc_set_irqs(struct pc_vfuc *v, uint32_t index, uint32_t flags, uint32_t start,
                     uint32_t count, const int *fds, unsigned n_fds)
{
    struct pc_vfu_set_irqs s = {
        .argsz = sizeof(s),
        .flags = flags | PC_VFU_IRQ_ACTION_TRIGGER,
        .index = index,
        .start = start,
        .count = count,
    };
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DEVICE_SET_IRQS,
        .head = &s,
        .head_len = sizeof(s),
        .fds = fds,
        .n_fds = n_fds,
    };

    return pc_vfuc_call(&v->conn, &call, NULL);
}
