// SPDX-License-Identifier: Apache-2.0
/* connection_insert: records go back into a card, images as connection_read wrote them, after docs/connections.md section 2
 * and docs/pipeline.md section 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "card.h"
#include "rng.h"
#include "stateful_world.h"

#define S(name) PORTCAM_STATUS_##name

static struct portcam_connection_image image_at(const struct pc_device *d, unsigned slot)
{
    const struct pc_connection *r = pc_connections_get(pc_device_connections(d), slot);
    assert_non_null(r);
    return pc_connection_image(r);
}

static unsigned used(const struct pc_device *d)
{
    return pc_connections_used(pc_device_connections(d));
}

static unsigned insert(struct pc_device *d, const struct portcam_connection_image *i)
{
    unsigned slot;
    return pc_device_insert(d, i, NULL, &slot);
}

/* A good image of a connection that no packet made. */
static struct portcam_connection_image good(void)
{
    return (struct portcam_connection_image){.client_ip = {192, 0, 2, 77},
                                             .family = 4,
                                             .protocol = 6,
                                             .client_port = 40000,
                                             .public_port = 80,
                                             .service = 1,
                                             .backend = 2,
                                             .endpoint = 2,
                                             .state = PORTCAM_CONNECTION_STATE_ESTABLISHED,
                                             .group = 1};
}

/* ---- a table goes from one card to another ---- */

static void same_table(const struct pc_device *a, const struct pc_device *b)
{
    const struct pc_connections *from = pc_device_connections(a), *to = pc_device_connections(b);
    assert_int_equal(used(a), used(b));
    assert_int_equal(pc_connections_embryonic(from), pc_connections_embryonic(to));
    for (unsigned slot = 0; slot < pc_connections_capacity(from); slot++) {
        const struct pc_connection *r = pc_connections_get(from, slot);
        if (!r)
            continue;
        int at = pc_connections_forward(to, &r->key, r->service, r->public_end);
        assert_true(at >= 0);
        assert_int_equal(pc_connections_reverse(to, &r->key, r->endpoint), at);
        struct portcam_connection_image x = image_at(a, slot), y = image_at(b, (unsigned)at);
        x.slot = y.slot;
        x.generation = y.generation;
        assert_memory_equal(&x, &y, sizeof(x));
    }
    for (unsigned n = 0; n < 5; n++) {
        assert_int_equal(pc_connections_backend(from, n).active,
                         pc_connections_backend(to, n).active);
        assert_int_equal(pc_connections_backend(from, n).records,
                         pc_connections_backend(to, n).records);
        assert_int_equal(pc_connections_backend(to, n).new_connections,
                         pc_connections_backend(to, n).records);
    }
}

/* Connections in every state, then the same frames through both cards: they cannot be told apart. */
static void moved_to_another_card(void **state)
{
    struct pc_device *d = *state, *other = new_device();
    const char *said = getenv("SEED");
    uint64_t seed = said ? strtoull(said, NULL, 0) : 20;
    struct pc_rng rng = pc_rng_stream(seed, "insert");
    static const unsigned flags[] = {SYN, SYN_ACK, ACK, FIN_ACK, RST, ACK};
    print_message("# SEED=%llu\n", (unsigned long long)seed);
    assert_non_null(other);
    fill_shop(other);
    struct portcam_service_row udp = stateful_row(2, 1, UDP, 53);
    udp.flags = PORTCAM_SERVICE_ROW_KEEPS_PORT;
    udp.group = 2;
    put_service(d, 1, &udp);
    put_service(other, 1, &udp);
    for (unsigned n = 0; n < 600; n++) {
        unsigned client = 1 + pc_rng_below(&rng, 60);
        Now += pc_rng_below(&rng, 40);
        if (pc_rng_chance(&rng, 40))
            client_sends(d, client, flags[pc_rng_below(&rng, 6)], 1000 + n);
        else if (pc_rng_chance(&rng, 50))
            server_sends(d, 1 + client % 2, client, flags[pc_rng_below(&rng, 6)]);
        struct frame f = other_frame(UDP, "192.0.2.9", 1000 + client, "198.51.100.2", client);
        pass_frame(d, &f, 0);
    }
    unsigned states = 0;
    for (unsigned slot = 0; slot < pc_connections_capacity(pc_device_connections(d)); slot++)
        if (pc_connections_get(pc_device_connections(d), slot)) {
            struct portcam_connection_image i = image_at(d, slot);
            states |= 1u << i.state;
            assert_int_equal(insert(other, &i), S(OK));
            assert_int_equal(insert(other, &i), S(EXISTS));
        }
    assert_true(states & 1u << PORTCAM_CONNECTION_STATE_UNREPLIED);
    assert_true(states & 1u << PORTCAM_CONNECTION_STATE_ESTABLISHED);
    same_table(d, other);
    /* Clients that have a record: those without would be given to backends by two counters. */
    for (unsigned n = 0; n < 300; n++) {
        unsigned client = 1 + pc_rng_below(&rng, 60), what = flags[1 + pc_rng_below(&rng, 5)];
        bool served = pc_rng_chance(&rng, 50);
        Now += 7;
        unsigned reason = served ? server_sends(d, 1 + client % 2, client, what)
                                 : client_sends(d, client, what, 1500 + n);
        struct frame frame = Frame;
        assert_int_equal(served ? server_sends(other, 1 + client % 2, client, what)
                                : client_sends(other, client, what, 1500 + n),
                         reason);
        assert_memory_equal(frame.b, Frame.b, frame.len);
    }
    same_table(d, other);
    pc_device_free(other);
}

/* The port that the client addressed is part of the key, or it is not. */
static void kept_port_and_group(void **state)
{
    struct pc_device *d = *state;
    struct portcam_connection_image i = good();
    i.flags = PORTCAM_CONNECTION_IMAGE_KEPT_PORT;
    assert_int_equal(insert(d, &i), S(OK));
    assert_int_equal(image_at(d, 0).flags, PORTCAM_CONNECTION_IMAGE_KEPT_PORT);
    i.flags = 0;
    assert_int_equal(insert(d, &i), S(OK));
    assert_int_equal(image_at(d, 1).flags, 0);
    i.group = 2;
    assert_int_equal(insert(d, &i), S(OK));
    assert_int_equal(image_at(d, 2).group, 2);
    assert_int_equal(client_sends(d, 77, ACK, 5), R(CONNECTION_FORWARD));
    assert_int_equal(Last.record, 1);
}

/* ---- refusals ---- */

static void refusals(void **state)
{
    struct pc_device *d = *state;
    struct portcam_connection_image i = good();
    assert_int_equal(insert(d, &i), S(OK));
    assert_int_equal(insert(d, &i), S(EXISTS));
    i.backend = i.endpoint = 1;
    assert_int_equal(insert(d, &i), S(EXISTS));
    i.public_port = 81;
    assert_int_equal(insert(d, &i), S(OK));
    i.public_port = 82;
    assert_int_equal(insert(d, &i), S(AMBIGUOUS));
    assert_int_equal(used(d), 2);
    for (unsigned n = 2; n < 18; n++) {
        i = good();
        i.client_ip[2] = (uint8_t)(n + 10);
        i.flags = PORTCAM_CONNECTION_IMAGE_EMBRYONIC;
        assert_int_equal(insert(d, &i), S(OK));
    }
    i.client_ip[2] = 0xff;
    assert_int_equal(insert(d, &i), S(FULL));
    i.family = 6;
    assert_int_equal(insert(d, &i), S(OK)); /* the other family has room */
    assert_int_equal(pc_connections_embryonic(pc_device_connections(d)), 17);
}

/* The limit of embryonic records is for packets. */
static void no_embryonic_limit(void **state)
{
    struct pc_device *d = *state;
    struct portcam_connection_image i = good();
    put_limits(d, 1, 0, 0);
    client_sends(d, 1, SYN, 1);
    assert_int_equal(client_sends(d, 2, SYN, 1), R(EMBRYONIC_FULL));
    i.flags = PORTCAM_CONNECTION_IMAGE_EMBRYONIC;
    assert_int_equal(insert(d, &i), S(OK));
}

/* A place that a card chose, or had not. */
static void places_of_a_card(void **state)
{
    struct pc_device *d = *state;
    struct portcam_connection_image i = good();
    struct pc_choice choice = {.room = true, .slot = 11};
    unsigned slot = 99;
    assert_int_equal(pc_device_insert(d, &i, &choice, &slot), S(OK));
    assert_int_equal(slot, 11);
    i.client_port++;
    assert_int_equal(pc_device_insert(d, &i, &choice, &slot), S(FULL));
    choice.slot = 20; /* of the other family */
    assert_int_equal(pc_device_insert(d, &i, &choice, &slot), S(FULL));
    choice = (struct pc_choice){.room = false, .slot = 12};
    assert_int_equal(pc_device_insert(d, &i, &choice, &slot), S(FULL));
    assert_int_equal(slot, 11);
}

static void bad_images(void **state)
{
    struct pc_device *d = *state;
    const struct pc_sizes *s = pc_tables_sizes(pc_device_tables(d));
    unsigned n = 0;
#define BAD(change)                                                                                \
    do {                                                                                           \
        struct portcam_connection_image i = good();                                                \
        change;                                                                                    \
        assert_int_equal(insert(d, &i), S(BAD_ROW));                                               \
        n++;                                                                                       \
    } while (0)
    BAD(i.family = 0);
    BAD(i.family = 5);
    for (unsigned byte = 4; byte < 16; byte++)
        BAD(i.client_ip[byte] = 1);
    BAD(i.service = (uint16_t)s->services);
    BAD(i.group = (uint16_t)s->services);
    BAD(i.address = (uint16_t)s->addresses);
    BAD(i.address = PORTCAM_ADDRESS_ANY);
    BAD(i.backend = (uint16_t)s->backends);
    BAD(i.endpoint = (uint16_t)s->backends);
    for (unsigned bad = 0; bad < 256; bad++) {
        if (bad < PORTCAM_CONNECTION_STATE_SYN_SEEN || bad > PORTCAM_CONNECTION_STATE_RESET)
            BAD(i.state = (uint8_t)bad);
        if (bad != PORTCAM_CONNECTION_STATE_UNREPLIED && bad != PORTCAM_CONNECTION_STATE_REPLIED)
            BAD(i.protocol = 17; i.state = (uint8_t)bad);
        if (bad > 3)
            BAD(i.flags = (uint8_t)bad);
    }
    BAD(i.pad = 1);
    BAD(i.forward_packets = 1ull << 48);
    BAD(i.reverse_packets = 1ull << 63);
    for (unsigned byte = 0; byte < sizeof(good().reserved); byte++)
        BAD(i.reserved[byte] = 0x80);
    for (unsigned byte = 0; byte < sizeof(good().reserved2); byte++)
        BAD(i.reserved2[byte] = 1);
#undef BAD
    assert_int_equal(used(d), 0);
    struct portcam_connection_image i = good();
    i.slot = i.generation = UINT32_MAX; /* are new, whatever they were */
    i.forward_packets = i.reverse_packets = (1ull << 48) - 1;
    i.forward_octets = UINT64_MAX;
    assert_int_equal(insert(d, &i), S(OK));
    assert_int_equal(image_at(d, 0).generation, 1);
    print_message("# %u images refused\n", n);
}

/* ---- the command at the ring of a card ---- */

enum { COMMANDS = 0x1000, COMPLETIONS = 0x2000, IMAGES = 0x3000, MEMORY = 0x8000 };

static uint8_t Memory[MEMORY];

static int memory_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx;
    if (iova > MEMORY || len > MEMORY - iova)
        return -1;
    memcpy(dst, Memory + iova, len);
    return 0;
}

static int memory_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (iova > MEMORY || len > MEMORY - iova)
        return -1;
    memcpy(Memory + iova, src, len);
    return 0;
}

/* The completion of one command. */
static struct portcam_completion run(struct pc_card *c, uint32_t count, uint64_t address)
{
    struct portcam_command cmd = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT, .count = count};
    struct portcam_completion done;
    memcpy(cmd.data, &address, sizeof(address));
    pc_card_reg_write(c, PORTCAM_REG_CMD_BASE_LO, COMMANDS);
    pc_card_reg_write(c, PORTCAM_REG_CPL_BASE_LO, COMPLETIONS);
    pc_card_reg_write(c, PORTCAM_REG_CMD_SIZE, 6);
    pc_card_reg_write(c, PORTCAM_REG_CMD_CONTROL, 0);
    pc_card_reg_write(c, PORTCAM_REG_CMD_CONTROL, 1);
    memcpy(Memory + COMMANDS, &cmd, sizeof(cmd));
    pc_card_reg_write(c, PORTCAM_REG_CMD_DOORBELL, 1);
    memcpy(&done, Memory + COMPLETIONS, sizeof(done));
    return done;
}

static void put_image(unsigned n, struct portcam_connection_image i)
{
    memcpy(Memory + IMAGES + n * sizeof(i), &i, sizeof(i));
}

#define ENDS(completion, with, made)                                                               \
    do {                                                                                           \
        struct portcam_completion e = completion;                                                  \
        assert_int_equal(e.status, with);                                                          \
        assert_int_equal(e.result, made);                                                          \
    } while (0)

static void at_the_ring(void **state)
{
    const struct pc_card_host host = {.dma_read = memory_read, .dma_write = memory_write};
    struct pc_card *c = pc_card_new(&host);
    (void)state;
    assert_non_null(c);
    for (unsigned n = 0; n < 20; n++) {
        struct portcam_connection_image i = good();
        i.client_ip[3] = (uint8_t)n;
        put_image(n, i);
    }
    ENDS(run(c, 0, IMAGES), S(BAD_LENGTH), 0);
    ENDS(run(c, PORTCAM_BUILD_MAX_COUNT + 1, IMAGES + 1), S(BAD_LENGTH), 0);
    ENDS(run(c, 1, IMAGES + 32), S(BAD_ALIGNMENT), 0);
    ENDS(run(c, 6, IMAGES), S(OK), 6);
    ENDS(run(c, 10, IMAGES), S(EXISTS), 0);
    ENDS(run(c, 4, IMAGES + 6 * 128), S(OK), 4);
    struct portcam_connection_image bad = good();
    bad.state = 0;
    put_image(13, bad);
    ENDS(run(c, 10, IMAGES + 10 * 128), S(BAD_ROW), 3);
    ENDS(run(c, 6, IMAGES + 14 * 128), S(OK), 6); /* behind the bad one */
    bad = good();
    bad.client_port = 1;
    memcpy(Memory + MEMORY - 192, &bad, sizeof(bad));
    ENDS(run(c, 2, MEMORY - 192), S(DMA_READ_ERROR), 1); /* half of the second */
    assert_int_equal(pc_card_reg_read(c, PORTCAM_REG_ERROR_ADDR_LO), MEMORY - 64);
    assert_int_equal(pc_card_reg_read(c, PORTCAM_REG_CONNECTIONS_USED), 20);
    pc_card_free(c);
}

static void not_in_every_build(void **state)
{
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = sizes.connection_stash = 0;
    struct pc_device *d = pc_device_new(&sizes);
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT};
    static struct pc_command_result result;
    struct portcam_connection_image i = good();
    (void)state;
    assert_non_null(d);
    pc_device_command(d, &c, &result);
    assert_int_equal(result.status, S(UNSUPPORTED));
    assert_int_equal(insert(d, &i), S(UNSUPPORTED));
    pc_device_free(d);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup_shop, teardown_shop, NULL                                            \
    }
#define SMALL(name, function)                                                                      \
    {                                                                                              \
        name, function, setup_small_shop, teardown_shop, NULL                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("a table read and inserted into another card is the same table",
             moved_to_another_card),
        SMALL("kept port and group of an image are part of the key", kept_port_and_group),
        SMALL("F.18 exists, ambiguous, full", refusals),
        SMALL("F.15 an insert by the host has no limit of embryonic records", no_embryonic_limit),
        SMALL("the place that a card chose, or had not", places_of_a_card),
        SMALL("section 8 every field of an image that is out of range", bad_images),
        cmocka_unit_test(at_the_ring),
        cmocka_unit_test(not_in_every_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
