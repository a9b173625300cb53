// SPDX-License-Identifier: Apache-2.0
/*
 * Running a batch of commands to its end, and the words for what a card answers.
 */
#include <errno.h>

#include <portcam/ring.h>

#include "err.h"

enum { BATCH = 64 };

int portcam_ring_run(struct portcam_ring *r, struct portcam_command *commands, unsigned count,
                     unsigned timeout_ms, struct portcam_completion *ret_failed)
{
    struct portcam_completion failed = {0};
    bool any_failed = false;
    unsigned sent = 0;
    int err;

    if (portcam_ring_outstanding(r) > 0)
        return pc_fail(-EBUSY, "commands are outstanding: pull their completions first");
    while (sent < count || portcam_ring_outstanding(r) > 0) {
        struct portcam_completion got[BATCH];
        unsigned n;

        while (sent < count && portcam_ring_space(r) > 0) {
            commands[sent].cookie = sent;
            err = portcam_ring_enqueue(r, &commands[sent]);
            if (err)
                return err;
            sent++;
        }
        err = portcam_ring_push(r);
        if (!err)
            err = portcam_ring_wait(r, timeout_ms);
        if (!err)
            err = portcam_ring_pull(r, got, BATCH, &n);
        if (err)
            return err;
        for (unsigned i = 0; i < n && !any_failed; i++) {
            if (got[i].status == PORTCAM_STATUS_OK)
                continue;
            failed = got[i];
            any_failed = true;
        }
    }
    if (!any_failed)
        return 0;
    if (ret_failed)
        *ret_failed = failed;
    return pc_fail(-EREMOTEIO, "the card refused command %u of %u: %s", failed.cookie + 1, count,
                   portcam_status_text(failed.status));
}

const char *portcam_status_text(unsigned status)
{
    static const char *const texts[] = {
        [PORTCAM_STATUS_OK] = "done",
        [PORTCAM_STATUS_UNKNOWN_OPCODE] = "unknown command",
        [PORTCAM_STATUS_UNKNOWN_TABLE] = "unknown table",
        [PORTCAM_STATUS_ROW_OUT_OF_RANGE] = "the row is beyond the table",
        [PORTCAM_STATUS_BAD_LENGTH] = "the count is 0 or too large",
        [PORTCAM_STATUS_BAD_ALIGNMENT] = "the address is not a multiple of 64",
        [PORTCAM_STATUS_NO_CHANGE_SET] = "no change set is open",
        [PORTCAM_STATUS_CHANGE_SET_OPEN] = "a change set is open already",
        [PORTCAM_STATUS_CHANGE_SET_FAILED] = "a row of the change set was refused",
        [PORTCAM_STATUS_BAD_ROW] = "a field of the row is out of its range",
        [PORTCAM_STATUS_UNSUPPORTED] = "this build of the card cannot do it",
        [PORTCAM_STATUS_DMA_READ_ERROR] = "host memory could not be read",
        [PORTCAM_STATUS_DMA_WRITE_ERROR] = "host memory could not be written",
        [PORTCAM_STATUS_BAD_DOORBELL] = "the doorbell is too far ahead",
        [PORTCAM_STATUS_BAD_RING] = "size or alignment of the ring is out of range",
        [PORTCAM_STATUS_NOT_FOUND] = "no record is in this slot",
        [PORTCAM_STATUS_CHANGED] = "the record in this slot is another one",
        [PORTCAM_STATUS_FULL] = "no room for the record",
        [PORTCAM_STATUS_EXISTS] = "there is a record of this client and public end",
        [PORTCAM_STATUS_AMBIGUOUS] = "there is a record of this client and endpoint",
        [PORTCAM_STATUS_NO_MIRROR] = "the mirror does not run",
    };

    _Static_assert(sizeof(texts) / sizeof(*texts) == PORTCAM_STATUS_MAX, "one text a status");
    return status < PORTCAM_STATUS_MAX ? texts[status] : "a reason that this driver does not know";
}
