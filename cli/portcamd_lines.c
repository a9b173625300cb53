// SPDX-License-Identifier: Apache-2.0
/* Lines of text for a client that nobody took yet. */
#include <stdlib.h>
#include <string.h>

#include "portcamd.h"

/* More are left out, and the client is dropped anyway. */
enum { LINES_MAX = 8 * 1024 * 1024 };

static bool make_room(struct lines *to, size_t more)
{
    size_t room = to->room ? to->room : 4096;

    if (to->used + more > LINES_MAX)
        return false;
    while (room < to->used + more)
        room *= 2;
    char *grown = room == to->room ? to->text : realloc(to->text, room);
    if (!grown)
        return false;
    to->text = grown;
    to->room = room;
    return true;
}

void lines_add(struct lines *to, const char *line, size_t len)
{
    if (!make_room(to, len + 2))
        return;
    memcpy(to->text + to->used, line, len);
    memcpy(to->text + to->used + len, "\n", 2);
    to->used += len + 1;
}

char *lines_take(struct lines *from)
{
    char *text = from->text;

    from->text = NULL;
    from->used = from->room = 0;
    return text;
}
