// SPDX-License-Identifier: Apache-2.0
/* Options of any size, see opts.h. */
#include "opts.h"

#include <errno.h>
#include <string.h>

#include "err.h"

int pc_copy_opts(void *to, size_t size, const void *from)
{
    size_t given = 0;

    memset(to, 0, size);
    if (from) {
        memcpy(&given, from, sizeof(given));
        if (given < sizeof(given))
            return pc_fail(-EINVAL, "options without their size: set opts.sz = sizeof(opts)");
        for (size_t i = size; i < given; i++)
            if (((const unsigned char *)from)[i])
                return pc_fail(-E2BIG, "an option is newer than this library: update it");
        memcpy(to, from, given < size ? given : size);
    }
    memcpy(to, &size, sizeof(size));
    return 0;
}
