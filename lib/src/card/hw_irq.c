// SPDX-License-Identifier: Apache-2.0
/* Interrupts of the card; see hw_irq.h. */
#include "hw_irq.h"

#include <unistd.h>

void pc_irqs_close(int fds[PC_VECTORS])
{
    for (unsigned i = 0; i < PC_VECTORS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

/* In one call, as old kernels want it. */
void pc_irqs_open(struct portcam_dev *dev, int fds[PC_VECTORS])
{
    unsigned count = portcam_dev_info(dev)->vectors;
    int rc = 0;

    if (count > PC_VECTORS)
        count = PC_VECTORS;
    for (unsigned i = 0; rc == 0 && i < count; i++)
        rc = portcam_irq_open(&fds[i]);
    if (rc || count == 0 || portcam_dev_set_irqs(dev, 0, count, fds))
        pc_irqs_close(fds);
}
