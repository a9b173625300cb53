// SPDX-License-Identifier: Apache-2.0
/*
 * The VERSION exchange, see vfu_version.h. The proposal names what the client can do; missing
 * answers mean the defaults of the protocol, and everything is cut down to what the client
 * proposed.
 */
#include "vfu_version.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "err.h"
#include "vfu_conn.h"

static const char proposal[] =
    "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
    "\"pgsizes\":4096,\"max_dma_maps\":65535}}";

/* A capability that is a number from 1 to `most` after being cut down; absent leaves *value. */
static int number(const json_t *caps, const char *key, uint64_t most, uint64_t *value)
{
    const json_t *j = json_object_get(caps, key);
    json_int_t n;

    if (!j)
        return 0;
    n = json_integer_value(j);
    if (!json_is_integer(j) || n < 1)
        return -EPROTO;
    *value = (uint64_t)n < most ? (uint64_t)n : most;
    return 0;
}

int pc_vfuc_parse_caps(const char *text, size_t len, struct pc_vfuc_caps *ret)
{
    uint64_t fds = PC_VFU_DEFAULT_MAX_MSG_FDS;
    uint64_t xfer = PC_VFU_DEFAULT_MAX_DATA_XFER;
    uint64_t maps = PC_VFU_DEFAULT_MAX_DMA_MAPS;
    uint64_t pages = PC_VFU_DEFAULT_PGSIZES;
    json_t *root = NULL;
    const json_t *caps;
    int err = 0;

    if (len > 0) {
        if (text[len - 1] != '\0' || strlen(text) != len - 1)
            return -EPROTO;
        root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(root)) {
            json_decref(root);
            return -EPROTO;
        }
        caps = json_object_get(root, "capabilities");
        if (caps && !json_is_object(caps))
            err = -EPROTO;
        if (!err)
            err = number(caps, "max_msg_fds", PC_VFU_MAX_FDS, &fds);
        if (!err)
            err = number(caps, "max_data_xfer_size", PC_VFU_DEFAULT_MAX_DATA_XFER, &xfer);
        if (!err)
            err = number(caps, "max_dma_maps", PC_VFU_DEFAULT_MAX_DMA_MAPS, &maps);
        if (!err)
            err = number(caps, "pgsizes", INT64_MAX, &pages);
        json_decref(root);
    }
    /* the smallest page must fit the alignment of the driver's own memory */
    if (!err && (pages & -pages) > (2u << 20))
        err = -EPROTO;
    if (err)
        return err;
    ret->max_fds = (unsigned)fds;
    ret->max_data_xfer = (uint32_t)xfer;
    ret->max_dma_maps = (uint32_t)maps;
    ret->page_sizes = pages;
    return 0;
}

int pc_vfuc_version(struct pc_vfuc_conn *c, struct pc_vfuc_caps *ret)
{
    struct pc_vfu_version v = {.major = PC_VFU_MAJOR, .minor = PC_VFU_MINOR};
    char reply[sizeof(v) + 4096];
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_VERSION,
        .head = &v,
        .head_len = sizeof(v),
        .data = proposal,
        .data_len = sizeof(proposal),
        .reply = reply,
        .reply_min = sizeof(v),
        .reply_max = sizeof(reply),
    };
    size_t len;
    int err = pc_vfuc_call(c, &call, &len);

    if (err)
        return err;
    memcpy(&v, reply, sizeof(v));
    if (v.major != PC_VFU_MAJOR)
        return pc_fail(-EPROTONOSUPPORT,
                       "the simulated card speaks vfio-user %u.%u and this driver %u.x: "
                       "use versions that belong together",
                       v.major, v.minor, PC_VFU_MAJOR);
    if (v.minor > PC_VFU_MINOR)
        return pc_vfuc_nonsense(c, "it answers a newer minor version (%u) than proposed", v.minor);
    if (pc_vfuc_parse_caps(reply + sizeof(v), len - sizeof(v), ret) != 0)
        return pc_vfuc_nonsense(c, "its capabilities are not valid JSON for vfio-user");
    return 0;
}
