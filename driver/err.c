// SPDX-License-Identifier: Apache-2.0
/*
 * The thread's own sentence of the last failure, see err.h.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <portcam/dev.h>

static _Thread_local char sentence[512];
static _Thread_local char system_text[96];

int pc_fail(int err, const char *fmt, ...)
{
    char text[sizeof(sentence)]; /* the old sentence may be one of the arguments */
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    memcpy(sentence, text, sizeof(sentence));
    return err;
}

const char *pc_strerror(int err)
{
    return strerror_r(err < 0 ? -err : err, system_text, sizeof(system_text));
}

void pc_err_clear(void)
{
    sentence[0] = '\0';
}

const char *portcam_dev_error(void)
{
    return sentence;
}
