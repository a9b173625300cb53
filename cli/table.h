// SPDX-License-Identifier: Apache-2.0
/* Text in aligned columns on standard output. Without memory, cells stay empty. */
#ifndef PC_TABLE_H
#define PC_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS 32

struct table {
    size_t columns, rows, room;
    char **cells; /* row by row */
    bool numbers[TABLE_COLUMNS];
};

/* The first row is the header. Columns are aligned left. */
void table_begin(struct table *table, size_t columns);
void table_cell(struct table *table, size_t row, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* This column holds numbers, which are aligned right. */
void table_numbers(struct table *table, size_t column);
void table_print(struct table *table, const char *indent);

#endif
