// SPDX-License-Identifier: Apache-2.0
/* The steps of a packet through the card, from parsing to the end, in words; see explain_story.h. */
#include "explain_story.h"

#include <stdio.h>

#define TCP 6

static const struct portcam_domain_row *domain_row(const struct portcam *pc, int number)
{
    return number < 0 ? NULL : pc_tables_get(pc->model, PORTCAM_TABLE_DOMAIN, (unsigned)number);
}

static void egress_words(unsigned function, char text[40])
{
    if (function)
        snprintf(text, 40, "function %u", function);
    else
        snprintf(text, 40, "the network");
}

static void tell_parse(struct story *s)
{
    const struct pc_parsed *p = s->parsed;
    char words[240], vlan[24] = "untagged", reason[160];

    if (p->decided && !p->about_flow) {
        pc_story_about(p->reason, reason);
        pc_story_step(s, PcReasons[p->reason].rule, 0, -1, "%s", reason);
        return;
    }
    pc_story_flow(p, words);
    if (p->vlan)
        snprintf(vlan, sizeof(vlan), "VLAN %u", p->vlan);
    pc_story_step(s, "P1", 0, -1, "%s, %s, %u %s", words, vlan, PC_COUNTED(p->len, "byte"));
    if (p->about_flow) {
        struct pc_parsed embedded = *s->key;
        embedded.src = s->key->dst;
        embedded.dst = s->key->src;
        pc_story_flow(&embedded, words);
        pc_story_step(s, "P11", 0, -1, "an ICMP error about %s: looked up as an answer to that",
                      words);
    }
}

static void tell_ingress(struct story *s)
{
    unsigned f = s->parsed->ingress;
    const struct portcam_function_row *row = pc_tables_get(s->pc->model, PORTCAM_TABLE_FUNCTION, f);

    if (f == 0)
        pc_story_step(s, "P2", 0, -1, "comes from the network");
    else if (row && row->flags & PORTCAM_FUNCTION_ROW_HAS_DOMAIN)
        pc_story_step(s, "P2", PORTCAM_TABLE_FUNCTION, (int)f,
                      "comes from function %u of domain \"%s\"", f,
                      pc_story_domain(s->pc, row->domain));
    else
        pc_story_step(s, "P2", 0, -1, "comes from function %u, which has no domain", f);
}

static void tell_state(struct story *s)
{
    const struct portcam_domain_row *row = domain_row(s->pc, s->decision->domain);
    if (row && row->state != PORTCAM_DOMAIN_STATE_RUNNING && row->state < PcDomainStates.count)
        pc_story_step(s, "6", PORTCAM_TABLE_DOMAIN, s->decision->domain, "domain \"%s\" is %s",
                      pc_story_domain(s->pc, s->decision->domain),
                      PcDomainStates.words[row->state]);
}

static void tell_address(struct story *s)
{
    const struct pc_decision *d = s->decision;

    if (d->address_row >= 0) {
        const struct portcam_address_row *row =
            pc_tables_get(s->pc->model, PORTCAM_TABLE_ADDRESS, (unsigned)d->address_row);
        pc_story_step(s, "P3", PORTCAM_TABLE_ADDRESS, d->address_row,
                      "the destination is an address of domain \"%s\"",
                      pc_story_domain(s->pc, row->domain));
    } else if (d->loopback) {
        pc_story_step(s, "P3", 0, -1,
                      "a loopback destination: any address of the source domain \"%s\"",
                      pc_story_domain(s->pc, d->domain));
    } else {
        pc_story_step(s, "P3", 0, -1, "the destination is no address of any domain");
    }
}

static void tell_service(struct story *s)
{
    const struct pc_decision *d = s->decision;
    bool known = d->address_row >= 0 || d->loopback;

    if (d->service_row >= 0) {
        const struct pc_image_row *at = &s->pc->card->table[PORTCAM_TABLE_SERVICE][d->service_row];
        char words[160] = "its key";
        if (at->origin >= 0)
            pc_service_words(s->pc->plan->config, &s->pc->plan->config->services[at->origin],
                             words);
        pc_story_step(s, "P4", PORTCAM_TABLE_SERVICE, d->service_row, "the service takes %s",
                      words);
    } else if (known) {
        pc_story_step(s, "P4", 0, -1, "no service of the domain takes it");
    }
}

static void tell_reply(struct story *s)
{
    const struct pc_decision *d = s->decision;

    if (d->endpoint_row >= 0 && s->stage == PC_STAGE_ENDPOINT)
        pc_story_step(s, "P9", d->endpoint_table, d->endpoint_row,
                      "the source is an endpoint of stateful services");
    else if (d->endpoint_row >= 0)
        pc_story_step(s, "P9", d->endpoint_table, d->endpoint_row,
                      "the source is an endpoint of a static service: a reply of its backend");
    else if (d->service_row < 0)
        pc_story_step(s, "P9", 0, -1, "the source is no endpoint of a service");
}

static void tell_rewrite(struct story *s, const struct pc_parsed *after)
{
    const struct pc_decision *d = s->decision;
    bool forward = pc_reason_is_forward(d->reason);
    char words[80], embedded[80];

    if (after->about_flow) {
        pc_story_side(forward ? &after->dst : &after->src, after->is_v6, false, words);
        pc_story_side(forward ? &after->inner_src : &after->inner_dst, after->is_v6,
                      after->inner_has_ports, embedded);
        pc_story_step(s, "P11", PORTCAM_TABLE_BACKEND, forward ? d->backend : -1,
                      forward ? "the destination becomes %s, the embedded source %s"
                              : "the source becomes %s, the embedded destination %s",
                      words, embedded);
        return;
    }
    pc_story_side(forward ? &after->dst : &after->src, after->is_v6, after->has_ports, words);
    if (forward)
        pc_story_step(s, "P5", PORTCAM_TABLE_BACKEND, d->backend, "the destination becomes %s",
                      words);
    else
        pc_story_step(s, "P9", 0, -1, "the source becomes %s", words);
}

static void tell_end(struct story *s)
{
    const struct pc_decision *d = s->decision;
    const char *rule = PcReasons[d->reason].rule;
    char words[40], reason[160];

    egress_words(d->egress, words);
    pc_story_about(d->reason, reason);
    if (s->punted)
        pc_story_step(s, "7", 0, -1, "handed to the host: %s", reason);
    else if (pc_reason_is_reject(d->reason))
        pc_story_step(s, rule, 0, -1, "dropped and answered with %s, as far as limits allow: %s",
                      s->parsed->protocol == TCP ? "a TCP RST" : "an ICMP error", reason);
    else if (d->drop)
        pc_story_step(s, rule, 0, -1, "dropped: %s", reason);
    else if (d->reason == PORTCAM_REASON_DELIVER)
        pc_story_step(s, rule, PORTCAM_TABLE_BACKEND, d->backend, "delivered unchanged to %s",
                      words);
    else if (pc_reason_is_forward(d->reason) || pc_reason_is_reverse(d->reason))
        pc_story_step(s, rule, 0, -1, "leaves by %s", words);
    else
        pc_story_step(s, "P12", 0, -1, "passes unchanged to %s", words);
}

json_t *pc_story_tell(struct story *s, const struct pc_parsed *after)
{
    const struct pc_decision *d = s->decision;
    char words[240] = "", reason[160];

    pc_story_about(d->reason, reason);
    tell_parse(s);
    if (!s->parsed->decided || s->parsed->about_flow) {
        pc_story_flow(s->parsed, words);
        tell_ingress(s);
        tell_address(s);
        tell_service(s);
        tell_reply(s);
        tell_state(s);
        if (s->stage != PC_STAGE_DONE)
            pc_story_connections(s);
        if (after)
            tell_rewrite(s, after);
        if (d->reason == PORTCAM_REASON_SCTP_PORTS || d->reason == PORTCAM_REASON_OTHER_CHECKSUM ||
            d->reason == PORTCAM_REASON_STRICT_PASS || d->reason == PORTCAM_REASON_UNKNOWN_PASS ||
            d->reason == PORTCAM_REASON_STOPPED_PASS || d->reason == PORTCAM_REASON_REPLY_PASS ||
            d->reason == PORTCAM_REASON_NO_RECORD_PASS || d->reason == PORTCAM_REASON_ICMP_ERROR)
            pc_story_step(s, PcReasons[d->reason].rule, 0, -1, "%s", reason);
    }
    tell_end(s);
    json_t *value =
        json_pack("{s:s, s:s, s:s, s:s, s:O}", "verdict",
                  s->punted                                    ? "punt"
                  : d->drop && !pc_reason_is_reject(d->reason) ? "drop"
                                                               : PcReasons[d->reason].fate,
                  "reason", PcReasons[d->reason].name, "rule", PcReasons[d->reason].rule, "about",
                  PcReasons[d->reason].about, "steps", s->steps);
    if (!value || s->failed) {
        json_decref(value);
        return NULL;
    }
    if (!d->drop && !s->punted)
        json_object_set_new(value, "egress", json_integer(d->egress));
    if (words[0])
        json_object_set_new(value, "packet", json_string(words));
    if (after) {
        pc_story_flow(after, words);
        json_object_set_new(value, "becomes", json_string(words));
    }
    return value;
}
