// SPDX-License-Identifier: Apache-2.0
/* See pcap.h. The file is not trusted: every length is bounded before it is used. */
#include "pcap.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "file_words.h"

enum { FRAME_MAX = 16384, LINK_ETHERNET = 1 };

static uint32_t word(const uint8_t *at, bool swapped)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return swapped ? __builtin_bswap32(value) : value;
}

static json_t *to_hex(const uint8_t *frame, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    static char text[2 * FRAME_MAX];
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[frame[i] >> 4];
        text[2 * i + 1] = digits[frame[i] & 15];
    }
    return json_stringn(text, 2 * len);
}

static bool read_header(FILE *stream, bool *swapped, char error[256])
{
    uint8_t header[24];
    if (fread(header, 1, sizeof(header), stream) != sizeof(header)) {
        snprintf(error, 256, "it is shorter than a pcap header");
        return false;
    }
    uint32_t magic = word(header, false);
    *swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    if (!*swapped && magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) {
        snprintf(error, 256,
                 magic == 0x0a0d0d0a ? "it is pcapng; convert it: editcap -F pcap IN OUT"
                                     : "it is no pcap file");
        return false;
    }
    if ((word(header + 20, *swapped) & 0xffff) != LINK_ETHERNET) {
        snprintf(error, 256, "its packets are not Ethernet");
        return false;
    }
    return true;
}

static json_t *read_frames(FILE *stream, bool swapped, size_t max, bool *cut)
{
    json_t *frames = json_array();
    uint8_t header[16], frame[FRAME_MAX];

    while (frames) {
        size_t n = fread(header, 1, sizeof(header), stream);
        if (n == 0)
            break;
        uint32_t len = word(header + 8, swapped);
        if (n != sizeof(header) || len == 0 || len > FRAME_MAX ||
            fread(frame, 1, len, stream) != len || json_array_size(frames) == max) {
            *cut = true;
            break;
        }
        if (json_array_append_new(frames, to_hex(frame, len))) {
            json_decref(frames);
            frames = NULL;
        }
    }
    return frames;
}

json_t *pcap_read(const char *file, size_t max, bool *ret_cut, char error[256])
{
    bool swapped = false;
    json_t *frames = NULL;
    FILE *stream = fopen(file, "rb");

    if (!stream) {
        snprintf(error, 256, "it cannot be read: %s", file_words(errno));
        return NULL;
    }
    *ret_cut = false;
    snprintf(error, 256, "out of memory");
    if (read_header(stream, &swapped, error))
        frames = read_frames(stream, swapped, max, ret_cut);
    fclose(stream);
    return frames;
}
