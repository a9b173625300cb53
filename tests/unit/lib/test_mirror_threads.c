// SPDX-License-Identifier: Apache-2.0
/*
 * The mirror with a card that never rests: one thread changes connections, one follows the events, two look up and read, one
 * audits. What a reader gets is always a whole record with the ends that it asked for. Built with ThreadSanitizer too.
 */
#include "mirror_world.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/model.h"
#include "portcam/mirror_reader.h"

enum { STEPS = 60000, SPREAD = 400 };

static struct world W;
static atomic_bool Ended;
static atomic_ulong Found, Read, Wrong;

static void *card(void *ctx)
{
    struct portcam_dev *dev = pc_hw_device(W.pc->hw);
    (void)ctx;
    for (unsigned i = 0; i < STEPS; i++) {
        pc_dev_model_lock(dev);
        world_step(&W);
        pc_dev_model_unlock(dev);
    }
    return NULL;
}

static void *follow(void *ctx)
{
    (void)ctx;
    while (!atomic_load(&Ended))
        atomic_fetch_add(&Wrong, portcam_mirror_run(W.mirror, 64, NULL) != 0);
    return NULL;
}

/* world_insert() makes all of a connection from the number of its client. */
static bool is_whole(const struct portcam_mirror_record *r)
{
    uint32_t client = (uint32_t)r->client_port - 1;
    bool kept = r->flags & PORTCAM_MIRROR_RECORD_KEPT_PORT;

    return r->service == client % 5 && r->address == client % 7 && r->backend == client % 11 &&
           r->endpoint == client % 11 && r->group == client % 3 && r->public_port == 443 &&
           kept == (client % 3 == 1) && r->client_ip[0] == (client & 0xff) &&
           r->state != PORTCAM_CONNECTION_STATE_NONE && r->version == r->version2;
}

static void look_up(uint32_t number, bool reverse)
{
    struct portcam_mirror_client client = {.protocol = 6, .port = (uint16_t)(number + 1)};
    struct portcam_mirror_record r;

    memcpy(client.ip, &number, sizeof(number));
    client.ip[3] = 9;
    int rc =
        reverse
            ? portcam_mirror_find_reverse(W.mirror, &client, (uint16_t)(number % 3),
                                          (uint16_t)(number % 11), number % 3 == 1 ? 443 : 0, &r)
            : portcam_mirror_find_forward(W.mirror, &client, (uint16_t)(number % 7), 443, &r);
    if (rc == 0) {
        atomic_fetch_add(&Found, 1);
        atomic_fetch_add(&Wrong, !is_whole(&r) || r.client_port != client.port);
    } else {
        atomic_fetch_add(&Wrong, rc != -ENOENT && rc != -EAGAIN);
    }
}

static void *reader(void *ctx)
{
    struct pc_rng rng = pc_rng_stream(5, ctx);
    while (!atomic_load(&Ended))
        look_up(pc_rng_below(&rng, SPREAD), pc_rng_next(&rng) % 2);
    return NULL;
}

static void *shared_reader(void *ctx)
{
    struct portcam_reader *shared = NULL;
    struct portcam_mirror_record r;
    (void)ctx;

    atomic_fetch_add(&Wrong, portcam_reader_attach(portcam_mirror_share(W.mirror), &shared) != 0);
    while (shared && !atomic_load(&Ended)) {
        uint32_t slot = 0;
        while (portcam_reader_next(shared, &slot, &r)) {
            atomic_fetch_add(&Read, 1);
            atomic_fetch_add(&Wrong, !is_whole(&r) || r.slot != slot - 1);
        }
    }
    portcam_reader_close(shared);
    return NULL;
}

static void nobody_sees_half_a_record(void **state)
{
    pthread_t threads[4], worker;
    struct portcam_mirror_audit audit;
    (void)state;

    world_open(&W, 1, 6, SPREAD);
    assert_int_equal(pthread_create(&worker, NULL, card, NULL), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, follow, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, reader, "first"), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, reader, "second"), 0);
    assert_int_equal(pthread_create(&threads[3], NULL, shared_reader, NULL), 0);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(portcam_mirror_audit(W.mirror, i, 1, &audit), 0);
        assert_int_equal(audit.different, 0);
    }
    assert_int_equal(pthread_join(worker, NULL), 0);
    while (atomic_load(&Found) < 1000 || atomic_load(&Read) < 1000)
        ;
    atomic_store(&Ended, true);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&Wrong), 0);
    world_follow(&W);
    world_check(&W);
    world_close(&W);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_sees_half_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
