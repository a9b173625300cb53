// SPDX-License-Identifier: Apache-2.0
/* Health looks at registers only; the self-test also moves data and reads the tables back. Neither changes a row. */
#include <errno.h>
#include <stdio.h>

#include "instance.h"

struct checks {
    json_t *list;
    bool ok;
};

static void check(struct checks *c, const char *name, bool ok, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void check(struct checks *c, const char *name, bool ok, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    c->ok &= ok;
    json_array_append_new(c->list,
                          json_pack("{s:s, s:b, s:s}", "check", name, "ok", (int)ok, "text", text));
}

static int finish(struct checks *c, json_t **ret)
{
    json_t *value = json_pack("{s:b, s:o}", "ok", (int)c->ok, "checks", c->list);
    if (!value)
        return -ENOMEM;
    *ret = value;
    return 0;
}

static void check_alive(struct portcam *pc, struct checks *c)
{
    int rc = pc_hw_alive(pc->hw);
    check(c, "device", rc == 0, "%s",
          rc == 0         ? "answers"
          : rc == -ESTALE ? "the kernel wants the device back; stop the daemon"
                          : pc_hw_error());
}

static void check_status(struct portcam *pc, struct checks *c)
{
    uint32_t status = 0, errors = 0, low = 0, high = 0;

    if (pc_hw_register(pc->hw, PORTCAM_REG_STATUS, &status) ||
        pc_hw_register(pc->hw, PORTCAM_REG_ERROR_COUNT, &errors) ||
        pc_hw_register(pc->hw, PORTCAM_REG_ERROR_ADDR_LO, &low) ||
        pc_hw_register(pc->hw, PORTCAM_REG_ERROR_ADDR_HI, &high)) {
        check(c, "status", false, "%s", pc_hw_error());
        return;
    }
    check(c, "status", status & PORTCAM_STATUS_READY, "%s",
          status & PORTCAM_STATUS_READY ? "ready"
                                        : "tables are being cleared; wait, or reset the card");
    check(c, "ring", !(status & PORTCAM_STATUS_RING_ERROR), "%s",
          status & PORTCAM_STATUS_RING_ERROR
              ? "the command ring stopped by itself; the next command starts it again"
              : "runs");
    if (errors)
        check(c, "dma", false,
              "%u DMA %s since the reset, the last at 0x%08x%08x; see the kernel "
              "log for IOMMU faults",
              PC_COUNTED(errors, "error"), high, low);
    else
        check(c, "dma", true, "no errors");
}

int portcam_health(struct portcam *pc, struct json_t **ret)
{
    struct checks c = {json_array(), true};

    if (!c.list)
        return -ENOMEM;
    check_alive(pc, &c);
    check_status(pc, &c);
    check(&c, "tables", !pc->unknown && !pc->foreign, "%s",
          pc->unknown   ? "the last change set ended without an answer; the next command reads the "
                          "tables back"
          : pc->foreign ? "the card has rows that no configuration here makes; apply one"
                        : "those of the running configuration");
    return finish(&c, ret);
}

static void check_scratch(struct portcam *pc, struct checks *c)
{
    static const uint32_t patterns[] = {0, 0xaaaaaaaa, 0x55555555, 0x12345678};
    uint32_t value = 0;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        int rc = pc_hw_set_register(pc->hw, PORTCAM_REG_SCRATCH, patterns[i]);
        if (rc == 0)
            rc = pc_hw_register(pc->hw, PORTCAM_REG_SCRATCH, &value);
        if (rc || value != patterns[i]) {
            check(c, "registers", false, "wrote 0x%08x to SCRATCH, read 0x%08x: %s", patterns[i],
                  value, rc ? pc_hw_error() : "the register path is damaged");
            return;
        }
    }
    check(c, "registers", true, "SCRATCH keeps what is written");
}

static void check_tables(struct portcam *pc, struct checks *c)
{
    struct pc_image *image = pc_image_new(pc_hw_caps(pc->hw));
    int rc = image ? pc_hw_read_image(pc->hw, image) : -ENOMEM;

    if (rc) {
        check(c, "tables", false, "the rows cannot be read: %s",
              image ? pc_hw_error() : "out of memory");
    } else {
        size_t n = pc_image_differences(image, pc->card, PORTCAM_TABLE_MAX);
        if (n)
            check(c, "tables", false,
                  "%zu %s not as written; `portcam device reset` writes all again", n,
                  n == 1 ? "row is" : "rows are");
        else
            check(c, "tables", true, "all rows are those that were written");
    }
    pc_image_free(image);
}

int portcam_selftest(struct portcam *pc, struct json_t **ret)
{
    struct checks c = {json_array(), true};

    if (!c.list)
        return -ENOMEM;
    check_alive(pc, &c);
    check_scratch(pc, &c);
    int rc = pc_hw_dma_test(pc->hw);
    check(&c, "dma", rc == 0, "%s",
          rc == 0         ? "64 bytes went to the card and back"
          : rc == -EILSEQ ? "64 bytes came back different; reset the card"
                          : pc_hw_error());
    check_tables(pc, &c);
    return finish(&c, ret);
}
