// SPDX-License-Identifier: Apache-2.0
/* Writing of classic pcap files, microseconds, of the heads of packets; see pcap.h. */
#include <stdint.h>
#include <string.h>

#include "pcap.h"

enum { LINK_ETHERNET = 1, HEAD_MAX = 128 };

int pcap_write_header(FILE *stream)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, snap, link;
    } header = {0xa1b2c3d4, 2, 4, 0, 0, HEAD_MAX, LINK_ETHERNET};

    return fwrite(&header, sizeof(header), 1, stream) == 1 ? 0 : -1;
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* Bytes of the head; 0 where it is none. */
static size_t head_of(const json_t *packet, uint8_t bytes[HEAD_MAX])
{
    const char *hex = json_string_value(json_object_get(packet, "head"));
    size_t n = hex ? strlen(hex) / 2 : 0;

    if (n > HEAD_MAX || (hex && strspn(hex, "0123456789abcdef") != strlen(hex)))
        return 0;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return n;
}

int pcap_write_packet(FILE *stream, const json_t *packet)
{
    double time = json_number_value(json_object_get(packet, "time"));
    uint8_t bytes[HEAD_MAX];
    size_t n = head_of(packet, bytes);
    const uint32_t seconds = (uint32_t)time;
    const uint32_t header[4] = {seconds, (uint32_t)((time - seconds) * 1e6), (uint32_t)n,
                                (uint32_t)json_integer_value(json_object_get(packet, "length"))};

    if (n == 0)
        return 0;
    return fwrite(header, sizeof(header), 1, stream) == 1 && fwrite(bytes, n, 1, stream) == 1 ? 0
                                                                                              : -1;
}
