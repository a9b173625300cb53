/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the reference model: rows exactly as the host wrote them, and what is derived from them for fast lookups.
 * Rows change only through pc_tables_set(); pc_tables_build() brings the derived parts up to date, as a commit does. */
#ifndef PC_MODEL_TABLES_H
#define PC_MODEL_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PC_ROW_BYTES 48

/* Sizes of a build, all rows. Row = way * (rows / ways) + bucket in the endpoint tables. */
struct pc_sizes {
    unsigned functions, domains, addresses, services, backends;
    unsigned endpoint_ways; /* of all three endpoint tables */
    unsigned endpoint_rows, endpoint_any_port_rows, endpoint_any_rows;
    unsigned max_frame; /* bytes */
    /* Connection records beside the stash of each family; no connection_rows: a build without connections. */
    unsigned connection_rows, connection_rows_v6, connection_stash;
    unsigned schedule_rows;
};

/* The default build of hw/regs/records.toml. */
struct pc_sizes pc_sizes_default(void);

/* Could there be a build of these sizes? The ranges are those of docs/integration-guide.md. */
bool pc_sizes_legal(const struct pc_sizes *sizes);

struct pc_tables;

/* Empty tables; NULL where there is no memory. */
struct pc_tables *pc_tables_new(const struct pc_sizes *sizes);
void pc_tables_free(struct pc_tables *t);
const struct pc_sizes *pc_tables_sizes(const struct pc_tables *t);

/* All rows empty; the derived parts too. */
void pc_tables_clear(struct pc_tables *t);

/* Rows of a table, or 0 if there is no such table. */
unsigned pc_tables_rows(const struct pc_tables *t, unsigned table);

/**
 * pc_tables_check() - may this row stand in this table?
 *
 * Return: a value of enum portcam_status: ok, unknown_table, row_out_of_range, bad_row or unsupported.
 */
unsigned pc_tables_check(const struct pc_tables *t, unsigned table, unsigned row, const void *data);

/* Write (data, 48 bytes) or empty (NULL) a row that exists. Lookups do not see it before pc_tables_build(). */
void pc_tables_set(struct pc_tables *t, unsigned table, unsigned row, const void *data);

/* Bit n: row n of table function is not empty. */
uint32_t pc_tables_functions(const struct pc_tables *t);

/* The row's 48 bytes, or NULL if it is empty or does not exist. */
const void *pc_tables_get(const struct pc_tables *t, unsigned table, unsigned row);

/* Make lookups see what pc_tables_set() wrote since the last call. */
void pc_tables_build(struct pc_tables *t);

/* Seed of the endpoint hash, register HASH_SEED. */
void pc_tables_set_seed(struct pc_tables *t, uint32_t seed);
uint32_t pc_tables_seed(const struct pc_tables *t);

/* Bucket of an endpoint row (its first 20 bytes) in a table of `buckets` buckets, a power of two. */
unsigned pc_endpoint_bucket(uint32_t seed, const void *row, unsigned buckets);

/* The lookups of docs/pipeline.md section 3; row numbers, or -1. */
int pc_tables_address(const struct pc_tables *t, const struct pc_parsed *p);
int pc_tables_service(const struct pc_tables *t, unsigned domain, unsigned address,
                      const struct pc_parsed *p);
/* *table gets the endpoint table that matched. */
int pc_tables_endpoint(const struct pc_tables *t, const struct pc_parsed *p, unsigned *table);

#ifdef __cplusplus
}
#endif

#endif
