// SPDX-License-Identifier: Apache-2.0
/*
 * The object "slow_path": see config_slow.h. It is in force without being given. Reasons of which a packet only passes are not
 * handed over unless they are named.
 */
#include "config_slow.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RATE = 20000, BURST = 256, DCCP = 33, SCTP = 132, UDPLITE = 136 };

#define BIT(name) (1ull << PORTCAM_REASON_##name)

static const uint64_t Useful = BIT(FRAGMENT) | BIT(SCTP_PORTS) | BIT(OTHER_CHECKSUM) |
                               BIT(COMPLEX_WINDOW) | BIT(COMPLEX_OPTIONS) | BIT(TABLE_FULL_PUNT);

static const char *const Names[PORTCAM_REASON_ROWS] = {
#define NAME(value, name, rule, fate, about) [value] = (name),
    PORTCAM_REASON_LIST(NAME)
#undef NAME
};

/* What the engine keeps, by key. */
static const struct {
    const char *key;
    size_t at;
    int least, most;
} Numbers[] = {
    {"rate", offsetof(struct pc_cfg_slow_path, rate), 0, UINT16_MAX},
    {"burst", offsetof(struct pc_cfg_slow_path, burst), 0, UINT16_MAX},
    {"datagrams", offsetof(struct pc_cfg_slow_path, datagrams), 1, 1 << 20},
    {"fragments", offsetof(struct pc_cfg_slow_path, fragments), 2, 8192},
    {"memory_kib", offsetof(struct pc_cfg_slow_path, memory_kib), 64, 1 << 20},
    {"hold_ms", offsetof(struct pc_cfg_slow_path, hold_ms), 1, 60000},
    {"remember_ms", offsetof(struct pc_cfg_slow_path, remember_ms), 1, 600000},
};
enum { NUMBERS = sizeof(Numbers) / sizeof(Numbers[0]) };

static int *number(struct pc_cfg_slow_path *s, unsigned n)
{
    return (int *)((char *)s + Numbers[n].at);
}

static int number_of(const struct pc_cfg_slow_path *s, unsigned n)
{
    return *(const int *)((const char *)s + Numbers[n].at);
}

void pc_slow_path_init(struct pc_cfg_slow_path *s)
{
    *s = (struct pc_cfg_slow_path){.enabled = true};
    for (unsigned n = 0; n < NUMBERS; n++)
        *number(s, n) = PC_NONE;
}

/* The bit of a reason that may be handed over, or 0. */
static uint64_t bit_of(const char *name)
{
    for (unsigned i = 0; name && i < PORTCAM_REASON_ROWS; i++) {
        if (Names[i] && strcmp(Names[i], name) == 0)
            return PORTCAM_PUNT_REASONS & 1ull << i;
    }
    return 0;
}

static void read_reasons(struct pc_fields *f, struct pc_cfg_slow_path *s)
{
    json_t *list = pc_fields_get(f, "reasons", NULL), *item;
    uint64_t bits = 0;
    size_t i;

    if (!list)
        return;
    if (!json_is_array(list)) {
        pc_fields_error(f, "reasons", "\"reasons\" is not a list; write [\"fragment\", ...]");
        return;
    }
    json_array_foreach (list, i, item) {
        uint64_t bit = bit_of(json_string_value(item));
        if (!bit) {
            pc_fields_error(
                f, "reasons",
                "\"%.64s\" is no reason to hand a packet to the host; these are: "
                "fragment, sctp_ports, other_checksum, complex_window, complex_routing, "
                "complex_options, icmp_error_short, table_full, table_full_punt",
                json_is_string(item) ? json_string_value(item) : "?");
            return;
        }
        bits |= bit;
    }
    s->has_reasons = true;
    s->reasons = bits;
}

void pc_slow_path_read(struct pc_fields *top, struct pc_cfg_slow_path *ret)
{
    size_t position = 0;
    json_t *object = pc_fields_get(top, "slow_path", &position);
    struct pc_fields f;

    if (!object)
        return;
    pc_fields_begin(&f, top->config, top->report, top->positions, object, position, "slow_path");
    if (!json_is_object(object)) {
        pc_fields_error(&f, NULL, "it is not an object; write { \"enabled\": false }");
        return;
    }
    ret->line = top->positions->at[position].line;
    pc_fields_bool(&f, "enabled", &ret->enabled);
    read_reasons(&f, ret);
    for (unsigned n = 0; n < NUMBERS; n++)
        pc_fields_integer(&f, Numbers[n].key, false, Numbers[n].least, Numbers[n].most,
                          number(ret, n));
    pc_fields_end(&f);
}

static json_t *reasons_json(uint64_t bits)
{
    json_t *list = json_array();

    for (unsigned i = 0; list && i < PORTCAM_REASON_ROWS; i++) {
        if (bits >> i & 1 && Names[i] && json_array_append_new(list, json_string(Names[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *pc_slow_path_json(const struct pc_cfg_slow_path *s)
{
    json_t *object = json_object();
    int failed = !object;

    if (!s->enabled)
        failed |= json_object_set_new(object, "enabled", json_false());
    if (s->has_reasons)
        failed |= json_object_set_new(object, "reasons", reasons_json(s->reasons));
    for (unsigned n = 0; n < NUMBERS; n++) {
        int value = number_of(s, n);
        if (value != PC_NONE)
            failed |= json_object_set_new(object, Numbers[n].key, json_integer(value));
    }
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- rows ---- */

bool pc_slow_path_runs(const struct portcam_config *config, const struct portcam_caps *caps)
{
    bool translates = false;

    for (size_t i = 0; i < config->n_services && !translates; i++)
        translates = config->services[i].mode != PORTCAM_MODE_DELIVER;
    return config->slow_path.enabled && translates && caps->flags & PORTCAM_CAPS_PUNT;
}

/* A port of SCTP that becomes another, or 0. */
static unsigned moved_port(const struct portcam_config *c, const struct pc_cfg_service *s)
{
    for (size_t i = 0; s->protocol == SCTP && s->port != PC_NONE && i < s->n_backends; i++) {
        unsigned port = s->backend_at[i] == PC_NONE ? 0 : c->backends[s->backend_at[i]].port;
        if (port && port != (unsigned)s->port)
            return port;
    }
    return 0;
}

void pc_slow_path_check(const struct portcam_config *c, const struct portcam_caps *caps,
                        struct portcam_report *report)
{
    const struct pc_cfg_slow_path *path = &c->slow_path;
    struct portcam_limits_row row = {.punt_rate = 0};

    if (path->line && path->enabled && !(caps->flags & PORTCAM_CAPS_PUNT))
        pc_refuse_at(c, report, path->line,
                     "slow_path: this card cannot hand packets to the host; remove it");
    if (pc_slow_path_runs(c, caps))
        pc_slow_path_row(path, &row);
    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        unsigned port = s->mode == PORTCAM_MODE_DELIVER ? 0 : moved_port(c, s);
        bool other = s->protocol == DCCP || s->protocol == UDPLITE;
        if (port && !(row.punt_reasons & BIT(SCTP_PORTS)))
            pc_refuse_at(
                c, report, s->line,
                "service \"%s\": the card cannot change SCTP ports (%d to %u) without a slow "
                "path for sctp_ports; keep the port",
                s->name, s->port, port);
        if (other && s->mode != PORTCAM_MODE_DELIVER && !(row.punt_reasons & BIT(OTHER_CHECKSUM)))
            pc_refuse_at(
                c, report, s->line,
                "service \"%s\": the card cannot correct the checksum of protocol %d without a "
                "slow path for other_checksum; use mode \"deliver\" or another protocol",
                s->name, s->protocol);
    }
}

void pc_slow_path_row(const struct pc_cfg_slow_path *s, struct portcam_limits_row *row)
{
    row->punt_rate = (uint16_t)(s->rate == PC_NONE ? (int)RATE : s->rate);
    row->punt_burst = (uint16_t)(s->burst == PC_NONE ? (int)BURST : s->burst);
    row->punt_reasons = s->has_reasons ? s->reasons : Useful;
}

json_t *pc_slow_path_of_row(const struct portcam_limits_row *row)
{
    struct pc_cfg_slow_path s;

    pc_slow_path_init(&s);
    s.enabled = row->punt_rate || row->punt_burst || row->punt_reasons;
    if (s.enabled) {
        s.rate = row->punt_rate;
        s.burst = row->punt_burst;
        s.has_reasons = true;
        s.reasons = row->punt_reasons;
    }
    return pc_slow_path_json(&s);
}

struct pc_slow_limits pc_slow_path_limits(const struct pc_cfg_slow_path *s)
{
    struct pc_slow_limits l = {.datagrams = 0};

    if (s->datagrams != PC_NONE)
        l.datagrams = (unsigned)s->datagrams;
    if (s->fragments != PC_NONE)
        l.fragments = (unsigned)s->fragments;
    if (s->memory_kib != PC_NONE)
        l.held_bytes = (size_t)s->memory_kib << 10;
    if (s->hold_ms != PC_NONE)
        l.hold_ms = (unsigned)s->hold_ms;
    if (s->remember_ms != PC_NONE)
        l.remember_ms = (unsigned)s->remember_ms;
    pc_slow_limits_complete(&l);
    return l;
}

json_t *pc_slow_path_all(const struct portcam_config *config, const struct portcam_caps *caps)
{
    struct portcam_limits_row row = {.punt_rate = 0};
    struct pc_slow_limits l = pc_slow_path_limits(&config->slow_path);

    if (!pc_slow_path_runs(config, caps))
        return json_pack("{s:b}", "enabled", false);
    pc_slow_path_row(&config->slow_path, &row);
    return json_pack("{s:b, s:o, s:i, s:i, s:i, s:i, s:I, s:i, s:i}", "enabled", true, "reasons",
                     reasons_json(row.punt_reasons), "rate", (int)row.punt_rate, "burst",
                     (int)row.punt_burst, "datagrams", (int)l.datagrams, "fragments",
                     (int)l.fragments, "memory_kib", (json_int_t)(l.held_bytes >> 10), "hold_ms",
                     (int)l.hold_ms, "remember_ms", (int)l.remember_ms);
}
