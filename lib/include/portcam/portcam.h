// SPDX-License-Identifier: Apache-2.0
/*
 * libportcam: the tables of one portcam card as one configuration.
 *
 * A struct portcam is an open card and what runs on it. A configuration is a JSON file (portcam.conf(5)); applying it
 * turns it into table rows and makes the difference to the running rows visible to packets in one atomic change set.
 * A configuration that is refused, and a change set that fails, change nothing. Everything that is listed, counted or
 * explained comes back as JSON values of jansson, with the names that the configuration uses; portcam(8) prints the
 * same values with -j.
 *
 * The library does not print, exit or abort. Functions return 0 or -errno and leave their outputs untouched on
 * failure; what a person should read is collected in a struct portcam_report. A struct portcam may be used by one thread
 * at a time; different ones are independent.
 */
#ifndef PORTCAM_PORTCAM_H
#define PORTCAM_PORTCAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PORTCAM_API
#define PORTCAM_API __attribute__((visibility("default")))
#endif

/* Number of the form of configurations, answers and state files: the value of their key "format". */
#define PORTCAM_FORMAT 1

/* More messages than these are counted, not kept. */
#define PORTCAM_REPORT_MAX 20

struct json_t; /* a JSON value, see <jansson.h> */
struct portcam;
struct portcam_config;
struct portcam_report;

/* ---- reports ---- */

/**
 * struct portcam_message - one thing that is wrong, or that may surprise
 * @code: word for programs: "refused", "syntax", "not_found", "exists", "permission", "device", "unsupported", ...;
 *        "warning" for what is done all the same
 * @text: whole sentence for people, with file and line where there are any, the thing and the cure
 * @hint: what else may help, or ""
 * @line: line of the file, 0 when none
 */
struct portcam_message {
    const char *code;
    const char *text;
    const char *hint;
    int line;
};

/**
 * portcam_report_new() - an empty report
 *
 * Return: the report, to be freed with portcam_report_free(), or NULL without memory.
 */
PORTCAM_API struct portcam_report *portcam_report_new(void);

/**
 * portcam_report_free() - release a report
 * @report: report or NULL
 */
PORTCAM_API void portcam_report_free(struct portcam_report *report);

/**
 * portcam_report_clear() - forget all messages
 * @report: report
 */
PORTCAM_API void portcam_report_clear(struct portcam_report *report);

/**
 * portcam_report_count() - how many messages there are, errors first, then warnings
 * @report: report
 * @ret_more: receives how many were not kept, NULL when not wanted
 *
 * A call that succeeds may leave messages: they are warnings.
 *
 * Return: number of messages for portcam_report_get(), at most PORTCAM_REPORT_MAX of each kind.
 */
PORTCAM_API size_t portcam_report_count(const struct portcam_report *report, size_t *ret_more);

/**
 * portcam_report_get() - one message
 * @report: report
 * @index: below portcam_report_count()
 * @ret: receives the message; its texts are valid until the report is cleared, added to or freed
 *
 * Return: 0 or -EINVAL for the index.
 */
PORTCAM_API int portcam_report_get(const struct portcam_report *report, size_t index,
                                   struct portcam_message *ret);

/* ---- a card ---- */

enum portcam_severity {
    PORTCAM_SEVERITY_ERROR,
    PORTCAM_SEVERITY_WARNING,
    PORTCAM_SEVERITY_INFO,
    PORTCAM_SEVERITY_DEBUG,
};

/* Receives one line without a newline, in the thread that calls the library. */
typedef void (*portcam_line_fn)(void *ctx, enum portcam_severity severity, const char *line);

/**
 * struct portcam_opts - how to open a card; zero means the default everywhere
 * @sz: sizeof(struct portcam_opts) of the caller; a tail that the library does not know must be zero
 * @device: "pci:0000:03:00.0", "vfio-user:PATH" or "model:" (default)
 * @state_dir: existing directory that keeps the running configuration; NULL keeps it in memory only
 * @hash_seed: seed of the endpoint hash for a card that has none; 0 takes random bits
 * @log: receives remarks, NULL for none
 * @log_ctx: first argument of @log
 */
struct portcam_opts {
    size_t sz;
    const char *device;
    const char *state_dir;
    uint32_t hash_seed;
    portcam_line_fn log;
    void *log_ctx;
};

/**
 * portcam_open() - open a card and take over what runs on it
 * @opts: options, NULL for defaults
 * @report: receives the sentence when it fails
 * @ret: receives the card
 *
 * Reads all rows back. When they are those of the configuration kept in the state directory, that one is running. A
 * card without rows gets it applied again. Rows that differ from it are made equal to it. Rows without any kept
 * configuration become a configuration with made-up names. Packets are never interrupted.
 *
 * Return: 0; -ENODEV, -EACCES, -EBUSY, -EPROTO and others of the driver; -EBADMSG when the state directory holds no
 * valid state; -EIO when the card refuses commands.
 */
PORTCAM_API int portcam_open(const struct portcam_opts *opts, struct portcam_report *report,
                             struct portcam **ret);

/**
 * portcam_close() - let go of a card; its tables stay and packets go on
 * @pc: card or NULL
 */
PORTCAM_API void portcam_close(struct portcam *pc);

/**
 * struct portcam_caps - what a card can do, from its capability registers
 * @flags: bits PORTCAM_CAPS_* of <portcam_defs.h>
 * @functions: functions, the network (0) included
 * @domains: @addresses: @services: @backends: rows of these tables
 * @endpoint_ways: @endpoint_rows: shape of the three endpoint tables: endpoint, endpoint_any_port, endpoint_any
 * @connections: @connections_v6: IPv4 and IPv6 connection records; IPv4's have the slots 0 and on, IPv6's those behind
 * @window: bytes of header that are parsed
 * @max_frame: longest frame in bytes
 * @build_id: number of the build
 * @version: interface version, major in the upper half
 * @schedule: rows of table schedule, eight slots each
 */
struct portcam_caps {
    uint32_t flags;
    uint32_t functions;
    uint32_t domains;
    uint32_t addresses;
    uint32_t services;
    uint32_t backends;
    uint32_t endpoint_ways[3];
    uint32_t endpoint_rows[3];
    uint32_t connections;
    uint32_t window;
    uint32_t max_frame;
    uint32_t build_id;
    uint32_t version;
    uint32_t connections_v6;
    uint32_t schedule;
};

/**
 * portcam_get_caps() - what the card can do
 * @pc: card
 *
 * Return: valid until portcam_close().
 */
PORTCAM_API const struct portcam_caps *portcam_get_caps(const struct portcam *pc);

/**
 * portcam_poll_fds() - descriptors to watch; when one is readable, call portcam_poll()
 * @pc: card
 * @fds: receives up to @max descriptors, owned by the card
 * @max: entries of @fds
 *
 * Return: number of descriptors.
 */
PORTCAM_API unsigned portcam_poll_fds(const struct portcam *pc, int *fds, unsigned max);

/**
 * portcam_poll() - serve the device's own events and look whether it is alive
 * @pc: card
 *
 * Return: 0; -ENODEV when the card is gone; -EIO after a bus error; -ESTALE when the kernel wants it to be closed.
 */
PORTCAM_API int portcam_poll(struct portcam *pc);

/**
 * portcam_reset() - reset the function and apply the running configuration again
 * @pc: card
 * @report: receives what is wrong
 *
 * The tables are empty in between: packets pass unchanged.
 *
 * Return: 0, -EOPNOTSUPP when the card cannot be reset, or -errno.
 */
PORTCAM_API int portcam_reset(struct portcam *pc, struct portcam_report *report);

/* ---- configurations ---- */

/**
 * portcam_config_parse() - read a configuration and check all that needs no card
 * @text: JSON text, need not end with a NUL
 * @len: bytes of @text
 * @file: name for the messages, NULL for none
 * @report: receives every error, with its line
 * @ret: receives the configuration
 *
 * Return: 0, -EBADMSG when it is wrong, or -ENOMEM.
 */
PORTCAM_API int portcam_config_parse(const char *text, size_t len, const char *file,
                                     struct portcam_report *report, struct portcam_config **ret);

/**
 * portcam_config_free() - release a configuration
 * @config: configuration or NULL
 */
PORTCAM_API void portcam_config_free(struct portcam_config *config);

/**
 * portcam_config_json() - the configuration in its canonical form
 * @config: configuration
 * @ret: receives a new reference
 *
 * Return: 0 or -ENOMEM.
 */
PORTCAM_API int portcam_config_json(const struct portcam_config *config, struct json_t **ret);

/**
 * portcam_config_check() - can this card run the configuration
 * @pc: card
 * @config: configuration
 * @report: receives every error
 *
 * Return: 0, -EBADMSG when it cannot, -EIO, -ENODEV, or -ENOMEM.
 */
PORTCAM_API int portcam_config_check(struct portcam *pc, const struct portcam_config *config,
                                     struct portcam_report *report);

/**
 * portcam_config_diff() - what applying would change, in objects and in rows
 * @pc: card
 * @config: configuration
 * @report: receives every error
 * @ret: receives {"objects": [{"op", "object", "name", "fields"}], "rows": [{"op", "table", "row", ...}], "ended"}:
 *       how many connections would end because their service, backend or address goes
 *
 * Return: 0, -EBADMSG when the configuration is refused, or -ENOMEM.
 */
PORTCAM_API int portcam_config_diff(struct portcam *pc, const struct portcam_config *config,
                                    struct portcam_report *report, struct json_t **ret);

/**
 * portcam_config_apply() - make a configuration the running one, all at once
 * @pc: card
 * @config: configuration; stays the caller's
 * @report: receives every error; a refused row is named with its object
 * @ret: receives the difference as portcam_config_diff() gives it, "ended" being how many connections it did end; NULL
 *       when not wanted
 *
 * Every packet sees the old rows or the new ones. On failure nothing changed. Applying the same again does nothing.
 *
 * Return: 0, -EBADMSG when the configuration is refused, -EIO when the card refused or failed, -ENODEV when it is
 * gone, -ENOMEM, or -errno of the state directory.
 */
PORTCAM_API int portcam_config_apply(struct portcam *pc, const struct portcam_config *config,
                                     struct portcam_report *report, struct json_t **ret);

/**
 * portcam_config_running() - the running configuration in its canonical form
 * @pc: card
 * @ret: receives a new reference
 *
 * Return: 0 or -ENOMEM.
 */
PORTCAM_API int portcam_config_running(struct portcam *pc, struct json_t **ret);

/* What portcam_edit() does with one object. */
enum portcam_edit {
    PORTCAM_EDIT_ADD, /* there must be none of this name */
    PORTCAM_EDIT_DEL, /* there must be one */
    PORTCAM_EDIT_SET, /* there must be one; the given keys replace its own, a JSON null removes the key */
};

/**
 * portcam_edit() - change one object of the running configuration
 * @pc: card
 * @edit: what to do
 * @object: "device", "limits", "slow_path", "function", "domain", "address", "service" or "backend"
 * @fields: JSON object with the keys of the configuration file, among them those that name the object
 * @dry_run: only tell the difference
 * @report: receives every error
 * @ret: receives the difference as portcam_config_diff() gives it, NULL when not wanted
 *
 * Return: as portcam_config_apply(); -ENOENT there is no such object, -EEXIST there is one already, -EINVAL for @object
 * or @fields.
 */
PORTCAM_API int portcam_edit(struct portcam *pc, enum portcam_edit edit, const char *object,
                             struct json_t *fields, bool dry_run, struct portcam_report *report,
                             struct json_t **ret);

/**
 * portcam_tune() - new shares for services of scheduler "fast", from response times
 * @pc: card
 * @report: receives what is wrong
 * @ret_changed: receives whether slot tables changed, NULL when not wanted
 *
 * The response time of a backend is the mean from SYN to SYN-ACK of the connections since the last call, where there were
 * enough of them, mixed with that of before. Nothing changes while shares stay about what they are. To be called now and
 * then, every ten seconds for instance; portcamd does so.
 *
 * Return: 0, or as portcam_config_apply().
 */
PORTCAM_API int portcam_tune(struct portcam *pc, struct portcam_report *report, bool *ret_changed);

/* ---- connections ---- */

/*
 * Connections of stateful services, by filter: a JSON object with any of "service" and "backend" (names), "client"
 * ("192.0.2.7", "192.0.2.7:1234", "[2001:db8::7]:1234"), "protocol" ("tcp", ...) and "state" ("established", ...); all must
 * fit. An empty object is every connection.
 *
 * A call looks at some thousand slots of the card's table, so that it never takes long. It begins at slot @from, 0 at
 * first, and its answer has "next", the slot to go on with, or null at the end. Meanwhile packets go on: a connection that
 * is there all the time is told once; one that the card moves in its table just then perhaps twice, with one "generation",
 * or not.
 *
 * They return 0; -EOPNOTSUPP the card has no connection records; -EINVAL @filter or @from; -ENOENT there is no such
 * service or backend; -EIO, -EPROTO, -ENODEV or -ENOMEM; with a message.
 */

/**
 * portcam_connection_list() - connections of one stretch of slots
 * @pc: card
 * @filter: which
 * @from: first slot
 * @report: receives what is wrong
 * @ret: receives {"connections": [...], "next"}
 */
PORTCAM_API int portcam_connection_list(struct portcam *pc, struct json_t *filter, uint32_t from,
                                        struct portcam_report *report, struct json_t **ret);

/**
 * portcam_connection_count() - how many there are in one stretch of slots
 * @pc: card
 * @filter: which
 * @from: first slot
 * @report: receives what is wrong
 * @ret: receives {"count", "states": {NAME: count}, "next"}
 */
PORTCAM_API int portcam_connection_count(struct portcam *pc, struct json_t *filter, uint32_t from,
                                         struct portcam_report *report, struct json_t **ret);

/**
 * portcam_connection_flush() - end those of one stretch of slots
 * @pc: card
 * @filter: which
 * @from: first slot
 * @report: receives what is wrong
 * @ret: receives {"connections": [...], "next"}: each that was ended as it was at last
 *
 * Where the card fails after some were ended, these are told, and "next" is not behind @from: the next call ends the rest,
 * or fails.
 *
 * The next packet of an ended connection is one without a record: see the policy "no_record" of its service.
 */
PORTCAM_API int portcam_connection_flush(struct portcam *pc, struct json_t *filter, uint32_t from,
                                         struct portcam_report *report, struct json_t **ret);

/**
 * portcam_connection_show() - everything about the connection of one slot
 * @pc: card
 * @slot: slot
 * @generation: which connection is meant, NULL: the one that is there
 * @report: receives what is wrong
 * @ret: receives it
 *
 * Return: as above; -ENOENT there is none; -ESTALE another one is there now.
 */
PORTCAM_API int portcam_connection_show(struct portcam *pc, uint32_t slot,
                                        const uint32_t *generation, struct portcam_report *report,
                                        struct json_t **ret);

/**
 * portcam_connection_delete() - end one connection
 * @pc: card
 * @slot: its slot
 * @generation: its generation
 * @report: receives what is wrong
 * @ret: receives it as it was at last, NULL when not wanted
 *
 * Return: as portcam_connection_show().
 */
PORTCAM_API int portcam_connection_delete(struct portcam *pc, uint32_t slot, uint32_t generation,
                                          struct portcam_report *report, struct json_t **ret);

/* ---- looking ---- */

/**
 * portcam_list() - the objects of one kind that run
 * @pc: card
 * @object: "device", "function", "domain", "address", "service" or "backend"
 * @name: only this one, NULL for all; addresses by "PREFIX" or "PREFIX vlan N"
 * @stats: with counters
 * @report: receives what is wrong
 * @ret: receives an array of objects with the keys of the configuration file and "number"
 *
 * Return: 0, -EINVAL for @object, -ENOENT for @name, -EIO, -ENODEV or -ENOMEM.
 */
PORTCAM_API int portcam_list(struct portcam *pc, const char *object, const char *name, bool stats,
                             struct portcam_report *report, struct json_t **ret);

/**
 * portcam_stats() - all counters that are not zero, by name
 * @pc: card
 * @all: also those that are zero
 * @report: receives what is wrong
 * @ret: receives {"time_ms", "reasons": [...], "functions": [...], "domains": [...], ...}
 *
 * Both values of a counter are of one moment; different counters are read one after another. time_ms is the card's clock.
 *
 * Return: 0, -EIO, -ENODEV or -ENOMEM.
 */
PORTCAM_API int portcam_stats(struct portcam *pc, bool all, struct portcam_report *report,
                              struct json_t **ret);

/**
 * struct portcam_counter - one counter, packets and octets of one moment
 * @packets: packets
 * @octets: bytes of their frames as received, without FCS
 */
struct portcam_counter {
    uint64_t packets;
    uint64_t octets;
};

/**
 * portcam_counters() - raw counters of the card, by row
 * @pc: card
 * @table: enum portcam_counter_table
 * @row: first row
 * @count: rows
 * @ret: receives @count counters
 *
 * Return: 0, -EINVAL for the range, -EIO, -ENODEV or -ENOMEM.
 */
PORTCAM_API int portcam_counters(struct portcam *pc, unsigned table, uint32_t row, uint32_t count,
                                 struct portcam_counter *ret);

/**
 * portcam_explain() - what the card does with a frame, step by step
 * @pc: card
 * @frame: bytes from the destination MAC on, without FCS
 * @len: bytes, 1 to 65535
 * @function: where it comes from: 0 the network, else a host function
 * @report: receives what is wrong
 * @ret: receives {"verdict", "reason", "rule", "egress", "steps": [{"rule", "text", ...}], ...}
 *
 * Where the verdict is "punt", member "slow_path" is the same about what the host does with it.
 * Nothing is sent and nothing is counted. The reference model decides, on the rows that are running.
 *
 * Return: 0, -EINVAL for @len or @function, or -ENOMEM.
 */
PORTCAM_API int portcam_explain(struct portcam *pc, const uint8_t *frame, size_t len,
                                unsigned function, struct portcam_report *report,
                                struct json_t **ret);

/**
 * portcam_build_frame() - a frame from a description, for portcam_explain()
 * @pc: card, whose MACs are used where the description names none
 * @spec: {"protocol": "tcp", "source": "10.0.0.2", "source_port": 1234, "destination": "198.51.100.1",
 *        "destination_port": 80, "vlan": 5, "mac": "02:..", "from": 0}; "vlan" and "mac" may be absent
 * @report: receives what is wrong
 * @frame: receives the bytes
 * @max: bytes that fit
 * @ret_len: receives the length
 *
 * Return: 0, -EINVAL for the description, -ENOSPC for @max.
 */
PORTCAM_API int portcam_build_frame(struct portcam *pc, struct json_t *spec,
                                    struct portcam_report *report, uint8_t *frame, size_t max,
                                    size_t *ret_len);

/**
 * portcam_health() - is everything as it should be
 * @pc: card
 * @ret: receives {"ok", "checks": [{"check", "ok", "text"}]}
 *
 * Return: 0 or -ENOMEM; what is wrong is in the value.
 */
PORTCAM_API int portcam_health(struct portcam *pc, struct json_t **ret);

/**
 * portcam_selftest() - use the card's registers, DMA and tables once, beside the running packets
 * @pc: card
 * @ret: receives {"ok", "checks": [{"check", "ok", "text"}]}
 *
 * Return: 0 or -ENOMEM; what is wrong is in the value.
 */
PORTCAM_API int portcam_selftest(struct portcam *pc, struct json_t **ret);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_PORTCAM_H */
