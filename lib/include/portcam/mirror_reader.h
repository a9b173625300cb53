// SPDX-License-Identifier: Apache-2.0
/*
 * Reading the mirror of a card's connection records in another process than the one that owns the card: the daemon hands out
 * a file of shared memory, for reading only, and the card goes on writing it. Nothing is asked of anybody afterwards.
 *
 * A small library by itself (libportcam_reader.a): it needs neither libportcam nor any other. Functions return 0 or -errno
 * and do not print. Different readers are independent; one may be used by any number of threads, apart from closing it.
 *
 * Records name services, backends and addresses by number, as `portcam service show` and the like list them.
 */
#ifndef PORTCAM_MIRROR_READER_H
#define PORTCAM_MIRROR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PORTCAM_API
#define PORTCAM_API __attribute__((visibility("default")))
#endif

#define PORTCAM_MIRROR_MAGIC 0x6d50436dU
#define PORTCAM_MIRROR_FORMAT 1

/**
 * struct portcam_mirror_head - the first bytes of the file
 * @magic: PORTCAM_MIRROR_MAGIC
 * @format: PORTCAM_MIRROR_FORMAT
 * @records_at: offset of the record of slot 0; 64 bytes for each slot
 * @slots: how many there are
 * @first_v6: slots from this one on are of IPv6
 * @services: @addresses: @backends: numbers in records are below these
 * @epoch: odd while the mirror runs; it changes when it begins anew and when it stops, and versions begin at 1 again
 */
struct portcam_mirror_head {
    uint32_t magic, format, records_at, slots, first_v6, services, addresses, backends, epoch;
};

struct portcam_reader;

/**
 * portcam_reader_open() - ask portcamd for its mirror
 * @path: socket of the daemon, NULL for /run/portcam/portcam.sock
 * @ret: receives the reader
 *
 * Return: 0; -errno of the connection; -EACCES the daemon refuses; -EOPNOTSUPP it mirrors nothing; -EPROTO the answer makes no
 * sense; -ETIMEDOUT.
 */
PORTCAM_API int portcam_reader_open(const char *path, struct portcam_reader **ret);

/**
 * portcam_reader_attach() - read a file that came another way
 * @fd: descriptor of the file; stays the caller's
 * @ret: receives the reader
 *
 * Return: 0; -EPROTO it is no mirror, or of another format; or -errno.
 */
PORTCAM_API int portcam_reader_attach(int fd, struct portcam_reader **ret);

/**
 * portcam_reader_close() - release a reader
 * @reader: reader or NULL
 */
PORTCAM_API void portcam_reader_close(struct portcam_reader *reader);

/**
 * portcam_reader_epoch() - does the mirror run, and still the same
 * @reader: reader
 *
 * Return: odd while it runs. What was read is of one run where it is the same before and after. When the daemon ends it stays
 * as it is: watch the daemon's socket, or ask for the mirror again now and then.
 */
PORTCAM_API uint32_t portcam_reader_epoch(const struct portcam_reader *reader);

/**
 * portcam_reader_slots() - how many slots there are
 * @reader: reader
 */
PORTCAM_API uint32_t portcam_reader_slots(const struct portcam_reader *reader);

/**
 * portcam_reader_read() - the record of a slot
 * @reader: reader
 * @slot: slot
 * @ret: receives the whole record as it was at one moment
 *
 * Return: 0; -ENOENT the slot holds none; -EINVAL there is no such slot; -EAGAIN it is being written all the time; -EPROTO
 * there is what cannot be.
 */
PORTCAM_API int portcam_reader_read(const struct portcam_reader *reader, uint32_t slot,
                                    struct portcam_mirror_record *ret);

/**
 * portcam_reader_next() - the next record
 * @reader: reader
 * @slot: where to look first, 0 at first; receives the slot behind the record
 * @ret: receives the record
 *
 * A record that moves meanwhile may come twice, with one generation, or not.
 *
 * Return: true, or false where there is no other.
 */
PORTCAM_API bool portcam_reader_next(const struct portcam_reader *reader, uint32_t *slot,
                                     struct portcam_mirror_record *ret);

/**
 * struct portcam_reader_ends - which connection; fields that are 0 are not compared
 * @is_v6: @protocol: @client_ip: @client_port: the client; always compared
 * @address: number of the address that the client sends to, plus 1
 * @public_port: port that it sends to
 * @endpoint: number of the server's endpoint, plus 1
 */
struct portcam_reader_ends {
    bool is_v6;
    uint8_t protocol;
    uint8_t client_ip[16];
    uint16_t client_port;
    uint32_t address;
    uint16_t public_port;
    uint32_t endpoint;
};

/**
 * portcam_reader_find() - the first record with these ends
 * @reader: reader
 * @ends: which
 * @ret: receives the record
 *
 * Looks at all slots of the IP version: some 10 ms for a million. Who looks often keeps an index of the slots of its own, and
 * compares what it reads there.
 *
 * Return: 0 or -ENOENT.
 */
PORTCAM_API int portcam_reader_find(const struct portcam_reader *reader,
                                    const struct portcam_reader_ends *ends,
                                    struct portcam_mirror_record *ret);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_MIRROR_READER_H */
