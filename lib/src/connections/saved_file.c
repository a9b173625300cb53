// SPDX-License-Identifier: Apache-2.0
/*
 * Connections in the state directory, as long as a card is being reset: whoever comes after a program that died in between
 * puts them back. The file is this library's own; what is in it is checked by the card as any image is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "saved.h"

#define NAME "connections.bin"

enum { OLD_SECONDS = 60 }; /* a file of another time is of another life of the card */

struct header {
    char magic[8];
    uint32_t now, count;
    int64_t written;       /* seconds since 1970 */
    uint32_t bytes;        /* of an image */
    uint16_t major, minor; /* of the interface that images are of */
};

static const char Magic[8] = "pcconns1";

static FILE *open_file(const char *dir, const char *mode)
{
    char path[4096];
    bool reads = mode[0] == 'r';
    int fd = -1;

    if ((size_t)snprintf(path, sizeof(path), "%s/" NAME, dir) < sizeof(path))
        fd = open(path, (reads ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC) | O_CLOEXEC | O_NOFOLLOW,
                  0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, mode);
    if (!file && fd >= 0)
        close(fd);
    return file;
}

void pc_saved_forget(const char *dir)
{
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    (void)unlinkat(fd, NAME, 0);
    close(fd);
}

int pc_saved_write(const char *dir, const struct pc_saved *saved)
{
    struct header h = {.now = saved->now,
                       .count = (uint32_t)saved->count,
                       .written = (int64_t)time(NULL),
                       .bytes = sizeof(*saved->image),
                       .major = PORTCAM_INTERFACE_MAJOR,
                       .minor = PORTCAM_INTERFACE_MINOR};

    if (!dir || saved->count == 0)
        return 0;
    memcpy(h.magic, Magic, sizeof(h.magic));
    FILE *file = open_file(dir, "w");
    if (!file)
        return -errno;
    bool good = fwrite(&h, sizeof(h), 1, file) == 1 &&
                fwrite(saved->image, sizeof(*saved->image), saved->count, file) == saved->count;
    good = fclose(file) == 0 && good;
    if (!good)
        pc_saved_forget(dir);
    return good ? 0 : -EIO;
}

/* Of this time, and of a library that has the same images. */
static bool is_of_use(const struct header *h)
{
    int64_t now = (int64_t)time(NULL);

    return memcmp(h->magic, Magic, sizeof(h->magic)) == 0 &&
           h->bytes == sizeof(struct portcam_connection_image) &&
           h->major == PORTCAM_INTERFACE_MAJOR && h->minor == PORTCAM_INTERFACE_MINOR &&
           h->written >= now - OLD_SECONDS && h->written <= now + OLD_SECONDS;
}

int pc_saved_load(const char *dir, struct pc_saved *ret)
{
    struct portcam_connection_image image;
    struct header h;
    FILE *file = dir ? open_file(dir, "r") : NULL;
    int rc = 0;

    if (!file)
        return dir ? -errno : -ENOENT;
    if (fread(&h, sizeof(h), 1, file) != 1 || !is_of_use(&h))
        rc = -ENOENT;
    ret->now = rc ? 0 : h.now;
    for (uint32_t n = 0; rc == 0 && n < h.count && fread(&image, sizeof(image), 1, file) == 1; n++)
        rc = pc_saved_add(ret, &image);
    fclose(file);
    return rc;
}
