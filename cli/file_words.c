// SPDX-License-Identifier: Apache-2.0
/* See file_words.h. */
#include "file_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *cure(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "; correct its name";
    case EACCES:
    case EPERM:
    case EROFS:
        return "; change its mode, or be somebody who may";
    case EISDIR:
        return "; name a file";
    case EFBIG:
        return "; divide it";
    case ENOSPC:
        return "; make room";
    default:
        return "";
    }
}

const char *file_words(int error)
{
    static char text[200];
    snprintf(text, sizeof(text), "%s%s", strerror(error), cure(error));
    return text;
}
