// SPDX-License-Identifier: Apache-2.0
/*
 * The mirror of another process, mapped for reading; see portcam/mirror_reader.h. The file is believed only within its
 * size: whoever made it may have made anything.
 */
#include "portcam/mirror_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "record_read.h"

struct portcam_reader {
    void *file;
    size_t size;
    const uint32_t *records, *epoch;
    struct pc_record_bounds bounds;
};

/* The head as it is now; a file that is shorter than it says is none. */
static int check(struct portcam_reader *r)
{
    struct portcam_mirror_head head;

    if (r->size < sizeof(head))
        return -EPROTO;
    memcpy(&head, r->file, sizeof(head));
    if (head.magic != PORTCAM_MIRROR_MAGIC || head.format != PORTCAM_MIRROR_FORMAT ||
        head.records_at % sizeof(union pc_record) || head.records_at < sizeof(head) ||
        head.records_at > r->size ||
        head.slots > (r->size - head.records_at) / sizeof(union pc_record))
        return -EPROTO;
    r->records = (const uint32_t *)(const void *)((const char *)r->file + head.records_at);
    r->epoch = &((const struct portcam_mirror_head *)r->file)->epoch;
    r->bounds = (struct pc_record_bounds){.slots = head.slots,
                                          .first_v6 = head.first_v6,
                                          .services = head.services,
                                          .addresses = head.addresses,
                                          .backends = head.backends};
    return 0;
}

int portcam_reader_attach(int fd, struct portcam_reader **ret)
{
    struct portcam_reader *r = calloc(1, sizeof(*r));
    struct stat st;
    int rc = r ? 0 : -ENOMEM;

    if (rc == 0 && fstat(fd, &st))
        rc = -errno;
    else if (rc == 0 &&
             (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX))
        rc = -EPROTO;
    if (rc == 0) {
        r->size = (size_t)st.st_size;
        r->file = mmap(NULL, r->size, PROT_READ, MAP_SHARED, fd, 0);
        rc = r->file == MAP_FAILED ? -errno : check(r);
    }
    if (rc) {
        portcam_reader_close(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void portcam_reader_close(struct portcam_reader *r)
{
    if (!r)
        return;
    if (r->file && r->file != MAP_FAILED)
        munmap(r->file, r->size);
    free(r);
}

uint32_t portcam_reader_epoch(const struct portcam_reader *r)
{
    return __atomic_load_n(r->epoch, __ATOMIC_ACQUIRE);
}

uint32_t portcam_reader_slots(const struct portcam_reader *r)
{
    return r->bounds.slots;
}

static int read_slot(const struct portcam_reader *r, uint32_t slot, unsigned *patience,
                     struct portcam_mirror_record *ret)
{
    union pc_record record;

    if (!pc_record_read(r->records + (size_t)slot * PC_RECORD_WORDS, &record, patience))
        return -EAGAIN;
    if (!pc_record_sane(&record, slot, &r->bounds))
        return -EPROTO;
    if (record.record.state == PORTCAM_CONNECTION_STATE_NONE)
        return -ENOENT;
    *ret = record.record;
    return 0;
}

int portcam_reader_read(const struct portcam_reader *r, uint32_t slot,
                        struct portcam_mirror_record *ret)
{
    unsigned patience = PC_RECORD_PATIENCE;
    return slot < r->bounds.slots ? read_slot(r, slot, &patience, ret) : -EINVAL;
}

bool portcam_reader_next(const struct portcam_reader *r, uint32_t *slot,
                         struct portcam_mirror_record *ret)
{
    unsigned patience = PC_RECORD_PATIENCE;

    while (*slot < r->bounds.slots) {
        if (read_slot(r, (*slot)++, &patience, ret) == 0)
            return true;
    }
    return false;
}

static bool fits(const struct portcam_reader_ends *e, const struct portcam_mirror_record *m)
{
    return e->client_port == m->client_port && e->protocol == m->protocol &&
           memcmp(e->client_ip, m->client_ip, sizeof(e->client_ip)) == 0 &&
           (e->address == 0 || e->address == m->address + 1u) &&
           (e->public_port == 0 || e->public_port == m->public_port) &&
           (e->endpoint == 0 || e->endpoint == m->endpoint + 1u);
}

int portcam_reader_find(const struct portcam_reader *r, const struct portcam_reader_ends *ends,
                        struct portcam_mirror_record *ret)
{
    uint32_t slot = ends->is_v6 ? r->bounds.first_v6 : 0;
    struct portcam_mirror_record m;

    while (portcam_reader_next(r, &slot, &m) && ends->is_v6 == (m.slot >= r->bounds.first_v6)) {
        if (fits(ends, &m)) {
            *ret = m;
            return 0;
        }
    }
    return -ENOENT;
}
