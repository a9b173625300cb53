// SPDX-License-Identifier: Apache-2.0
/*
 * What the card does with a frame, told step by step. The reference model parses, decides and rewrites on the rows that
 * run; its answer is put into words in explain_steps.c and explain_connections.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "explain_story.h"

#define FRAME_MAX 65535

/* The decision; where the tables alone do not make it, with the records of the packet's client. */
static int decide(struct portcam *pc, const struct pc_parsed *parsed, const struct pc_parsed *key,
                  enum pc_stage *stage, struct pc_records *records, struct pc_decision *ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    struct pc_stateful stateful = {.counter = NULL};
    int rc = 0;

    pc_decide_by_tables(pc->model, parsed, ret);
    *stage = (enum pc_stage)ret->stage;
    if (*stage != PC_STAGE_DONE) {
        const struct pc_tuple *client = *stage == PC_STAGE_SERVICE ? &key->src : &key->dst;
        rc = pc_records_read(pc, client, parsed->is_v6, records);
        stateful.connections = rc ? NULL : records->connections;
        stateful.counter = calloc(caps->services, sizeof(*stateful.counter));
        if (rc == 0 && !stateful.counter)
            rc = -ENOMEM;
    }
    if (rc == 0)
        pc_stateful_explain(&stateful, pc->model, parsed, ret);
    free(stateful.counter);
    return rc;
}

/* Does the card hand packets of this reason to the host, and are they taken there? */
static bool is_punted(const struct portcam *pc, unsigned reason)
{
    const struct portcam_limits_row *limits = pc_tables_get(pc->model, PORTCAM_TABLE_LIMITS, 0);
    return pc->slow_path && limits && limits->punt_reasons >> reason & 1;
}

static void parse(const struct portcam *pc, const uint8_t *frame, size_t len, unsigned function,
                  bool slow, struct pc_parsed *ret)
{
    size_t max_frame = pc_hw_caps(pc->hw)->max_frame;

    if (slow)
        pc_parse_slow(frame, len, function, max_frame, ret);
    else
        pc_parse(frame, len, function, max_frame, ret);
}

/* `slow`: what the slow path does; else what the card does, and *ret_punted says whether that is to hand it over. */
static int explain(struct portcam *pc, uint8_t *frame, size_t len, unsigned function, bool slow,
                   bool *ret_punted, json_t **ret)
{
    struct pc_parsed parsed, key, after;
    struct pc_decision decision;
    struct pc_records records = {NULL, NULL};
    enum pc_stage stage;

    parse(pc, frame, len, function, slow, &parsed);
    key = parsed;
    if (parsed.about_flow)
        pc_parsed_answer(&parsed, &key);
    int rc = decide(pc, &parsed, &key, &stage, &records, &decision);
    if (rc) {
        pc_records_free(&records);
        return rc;
    }
    pc_rewrite(pc->model, &parsed, &decision, frame);
    parse(pc, frame, len, function, slow, &after);
    bool rewritten = pc_reason_is_forward(decision.reason) || pc_reason_is_reverse(decision.reason);
    struct story s = {.pc = pc,
                      .parsed = &parsed,
                      .key = &key,
                      .decision = &decision,
                      .stage = stage,
                      .records = records.images ? &records : NULL,
                      .punted = !slow && is_punted(pc, decision.reason),
                      .steps = json_array()};
    json_t *value = s.steps ? pc_story_tell(&s, rewritten ? &after : NULL) : NULL;
    json_decref(s.steps);
    pc_records_free(&records);
    if (!value)
        return -ENOMEM;
    *ret_punted = s.punted;
    *ret = value;
    return 0;
}

/* The same about a fragment that has no ports. */
static json_t *explain_later(void)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:[{s:s, s:s}]}", "verdict", "follow", "reason", "fragment", "rule",
        "7", "about", PcReasons[PORTCAM_REASON_FRAGMENT].about, "steps", "rule", "7", "text",
        "a later fragment: it goes where the first one of its datagram goes, and waits "
        "for it where it comes before");
}

/* Both, as far as there are two. The frame is changed. */
static int explain_all(struct portcam *pc, uint8_t *frame, size_t len, unsigned function,
                       json_t **ret)
{
    struct pc_parsed parsed;
    json_t *value = NULL, *slow = NULL;
    bool punted = false;
    uint8_t *copy = malloc(len);
    int rc = copy ? 0 : -ENOMEM;

    if (rc == 0) {
        memcpy(copy, frame, len);
        rc = explain(pc, frame, len, function, false, &punted, &value);
    }
    if (rc == 0 && punted) {
        parse(pc, copy, len, function, true, &parsed);
        if (parsed.fragment.is && parsed.fragment.offset && !parsed.decided)
            slow = explain_later();
        else
            rc = explain(pc, copy, len, function, true, &punted, &slow);
        if (rc == 0 && json_object_set_new(value, "slow_path", slow))
            rc = -ENOMEM;
    }
    free(copy);
    if (rc)
        json_decref(value);
    else
        *ret = value;
    return rc;
}

int portcam_explain(struct portcam *pc, const uint8_t *frame, size_t len, unsigned function,
                    struct portcam_report *report, struct json_t **ret)
{
    if (len == 0 || len > FRAME_MAX) {
        pc_report_add(report, "usage", "a frame has 1 to %d bytes, not %zu", FRAME_MAX, len);
        return -EINVAL;
    }
    if (function >= pc_hw_caps(pc->hw)->functions) {
        pc_report_add(report, "usage", "there is no function %u; this card has 0 to %u", function,
                      pc_hw_caps(pc->hw)->functions - 1);
        return -EINVAL;
    }
    int rc = pc->model ? 0 : pc_load_tables(pc, &pc->model);
    uint8_t *copy = rc ? NULL : malloc(len);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, frame, len);
    rc = explain_all(pc, copy, len, function, ret);
    free(copy);
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's connections: %s", pc_hw_error());
    return rc;
}
