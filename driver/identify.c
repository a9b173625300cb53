// SPDX-License-Identifier: Apache-2.0
/*
 * Is this a portcam card, and one that this driver understands?
 *
 * The only place of the driver layer below the rings that knows registers: magic and interface
 * version. Sizes and capabilities are for the layers above.
 */
#include <errno.h>

#include "dev_ops.h"
#include "err.h"
#include "portcam_defs.h"

_Static_assert(PC_BAR0_SIZE == PORTCAM_BAR0_BYTES, "smallest BAR0 is the register map");
_Static_assert(PORTCAM_REG_MAGIC == 0, "liveness reads the magic register at offset 0");

bool pc_magic_ok(uint32_t magic)
{
    return magic == PORTCAM_MAGIC;
}

int pc_identify(struct portcam_dev *dev)
{
    uint32_t magic;
    uint32_t version;
    uint32_t major;
    int err;

    err = dev->ops->reg_read32(dev, PORTCAM_REG_MAGIC, &magic);
    if (err)
        return err;
    if (magic == UINT32_MAX)
        return pc_dev_gone(dev, "its registers read as all-ones");
    if (!pc_magic_ok(magic))
        return pc_fail(-EPROTO,
                       "%s is not a portcam card: identification 0x%08x, expected 0x%08x; "
                       "check the address",
                       dev->name, magic, PORTCAM_MAGIC);
    err = dev->ops->reg_read32(dev, PORTCAM_REG_VERSION, &version);
    if (err)
        return err;
    major = (version & PORTCAM_VERSION_MAJOR) >> PORTCAM_VERSION_MAJOR_SHIFT;
    if (major != PORTCAM_INTERFACE_MAJOR)
        return pc_fail(-EPROTONOSUPPORT,
                       "%s speaks interface version %u.%u and this driver %u.x: "
                       "install the driver that came with the card's image",
                       dev->name, major, version & PORTCAM_VERSION_MINOR, PORTCAM_INTERFACE_MAJOR);
    return 0;
}
