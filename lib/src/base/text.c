// SPDX-License-Identifier: Apache-2.0
/* Reading and writing of addresses, MACs and protocol names; see text.h. */
#include "text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned number;
    const char *name;
} Protocols[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmpv6"}, {132, "sctp"}};

int pc_ip_parse(const char *text, struct pc_ip *ret)
{
    struct pc_ip ip = {.family = 4};
    if (inet_pton(AF_INET, text, ip.bytes) == 1) {
        *ret = ip;
        return 0;
    }
    ip.family = 6;
    if (inet_pton(AF_INET6, text, ip.bytes) == 1) {
        *ret = ip;
        return 0;
    }
    return -EINVAL;
}

/* Decimal digits only, no leading zero, at most `max`. */
static int number_parse(const char *text, unsigned max, unsigned *ret)
{
    unsigned value = 0;
    if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && text[1]))
        return -EINVAL;
    for (const char *at = text; *at; at++) {
        if (!isdigit((unsigned char)*at))
            return -EINVAL;
        value = value * 10 + (unsigned)(*at - '0');
        if (value > max)
            return -EINVAL;
    }
    *ret = value;
    return 0;
}

unsigned pc_ip_bits(const struct pc_ip *ip)
{
    return ip->family == 4 ? 32 : 128;
}

struct pc_ip pc_ip_mask(const struct pc_ip *ip, unsigned length)
{
    struct pc_ip masked = *ip;
    for (unsigned i = 0; i < sizeof(masked.bytes); i++) {
        unsigned keep = length >= 8 * (i + 1) ? 8 : length > 8 * i ? length - 8 * i : 0;
        masked.bytes[i] &= (uint8_t)(0xff00u >> keep);
    }
    return masked;
}

bool pc_ip_same_prefix(const struct pc_ip *a, const struct pc_ip *b, unsigned length)
{
    struct pc_ip left = pc_ip_mask(a, length), right = pc_ip_mask(b, length);
    return a->family == b->family && memcmp(left.bytes, right.bytes, sizeof(left.bytes)) == 0;
}

int pc_prefix_parse(const char *text, struct pc_ip *ret, unsigned *ret_length)
{
    char address[PC_IP_TEXT];
    struct pc_ip ip;
    unsigned length;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);

    if (n >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, n);
    address[n] = 0;
    if (pc_ip_parse(address, &ip))
        return -EINVAL;
    length = pc_ip_bits(&ip);
    if (slash && number_parse(slash + 1, length, &length))
        return -EINVAL;
    struct pc_ip masked = pc_ip_mask(&ip, length);
    if (memcmp(masked.bytes, ip.bytes, sizeof(ip.bytes)) != 0)
        return -ERANGE;
    *ret = ip;
    *ret_length = length;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int pc_mac_parse(const char *text, uint8_t ret[6])
{
    uint8_t mac[6];
    if (strlen(text) != PC_MAC_TEXT - 1)
        return -EINVAL;
    for (unsigned i = 0; i < 6; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        char end = text[3 * i + 2];
        if (high < 0 || low < 0 || end != (i < 5 ? ':' : 0))
            return -EINVAL;
        mac[i] = (uint8_t)(high * 16 + low);
    }
    memcpy(ret, mac, sizeof(mac));
    return 0;
}

int pc_protocol_parse(const char *text, unsigned *ret)
{
    unsigned number;
    for (size_t i = 0; i < sizeof(Protocols) / sizeof(Protocols[0]); i++) {
        if (strcmp(text, Protocols[i].name) == 0) {
            *ret = Protocols[i].number;
            return 0;
        }
    }
    if (number_parse(text, 255, &number) || number == 0)
        return -EINVAL;
    *ret = number;
    return 0;
}

const char *pc_protocol_name(unsigned protocol)
{
    for (size_t i = 0; i < sizeof(Protocols) / sizeof(Protocols[0]); i++) {
        if (Protocols[i].number == protocol)
            return Protocols[i].name;
    }
    return NULL;
}

void pc_ip_format(const struct pc_ip *ip, char text[PC_IP_TEXT])
{
    if (!inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, text, PC_IP_TEXT))
        snprintf(text, PC_IP_TEXT, "?");
}

void pc_prefix_format(const struct pc_ip *ip, unsigned length, char text[PC_IP_TEXT])
{
    pc_ip_format(ip, text);
    size_t n = strlen(text);
    snprintf(text + n, PC_IP_TEXT - n, "/%u", length);
}

void pc_mac_format(const uint8_t mac[6], char text[PC_MAC_TEXT])
{
    snprintf(text, PC_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
}
