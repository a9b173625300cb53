// SPDX-License-Identifier: Apache-2.0
/*
 * Framing: a byte stream with descriptors becomes messages, and replies become bytes.
 *
 * Reads never go beyond the end of the message being received: that is what keeps a descriptor with the
 * message it was sent with, because the kernel hands it out with the first byte of its message. A message
 * may come in any number of pieces, and several may be waiting. A header whose size cannot be is reported
 * and its 16 bytes are skipped, so that one bad request does not cost the connection; many in a row do.
 * Each reply is one sendmsg (some clients insist); what the socket does not take is kept and sent later,
 * up to a bound. Nothing here knows what a message means.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfu/internal.h"

enum { HEADER = sizeof(struct pc_vfu_header), HEAD_MAX = HEADER + 64 };

void pc_message_release(struct pc_message *m)
{
    for (unsigned i = 0; i < m->nfds; i++)
        if (m->fds[i] >= 0)
            close(m->fds[i]);
    free(m->payload);
    memset(m, 0, sizeof(*m));
}

int pc_message_take_fd(struct pc_message *m, unsigned index)
{
    int fd = -1;

    if (index < m->nfds) {
        fd = m->fds[index];
        m->fds[index] = -1;
    }
    return fd;
}

void pc_frame_init(struct pc_frame *f, const struct pc_stream *io)
{
    memset(f, 0, sizeof(*f));
    f->io = *io;
}

void pc_frame_reset(struct pc_frame *f)
{
    pc_message_release(&f->in);
    free(f->out);
    memset(f, 0, sizeof(*f));
}

/* Reads up to want bytes of the message in progress. Return: bytes, or as pc_stream.recv. */
static ssize_t receive_some(struct pc_frame *f, uint8_t *dst, size_t want)
{
    int fds[PC_FRAME_MAX_FDS];
    unsigned nfds = PC_FRAME_MAX_FDS;
    bool lost = false;
    ssize_t n = f->io.recv(f->io.ctx, dst, want, fds, &nfds, &lost);

    if (n < 0)
        return n;
    for (unsigned i = 0; i < nfds; i++) {
        if (f->in.nfds < PC_FRAME_MAX_FDS)
            f->in.fds[f->in.nfds++] = fds[i];
        else
            close(fds[i]);
    }
    f->in.lost_fds |= lost;
    return n == 0 ? -ECONNRESET : n;
}

/* The header is whole: check its size and make room for the payload. */
static int begin_payload(struct pc_frame *f)
{
    uint32_t size = f->in.header.size;

    if (size < HEADER || size > PC_VFU_MAX_MSG)
        return -EBADMSG;
    f->in.len = size - HEADER;
    if (f->in.len) {
        f->in.payload = malloc(f->in.len);
        if (!f->in.payload)
            return -ENOMEM;
    }
    return 0;
}

static int finish(struct pc_frame *f, struct pc_message *m, int result)
{
    *m = f->in;
    memset(&f->in, 0, sizeof(f->in));
    f->have = 0;
    return result;
}

int pc_frame_receive(struct pc_frame *f, struct pc_message *m)
{
    for (;;) {
        uint8_t *dst;
        size_t want;
        ssize_t n;

        if (f->have < HEADER) {
            dst = (uint8_t *)&f->in.header + f->have;
            want = HEADER - f->have;
        } else {
            dst = f->in.payload + (f->have - HEADER);
            want = f->in.len - (f->have - HEADER);
        }
        n = receive_some(f, dst, want);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return (int)n;
        f->have += (size_t)n;
        if (f->have == HEADER) {
            int rc = begin_payload(f);

            if (rc == -EBADMSG)
                return ++f->bad > PC_FRAME_MAX_BAD ? -EPROTO : finish(f, m, -EBADMSG);
            if (rc)
                return rc;
        }
        if (f->have >= HEADER && f->have == (size_t)f->in.len + HEADER) {
            f->bad = 0;
            return finish(f, m, 1);
        }
    }
}

/* Keeps len bytes to be sent later. */
static int keep(struct pc_frame *f, const uint8_t *data, size_t len)
{
    if (f->out_at == f->out_len)
        f->out_at = f->out_len = 0;
    if (f->out_len - f->out_at + len > PC_FRAME_MAX_OUT)
        return -ENOBUFS;
    if (f->out_len + len > f->out_cap) {
        size_t cap = f->out_len + len + 65536;
        uint8_t *grown = realloc(f->out, cap);

        if (!grown)
            return -ENOMEM;
        f->out = grown;
        f->out_cap = cap;
    }
    memcpy(f->out + f->out_len, data, len);
    f->out_len += len;
    return 0;
}

int pc_frame_send(struct pc_frame *f, const struct pc_vfu_header *h, const void *a, size_t a_len,
                  const void *b, size_t b_len)
{
    uint8_t head[HEAD_MAX];
    size_t head_len = HEADER + a_len, sent = 0;
    int rc;

    if (head_len > HEAD_MAX)
        return -EINVAL;
    memcpy(head, h, HEADER);
    if (a_len)
        memcpy(head + HEADER, a, a_len);
    if (!pc_frame_unsent(f)) {
        ssize_t n = f->io.send(f->io.ctx, head, head_len, b, b_len);

        if (n < 0 && n != -EAGAIN)
            return (int)n;
        sent = n > 0 ? (size_t)n : 0;
    }
    rc = sent < head_len ? keep(f, head + sent, head_len - sent) : 0;
    sent = sent < head_len ? 0 : sent - head_len;
    return rc || sent == b_len ? rc : keep(f, (const uint8_t *)b + sent, b_len - sent);
}

int pc_frame_flush(struct pc_frame *f)
{
    while (pc_frame_unsent(f)) {
        ssize_t n = f->io.send(f->io.ctx, f->out + f->out_at, f->out_len - f->out_at, NULL, 0);

        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return (int)n;
        f->out_at += (size_t)n;
    }
    return 0;
}

bool pc_frame_unsent(const struct pc_frame *f)
{
    return f->out_at < f->out_len;
}
