// SPDX-License-Identifier: Apache-2.0
/*
 * What the card does with a frame, told step by step. The reference model parses, decides and rewrites on the rows that
 * run; here its answer is only put into words, with the rule numbers of the packet semantics.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections/connections.h"
#include "explain.h"
#include "parse.h"

#define FRAME_MAX 65535
#define TCP 6

static const struct {
    const char *name, *rule, *fate, *about;
} Reasons[] = {
#define REASON(value, name, rule, fate, about) [value] = {name, rule, fate, about},
    PORTCAM_REASON_LIST(REASON)
#undef REASON
};

struct story {
    struct portcam *pc;
    const struct pc_parsed *parsed;
    const struct pc_parsed *key; /* what is looked up; differs for an ICMP error */
    const struct pc_decision *decision;
    enum pc_stage stage;              /* of the decision by the tables alone */
    const struct pc_records *records; /* NULL where they were not needed */
    json_t *steps;
    bool punted; /* the card hands it to the host */
    bool failed;
};

int pc_load_tables(const struct portcam *pc, struct pc_tables **ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    const struct pc_sizes sizes = {
        .functions = caps->functions,
        .domains = caps->domains,
        .addresses = caps->addresses,
        .services = caps->services,
        .backends = caps->backends,
        .endpoint_ways = caps->endpoint_ways[0],
        .endpoint_rows = caps->endpoint_rows[0],
        .endpoint_any_port_rows = caps->endpoint_rows[1],
        .endpoint_any_rows = caps->endpoint_rows[2],
        .max_frame = caps->max_frame,
        /* Rows need only know that there are some. */
        .connection_rows = caps->flags & PORTCAM_CAPS_STATEFUL ? PORTCAM_BUILD_CONNECTION_ROWS : 0,
        .connection_rows_v6 =
            caps->flags & PORTCAM_CAPS_STATEFUL ? PORTCAM_BUILD_CONNECTION_ROWS_V6 : 0,
        .connection_stash = PORTCAM_BUILD_CONNECTION_STASH,
        .schedule_rows = caps->schedule ? caps->schedule : PORTCAM_BUILD_SCHEDULE_ROWS,
    };
    struct pc_tables *model = pc_tables_new(&sizes);
    if (!model)
        return -ENOMEM;
    pc_tables_set_seed(model, pc->seed);
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; row < pc->card->rows[t]; row++) {
            const struct pc_image_row *at = &pc->card->table[t][row];
            if (at->valid && pc_tables_check(model, t, row, at->data) == PORTCAM_STATUS_OK)
                pc_tables_set(model, t, row, at->data);
        }
    }
    pc_tables_build(model);
    *ret = model;
    return 0;
}

/* ---- words ---- */

static void step(struct story *s, const char *rule, int table, int row, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* `row` below 0: no row was taken. */
static void step(struct story *s, const char *rule, int table, int row, const char *format, ...)
{
    char text[400], object[160];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_t *entry = json_pack("{s:s, s:s}", "rule", rule, "text", text);
    if (entry && row >= 0) {
        const struct pc_image_row *at = &s->pc->card->table[table][row];
        pc_row_object(s->pc->plan->config, (unsigned)table, at->origin, object);
        json_object_set_new(entry, "table", json_string(pc_table_name((unsigned)table)));
        json_object_set_new(entry, "row", json_integer(row));
        if (object[0])
            json_object_set_new(entry, "object", json_string(object));
    }
    if (json_array_append_new(s->steps, entry))
        s->failed = true;
}

static void side(const struct pc_tuple *tuple, bool is_v6, bool has_ports, char text[80])
{
    struct pc_ip ip = {.family = is_v6 ? 6 : 4};
    char address[PC_IP_TEXT];

    memcpy(ip.bytes, tuple->ip, sizeof(ip.bytes));
    pc_ip_format(&ip, address);
    if (has_ports)
        snprintf(text, 80, is_v6 ? "[%s]:%u" : "%s:%u", address, tuple->port);
    else
        snprintf(text, 80, "%s", address);
}

static void flow(const struct pc_parsed *p, char text[240])
{
    const char *name = pc_protocol_name(p->protocol);
    char source[80], destination[80], protocol[24];

    if (name)
        snprintf(protocol, sizeof(protocol), "%s", name);
    else
        snprintf(protocol, sizeof(protocol), "protocol %u", p->protocol);
    side(&p->src, p->is_v6, p->has_ports, source);
    side(&p->dst, p->is_v6, p->has_ports, destination);
    snprintf(text, 240, "%s from %s to %s", protocol, source, destination);
}

static const char *domain_name(const struct portcam *pc, int number)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_DOMAIN];
    if (number < 0 || (size_t)number >= n->room || n->index[number] < 0)
        return "?";
    return pc->plan->config->domains[n->index[number]].name;
}

static const struct portcam_domain_row *domain_row(const struct portcam *pc, int number)
{
    return number < 0 ? NULL : pc_tables_get(pc->model, PORTCAM_TABLE_DOMAIN, (unsigned)number);
}

/* A reason inside a line: no capital, unless its first word has more of them, and no full stop. */
static void about(unsigned reason, char text[160])
{
    const char *from = Reasons[reason].about;
    size_t first = 1;

    while (islower((unsigned char)from[first]))
        first++;
    snprintf(text, 160, "%s", from);
    if (!isupper((unsigned char)from[first]) && !isdigit((unsigned char)from[first]))
        text[0] = (char)tolower((unsigned char)text[0]);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = 0;
}

static void egress_words(unsigned function, char text[40])
{
    if (function)
        snprintf(text, 40, "function %u", function);
    else
        snprintf(text, 40, "the network");
}

/* ---- steps ---- */

static void tell_parse(struct story *s)
{
    const struct pc_parsed *p = s->parsed;
    char words[240], vlan[24] = "untagged", reason[160];

    if (p->decided && !p->about_flow) {
        about(p->reason, reason);
        step(s, Reasons[p->reason].rule, 0, -1, "%s", reason);
        return;
    }
    flow(p, words);
    if (p->vlan)
        snprintf(vlan, sizeof(vlan), "VLAN %u", p->vlan);
    step(s, "P1", 0, -1, "%s, %s, %u %s", words, vlan, PC_COUNTED(p->len, "byte"));
    if (p->about_flow) {
        struct pc_parsed embedded = *s->key;
        embedded.src = s->key->dst;
        embedded.dst = s->key->src;
        flow(&embedded, words);
        step(s, "P11", 0, -1, "an ICMP error about %s: looked up as an answer to that", words);
    }
}

static void tell_ingress(struct story *s)
{
    unsigned f = s->parsed->ingress;
    const struct portcam_function_row *row = pc_tables_get(s->pc->model, PORTCAM_TABLE_FUNCTION, f);

    if (f == 0)
        step(s, "P2", 0, -1, "comes from the network");
    else if (row && row->flags & PORTCAM_FUNCTION_ROW_HAS_DOMAIN)
        step(s, "P2", PORTCAM_TABLE_FUNCTION, (int)f, "comes from function %u of domain \"%s\"", f,
             domain_name(s->pc, row->domain));
    else
        step(s, "P2", 0, -1, "comes from function %u, which has no domain", f);
}

static void tell_state(struct story *s)
{
    const struct portcam_domain_row *row = domain_row(s->pc, s->decision->domain);
    if (row && row->state != PORTCAM_DOMAIN_STATE_RUNNING && row->state < PcDomainStates.count)
        step(s, "6", PORTCAM_TABLE_DOMAIN, s->decision->domain, "domain \"%s\" is %s",
             domain_name(s->pc, s->decision->domain), PcDomainStates.words[row->state]);
}

static void tell_address(struct story *s)
{
    const struct pc_decision *d = s->decision;

    if (d->address_row >= 0) {
        const struct portcam_address_row *row =
            pc_tables_get(s->pc->model, PORTCAM_TABLE_ADDRESS, (unsigned)d->address_row);
        step(s, "P3", PORTCAM_TABLE_ADDRESS, d->address_row,
             "the destination is an address of domain \"%s\"", domain_name(s->pc, row->domain));
    } else if (d->loopback) {
        step(s, "P3", 0, -1, "a loopback destination: any address of the source domain \"%s\"",
             domain_name(s->pc, d->domain));
    } else {
        step(s, "P3", 0, -1, "the destination is no address of any domain");
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
        step(s, "P4", PORTCAM_TABLE_SERVICE, d->service_row, "the service takes %s", words);
    } else if (known) {
        step(s, "P4", 0, -1, "no service of the domain takes it");
    }
}

static void tell_reply(struct story *s)
{
    const struct pc_decision *d = s->decision;

    if (d->endpoint_row >= 0 && s->stage == PC_STAGE_ENDPOINT)
        step(s, "P9", d->endpoint_table, d->endpoint_row,
             "the source is an endpoint of stateful services");
    else if (d->endpoint_row >= 0)
        step(s, "P9", d->endpoint_table, d->endpoint_row,
             "the source is an endpoint of a static service: a reply of its backend");
    else if (d->service_row < 0)
        step(s, "P9", 0, -1, "the source is no endpoint of a service");
}

/* ---- connections ---- */

static const char *backend_name(const struct portcam *pc, int number)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_BACKEND];
    if (number < 0 || (size_t)number >= n->room || n->index[number] < 0)
        return "?";
    return pc->plan->config->backends[n->index[number]].name;
}

static void tell_record(struct story *s, const struct portcam_connection_image *i, const char *rule)
{
    const struct pc_decision *d = s->decision;
    char words[120];

    snprintf(words, sizeof(words), "connection %u:%u, state %s", i->slot, i->generation,
             pc_connection_state_name(i->state));
    if (s->stage == PC_STAGE_ENDPOINT)
        step(s, rule, 0, -1, "%s: a reply of backend \"%s\"", words,
             backend_name(s->pc, i->backend));
    else if (!d->began && d->reason == PORTCAM_REASON_CONNECTION_FORWARD)
        step(s, rule, PORTCAM_TABLE_BACKEND, i->backend, "%s, is pinned to backend \"%s\"", words,
             backend_name(s->pc, i->backend));
    else if (d->began && d->index < 0)
        step(s, rule, PORTCAM_TABLE_BACKEND, i->backend,
             "%s: the client begins anew with its old port, and stays at backend \"%s\"", words,
             backend_name(s->pc, i->backend));
    else
        step(s, rule, 0, -1,
             "%s: the client begins anew with its old port, and needs another backend", words);
}

/* How the slot was picked; a card does not tell its counters and random numbers. */
static void tell_pick(struct story *s)
{
    const struct pc_decision *d = s->decision;
    const struct portcam_service_row *row =
        pc_tables_get(s->pc->model, PORTCAM_TABLE_SERVICE, (unsigned)d->service_row);
    unsigned slots = 1u << row->slots_log2, slot = (unsigned)d->index & (slots - 1);

    if (row->pick == PORTCAM_PICK_COUNTER)
        step(s, "P7", 0, -1, "the next of %u %s in turn, for instance slot %u",
             PC_COUNTED(slots, "slot"), slot);
    else if (row->pick == PORTCAM_PICK_LEAST)
        step(s, "P7", 0, -1,
             "one of %u %s by chance, for instance slot %u; of its two backends the one with "
             "fewer active connections for its weight",
             PC_COUNTED(slots, "slot"), slot);
    else
        step(s, "P7", 0, -1, "the hash of the client's address%s picks slot %u of %u",
             row->pick == PORTCAM_PICK_CLIENT_IP_PORT ? " and port" : "", slot, slots);
    if (d->candidate[0] < 0 && d->candidate[1] < 0)
        step(s, "P7", 0, -1, "no backend of it takes connections");
    else if (d->backend >= 0)
        step(s, "P7", PORTCAM_TABLE_BACKEND, d->backend, "backend \"%s\"%s",
             backend_name(s->pc, d->backend),
             d->second && !d->free_choice ? ", the second choice" : "");
}

static void tell_stateful(struct story *s)
{
    static const char *const why[] = {
        [PC_CREATE_OK] = "it comes to a loopback address",
        [PC_CREATE_BAD_SOURCE] = "its source is no host",
        [PC_CREATE_BAD_DESTINATION] = "its destination is no host",
        [PC_CREATE_PORT_ZERO] = "its source port is 0",
        [PC_CREATE_LAND] = "source and destination are the same",
        [PC_CREATE_BAD_FLAGS] = "its TCP flags make no sense",
        [PC_CREATE_NOT_SYN] = "it is no SYN",
    };
    const struct pc_decision *d = s->decision;
    bool forward = s->stage == PC_STAGE_SERVICE;
    const char *rule = forward ? "P5" : "P9";
    enum pc_creation creation = pc_may_create(s->parsed);

    if (d->reason == PORTCAM_REASON_SCTP_PORTS || d->reason == PORTCAM_REASON_OTHER_CHECKSUM)
        return;
    if (d->record >= 0 && s->records)
        tell_record(s, &s->records->images[d->record], rule);
    else
        step(s, rule, 0, -1, "no connection of this client %s", forward ? "to it" : "with it");
    if (!forward)
        return;
    if (s->parsed->about_flow)
        return;
    if (d->record < 0 && (creation != PC_CREATE_OK || d->loopback))
        step(s, "P6", 0, -1, "it cannot begin one: %s", why[d->loopback ? PC_CREATE_OK : creation]);
    if (d->index >= 0)
        tell_pick(s);
    if (d->reason == PORTCAM_REASON_CONNECTION_NEW && d->index >= 0)
        step(s, "P8", 0, -1, "a connection begins");
}

static void tell_rewrite(struct story *s, const struct pc_parsed *after)
{
    const struct pc_decision *d = s->decision;
    bool forward = pc_reason_is_forward(d->reason);
    char words[80], embedded[80];

    if (after->about_flow) {
        side(forward ? &after->dst : &after->src, after->is_v6, false, words);
        side(forward ? &after->inner_src : &after->inner_dst, after->is_v6, after->inner_has_ports,
             embedded);
        step(s, "P11", PORTCAM_TABLE_BACKEND, forward ? d->backend : -1,
             forward ? "the destination becomes %s, the embedded source %s"
                     : "the source becomes %s, the embedded destination %s",
             words, embedded);
        return;
    }
    side(forward ? &after->dst : &after->src, after->is_v6, after->has_ports, words);
    if (forward)
        step(s, "P5", PORTCAM_TABLE_BACKEND, d->backend, "the destination becomes %s", words);
    else
        step(s, "P9", 0, -1, "the source becomes %s", words);
}

static void tell_end(struct story *s)
{
    const struct pc_decision *d = s->decision;
    const char *rule = Reasons[d->reason].rule;
    char words[40], reason[160];

    egress_words(d->egress, words);
    about(d->reason, reason);
    if (s->punted)
        step(s, "7", 0, -1, "handed to the host: %s", reason);
    else if (pc_reason_is_reject(d->reason))
        step(s, rule, 0, -1, "dropped and answered with %s, as far as limits allow: %s",
             s->parsed->protocol == TCP ? "a TCP RST" : "an ICMP error", reason);
    else if (d->drop)
        step(s, rule, 0, -1, "dropped: %s", reason);
    else if (d->reason == PORTCAM_REASON_DELIVER)
        step(s, rule, PORTCAM_TABLE_BACKEND, d->backend, "delivered unchanged to %s", words);
    else if (pc_reason_is_forward(d->reason) || pc_reason_is_reverse(d->reason))
        step(s, rule, 0, -1, "leaves by %s", words);
    else
        step(s, "P12", 0, -1, "passes unchanged to %s", words);
}

static json_t *tell(struct story *s, const struct pc_parsed *after)
{
    const struct pc_decision *d = s->decision;
    char words[240] = "", reason[160];

    about(d->reason, reason);
    tell_parse(s);
    if (!s->parsed->decided || s->parsed->about_flow) {
        flow(s->parsed, words);
        tell_ingress(s);
        tell_address(s);
        tell_service(s);
        tell_reply(s);
        tell_state(s);
        if (s->stage != PC_STAGE_DONE)
            tell_stateful(s);
        if (after)
            tell_rewrite(s, after);
        if (d->reason == PORTCAM_REASON_SCTP_PORTS || d->reason == PORTCAM_REASON_OTHER_CHECKSUM ||
            d->reason == PORTCAM_REASON_STRICT_PASS || d->reason == PORTCAM_REASON_UNKNOWN_PASS ||
            d->reason == PORTCAM_REASON_STOPPED_PASS || d->reason == PORTCAM_REASON_REPLY_PASS ||
            d->reason == PORTCAM_REASON_NO_RECORD_PASS || d->reason == PORTCAM_REASON_ICMP_ERROR)
            step(s, Reasons[d->reason].rule, 0, -1, "%s", reason);
    }
    tell_end(s);
    json_t *value =
        json_pack("{s:s, s:s, s:s, s:s, s:O}", "verdict",
                  s->punted                                    ? "punt"
                  : d->drop && !pc_reason_is_reject(d->reason) ? "drop"
                                                               : Reasons[d->reason].fate,
                  "reason", Reasons[d->reason].name, "rule", Reasons[d->reason].rule, "about",
                  Reasons[d->reason].about, "steps", s->steps);
    if (!value || s->failed) {
        json_decref(value);
        return NULL;
    }
    if (!d->drop && !s->punted)
        json_object_set_new(value, "egress", json_integer(d->egress));
    if (words[0])
        json_object_set_new(value, "packet", json_string(words));
    if (after) {
        flow(after, words);
        json_object_set_new(value, "becomes", json_string(words));
    }
    return value;
}

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
        rc = pc_records_read(pc, client->ip, parsed->is_v6, records);
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
    json_t *value = s.steps ? tell(&s, rewritten ? &after : NULL) : NULL;
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
        "7", "about", Reasons[PORTCAM_REASON_FRAGMENT].about, "steps", "rule", "7", "text",
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
