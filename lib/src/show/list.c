// SPDX-License-Identifier: Apache-2.0
/* The objects that run, with the keys of the configuration file, their numbers and, when wanted, their counters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>

#include "config/config_slow.h"
#include "instance/instance.h"

typedef json_t *(*object_fn)(const struct portcam_config *, size_t);

static const struct {
    const char *kind;
    enum pc_kind number;
    object_fn json;
} Kinds[] = {
    {"domain", PC_DOMAIN, pc_domain_json},
    {"address", PC_ADDRESS, pc_address_json},
    {"service", PC_SERVICE, pc_service_json},
    {"backend", PC_BACKEND, pc_backend_json},
};

static int table_sizes(const struct portcam *pc, json_t *object)
{
    json_t *tables = json_object();
    for (unsigned t = 0; tables && t < PORTCAM_TABLE_MAX; t++) {
        json_t *entry = json_pack("{s:I, s:I}", "rows", (json_int_t)pc->card->rows[t], "used",
                                  (json_int_t)pc_image_count(pc->card, t));
        if (json_object_set_new(tables, pc_table_name(t), entry))
            return -ENOMEM;
    }
    return json_object_set_new(object, "tables", tables) ? -ENOMEM : 0;
}

static json_t *capabilities(uint32_t flags)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{PORTCAM_CAPS_IPV6, "ipv6"},       {PORTCAM_CAPS_STATIC, "static"},
                 {PORTCAM_CAPS_DELIVER, "deliver"}, {PORTCAM_CAPS_STATEFUL, "stateful"},
                 {PORTCAM_CAPS_REJECT, "reject"},   {PORTCAM_CAPS_PUNT, "punt"},
                 {PORTCAM_CAPS_MIRROR, "mirror"},   {PORTCAM_CAPS_STAMP, "stamp"},
                 {PORTCAM_CAPS_TRACE, "trace"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (flags & names[i].bit)
            json_array_append_new(list, json_string(names[i].name));
    }
    return list;
}

static int list_device(struct portcam *pc, json_t *list)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:I}", "device", pc_hw_name(pc->hw),
                  "transport", pc_hw_transport(pc->hw), "interface",
                  json_sprintf("%u.%u", caps->version >> 16, caps->version & 0xffff), "build",
                  (json_int_t)caps->build_id, "capabilities", capabilities(caps->flags),
                  "functions", (json_int_t)caps->functions, "window", (json_int_t)caps->window,
                  "max_frame", (json_int_t)caps->max_frame, "connections",
                  (json_int_t)caps->connections + caps->connections_v6);

    if (json_array_append_new(list, object))
        return -ENOMEM;
    if (pc->plan->config->has_device_mac) {
        char text[PC_MAC_TEXT];
        pc_mac_format(pc->plan->config->device_mac, text);
        json_object_set_new(object, "mac", json_string(text));
    }
    return table_sizes(pc, object);
}

/* What the card has, whether given or not. */
static int list_limits(struct portcam *pc, json_t *list)
{
    const struct pc_image_row *at =
        pc->card->rows[PORTCAM_TABLE_LIMITS] ? &pc->card->table[PORTCAM_TABLE_LIMITS][0] : NULL;
    const struct portcam_limits_row *row = at ? (const void *)at->data : NULL;

    if (!at || !at->valid)
        return 0;
    json_t *object =
        json_pack("{s:I, s:i, s:i}", "embryonic", (json_int_t)row->embryonic, "reject_rate",
                  (int)row->reject_rate, "reject_burst", (int)row->reject_burst);
    return json_array_append_new(list, object) ? -ENOMEM : 0;
}

static int list_functions(struct portcam *pc, const char *name, bool stats, json_t *list)
{
    const struct portcam_config *c = pc->plan->config;
    char text[16];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < c->n_functions; i++) {
        struct portcam_counter rx, tx;
        snprintf(text, sizeof(text), "%u", c->functions[i].number);
        if (name && strcmp(name, text) != 0)
            continue;
        json_t *object = pc_function_json(c, i);
        if (json_array_append_new(list, object))
            return -ENOMEM;
        if (!stats)
            continue;
        rc = pc_hw_counters(pc->hw, PORTCAM_COUNTER_TABLE_FUNCTION_RX, c->functions[i].number, 1,
                            &rx);
        if (rc == 0)
            rc = pc_hw_counters(pc->hw, PORTCAM_COUNTER_TABLE_FUNCTION_TX, c->functions[i].number,
                                1, &tx);
        json_t *both = json_pack(
            "{s:{s:I, s:I}, s:{s:I, s:I}}", "rx", "packets", (json_int_t)(rc ? 0 : rx.packets),
            "octets", (json_int_t)(rc ? 0 : rx.octets), "tx", "packets",
            (json_int_t)(rc ? 0 : tx.packets), "octets", (json_int_t)(rc ? 0 : tx.octets));
        if (rc == 0 && json_object_update(object, both))
            rc = -ENOMEM;
        json_decref(both);
    }
    return rc;
}

/* "198.51.100.1" names the address 198.51.100.1/32, of any VLAN unless "vlan N" follows. */
static bool is_named(const struct portcam_config *config, enum pc_kind kind, size_t index,
                     const char *name)
{
    char prefix[PC_IP_TEXT];
    struct pc_ip ip;
    unsigned length;

    if (!name || strcmp(name, pc_object_name(config, kind, index)) == 0)
        return true;
    const char *vlan = strstr(name, " vlan ");
    snprintf(prefix, sizeof(prefix), "%.*s", vlan ? (int)(vlan - name) : (int)sizeof(prefix), name);
    if (kind != PC_ADDRESS || pc_prefix_parse(prefix, &ip, &length))
        return false;
    const struct pc_cfg_address *a = &config->addresses[index];
    const char *own_vlan = strstr(a->key, " vlan ");
    if (vlan && (!own_vlan || strcmp(vlan, own_vlan) != 0))
        return false;
    return a->length == length && pc_ip_same_prefix(&a->ip, &ip, length);
}

static int list_kind(struct portcam *pc, size_t kind, const char *name, bool stats, json_t *list)
{
    const struct pc_numbers *n = &pc->plan->numbers[Kinds[kind].number];
    bool is_backend = Kinds[kind].number == PC_BACKEND;
    struct portcam_backend_state *states = NULL;
    int rc = is_backend && !name ? pc_backend_states(pc, &states) : 0;

    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        if (!is_named(pc->plan->config, Kinds[kind].number, i, name))
            continue;
        json_t *object = Kinds[kind].json(pc->plan->config, i);
        if (json_array_append_new(list, object) ||
            json_object_set_new(object, "number", json_integer(n->number[i]))) {
            rc = -ENOMEM;
            break;
        }
        if (stats)
            rc = pc_add_counters(pc, Kinds[kind].number, i, object);
        if (rc == 0 && is_backend)
            rc = pc_add_connections(pc, i, stats, states, object);
    }
    free(states);
    return rc;
}

static int list_object(struct portcam *pc, const char *object, const char *name, bool stats,
                       json_t *list)
{
    if (strcmp(object, "device") == 0)
        return list_device(pc, list);
    if (strcmp(object, "limits") == 0)
        return list_limits(pc, list);
    if (strcmp(object, "slow_path") == 0)
        return json_array_append_new(list, pc_slow_path_all(pc->plan->config, pc_hw_caps(pc->hw)))
                   ? -ENOMEM
                   : 0;
    if (strcmp(object, "function") == 0)
        return list_functions(pc, name, stats, list);
    for (size_t i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        if (strcmp(object, Kinds[i].kind) == 0)
            return list_kind(pc, i, name, stats, list);
    }
    return -EINVAL;
}

int portcam_list(struct portcam *pc, const char *object, const char *name, bool stats,
                 struct portcam_report *report, struct json_t **ret)
{
    json_t *list = json_array();
    int rc = list ? 0 : -ENOMEM;

    if (rc == 0 && stats)
        rc = pc_check_bases(pc, NULL);
    if (rc == 0)
        rc = list_object(pc, object, name, stats, list);
    if (rc == 0 && name && json_array_size(list) == 0)
        rc = -ENOENT;
    if (rc == 0) {
        *ret = list;
        return 0;
    }
    json_decref(list);
    if (rc == -ENOENT)
        pc_report_add(report, "not_found", "there is no %s \"%.80s\"; `portcam %s show` lists them",
                      object, name, object);
    else if (rc == -EINVAL)
        pc_report_add(report, "usage", "there are no objects \"%.64s\"", object);
    else if (rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's counters cannot be read: %s",
                      pc_hw_error());
    return rc;
}
