// SPDX-License-Identifier: Apache-2.0
/*
 * The VERSION command: which protocol version and which capabilities both sides use.
 *
 * The answer always has explicit capabilities, because QEMU takes its own proposal for what an answer
 * leaves out, and stays below 150 bytes of JSON, because QEMU cannot receive an answer that is longer than
 * its request. A request without JSON is accepted. No number in the answer is above what was proposed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "vfu/internal.h"

enum { OUR_MAX_FDS = 8 };

struct limits {
    uint64_t fds, data, maps;
};

/* Lowers *limit to the member `name` of caps, when it is there. False: it is not a number above floor. */
static bool lower(const json_t *caps, const char *name, int64_t floor, uint64_t *limit)
{
    const json_t *v = json_object_get(caps, name);

    if (!v)
        return true;
    if (!json_is_integer(v) || json_integer_value(v) < floor)
        return false;
    if ((uint64_t)json_integer_value(v) < *limit)
        *limit = (uint64_t)json_integer_value(v);
    return true;
}

static int read_limits(const char *text, size_t len, struct limits *l)
{
    json_t *root, *caps;
    int rc = 0;

    if (!len)
        return 0;
    if (!memchr(text, '\0', len))
        return -EINVAL;
    if (!*text)
        return 0;
    root = json_loads(text, 0, NULL);
    caps = json_object_get(root, "capabilities");
    if (!json_is_object(root) || (caps && !json_is_object(caps)))
        rc = -EINVAL;
    else if (!lower(caps, "max_msg_fds", 0, &l->fds) ||
             !lower(caps, "max_data_xfer_size", 1, &l->data) ||
             !lower(caps, "max_dma_maps", 0, &l->maps))
        rc = -EINVAL;
    json_decref(root);
    return rc;
}

ssize_t pc_version_negotiate(struct pc_version *v, const uint8_t *payload, size_t len, char *out,
                             size_t cap)
{
    struct limits l = {OUR_MAX_FDS, PC_VFU_DEFAULT_MAX_DATA_XFER, PC_VFU_DEFAULT_MAX_DMA_MAPS};
    struct pc_vfu_version version;
    int n;

    if (v->done || len < sizeof(version))
        return -EINVAL;
    memcpy(&version, payload, sizeof(version));
    if (version.major != PC_VFU_MAJOR ||
        read_limits((const char *)payload + sizeof(version), len - sizeof(version), &l))
        return -EINVAL;
    if (version.minor > PC_VFU_MINOR)
        version.minor = PC_VFU_MINOR;
    if (cap < sizeof(version))
        return -ENOSPC;
    memcpy(out, &version, sizeof(version));
    n = snprintf(out + sizeof(version), cap - sizeof(version),
                 "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,"
                 "\"pgsizes\":%u,\"max_dma_maps\":%u}}",
                 (unsigned)l.fds, (unsigned)l.data, (unsigned)PC_VFU_DEFAULT_PGSIZES,
                 (unsigned)l.maps);
    if (n < 0 || (size_t)n >= cap - sizeof(version))
        return -ENOSPC;
    v->done = true;
    v->max_data = (uint32_t)l.data;
    return (ssize_t)sizeof(version) + n + 1;
}
