/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser says of a frame, for its tests. */
#ifndef PC_TEST_PARSE_EXPECT_H
#define PC_TEST_PARSE_EXPECT_H

#include "frames.h"
#include "parse.h"

#define R(name) PORTCAM_REASON_##name
#define MAX PORTCAM_BUILD_MAX_FRAME

static inline struct pc_parsed parse(const struct frame *f, size_t len)
{
    struct pc_parsed p;
    pc_parse(f->b, len, 0, MAX, &p);
    return p;
}

static inline void expect(const struct frame *f, size_t len, unsigned reason)
{
    struct pc_parsed p = parse(f, len);
    if (p.reason != reason)
        print_message("# reason %u, not %u, at length %zu\n", p.reason, reason, len);
    assert_int_equal(p.reason, reason);
    assert_int_equal(p.decided, reason != R(NO_MATCH));
}

static inline struct frame tcp4(void)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = "192.0.2.1",
                                            .dst = "198.51.100.1",
                                            .protocol = TCP,
                                            .sport = 1025,
                                            .dport = 80});
}

#endif
