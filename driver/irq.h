// SPDX-License-Identifier: Apache-2.0
/*
 * What the rooms of the driver share about waiting.
 */
#ifndef PC_IRQ_H
#define PC_IRQ_H

#include <stdint.h>

/* Milliseconds of the monotonic clock. */
int64_t pc_now_ms(void);

#endif /* PC_IRQ_H */
