// SPDX-License-Identifier: Apache-2.0
/*
 * Random configurations, random packets, on rows that were compiled and read back. What must hold for all of them:
 * the service that a packet gets is the most specific one of the configuration, told by a plain walk over its objects;
 * a packet that a static service forwards has a reply that comes back from where the client sent it; and what the check
 * lets through, the card takes.
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8000, PACKETS = 60 };

static uint64_t Seed;

static unsigned draw(unsigned below)
{
    Seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = Seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (unsigned)((z ^ (z >> 31)) % below);
}

static const char *const Protocols[] = {"tcp", "udp", "icmp"};
static const unsigned Ports[] = {80, 81, 8080};

/* A small world, so that things meet: 10.0.0.0/29 public, 192.0.2.0/30 servers. */
static json_t *random_config(void)
{
    json_t *root = json_pack("{s:i, s:[{s:s}, {s:s}], s:[], s:[], s:[]}", "format", 1, "domains",
                             "name", "d0", "name", "d1", "addresses", "backends", "services");
    unsigned n = 1 + draw(4);
    for (unsigned i = 0; i < n; i++) {
        unsigned length = draw(4) ? 32 : 30;
        json_t *a =
            json_pack("{s:o, s:o}", "address",
                      json_sprintf("10.0.0.%u/%u", length == 32 ? draw(8) : 4 * draw(2), length),
                      "domain", json_sprintf("d%u", draw(2)));
        if (draw(3) == 0)
            json_object_set_new(a, "vlan", json_integer(draw(3)));
        json_array_append_new(json_object_get(root, "addresses"), a);
    }
    for (unsigned i = 0; i < 4; i++) {
        json_t *b = json_pack("{s:o, s:o, s:i}", "name", json_sprintf("b%u", i), "address",
                              json_sprintf("192.0.2.%u", draw(4)), "function", (int)draw(3));
        if (draw(2))
            json_object_set_new(b, "port", json_integer(Ports[draw(3)]));
        json_array_append_new(json_object_get(root, "backends"), b);
    }
    n = 1 + draw(5);
    for (unsigned i = 0; i < n; i++) {
        json_t *s = json_pack("{s:o, s:o, s:s, s:[o]}", "name", json_sprintf("s%u", i), "domain",
                              json_sprintf("d%u", draw(2)), "mode", draw(4) ? "static" : "deliver",
                              "backends", json_sprintf("b%u", draw(4)));
        json_t *list = json_object_get(root, "addresses");
        json_t *a = json_array_get(list, draw((unsigned)json_array_size(list)));
        if (draw(5)) {
            json_object_set(s, "address", json_object_get(a, "address"));
            json_object_set(s, "domain", json_object_get(a, "domain"));
            if (json_object_get(a, "vlan"))
                json_object_set(s, "vlan", json_object_get(a, "vlan"));
        }
        if (draw(3))
            json_object_set_new(s, "protocol", json_string(Protocols[draw(3)]));
        if (draw(3))
            json_object_set_new(s, "port", json_integer(Ports[draw(3)]));
        json_array_append_new(json_object_get(root, "services"), s);
    }
    return root;
}

struct packet {
    const char *protocol;
    unsigned number, destination, sport, dport, vlan;
};

/* The service that the configuration means, or -1: the plain reading of P3 and P4. */
static int meant(const struct portcam_config *c, const struct packet *p)
{
    struct pc_ip ip = {{10, 0, 0, (uint8_t)p->destination}, 4};
    int address = -1, best = -1, best_weight = -1;
    bool ports = p->number == 6 || p->number == 17;

    for (size_t i = 0; i < c->n_addresses; i++) {
        const struct pc_cfg_address *a = &c->addresses[i];
        if (!pc_ip_same_prefix(&a->ip, &ip, a->length) ||
            (a->vlan != PC_NONE && a->vlan != (int)p->vlan))
            continue;
        if (address < 0 || a->length > c->addresses[address].length ||
            (a->length == c->addresses[address].length && a->vlan != PC_NONE))
            address = (int)i;
    }
    if (address < 0)
        return -1;
    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (s->domain != c->addresses[address].domain ||
            (s->address != PC_NONE && s->address != address) ||
            (s->protocol != PC_NONE && s->protocol != (int)p->number) ||
            (s->port != PC_NONE && (!ports || s->port != (int)p->dport)))
            continue;
        int weight =
            4 * (s->port != PC_NONE) + 2 * (s->address != PC_NONE) + (s->protocol != PC_NONE);
        if (weight > best_weight) {
            best_weight = weight;
            best = (int)i;
        }
    }
    return best;
}

static json_t *explain(struct portcam *pc, const char *protocol, const char *source, unsigned sport,
                       const char *destination, unsigned dport, unsigned vlan, unsigned from)
{
    uint8_t frame[128];
    size_t len = 0;
    json_t *value = NULL;
    json_t *spec = json_pack("{s:s, s:s, s:s, s:i}", "protocol", protocol, "source", source,
                             "destination", destination, "vlan", (int)vlan);
    if (strcmp(protocol, "icmp") != 0) {
        json_object_set_new(spec, "source_port", json_integer(sport));
        json_object_set_new(spec, "destination_port", json_integer(dport));
    }
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    assert_int_equal(portcam_explain(pc, frame, len, from, NULL, &value), 0);
    json_decref(spec);
    return value;
}

/* The object of the step that took a row of the table, or "". */
static const char *object_of(const json_t *value, const char *table)
{
    const json_t *step;
    size_t i;
    json_array_foreach (json_object_get(value, "steps"), i, step) {
        const char *name = json_string_value(json_object_get(step, "table"));
        if (name && strcmp(name, table) == 0)
            return json_string_value(json_object_get(step, "object"));
    }
    return "";
}

struct counts {
    unsigned accepted, refused, forwarded;
};

static void check_packet(struct portcam *pc, const struct portcam_config *config,
                         struct counts *counts)
{
    unsigned which = draw(3);
    struct packet p = {Protocols[which], (const unsigned[]){6, 17, 1}[which],
                       draw(8),          1024 + draw(1000),
                       Ports[draw(3)],   draw(3)};
    char destination[32], wanted[32] = "", back[64], from[64];
    unsigned port = 0;

    snprintf(destination, sizeof(destination), "10.0.0.%u", p.destination);
    json_t *value =
        explain(pc, p.protocol, "203.0.113.9", p.sport, destination, p.dport, p.vlan, 0);
    int service = meant(config, &p);
    if (service >= 0)
        snprintf(wanted, sizeof(wanted), "service \"%s\"", config->services[service].name);
    assert_string_equal(object_of(value, "service"), wanted);
    if (strcmp(json_string_value(json_object_get(value, "reason")), "static_forward") != 0) {
        json_decref(value);
        return;
    }
    counts->forwarded++;
    const char *becomes = strstr(json_string_value(json_object_get(value, "becomes")), " to ");
    assert_non_null(becomes);
    becomes += strlen(" to ");
    size_t length = strcspn(becomes, ":");
    snprintf(from, sizeof(from), "%.*s", (int)length, becomes);
    if (becomes[length])
        port = (unsigned)strtoul(becomes + length + 1, NULL, 10);
    json_t *reply = explain(pc, p.protocol, from, port, "203.0.113.9", p.sport, p.vlan, 1);
    assert_string_equal(json_string_value(json_object_get(reply, "reason")), "static_reverse");
    if (p.number == 1)
        snprintf(back, sizeof(back), "from %s to", destination);
    else
        snprintf(back, sizeof(back), "from %s:%u to", destination, p.dport);
    if (!strstr(json_string_value(json_object_get(reply, "becomes")), back)) {
        print_error("sent to %s, reply %s\n", back,
                    json_string_value(json_object_get(reply, "becomes")));
        fail();
    }
    json_decref(reply);
    json_decref(value);
}

static void one_round(struct portcam *pc, struct counts *counts)
{
    struct portcam_report *report = portcam_report_new();
    json_t *root = random_config();
    char *text = json_dumps(root, JSON_COMPACT);
    struct portcam_config *config = NULL;

    int rc = portcam_config_parse(text, strlen(text), "random", report, &config);
    if (rc) {
        assert_int_equal(rc, -EBADMSG);
        assert_true(portcam_report_count(report, NULL) > 0);
        counts->refused++;
    } else {
        counts->accepted++;
        if (portcam_config_apply(pc, config, report, NULL)) {
            print_error("%s%s\n", test_messages(report), text);
            fail();
        }
        for (unsigned i = 0; i < PACKETS; i++)
            check_packet(pc, config, counts);
    }
    portcam_config_free(config);
    portcam_report_free(report);
    json_decref(root);
    free(text);
}

static void random_worlds(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct counts counts = {0, 0, 0};
    struct pc_image *image = pc_image_new(portcam_get_caps(pc));
    (void)state;

    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(pc, &counts);
    assert_int_equal(pc_hw_read_image(pc->hw, image), 0);
    assert_int_equal(pc_image_differences(image, pc->card, PORTCAM_TABLE_MAX), 0);
    print_message("# accepted %u, refused %u, forwarded %u\n", counts.accepted, counts.refused,
                  counts.forwarded);
    /* The generator must reach what the test is about. */
    assert_true(counts.accepted > ROUNDS / 10);
    assert_true(counts.refused > ROUNDS / 10);
    assert_true(counts.forwarded > ROUNDS / 10);
    pc_image_free(image);
    portcam_close(pc);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {"P3 P4 P5 P9 random configurations mean what they say, and static services turn back",
         random_worlds, NULL, NULL, NULL},
    };
    Seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    print_message("# seed %llu\n", (unsigned long long)Seed);
    return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
