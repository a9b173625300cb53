// SPDX-License-Identifier: Apache-2.0
/*
 * PCI configuration space of the function, 4,096 bytes: a type 0 header and the capabilities power
 * management (0x40), MSI-X (0x50, table and pending bits in BAR2) and PCI Express (0x60, with FLR).
 *
 * One table says which bits a write may change and which it clears; everything else follows from the bytes
 * themselves: BAR sizing works because the low address bits of a BAR cannot be written, and whether DMA or
 * memory accesses are allowed is read from COMMAND and from the power state. There are no extended
 * capabilities. What a change of these bits causes elsewhere is not decided here.
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "vfu/internal.h"

enum {
    PM_CAP = 0x40,
    MSIX_CAP = 0x50,
    EXP_CAP = 0x60,
    CLASS_ACCELERATOR = 0x12,
};

/* What a write may do at offset: `write` bits take the new value, `clear` bits are cleared by a one. */
struct rule {
    uint16_t offset;
    uint8_t width;
    uint32_t write, clear;
};

static const struct rule rules[] = {
    {PCI_COMMAND, 2,
     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
         PCI_COMMAND_INTX_DISABLE,
     0},
    {PCI_STATUS, 2, 0,
     PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
         PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY},
    {PCI_CACHE_LINE_SIZE, 1, 0xff, 0},
    {PCI_BASE_ADDRESS_0, 4, ~(uint32_t)(PC_VFU_BAR0_BYTES - 1), 0},
    {PCI_BASE_ADDRESS_1, 4, 0xffffffff, 0}, /* upper half of BAR0 */
    {PCI_BASE_ADDRESS_2, 4, ~(uint32_t)(PC_VFU_BAR2_BYTES - 1), 0},
    {PCI_BASE_ADDRESS_3, 4, 0xffffffff, 0},
    {PCI_INTERRUPT_LINE, 1, 0xff, 0},
    {PM_CAP + PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK, 0},
    {MSIX_CAP + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 0},
    {EXP_CAP + PCI_EXP_DEVCTL, 2,
     PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |
         PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG |
         PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ,
     0},
    {EXP_CAP + PCI_EXP_DEVSTA, 2, 0,
     PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD},
    {EXP_CAP + PCI_EXP_LNKCTL, 2,
     PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES, 0},
    {EXP_CAP + PCI_EXP_DEVCTL2, 2, PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS,
     0},
};

static void put(struct pc_config *c, uint32_t offset, unsigned width, uint32_t value)
{
    for (unsigned i = 0; i < width; i++)
        c->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static uint16_t get16(const struct pc_config *c, uint32_t offset)
{
    return (uint16_t)(c->bytes[offset] | c->bytes[offset + 1] << 8);
}

void pc_config_init(struct pc_config *c, uint16_t vendor, uint16_t device, unsigned vectors)
{
    c->vendor = vendor;
    c->device = device;
    c->vectors = vectors;
    pc_config_reset(c);
}

void pc_config_reset(struct pc_config *c)
{
    memset(c->bytes, 0, sizeof(c->bytes));
    put(c, PCI_VENDOR_ID, 2, c->vendor);
    put(c, PCI_DEVICE_ID, 2, c->device);
    put(c, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
    put(c, PCI_CLASS_DEVICE, 2, CLASS_ACCELERATOR << 8);
    put(c, PCI_BASE_ADDRESS_0, 4, PCI_BASE_ADDRESS_MEM_TYPE_64);
    put(c, PCI_BASE_ADDRESS_2, 4, PCI_BASE_ADDRESS_MEM_TYPE_64);
    put(c, PCI_SUBSYSTEM_VENDOR_ID, 2, c->vendor);
    put(c, PCI_SUBSYSTEM_ID, 2, c->device);
    put(c, PCI_CAPABILITY_LIST, 1, PM_CAP);

    put(c, PM_CAP, 2, PCI_CAP_ID_PM | MSIX_CAP << 8);
    put(c, PM_CAP + PCI_PM_PMC, 2, 3); /* version 1.2, D0 and D3hot */
    put(c, PM_CAP + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET);

    put(c, MSIX_CAP, 2, PCI_CAP_ID_MSIX | EXP_CAP << 8);
    put(c, MSIX_CAP + PCI_MSIX_FLAGS, 2, c->vectors - 1);
    put(c, MSIX_CAP + PCI_MSIX_TABLE, 4, 2);                 /* BAR2, offset 0 */
    put(c, MSIX_CAP + PCI_MSIX_PBA, 4, 2 | PC_VFU_BAR2_PBA); /* BAR2 */

    put(c, EXP_CAP, 2, PCI_CAP_ID_EXP);
    put(c, EXP_CAP + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
    put(c, EXP_CAP + PCI_EXP_DEVCAP, 4,
        PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_FLR | 1 /* 256 bytes */);
    put(c, EXP_CAP + PCI_EXP_DEVCTL, 2,
        PCI_EXP_DEVCTL_READRQ_512B | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN);
    put(c, EXP_CAP + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_16_0GB | 16 << 4);
    put(c, EXP_CAP + PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_CLS_16_0GB | 16 << 4);
    put(c, EXP_CAP + PCI_EXP_DEVCAP2, 4, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
    put(c, EXP_CAP + PCI_EXP_LNKCAP2, 4, 0x1e); /* 2.5 to 16 GT/s */
    put(c, EXP_CAP + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_TLS_16_0GT);
}

static void write_byte(struct pc_config *c, uint32_t offset, uint8_t value)
{
    uint8_t write = 0, clear = 0;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct rule *r = &rules[i];

        if (offset >= r->offset && offset < (uint32_t)r->offset + r->width) {
            write = (uint8_t)(r->write >> (8 * (offset - r->offset)));
            clear = (uint8_t)(r->clear >> (8 * (offset - r->offset)));
        }
    }
    c->bytes[offset] = (uint8_t)((c->bytes[offset] & ~write & ~(value & clear)) | (value & write));
}

void pc_config_read(const struct pc_config *c, uint32_t offset, uint8_t *dst, size_t len)
{
    if (c->pulled)
        memset(dst, 0xff, len);
    else
        memcpy(dst, c->bytes + offset, len);
}

bool pc_config_write(struct pc_config *c, uint32_t offset, const uint8_t *data, size_t len)
{
    const uint32_t flr_byte = EXP_CAP + PCI_EXP_DEVCTL + 1;

    if (c->pulled)
        return false;
    for (size_t i = 0; i < len; i++)
        write_byte(c, offset + (uint32_t)i, data[i]);
    return offset <= flr_byte && flr_byte < offset + len &&
           (data[flr_byte - offset] & (PCI_EXP_DEVCTL_BCR_FLR >> 8));
}

static bool enabled(const struct pc_config *c, uint16_t bit)
{
    return !c->pulled && (get16(c, PCI_COMMAND) & bit) &&
           !(get16(c, PM_CAP + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK);
}

bool pc_config_memory_enabled(const struct pc_config *c)
{
    return enabled(c, PCI_COMMAND_MEMORY);
}

bool pc_config_bus_master(const struct pc_config *c)
{
    return enabled(c, PCI_COMMAND_MASTER);
}

bool pc_config_function_mask(const struct pc_config *c)
{
    const uint16_t both = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL;

    return (get16(c, MSIX_CAP + PCI_MSIX_FLAGS) & both) == both;
}
