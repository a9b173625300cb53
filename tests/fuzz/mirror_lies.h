// SPDX-License-Identifier: Apache-2.0
/*
 * A card that lies to the mirror of its connections: bytes say what it writes to the array, the ring and its registers, and
 * what the host does in between. Ends the process where the mirror tells or finds what cannot be, and where it is not right
 * again as soon as the card is honest. Link with -Wl,--wrap=pc_card_reg_read.
 */
#ifndef PC_MIRROR_LIES_H
#define PC_MIRROR_LIES_H

#include <stddef.h>
#include <stdint.h>

void mirror_lies(const uint8_t *in, size_t len);

#endif
