// SPDX-License-Identifier: Apache-2.0
/*
 * The slow path: packets that a card hands to the host, decided there by its rows and records, and sent back through it.
 * Fragments, SCTP whose ports change, headers that are longer than the card looks.
 *
 * Threads: portcam_slow_path_open() and _close() belong to the thread of the struct portcam, as everything that changes its
 * configuration; portcam_slow_path_run() belongs to one thread of its own, which is not in it while _close() runs. Status
 * may be asked by the thread of the struct portcam.
 */
#ifndef PORTCAM_SLOW_PATH_H
#define PORTCAM_SLOW_PATH_H

#include "portcam.h"

#ifdef __cplusplus
extern "C" {
#endif

struct portcam_slow_path;

/**
 * portcam_slow_path_open() - take packets from a card
 * @pc: card; has at most one slow path. Open its mirror too, where it has one: without it connections are not known. The
 *      mirror is closed after the slow path
 * @report: receives the sentence when it fails
 * @ret: receives the slow path
 *
 * Which packets the card hands over, and what they may cost, is the object "slow_path" of the configuration; changes of that
 * and of all rows are followed.
 *
 * Return: 0; -EOPNOTSUPP the card hands no packets over; -EBUSY it has one already; -ENOMEM; or -errno of the card.
 */
PORTCAM_API int portcam_slow_path_open(struct portcam *pc, struct portcam_report *report,
                                       struct portcam_slow_path **ret);

/**
 * portcam_slow_path_close() - stop; the card does with such packets what it does without a host
 * @slow: slow path or NULL
 *
 * portcam_close() does so too.
 */
PORTCAM_API void portcam_slow_path_close(struct portcam_slow_path *slow);

/**
 * portcam_slow_path_run() - wait for packets and work on those that are there
 * @slow: slow path
 * @timeout_ms: longest time to wait when there are none
 *
 * Rings that the card stopped, and those of a card that was reset, are started again, at most once a second.
 *
 * Return: 0; -ENODEV the card is gone; or -errno: to be called again, later.
 */
PORTCAM_API int portcam_slow_path_run(struct portcam_slow_path *slow, unsigned timeout_ms);

/**
 * portcam_slow_path_status() - what became of the packets of a card's slow path
 * @pc: card
 * @report: receives what is wrong
 * @ret: receives {"running", "reasons": [{"reason", "packets", "outcomes": {NAME: packets}}], "held", "datagrams", ...}
 *
 * Return: 0, -EOPNOTSUPP there is none, or -ENOMEM.
 */
PORTCAM_API int portcam_slow_path_status(struct portcam *pc, struct portcam_report *report,
                                         struct json_t **ret);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_SLOW_PATH_H */
