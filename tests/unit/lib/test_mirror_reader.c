// SPDX-License-Identifier: Apache-2.0
/* The library that reads the mirror of another process: what it finds, and files that are none. */
#include "mirror_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "portcam/mirror_reader.h"

static void finds_what_the_mirror_has(void **state)
{
    struct world w;
    struct portcam_reader *reader = NULL;
    struct portcam_mirror_record a, b;
    uint32_t slot = 0, count = 0;
    (void)state;

    world_open(&w, 1, 8, 400);
    for (unsigned i = 0; i < 3000; i++)
        world_step(&w);
    assert_int_equal(portcam_reader_attach(portcam_mirror_share(w.mirror), &reader), 0);
    assert_int_equal(portcam_reader_slots(reader), portcam_mirror_slots(w.mirror));
    while (portcam_reader_next(reader, &slot, &a)) {
        count++;
        assert_int_equal(portcam_mirror_read(w.mirror, a.slot, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        struct portcam_reader_ends ends = {.is_v6 = (a.flags & PORTCAM_MIRROR_RECORD_IS_V6) != 0,
                                           .protocol = a.protocol,
                                           .client_port = a.client_port,
                                           .address = a.address + 1u,
                                           .public_port = a.public_port,
                                           .endpoint = a.endpoint + 1u};
        memcpy(ends.client_ip, a.client_ip, sizeof(ends.client_ip));
        assert_int_equal(portcam_reader_find(reader, &ends, &b), 0);
        assert_int_equal(b.slot, a.slot);
        ends.endpoint++;
        assert_int_equal(portcam_reader_find(reader, &ends, &b), -ENOENT);
    }
    assert_int_equal(count, pc_connections_used(w.table));
    assert_int_equal(portcam_reader_read(reader, portcam_reader_slots(reader), &a), -EINVAL);
    portcam_reader_close(reader);
    world_close(&w);
}

static void the_epoch_tells_of_a_new_run(void **state)
{
    struct world w;
    struct portcam_reader *reader = NULL;
    (void)state;

    world_open(&w, 2, 8, 400);
    assert_int_equal(portcam_reader_attach(portcam_mirror_share(w.mirror), &reader), 0);
    uint32_t first = portcam_reader_epoch(reader);
    assert_int_equal(first & 1, 1);
    assert_int_equal(portcam_mirror_stop(w.mirror), 0);
    assert_int_equal(portcam_reader_epoch(reader) & 1, 0);
    assert_int_equal(portcam_mirror_restart(w.mirror, NULL), 0);
    assert_int_equal(portcam_reader_epoch(reader) & 1, 1);
    assert_true(portcam_reader_epoch(reader) > first);
    world_close(&w); /* the mapping stays */
    assert_int_equal(portcam_reader_epoch(reader) & 1, 0);
    portcam_reader_close(reader);
}

/* The result of attaching to a file of this size with this head. */
static int attach(const struct portcam_mirror_head *head, off_t size)
{
    struct portcam_reader *reader = NULL;
    int fd = memfd_create("mirror", 0);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    if ((size_t)size >= sizeof(*head))
        assert_int_equal(pwrite(fd, head, sizeof(*head), 0), sizeof(*head));
    int rc = portcam_reader_attach(fd, &reader);
    if (rc == 0) {
        struct portcam_mirror_record r;
        uint32_t slot = 0;
        assert_false(portcam_reader_next(reader, &slot, &r));
        assert_int_equal(slot, head->slots);
    }
    portcam_reader_close(reader);
    close(fd);
    return rc;
}

static void other_files_are_refused(void **state)
{
    const struct portcam_mirror_head good = {.magic = PORTCAM_MIRROR_MAGIC,
                                             .format = PORTCAM_MIRROR_FORMAT,
                                             .records_at = 4096,
                                             .slots = 64,
                                             .first_v6 = 32};
    struct portcam_mirror_head h = good;
    struct portcam_reader *reader = NULL;
    int pipes[2];
    (void)state;

    assert_int_equal(attach(&good, 8192), 0);
    assert_int_equal(attach(&good, 8191), -EPROTO); /* one slot too few */
    assert_int_equal(attach(&good, 16), -EPROTO);
    assert_int_equal(attach(&good, 0), -EPROTO);
    h.magic++;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    h = good;
    h.format++;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    h = good;
    h.slots = UINT32_MAX;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    h = good;
    h.records_at = UINT32_MAX & ~63u;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    h.records_at = 4097;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    h.records_at = 0;
    assert_int_equal(attach(&h, 8192), -EPROTO);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(portcam_reader_attach(pipes[0], &reader), -EPROTO);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(portcam_reader_attach(-1, &reader), -EBADF);
    portcam_reader_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_the_mirror_has),
        cmocka_unit_test(the_epoch_tells_of_a_new_run),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
