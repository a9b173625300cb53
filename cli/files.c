// SPDX-License-Identifier: Apache-2.0
/* Reading and writing of whole files for the `portcam` command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

char *read_text(const char *file, size_t *ret_len)
{
    FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    char *text = NULL;
    size_t used = 0, room = 0, n = 1;

    while (stream && n > 0) {
        if (used > TEXT_MAX) {
            errno = EFBIG;
            break;
        }
        if (room - used < 65536) {
            char *more = realloc(text, room + 262144);
            if (!more)
                break;
            text = more;
            room += 262144;
        }
        n = fread(text + used, 1, room - used, stream);
        used += n;
    }
    bool good = stream && n == 0 && !ferror(stream);
    if (stream && stream != stdin) {
        int kept = errno;
        fclose(stream);
        errno = kept;
    }
    if (!good) {
        free(text);
        return NULL;
    }
    *ret_len = used;
    return text;
}

/* Writes beside the file and renames, so that a reader never sees a half. */
int write_text(const char *file, const char *text)
{
    char name[4096];
    if (strcmp(file, "-") == 0)
        return puts(text) < 0 ? -errno : 0;
    if (snprintf(name, sizeof(name), "%s.new", file) >= (int)sizeof(name))
        return -ENAMETOOLONG;
    FILE *stream = fopen(name, "wb");
    if (!stream)
        return -errno;
    int rc =
        fprintf(stream, "%s\n", text) < 0 || fflush(stream) || fsync(fileno(stream)) ? -EIO : 0;
    if (fclose(stream) && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(name, file))
        rc = -errno;
    if (rc)
        unlink(name);
    return rc;
}
