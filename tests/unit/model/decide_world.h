/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of decisions, and what is expected of one. */
#ifndef PC_TEST_DECIDE_WORLD_H
#define PC_TEST_DECIDE_WORLD_H

#include "world.h"

#define R(name) PORTCAM_REASON_##name
#define STATIC PORTCAM_MODE_STATIC
#define DELIVER PORTCAM_MODE_DELIVER
#define RUNNING PORTCAM_DOMAIN_STATE_RUNNING
#define PASS PORTCAM_POLICY_PASS
#define DROP PORTCAM_POLICY_DROP

static inline int setup(void **state)
{
    struct pc_device *d = new_device();
    *state = d;
    return d ? 0 : -1;
}

static inline int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

/* A TCP frame to dst port 80, from a source that nothing names. */
static inline struct frame to(const char *dst)
{
    struct frame_spec s = {.src = strchr(dst, ':') ? "2001:db8:cc::9" : "192.0.2.9",
                           .dst = dst,
                           .protocol = TCP,
                           .sport = 40001,
                           .dport = 80};
    memcpy(s.dmac, MacOne, 6);
    memcpy(s.smac, MacClient, 6);
    return build_frame(&s);
}

static inline struct frame flow(const char *src, unsigned sport, const char *dst, unsigned dport,
                                uint8_t protocol)
{
    struct frame_spec s = {.src = src,
                           .dst = dst,
                           .protocol = protocol,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport};
    memcpy(s.dmac, MacOne, 6);
    memcpy(s.smac, MacClient, 6);
    return build_frame(&s);
}

static inline void expect(struct pc_device *d, struct frame f, unsigned ingress, unsigned reason,
                          int egress)
{
    struct pc_decision v = send_frame(d, &f, ingress);
    assert_int_equal(v.reason, reason);
    assert_int_equal(v.drop, egress < 0);
    if (egress >= 0)
        assert_int_equal(v.egress, egress);
}

#endif
