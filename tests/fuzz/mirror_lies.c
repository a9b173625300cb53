// SPDX-License-Identifier: Apache-2.0
/* See mirror_lies.h. */
#include "mirror_lies.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "driver/model.h"
#include "lib/src/mirror/mirror_track.h"

enum {
    ROWS = 240,
    STASH = 16,
    SLOTS = 2 * (ROWS + STASH),
    RING_LOG2 = 3,
    RESTARTS = 3, /* each copies all slots; none while the status lies, for a stop waits for it */
};

struct input {
    const uint8_t *at, *end;
};

static struct portcam *Card;
static struct portcam_mirror *Mirror;
static int64_t Live;
static bool Lying[3]; /* by register of Registers */
static uint32_t Lie[3];
static const uint32_t Registers[3] = {PORTCAM_REG_EVENT_TAIL, PORTCAM_REG_EVENT_DROPPED,
                                      PORTCAM_REG_MIRROR_STATUS};

struct pc_card;
uint32_t __real_pc_card_reg_read(struct pc_card *card, uint32_t offset);
uint32_t __wrap_pc_card_reg_read(struct pc_card *card, uint32_t offset);

/* A small card, and where the bytes say so a lying one. */
uint32_t __wrap_pc_card_reg_read(struct pc_card *card, uint32_t offset)
{
    if (offset == PORTCAM_REG_CAP_CONNECTIONS || offset == PORTCAM_REG_CAP_CONNECTIONS_V6)
        return ROWS | (uint32_t)STASH << PORTCAM_CAP_CONNECTIONS_STASH_SHIFT;
    for (unsigned i = 0; i < 3; i++) {
        if (offset == Registers[i] && Lying[i])
            return Lie[i];
    }
    return __real_pc_card_reg_read(card, offset);
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void require_bounded(const struct portcam_mirror_record *r)
{
    const struct portcam_caps *caps = portcam_get_caps(Card);
    require(r->slot < SLOTS && r->state < PORTCAM_CONNECTION_STATE_MAX &&
            r->service < caps->services && r->backend < caps->backends &&
            r->endpoint < caps->backends && r->address < caps->addresses);
}

static void changed(void *ctx, const struct portcam_mirror_change *c)
{
    (void)ctx;
    require_bounded(&c->record);
    require(c->kind <= PORTCAM_MIRROR_ENDED && c->cause < PORTCAM_END_CAUSE_MAX);
    Live += c->kind == PORTCAM_MIRROR_FOUND || c->kind == PORTCAM_MIRROR_BEGAN;
    Live -= c->kind == PORTCAM_MIRROR_ENDED;
    require(Live >= 0);
    json_t *words = portcam_mirror_change_json(Card, c);
    require(words != NULL);
    json_decref(words);
}

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint32_t word(struct input *in)
{
    uint32_t low = byte(in) | (uint32_t)byte(in) << 8;
    return low | (uint32_t)byte(in) << 16 | (uint32_t)byte(in) << 24;
}

/* Mostly one that there is. */
static uint32_t slot_of(struct input *in)
{
    uint32_t slot = byte(in);
    return slot == 255 ? word(in) : slot < 224 ? slot % 24 : 256 + slot;
}

static void write_event(struct input *in)
{
    uint32_t index = Mirror->next + byte(in) % 4, size = 1u << RING_LOG2;
    uint8_t lie = byte(in);
    struct portcam_event e = {.slot = slot_of(in),
                              .generation = byte(in) % 32,
                              .kind = byte(in) % 7,
                              .state = byte(in) % 13,
                              .lap = (uint16_t)((index >> RING_LOG2) + 1 + (lie == 255))};
    memcpy(Mirror->ring + (size_t)(index % size) * 4, &e, sizeof(e));
}

static void write_record(struct input *in)
{
    uint32_t slot = slot_of(in);
    uint8_t lie = byte(in), client = byte(in) % 16, flags = byte(in);
    union pc_record r = {
        .record = {.version = 1 + (uint32_t)byte(in),
                   .slot = slot + (lie == 1),
                   .generation = byte(in) % 32,
                   .client_port = client,
                   .client_ip = {client},
                   .protocol = 6,
                   .flags = lie == 2 ? flags : flags % 4 | (slot >= SLOTS / 2) << 2,
                   .state = byte(in) % 13,
                   .service = lie == 3 ? 0xffff : client % 4,
                   .backend = lie == 4 ? 0xffff : client % 3,
                   .endpoint = lie == 5 ? 0xffff : client % 3,
                   .address = lie == 6 ? 0xffff : 1,
                   .public_port = 80}};

    if (slot >= SLOTS)
        return;
    if (r.record.state == PORTCAM_CONNECTION_STATE_NONE) {
        r.end.cause = byte(in) % 7;
        r.end.last_state = byte(in) % 13;
        r.end.forward_octets = word(in);
    }
    r.record.version2 = r.record.version + (lie == 7);
    memcpy(Mirror->records + (size_t)slot * PC_RECORD_WORDS, &r, sizeof(r));
}

static void write_raw(struct input *in)
{
    uint32_t at = (slot_of(in) % SLOTS) * PC_RECORD_WORDS + byte(in) % PC_RECORD_WORDS;
    Mirror->records[at] = word(in);
}

static void lie_or_not(struct input *in)
{
    uint8_t which = byte(in);
    Lying[which % 3] = which & 4;
    Lie[which % 3] = which & 8 ? Mirror->next + byte(in) : word(in);
}

static void look(struct input *in)
{
    struct portcam_mirror_record r;
    struct portcam_mirror_client client = {.ip = {byte(in) % 16}, .protocol = 6};
    struct portcam_mirror_audit audit;

    client.port = client.ip[0];
    client.is_v6 = byte(in) & 1;
    if (portcam_mirror_find_forward(Mirror, &client, 1, 80, &r) == 0) {
        require_bounded(&r);
        require(r.client_port == client.port && r.client_ip[0] == client.ip[0]);
    }
    if (portcam_mirror_find_reverse(Mirror, &client, 0, client.port % 3, byte(in) & 1 ? 80 : 0,
                                    &r) == 0)
        require_bounded(&r);
    if (portcam_mirror_read(Mirror, slot_of(in), &r) == 0)
        require_bounded(&r);
    if (byte(in) % 8 == 0)
        (void)portcam_mirror_audit(Mirror, 0, 1, &audit);
}

/* The model has no more records than it has, so what an honest copy finds is nothing. */
static void be_honest(void)
{
    struct portcam_mirror_stats stats;
    bool more = true;

    memset(Lying, 0, sizeof(Lying));
    require(portcam_mirror_restart(Mirror, NULL) == 0);
    while (more)
        require(portcam_mirror_run(Mirror, 0, &more) == 0);
    portcam_mirror_get_stats(Mirror, &stats);
    require(Live == 0 && stats.records == 0);
}

static void open_card(void)
{
    struct portcam_opts opts = {.sz = sizeof(opts), .hash_seed = 1};
    struct portcam_mirror_opts mirror_opts = {
        .sz = sizeof(mirror_opts), .ring_log2 = RING_LOG2, .changed = changed};

    require(portcam_open(&opts, NULL, &Card) == 0);
    pc_dev_model_set_time(pc_hw_device(Card->hw), 1000); /* nothing ages, which would be slow */
    require(portcam_mirror_open(Card, &mirror_opts, NULL, &Mirror) == 0);
    require(portcam_mirror_slots(Mirror) == SLOTS);
}

void mirror_lies(const uint8_t *bytes, size_t len)
{
    struct input in = {bytes, bytes + len};
    unsigned restarts = 0;

    if (!Card)
        open_card();
    while (in.at < in.end) {
        uint8_t what = byte(&in);
        if (what < 90) {
            write_record(&in);
        } else if (what < 170) {
            write_event(&in);
        } else if (what < 180) {
            write_raw(&in);
        } else if (what < 190) {
            lie_or_not(&in);
        } else if (what < 200) {
            look(&in);
        } else if (what < 202 && !Lying[2] && restarts++ < RESTARTS) {
            (void)(what & 1 ? portcam_mirror_stop(Mirror) : portcam_mirror_restart(Mirror, NULL));
        } else if (what < 210) {
            Mirror->scan_wanted = true;
        } else {
            (void)portcam_mirror_run(Mirror, byte(&in) % 9, NULL);
        }
    }
    be_honest();
}
