// SPDX-License-Identifier: Apache-2.0
/* The checksum of SCTP after a change of its ports. */
#ifndef PC_SLOW_SCTP_H
#define PC_SLOW_SCTP_H

#include <stddef.h>
#include <stdint.h>

/**
 * pc_sctp_update() - bring the checksum of an SCTP packet from its old ports to those that it has
 * @packet: 12 bytes at least: the common header, with the new ports
 * @ports: the four bytes that were there
 * @len: bytes of the whole packet, 12 or more; only the first 12 are touched
 *
 * A CRC is linear: the difference of two that differ in these bytes depends on nothing but them and the length. So a right
 * checksum becomes right and a wrong one stays wrong, as with RFC 1624, and the payload is not read.
 */
void pc_sctp_update(uint8_t *packet, const uint8_t ports[4], size_t len);

#endif
