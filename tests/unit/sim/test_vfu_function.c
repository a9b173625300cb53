// SPDX-License-Identifier: Apache-2.0
/*
 * The PCI function behind the vfio-user server: configuration space, BARs, reset, MSI-X.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vfu_client.h"

enum { CFG = PC_VFU_REGION_CONFIG, MEM = 2, BUS_MASTER = 6 };

static uint32_t cfg(struct vc *c, uint32_t offset, unsigned width)
{
    uint32_t v = 0;

    assert_int_equal(vc_read(c, CFG, offset, &v, width), 0);
    return v;
}

static void set_cfg(struct vc *c, uint32_t offset, unsigned width, uint32_t value)
{
    assert_int_equal(vc_write(c, CFG, offset, &value, width), 0);
}

static uint32_t capability(struct vc *c, uint8_t id)
{
    uint32_t at = cfg(c, PCI_CAPABILITY_LIST, 1);

    for (int i = 0; i < 16 && at; i++, at = cfg(c, at + 1, 1))
        if (cfg(c, at, 1) == id)
            return at;
    fail_msg("capability %#x is not in the list", id);
    return 0;
}

static uint64_t signals(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

static void identity(void **state)
{
    struct vc *c = vc_new_ready();
    uint32_t msix, exp;

    (void)state;
    assert_int_equal(cfg(c, PCI_VENDOR_ID, 2), VC_VENDOR);
    assert_int_equal(cfg(c, PCI_DEVICE_ID, 2), VC_DEVICE);
    assert_int_equal(cfg(c, PCI_CLASS_REVISION, 4) >> 8, 0x120000);
    assert_int_equal(cfg(c, PCI_HEADER_TYPE, 1), 0);
    assert_int_equal(cfg(c, PCI_COMMAND, 2), 0);
    assert_int_equal(cfg(c, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST);
    assert_int_equal(cfg(c, PCI_INTERRUPT_PIN, 1), 0);
    assert_int_equal(cfg(c, 0x100, 4), 0); /* no extended capabilities */
    capability(c, PCI_CAP_ID_PM);
    msix = capability(c, PCI_CAP_ID_MSIX);
    assert_int_equal(cfg(c, msix + PCI_MSIX_FLAGS, 2), VC_VECTORS - 1);
    assert_int_equal(cfg(c, msix + PCI_MSIX_TABLE, 4), 2);
    assert_int_equal(cfg(c, msix + PCI_MSIX_PBA, 4), PC_VFU_BAR2_PBA | 2);
    exp = capability(c, PCI_CAP_ID_EXP);
    assert_int_equal(cfg(c, exp + PCI_EXP_FLAGS, 2), 2);
    assert_true(cfg(c, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
    vc_free(c);
}

static void region_and_irq_info(void **state)
{
    static const uint64_t sizes[] = {65536, 0, 4096, 0, 0, 0, 0, 4096, 0};
    static const uint32_t counts[] = {0, 0, VC_VECTORS, 1, 1};
    struct vc *c = vc_new_ready();
    struct pc_vfu_device_info d = {.argsz = sizeof(d)};

    (void)state;
    assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_INFO, &d, sizeof(d)), sizeof(d));
    memcpy(&d, c->data, sizeof(d));
    assert_int_equal(d.flags, PC_VFU_DEVICE_FLAG_RESET | PC_VFU_DEVICE_FLAG_PCI);
    assert_int_equal(d.num_regions, 9);
    assert_int_equal(d.num_irqs, 5);
    for (uint32_t i = 0; i < 9; i++) {
        struct pc_vfu_region_info r = {.argsz = sizeof(r), .index = i};

        assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_REGION_INFO, &r, sizeof(r)), sizeof(r));
        memcpy(&r, c->data, sizeof(r));
        assert_int_equal(r.size, sizes[i]);
        assert_int_equal(r.flags, sizes[i] ? 3 : 0); /* never CAPS or MMAP */
        assert_int_equal(r.argsz, sizeof(r));
        assert_int_equal(r.cap_offset, 0);
    }
    for (uint32_t i = 0; i < 5; i++) {
        struct pc_vfu_irq_info q = {.argsz = sizeof(q), .index = i};

        assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_IRQ_INFO, &q, sizeof(q)), sizeof(q));
        memcpy(&q, c->data, sizeof(q));
        assert_int_equal(q.count, counts[i]);
        assert_int_equal(q.flags & PC_VFU_IRQ_INFO_EVENTFD, counts[i] ? 1 : 0);
    }
    vc_free(c);
}

static void bar_sizing(void **state)
{
    static const uint32_t sized[6] = {0xffff0004, 0xffffffff, 0xfffff004, 0xffffffff, 0, 0};
    struct vc *c = vc_new_ready();

    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        set_cfg(c, PCI_BASE_ADDRESS_0 + 4 * i, 4, 0xffffffff);
        assert_int_equal(cfg(c, PCI_BASE_ADDRESS_0 + 4 * i, 4), sized[i]);
    }
    set_cfg(c, PCI_BASE_ADDRESS_0, 4, 0xfe123456);
    assert_int_equal(cfg(c, PCI_BASE_ADDRESS_0, 4), 0xfe120004);
    set_cfg(c, PCI_ROM_ADDRESS, 4, 0xfffff800);
    assert_int_equal(cfg(c, PCI_ROM_ADDRESS, 4), 0);
    vc_free(c);
}

static void read_only_bytes(void **state)
{
    struct vc *c = vc_new_ready();
    uint8_t before[4096], after[4096], ones[4096];
    uint32_t exp = capability(c, PCI_CAP_ID_EXP);

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    ones[exp + PCI_EXP_DEVCTL + 1] = 0x7f; /* all but the reset */
    assert_int_equal(vc_read(c, CFG, 0, before, 4096), 0);
    assert_int_equal(vc_write(c, CFG, 0, ones, 4096), 0);
    assert_int_equal(vc_read(c, CFG, 0, after, 4096), 0);
    assert_memory_equal(after, before, 4);         /* ids */
    assert_memory_equal(after + 8, before + 8, 4); /* class */
    assert_memory_equal(after + PCI_SUBSYSTEM_VENDOR_ID, before + PCI_SUBSYSTEM_VENDOR_ID, 4);
    assert_memory_equal(after + exp + PCI_EXP_DEVCAP, before + exp + PCI_EXP_DEVCAP, 4);
    assert_memory_equal(after + 0xa0, before + 0xa0, 4096 - 0xa0); /* nothing there */
    assert_int_equal(after[PCI_COMMAND] | after[PCI_COMMAND + 1] << 8, 0x0546);
    assert_int_equal(after[exp + PCI_EXP_DEVCTL + 1] & 0x80, 0);
    assert_int_equal(c->resets, 0);
    vc_free(c);
}

static void register_sizes(void **state)
{
    struct vc *c = vc_new_ready();
    uint8_t b[16];
    const uint32_t two[2] = {0x11111111, 0x22222222};

    (void)state;
    vc_command(c, MEM);
    c->regs[4] = 0x44332211;
    c->regs[5] = 0x88776655;
    for (uint32_t at = 0; at < 8; at++) {
        static const uint8_t want[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};

        for (uint32_t n = 1; at + n <= 8; n++) {
            c->reads = 0;
            assert_int_equal(vc_read(c, 0, 16 + at, b, n), 0);
            assert_memory_equal(b, want + at, n);
            assert_int_equal(c->reads, (at + n - 1) / 4 - at / 4 + 1); /* each register once */
        }
    }
    assert_int_equal(vc_write(c, 0, 0x20, two, 8), 0);
    assert_int_equal(c->regs[8], two[0]);
    assert_int_equal(c->regs[9], two[1]);
    assert_int_equal(c->writes, 2);
    assert_int_equal(c->last_offset, 0x24);
    assert_int_equal(vc_write(c, 0, 0xfffc, two, 4), 0);
    assert_int_equal(c->last_offset, 0xfffc);
    /* less than a register is dropped */
    assert_int_equal(vc_stats(c).dropped_writes, 0);
    for (uint32_t at = 0; at < 4; at++) {
        assert_int_equal(vc_write(c, 0, 0x20 + at, b, 1), 0);
        assert_int_equal(vc_write(c, 0, 0x20 + (at & 2), b, 2), 0);
    }
    assert_int_equal(c->writes, 3);
    assert_int_equal(vc_stats(c).dropped_writes, 8);
    /* the whole register inside an unaligned write counts */
    assert_int_equal(vc_write(c, 0, 0x1f, "\0\1\2\3\4\5", 6), 0);
    assert_int_equal(c->regs[8], 0x04030201);
    assert_int_equal(c->regs[9], two[1]);
    assert_int_equal(c->writes, 4);
    vc_free(c);
}

static void memory_space_off(void **state)
{
    struct vc *c = vc_new_ready();
    uint32_t v = 5, pm = capability(c, PCI_CAP_ID_PM);

    (void)state;
    assert_int_equal(vc_write(c, 0, 0x10, &v, 4), 0);
    assert_int_equal(vc_read(c, 0, 0x10, &v, 4), 0);
    assert_int_equal(v, 0xffffffff);
    assert_int_equal(vc_read(c, 2, 0, &v, 4), 0);
    assert_int_equal(v, 0xffffffff);
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_read(c, 0, 0x10, &v, 4), 0);
    assert_int_equal(v, 0);
    set_cfg(c, pm + PCI_PM_CTRL, 2, 3); /* D3hot */
    assert_int_equal(vc_read(c, 0, 0x10, &v, 4), 0);
    assert_int_equal(v, 0xffffffff);
    assert_int_equal(pc_vfu_dma_read(c->server, 0, &v, 4), -ENODEV);
    set_cfg(c, pm + PCI_PM_CTRL, 2, 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0, &v, 4), -EFAULT);
    assert_int_equal(cfg(c, PCI_COMMAND, 2), BUS_MASTER);
    assert_int_equal(c->writes, 0);
    assert_int_equal(c->resets, 0);
    vc_free(c);
}

/* What both resets have to do and to leave; how: by configuration write of one of three widths, or message. */
static void reset_by(void **state)
{
    const int how = *(const int *)*state;
    struct vc *c = vc_new_ready();
    uint32_t exp = capability(c, PCI_CAP_ID_EXP), v = 1;
    int fd = vc_memfd(4096), ev = eventfd(0, EFD_NONBLOCK);

    vc_command(c, BUS_MASTER);
    set_cfg(c, PCI_BASE_ADDRESS_0, 4, 0xfe000000);
    set_cfg(c, PCI_INTERRUPT_LINE, 1, 11);
    assert_int_equal(vc_write(c, 2, 12, &v, 4), 0);
    assert_int_equal(vc_map(c, 0x10000, 4096, 0, 3, fd), 0);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, 1, &ev, 1), 0);
    pc_vfu_irq(c->server, 0);
    assert_int_equal(vc_stats(c).irqs_held, 1);
    if (how)
        set_cfg(c, exp + PCI_EXP_DEVCTL + (how == 1), (unsigned)how, how == 1 ? 0x80 : 0x8000);
    else
        assert_int_equal(vc_call(c, PC_VFU_DEVICE_RESET, NULL, 0), 0);
    assert_int_equal(c->resets, 1);
    assert_int_equal(cfg(c, exp + PCI_EXP_DEVCTL, 2) & 0x8000, 0);
    assert_int_equal(cfg(c, PCI_COMMAND, 2), 0);
    assert_int_equal(cfg(c, PCI_BASE_ADDRESS_0, 4), 4);
    assert_int_equal(cfg(c, PCI_INTERRUPT_LINE, 1), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), -ENODEV);
    vc_command(c, BUS_MASTER);
    assert_int_equal(signals(ev), 0); /* what was pending is gone */
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), 0);
    pc_vfu_irq(c->server, 0);
    assert_int_equal(signals(ev), 1);
    close(fd);
    close(ev);
    vc_free(c);
}

static void eventfds(void **state)
{
    struct vc *c = vc_new_ready();
    unsigned before;
    int ev[VC_VECTORS], pipes[2];

    (void)state;
    vc_command(c, BUS_MASTER);
    before = vc_open_fds();
    for (int i = 0; i < VC_VECTORS; i++)
        ev[i] = eventfd(0, EFD_NONBLOCK);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, 1, NULL, 0), 0); /* QEMU's first */
    for (unsigned i = 0; i < VC_VECTORS; i++)
        assert_int_equal(vc_set_irqs(c, 0x24, 2, i, 1, &ev[i], 1), 0);
    for (unsigned i = 0; i < VC_VECTORS; i++) {
        pc_vfu_irq(c->server, i);
        for (unsigned k = 0; k < VC_VECTORS; k++)
            assert_int_equal(signals(ev[k]), k == i);
    }
    pc_vfu_irq(c->server, VC_VECTORS);
    pc_vfu_irq(c->server, ~0u);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 2, 3, ev, 2), -EINVAL);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 2, 3, NULL, 0), 0); /* take 2, 3, 4 away */
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev[3]), 0);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, VC_VECTORS, ev, VC_VECTORS), 0);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev[3]), 1);
    /* the loop-back triggers */
    assert_int_equal(vc_set_irqs(c, 0x21, 2, 5, 2, NULL, 0), 0);
    assert_int_equal(signals(ev[5]), 1);
    assert_int_equal(signals(ev[6]), 1);
    assert_int_equal(vc_set_irqs(c, 0x21, 2, 0, 0, NULL, 0), 0); /* all off */
    pc_vfu_irq(c->server, 0);
    assert_int_equal(signals(ev[0]), 0);
    /* error and request lines */
    assert_int_equal(vc_set_irqs(c, 0x24, 3, 0, 1, &ev[0], 1), 0);
    assert_int_equal(vc_set_irqs(c, 0x24, 4, 0, 1, &ev[1], 1), 0);
    pc_vfu_error_irq(c->server);
    pc_vfu_request_irq(c->server);
    assert_int_equal(signals(ev[0]), 1);
    assert_int_equal(signals(ev[1]), 1);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(vc_set_irqs(c, 0x24, 3, 0, 1, &pipes[1], 1), -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(vc_set_irqs(c, 0x21, 3, 0, 0, NULL, 0), 0);
    assert_int_equal(vc_set_irqs(c, 0x21, 4, 0, 0, NULL, 0), 0);
    for (int i = 0; i < VC_VECTORS; i++)
        close(ev[i]);
    assert_int_equal(vc_open_fds(), before);
    vc_free(c);
}

static uint32_t bar2(struct vc *c, uint32_t offset)
{
    uint32_t v = 0;

    assert_int_equal(vc_read(c, 2, offset, &v, 4), 0);
    return v;
}

static void set_bar2(struct vc *c, uint32_t offset, uint32_t v)
{
    assert_int_equal(vc_write(c, 2, offset, &v, 4), 0);
}

static void masks(void **state)
{
    struct vc *c = vc_new_ready();
    int ev = eventfd(0, EFD_NONBLOCK);
    uint32_t flags = capability(c, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 3, 1, &ev, 1), 0);
    /* the table reads masked and masks nothing until somebody writes it */
    assert_int_equal(bar2(c, 3 * 16 + 12), 1);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev), 1);
    /* a row of the table */
    set_bar2(c, 3 * 16, 0xfee00007);
    assert_int_equal(bar2(c, 3 * 16), 0xfee00004);
    set_bar2(c, 3 * 16 + 12, 0xffffffff);
    assert_int_equal(bar2(c, 3 * 16 + 12), 1);
    pc_vfu_irq(c->server, 3);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev), 0);
    assert_int_equal(bar2(c, PC_VFU_BAR2_PBA), 1u << 3);
    set_bar2(c, PC_VFU_BAR2_PBA, 0); /* cannot be written */
    assert_int_equal(bar2(c, PC_VFU_BAR2_PBA), 1u << 3);
    set_bar2(c, 3 * 16 + 12, 0);
    assert_int_equal(signals(ev), 1);
    assert_int_equal(bar2(c, PC_VFU_BAR2_PBA), 0);
    /* the function mask counts while MSI-X is enabled */
    set_cfg(c, flags, 2, PCI_MSIX_FLAGS_MASKALL);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev), 1);
    set_cfg(c, flags, 2, PCI_MSIX_FLAGS_MASKALL | PCI_MSIX_FLAGS_ENABLE);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev), 0);
    set_cfg(c, flags, 2, PCI_MSIX_FLAGS_ENABLE);
    assert_int_equal(signals(ev), 1);
    /* masks by SET_IRQS, and bus master */
    assert_int_equal(
        vc_set_irqs(c, PC_VFU_IRQ_DATA_NONE | PC_VFU_IRQ_ACTION_MASK, 2, 3, 1, NULL, 0), 0);
    pc_vfu_irq(c->server, 3);
    assert_int_equal(signals(ev), 0);
    vc_command(c, MEM);
    assert_int_equal(
        vc_set_irqs(c, PC_VFU_IRQ_DATA_NONE | PC_VFU_IRQ_ACTION_UNMASK, 2, 3, 1, NULL, 0), 0);
    assert_int_equal(signals(ev), 0);
    vc_command(c, BUS_MASTER);
    assert_int_equal(signals(ev), 1);
    assert_int_equal(bar2(c, 9 * 16), 0); /* behind the last row */
    set_bar2(c, 9 * 16, 5);
    assert_int_equal(bar2(c, 9 * 16), 0);
    close(ev);
    vc_free(c);
}

static void full_eventfd_does_not_block(void **state)
{
    struct vc *c = vc_new_ready();
    int ev = eventfd(0, 0); /* blocking */
    uint64_t most = UINT64_MAX - 1;

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, 1, &ev, 1), 0);
    assert_int_equal(write(ev, &most, sizeof(most)), sizeof(most));
    alarm(5);
    pc_vfu_irq(c->server, 0);
    alarm(0);
    close(ev);
    vc_free(c);
}

static void pulled(void **state)
{
    struct vc *c = vc_new_ready();
    int ev = eventfd(0, EFD_NONBLOCK);
    uint32_t v = 0, exp = capability(c, PCI_CAP_ID_EXP);

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, 1, &ev, 1), 0);
    pc_vfu_pull(c->server);
    assert_int_equal(cfg(c, PCI_VENDOR_ID, 4), 0xffffffff);
    assert_int_equal(vc_read(c, 0, 0, &v, 4), 0);
    assert_int_equal(v, 0xffffffff);
    assert_int_equal(bar2(c, 0), 0xffffffff);
    c->resets = 0;
    c->writes = 0;
    set_cfg(c, exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
    assert_int_equal(vc_call(c, PC_VFU_DEVICE_RESET, NULL, 0), 0);
    assert_int_equal(vc_write(c, 0, 0x10, &v, 4), 0);
    assert_int_equal(c->resets, 0);
    assert_int_equal(c->writes, 0);
    assert_int_equal(cfg(c, PCI_COMMAND, 2), 0xffff);
    assert_int_equal(pc_vfu_dma_read(c->server, 0, &v, 4), -ENODEV);
    assert_int_equal(pc_vfu_dma_write(c->server, 0, &v, 4), -ENODEV);
    pc_vfu_irq(c->server, 0);
    assert_int_equal(signals(ev), 0);
    close(ev);
    vc_free(c);
}

int main(void)
{
    static int by_message = 0, by_byte = 1, by_word = 2, by_dword = 4;
    const struct CMUnitTest tests[] = {
        {"identity and capabilities", identity, NULL, NULL, NULL},
        {"device, region and interrupt information", region_and_irq_info, NULL, NULL, NULL},
        {"BAR sizing, no ROM", bar_sizing, NULL, NULL, NULL},
        {"read-only bytes stay", read_only_bytes, NULL, NULL, NULL},
        {"registers by accesses of every size", register_sizes, NULL, NULL, NULL},
        {"memory space off or D3: all-ones, writes dropped", memory_space_off, NULL, NULL, NULL},
        {"RESET message", reset_by, NULL, NULL, &by_message},
        {"FLR by a byte write", reset_by, NULL, NULL, &by_byte},
        {"FLR by a word write", reset_by, NULL, NULL, &by_word},
        {"FLR by a double word write", reset_by, NULL, NULL, &by_dword},
        {"MSI-X, error and request eventfds", eventfds, NULL, NULL, NULL},
        {"MSI-X masks hold and release interrupts", masks, NULL, NULL, NULL},
        {"a card that is pulled: all-ones, no DMA, no interrupt", pulled, NULL, NULL, NULL},
        {"a full blocking eventfd does not block the card", full_eventfd_does_not_block, NULL, NULL,
         NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
