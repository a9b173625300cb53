// SPDX-License-Identifier: Apache-2.0
/* Lists of what is yet to be written: see replay_state.h. */
#include <stdlib.h>
#include <string.h>

#include "replay_state.h"

bool pc_replay_list_push(struct pc_replay_list *l, const void *src)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        uint8_t *bytes = malloc(room * l->size);
        if (!bytes)
            return false;
        for (size_t i = 0; i < l->count; i++)
            memcpy(bytes + i * l->size, l->bytes + (l->head + i) % l->room * l->size, l->size);
        free(l->bytes);
        l->bytes = bytes;
        l->head = 0;
        l->room = room;
    }
    memcpy(l->bytes + (l->head + l->count++) % l->room * l->size, src, l->size);
    return true;
}

bool pc_replay_list_first(const struct pc_replay_list *l, void *dst)
{
    if (l->count == 0)
        return false;
    memcpy(dst, l->bytes + l->head * l->size, l->size);
    return true;
}

bool pc_replay_list_pop(struct pc_replay_list *l, void *dst)
{
    if (!pc_replay_list_first(l, dst))
        return false;
    l->head = (l->head + 1) % l->room;
    l->count--;
    return true;
}
