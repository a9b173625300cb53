// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of all tables of a card, as one value in host memory. Two of them, what runs and what is wanted, make a change
 * set. Each row remembers which object of its configuration it came from.
 */
#ifndef PC_IMAGE_H
#define PC_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "portcam/portcam.h"
#include "portcam_defs.h"

#define PC_IMAGE_ROW 48

struct pc_image_row {
    bool valid;
    int32_t origin; /* index in the list of its kind (endpoints: services), -1 unknown */
    uint8_t data[PC_IMAGE_ROW];
};

struct pc_image {
    uint32_t rows[PORTCAM_TABLE_MAX];
    struct pc_image_row *table[PORTCAM_TABLE_MAX];
};

/* Rows of each table of a card. */
uint32_t pc_table_rows(const struct portcam_caps *caps, unsigned table);

/* All rows empty; NULL without memory. */
struct pc_image *pc_image_new(const struct portcam_caps *caps);
/* The same rows once more; NULL: no memory. */
struct pc_image *pc_image_copy(const struct pc_image *image);
void pc_image_free(struct pc_image *image);

/* Write a row; `row` is below the table's size. */
void pc_image_set(struct pc_image *image, unsigned table, uint32_t row, const void *data,
                  int32_t origin);

/* Rows that differ, of one table or (PORTCAM_TABLE_MAX) of all. Origins do not count. */
size_t pc_image_differences(const struct pc_image *a, const struct pc_image *b, unsigned table);

/* Do these rows differ? */
bool pc_image_row_differs(const struct pc_image_row *a, const struct pc_image_row *b);

/* Rows that are not empty. */
size_t pc_image_count(const struct pc_image *image, unsigned table);

/* "domain", "service", ... */
const char *pc_table_name(unsigned table);

#endif
