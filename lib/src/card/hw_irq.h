// SPDX-License-Identifier: Apache-2.0
/* The eventfds of the vectors that are slept on; -1 where there is none. */
#ifndef PC_HW_IRQ_H
#define PC_HW_IRQ_H

#include <portcam/dev.h>

#include "portcam_defs.h"

#define PC_VECTORS (PORTCAM_VECTOR_PUNTS + 1)

/* All or none. Without them things are looked at now and then. */
void pc_irqs_open(struct portcam_dev *dev, int fds[PC_VECTORS]);
void pc_irqs_close(int fds[PC_VECTORS]);

#endif
