// SPDX-License-Identifier: Apache-2.0
/* See trace_world.h. */
#include "trace_world.h"

#include "portcam/dev.h"

#define CONFIG                                                                                     \
    "{'format': 1, 'domains': [{'name': 'shop', 'unknown': 'drop'}, {'name': 'bank'}], "           \
    "'functions': [{'function': 1, 'domain': 'shop', 'default': true}], "                          \
    "'addresses': [{'address': '" PUBLIC "', 'domain': 'shop'}, "                                  \
    "{'address': '2001:db8::1', 'domain': 'bank'}], "                                              \
    "'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 1}, "            \
    "{'name': 'b', 'address': '2001:db8:1::1', 'function': 2}, "                                   \
    "{'name': 'c', 'address': '192.0.2.3', 'port': 5353, 'function': 1}], "                        \
    "'services': [{'name': 'web', 'domain': 'shop', 'address': '" PUBLIC "', 'protocol': 'tcp', "  \
    "'port': 80, 'mode': 'stateful', 'backends': ['a']}, {'name': 'dns', 'domain': 'shop', "       \
    "'address': '" PUBLIC "', 'protocol': 'udp', 'port': 53, 'mode': 'static', "                   \
    "'backends': ['c']}, {'name': 'six', 'domain': 'bank', 'address': '2001:db8::1', "             \
    "'protocol': 'udp', 'port': 53, 'mode': 'static', 'backends': ['b']}]}"

struct trace_world trace_world;

int trace_setup(void **state)
{
    (void)state;
    trace_world.pc = test_open(NULL);
    trace_world.report = portcam_report_new();
    trace_world.trace = NULL;
    test_apply(trace_world.pc, CONFIG);
    return 0;
}

int trace_teardown(void **state)
{
    (void)state;
    portcam_trace_close(trace_world.trace);
    portcam_report_free(trace_world.report);
    portcam_close(trace_world.pc);
    return 0;
}

int trace_begin(const struct portcam_trace_filter *filter)
{
    portcam_report_clear(trace_world.report);
    return portcam_trace_open(trace_world.pc, filter, "a test", trace_world.report,
                              &trace_world.trace);
}

void trace_end(void)
{
    portcam_trace_close(trace_world.trace);
    trace_world.trace = NULL;
}

void trace_packet(unsigned which)
{
    static const struct {
        const char *protocol, *source;
        unsigned sport;
        const char *destination;
        unsigned dport, from;
    } packets[PACKETS] = {
        [A_SYN] = {"tcp", CLIENT, 4000, PUBLIC, 80, 0},
        [A_REPLY] = {"tcp", "192.0.2.1", 8080, CLIENT, 4000, 1},
        [A_QUERY] = {"udp", CLIENT, 4001, PUBLIC, 53, 0},
        [A_ANSWER] = {"udp", "192.0.2.3", 5353, CLIENT, 4001, 1},
        [A_SIX] = {"udp", "2001:db8:9::9", 4002, "2001:db8::1", 53, 0},
        [A_WRONG_PORT] = {"tcp", CLIENT, 80, PUBLIC, 81, 0},
        [A_STRANGER] = {"tcp", "203.0.113.10", 4003, "203.0.113.99", 80, 0},
        [A_PING] = {"icmp", CLIENT, 0, "203.0.113.99", 0, 0},
    };

    test_packet(trace_world.pc, packets[which].protocol, packets[which].source,
                packets[which].sport, packets[which].destination, packets[which].dport,
                packets[which].from);
}

uint32_t trace_reg(uint32_t offset)
{
    uint32_t value = 0;
    assert_int_equal(portcam_reg_read32(pc_hw_device(trace_world.pc->hw), offset, &value), 0);
    return value;
}

unsigned trace_samples(void)
{
    struct portcam_trace_sample sample;
    unsigned n = 0;

    while (portcam_trace_next(trace_world.trace, &sample) == 1)
        n++;
    return n;
}
