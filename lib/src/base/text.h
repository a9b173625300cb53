// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses, MACs and protocols as text and as the card's rows hold them. Reading is strict: exactly one spelling is
 * wrong or right, nothing before or after it. Writing gives the one canonical spelling.
 */
#ifndef PC_TEXT_H
#define PC_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define PC_IP_TEXT 64 /* bytes for any address, prefix and VLAN included */
#define PC_MAC_TEXT 18

/* Arguments of "%u %s" and the like: 1 packet, 2 packets. */
#define PC_COUNTED(n, word) (n), (n) == 1 ? (word) : word "s"

/* IPv4 stands in the first four bytes, the others are 0, as in the rows. */
struct pc_ip {
    uint8_t bytes[16];
    uint8_t family; /* 4 or 6; 0 none */
};

/* Return 0 or -EINVAL; outputs untouched on failure. */
int pc_ip_parse(const char *text, struct pc_ip *ret);
/* "ADDRESS" (a host prefix) or "ADDRESS/LENGTH". -ERANGE when bits behind the length are not 0. */
int pc_prefix_parse(const char *text, struct pc_ip *ret, unsigned *ret_length);
int pc_mac_parse(const char *text, uint8_t ret[6]);
/* "tcp", "udp", "sctp", "icmp", "icmpv6" or a number 1 to 255. */
int pc_protocol_parse(const char *text, unsigned *ret);

void pc_ip_format(const struct pc_ip *ip, char text[PC_IP_TEXT]);
/* Always with the length. */
void pc_prefix_format(const struct pc_ip *ip, unsigned length, char text[PC_IP_TEXT]);
void pc_mac_format(const uint8_t mac[6], char text[PC_MAC_TEXT]);
/* The name, or NULL where a protocol is written as a number. */
const char *pc_protocol_name(unsigned protocol);

unsigned pc_ip_bits(const struct pc_ip *ip);
/* Are the first `length` bits of both equal (and the families)? */
bool pc_ip_same_prefix(const struct pc_ip *a, const struct pc_ip *b, unsigned length);
/* The address with the bits behind `length` cleared. */
struct pc_ip pc_ip_mask(const struct pc_ip *ip, unsigned length);

#endif
