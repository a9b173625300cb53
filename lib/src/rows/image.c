// SPDX-License-Identifier: Apache-2.0
/* Row images; see image.h. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

uint32_t pc_table_rows(const struct portcam_caps *caps, unsigned table)
{
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        return 1;
    case PORTCAM_TABLE_FUNCTION:
        return caps->functions;
    case PORTCAM_TABLE_DOMAIN:
        return caps->domains;
    case PORTCAM_TABLE_ADDRESS:
        return caps->addresses;
    case PORTCAM_TABLE_SERVICE:
        return caps->services;
    case PORTCAM_TABLE_BACKEND:
        return caps->backends;
    case PORTCAM_TABLE_ENDPOINT:
    case PORTCAM_TABLE_ENDPOINT_ANY_PORT:
    case PORTCAM_TABLE_ENDPOINT_ANY:
        return caps->endpoint_rows[table - PORTCAM_TABLE_ENDPOINT];
    case PORTCAM_TABLE_SCHEDULE:
        return caps->flags & PORTCAM_CAPS_STATEFUL ? caps->schedule : 0;
    case PORTCAM_TABLE_TIMEOUT:
        return caps->flags & PORTCAM_CAPS_STATEFUL ? caps->services : 0;
    case PORTCAM_TABLE_PUBLIC:
        return caps->flags & PORTCAM_CAPS_STATEFUL ? caps->addresses : 0;
    case PORTCAM_TABLE_LIMITS:
        return caps->flags & (PORTCAM_CAPS_STATEFUL | PORTCAM_CAPS_REJECT) ? 1 : 0;
    default:
        return 0;
    }
}

const char *pc_table_name(unsigned table)
{
#define NAME(value, name, about) [value] = (name),
    static const char *const names[] = {PORTCAM_TABLE_LIST(NAME)};
#undef NAME
    return table < PORTCAM_TABLE_MAX ? names[table] : "unknown";
}

struct pc_image *pc_image_new(const struct portcam_caps *caps)
{
    struct pc_image *image = calloc(1, sizeof(*image));
    for (unsigned t = 0; image && t < PORTCAM_TABLE_MAX; t++) {
        image->rows[t] = pc_table_rows(caps, t);
        image->table[t] = calloc(image->rows[t] + 1, sizeof(struct pc_image_row));
        if (!image->table[t]) {
            pc_image_free(image);
            return NULL;
        }
    }
    return image;
}

struct pc_image *pc_image_copy(const struct pc_image *image)
{
    struct pc_image *copy = calloc(1, sizeof(*copy));
    for (unsigned t = 0; copy && t < PORTCAM_TABLE_MAX; t++) {
        copy->rows[t] = image->rows[t];
        copy->table[t] = calloc(image->rows[t] + 1, sizeof(struct pc_image_row));
        if (!copy->table[t]) {
            pc_image_free(copy);
            return NULL;
        }
        memcpy(copy->table[t], image->table[t], image->rows[t] * sizeof(struct pc_image_row));
    }
    return copy;
}

void pc_image_free(struct pc_image *image)
{
    if (!image)
        return;
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++)
        free(image->table[t]);
    free(image);
}

void pc_image_set(struct pc_image *image, unsigned table, uint32_t row, const void *data,
                  int32_t origin)
{
    struct pc_image_row *at = &image->table[table][row];
    at->valid = true;
    at->origin = origin;
    memcpy(at->data, data, PC_IMAGE_ROW);
}

bool pc_image_row_differs(const struct pc_image_row *a, const struct pc_image_row *b)
{
    return a->valid != b->valid || (a->valid && memcmp(a->data, b->data, PC_IMAGE_ROW) != 0);
}

size_t pc_image_differences(const struct pc_image *a, const struct pc_image *b, unsigned table)
{
    size_t count = 0;
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++) {
        if (table != PORTCAM_TABLE_MAX && t != table)
            continue;
        for (uint32_t row = 0; row < a->rows[t]; row++)
            count += pc_image_row_differs(&a->table[t][row], &b->table[t][row]);
    }
    return count;
}

size_t pc_image_count(const struct pc_image *image, unsigned table)
{
    size_t count = 0;
    for (uint32_t row = 0; row < image->rows[table]; row++)
        count += image->table[table][row].valid;
    return count;
}
