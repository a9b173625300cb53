// SPDX-License-Identifier: Apache-2.0
/* CRC-32C of SCTP (RFC 9260 appendix A), as a difference: see slow_sctp.h. */
#include "slow_sctp.h"

#include "crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* reflected: bit 31 is x^0 */

/* a * b modulo the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

/* The register after `n` bytes of zero. */
static uint32_t after_zeros(uint32_t crc, size_t n)
{
    uint32_t power = 1u << 23; /* x^8, one byte; then two, four */

    for (; n; n >>= 1) {
        if (n & 1)
            crc = multiply(crc, power);
        power = multiply(power, power);
    }
    return crc;
}

void pc_sctp_update(uint8_t *packet, const uint8_t ports[4], size_t len)
{
    uint8_t difference[4];

    for (unsigned i = 0; i < 4; i++)
        difference[i] = packet[i] ^ ports[i];
    uint32_t crc = after_zeros(pc_crc32c(0, difference, sizeof(difference)), len - 4);
    for (unsigned i = 0; i < 4; i++)
        packet[8 + i] ^= (uint8_t)(crc >> 8 * i);
}
