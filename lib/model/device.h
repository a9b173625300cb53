/* SPDX-License-Identifier: Apache-2.0 */
/* The whole device as the packet semantics see it: tables, counters, change sets, connection records. Packets
 * and commands happen one after another, each completely; time is an argument. card.h adds the registers and rings in front of it. Not thread-safe: one caller at a time. */
#ifndef PC_MODEL_DEVICE_H
#define PC_MODEL_DEVICE_H

#include "decide.h"
#include "stateful.h"
#include "tables.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest answer of a command: connection_read of BUILD_MAX_COUNT slots. */
#define PC_ANSWER_BYTES (PORTCAM_BUILD_MAX_COUNT * sizeof(struct portcam_connection_image))

struct pc_device;

/* What a command did. `answer` is for the host memory at the command's address. */
struct pc_command_result {
    uint8_t status;  /* enum portcam_status */
    uint32_t result; /* of the completion */
    size_t answer_len;
    uint8_t answer[PC_ANSWER_BYTES];
};

/* NULL: no memory, or sizes that no build has. */
struct pc_device *pc_device_new(const struct pc_sizes *sizes);
void pc_device_free(struct pc_device *d);

/* As after a function level reset: tables and counters empty, no change set, no records. The hash seed becomes 0. */
void pc_device_reset(struct pc_device *d);

/**
 * pc_device_packet() - a frame passes the device
 * @frame: its bytes, rewritten in place; not touched beyond the window
 * @len: length in bytes, 1 or more
 * @ingress: function it came from, below the number of functions
 * @now: ms
 * @parsed: gets the parse result; may be NULL
 * @ret: gets the decision
 * @answer: gets the card's answer to a packet that it refuses (its len is 0 where there is none); may be NULL
 */
void pc_device_packet(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                      uint32_t now, struct pc_parsed *parsed, struct pc_decision *ret,
                      struct pc_answer *answer);

/* The same where a card chose: `parsed` is not NULL, and where the choice cannot be followed the model makes its own. A packet
 * that the limits want at the host stays uncounted until pc_device_punt_chosen(). */
void pc_device_packet_chosen(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                             uint32_t now, const struct pc_choice *choice, struct pc_parsed *parsed,
                             struct pc_decision *ret, struct pc_answer *answer);

/* Where punted packets go: a ring of the host. All but `ctx` NULL: it never runs. */
struct pc_punt_port {
    void *ctx;
    bool (*runs)(void *ctx);
    bool (*room)(void *ctx); /* for one more; asked only while it runs, and false is counted */
    void (*write)(void *ctx, const struct portcam_punt_header *header /* lap 0 */,
                  const uint8_t *frame);
};
void pc_device_set_punt(struct pc_device *d, const struct pc_punt_port *port);

/* What is left of a packet with punt_wanted whose choice was told: did the ring run, and was there room? The limits are
 * those of the moment of the packet. It is counted now. */
struct pc_punt_limits {
    uint16_t rate, burst;
};
struct pc_punt_limits pc_punt_limits_of(const struct pc_tables *t);
void pc_device_punt_chosen(struct pc_device *d, const struct pc_parsed *parsed,
                           const struct pc_punt_limits *limits, uint32_t now, bool runs, bool room,
                           struct pc_decision *v);

/* The header of a punted packet, lap 0. */
struct portcam_punt_header pc_punt_header(const struct pc_tables *t, const struct pc_parsed *p,
                                          const struct pc_decision *v, uint32_t now);

/* Where samples of packets go, as long as nobody chooses for the device. All but `ctx` NULL: nowhere. */
struct pc_trace_port {
    void *ctx;
    bool (*wants)(void *ctx, const struct pc_parsed *p); /* before it is decided */
    void (*sample)(void *ctx, const struct pc_parsed *p, const struct pc_decision *v, uint32_t now,
                   const struct pc_trace_window *window); /* what it wants, decided */
};
void pc_device_set_trace(struct pc_device *d, const struct pc_trace_port *port);

/* Count a frame that the host injected: it leaves by this function. */
void pc_device_inject(struct pc_device *d, unsigned egress, size_t len);

/* What would happen now: the record that is found, or the candidates; nothing is counted, made or rewritten. The limits of
 * answers and punted packets are not looked at. */
void pc_device_explain(const struct pc_device *d, const uint8_t *frame, size_t len,
                       unsigned ingress, struct pc_parsed *parsed, struct pc_decision *ret);

/* Look at the next `slots` slots, round and round: records that are out of time end. Return: how many did. To keep the
 * promise of docs/connections.md each slot is looked at in every second of `now`. */
unsigned pc_device_age(struct pc_device *d, uint32_t now, unsigned slots);

/* Look at one slot. */
enum pc_ageing { PC_AGEING_NOTHING, PC_AGEING_ENDED, PC_AGEING_KEPT /* of a paused domain */ };
enum pc_ageing pc_device_age_slot(struct pc_device *d, uint32_t now, unsigned slot);

/**
 * pc_device_command() - execute one command
 *
 * self_test, connection_insert, mirror_copy and mirror_sum are checked, but what they do is for the caller, who has the
 * host's memory: pc_device_insert() for one image after the other.
 */
void pc_device_command(struct pc_device *d, const struct portcam_command *c,
                       struct pc_command_result *ret);

/* Are all fields of an image in the range of a build? slot and generation do not matter. */
bool pc_connection_image_is_good(const struct pc_sizes *s,
                                 const struct portcam_connection_image *i);

/**
 * pc_device_insert() - make the record of an image, as connection_insert does
 * @choice: the place that a card chose, or that it had none; NULL: the model's own choice
 * @slot: gets the slot; untouched on failure
 *
 * Return: a value of enum portcam_status: ok, bad_row, exists, ambiguous or full, the first that applies. A card's place that is not free is full too.
 */
unsigned pc_device_insert(struct pc_device *d, const struct portcam_connection_image *image,
                          const struct pc_choice *choice, unsigned *slot);

/* A change set is open; the bank that packets see (0 after reset, other after each commit). */
bool pc_device_change_open(const struct pc_device *d);
unsigned pc_device_epoch(const struct pc_device *d);

/* The tables that packets see. pc_device_tables_rw() is for programs that fill them without commands. */
const struct pc_tables *pc_device_tables(const struct pc_device *d);
struct pc_tables *pc_device_tables_rw(struct pc_device *d);

/* The records; NULL in a build without. */
const struct pc_connections *pc_device_connections(const struct pc_device *d);
struct pc_connections *pc_device_connections_rw(struct pc_device *d);

/* A record as connection_read writes it; what backend_read writes of a backend. */
struct portcam_connection_image pc_connection_image(const struct pc_connection *r);
struct portcam_backend_state pc_device_backend_state(const struct pc_device *d, unsigned backend);

/* Rows of a counter table, 0 if there is none; one row, zeros if it does not exist. */
unsigned pc_device_counter_rows(const struct pc_device *d, unsigned table);
struct portcam_counter_row pc_device_counter(const struct pc_device *d, unsigned table,
                                             unsigned row);

#ifdef __cplusplus
}
#endif

#endif
