// SPDX-License-Identifier: Apache-2.0
/* See table.h. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void table_begin(struct table *table, size_t columns)
{
    memset(table, 0, sizeof(*table));
    table->columns = columns;
}

void table_cell(struct table *table, size_t row, size_t column, const char *format, ...)
{
    va_list args;

    if (row >= table->room) {
        size_t room = row < 32 ? 64 : 2 * row;
        char **cells = calloc(room * table->columns, sizeof(*cells));
        if (!cells)
            return;
        if (table->rows)
            memcpy(cells, table->cells, table->rows * table->columns * sizeof(*cells));
        free(table->cells);
        table->cells = cells;
        table->room = room;
    }
    if (row >= table->rows)
        table->rows = row + 1;
    char **cell = &table->cells[row * table->columns + column];
    va_start(args, format);
    if (vasprintf(cell, format, args) < 0)
        *cell = NULL;
    va_end(args);
}

void table_numbers(struct table *table, size_t column)
{
    table->numbers[column] = true;
}

void table_print(struct table *table, const char *indent)
{
    size_t width[TABLE_COLUMNS] = {0};

    for (size_t i = 0; i < table->rows * table->columns; i++) {
        size_t n = table->cells[i] ? strlen(table->cells[i]) : 0;
        if (n > width[i % table->columns])
            width[i % table->columns] = n;
    }
    for (size_t row = 0; row < table->rows; row++) {
        char *const *cells = &table->cells[row * table->columns];
        fputs(indent, stdout);
        for (size_t c = 0; c < table->columns; c++) {
            const char *text = cells[c] ? cells[c] : "";
            if (table->numbers[c])
                printf("%*s%s", (int)width[c], text, c + 1 < table->columns ? "  " : "");
            else if (c + 1 < table->columns)
                printf("%-*s  ", (int)width[c], text);
            else
                printf("%s", text);
        }
        putchar('\n');
    }
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    memset(table, 0, sizeof(*table));
}
