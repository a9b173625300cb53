/* SPDX-License-Identifier: Apache-2.0 */
/* A shop with connections, for tests of the library over the model card. */
#ifndef PC_TEST_CONNECTIONS_SHOP_H
#define PC_TEST_CONNECTIONS_SHOP_H

#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "card.h"
#include "driver/model.h"
#include "model.h"
#include "portcam/ring.h"

enum { SYN = 2, RST = 4, ACK = 16, SYN_ACK = 18 };

#define SERVICES                                                                                   \
    "'services': [{'name': 'web', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "   \
    "'port': 80, 'mode': 'stateful', 'scheduler': 'rr', 'backends': ['a', 'b']}, {'name': 'dns', " \
    "'domain': 'd', 'protocol': 'udp', 'port': 53, 'mode': 'stateful', 'backends': ['c']}]"

#define CONFIG(backends)                                                                           \
    "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "         \
    "'domain': 'd'}, {'address': '198.51.100.2', 'domain': 'd'}], 'backends': [" backends "], "

#define A "{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 2}"
#define B "{'name': 'b', 'address': '192.0.2.2', 'port': 8080, 'function': 2}"
#define C "{'name': 'c', 'address': '192.0.2.3', 'function': 2}"
#define ALL CONFIG(A ", " B ", " C) SERVICES "}"

static inline void set_time(struct portcam *pc, uint32_t ms)
{
    pc_dev_model_set_time(pc_hw_device(pc->hw), ms);
}

/* A packet through the card; flags of TCP. Returns the reason. */
static inline unsigned send(struct portcam *pc, const char *protocol, const char *source,
                            unsigned sport, const char *destination, unsigned dport, unsigned from,
                            unsigned flags)
{
    uint8_t frame[128];
    size_t len = 0;
    struct pc_decision decision;
    struct pc_answer answer;
    json_t *spec = json_pack("{s:s, s:s, s:i, s:s, s:i}", "protocol", protocol, "source", source,
                             "source_port", (int)sport, "destination", destination,
                             "destination_port", (int)dport);
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    json_decref(spec);
    if (strcmp(protocol, "tcp") == 0)
        frame[14 + 20 + 13] = (uint8_t)flags;
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    pc_device_packet(pc_card_device(card), frame, len, from, pc_card_time(card), NULL, &decision,
                     &answer);
    return decision.reason;
}

/* Six connections of web, three at each backend, two of them established; one of dns at the second address. */
static inline struct portcam *busy(const char *dir)
{
    struct portcam *pc = test_open(dir);
    set_time(pc, 1000);
    test_apply(pc, ALL);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(send(pc, "tcp", "203.0.113.9", 4000 + i, "198.51.100.1", 80, 0, SYN),
                         PORTCAM_REASON_CONNECTION_NEW);
    for (unsigned i = 0; i < 2; i++) {
        const char *server = i ? "192.0.2.2" : "192.0.2.1";
        assert_int_equal(send(pc, "tcp", server, 8080, "203.0.113.9", 4000 + i, 2, SYN_ACK),
                         PORTCAM_REASON_CONNECTION_REVERSE);
        assert_int_equal(send(pc, "tcp", "203.0.113.9", 4000 + i, "198.51.100.1", 80, 0, ACK),
                         PORTCAM_REASON_CONNECTION_FORWARD);
    }
    assert_int_equal(send(pc, "udp", "203.0.113.7", 5353, "198.51.100.2", 53, 0, 0),
                     PORTCAM_REASON_CONNECTION_NEW);
    return pc;
}

static inline json_t *filter(const char *text)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    json_t *value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    return value;
}

typedef int (*call_fn)(struct portcam *, json_t *, uint32_t, struct portcam_report *, json_t **);

/* All stretches together. */
static inline json_t *all_of(struct portcam *pc, call_fn call, const char *filter_text)
{
    json_t *f = filter(filter_text), *list = json_array(), *answer = NULL;
    json_int_t from = 0;

    do {
        assert_int_equal(call(pc, f, (uint32_t)from, NULL, &answer), 0);
        json_array_extend(list, json_object_get(answer, "connections"));
        const json_t *next = json_object_get(answer, "next");
        assert_true(json_is_null(next) || json_integer_value(next) > from);
        from = json_integer_value(next);
        json_decref(answer);
    } while (from);
    json_decref(f);
    return list;
}

static inline size_t count_of(struct portcam *pc, call_fn call, const char *filter_text)
{
    json_t *list = all_of(pc, call, filter_text);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static inline json_int_t num(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

#endif
