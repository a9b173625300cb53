// SPDX-License-Identifier: Apache-2.0
/*
 * From rows back to a configuration, for a card whose configuration is not known: names are made up from numbers
 * (domain-3, backend-17), everything else is in the rows. Rows that no configuration makes are refused as a whole.
 * Slot tables follow from names, which are lost: what they say is who is in them, and they stay as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_slow.h"
#include "plan.h"

struct decompiler {
    const struct pc_image *image;
    json_t *root;
    json_t *names;
};

/* Appends to a list of the configuration; takes the object. */
static int append(struct decompiler *d, const char *list, json_t *object)
{
    return json_array_append_new(json_object_get(d->root, list), object) ? -EBADMSG : 0;
}

static int name(struct decompiler *d, const char *list, const char *key, unsigned number)
{
    json_t *entry = json_pack("[i]", (int)number);
    return json_object_set_new(json_object_get(d->names, list), key, entry) ? -EBADMSG : 0;
}

static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) ? -EBADMSG : 0;
}

static int set_mac(json_t *object, const uint8_t mac[6])
{
    char text[PC_MAC_TEXT];
    pc_mac_format(mac, text);
    return set(object, "mac", json_string(text));
}

static struct pc_ip row_ip(const uint8_t bytes[16], uint8_t family)
{
    struct pc_ip ip = {.family = family};
    memcpy(ip.bytes, bytes, sizeof(ip.bytes));
    return ip;
}

static int function(struct decompiler *d, uint32_t number, const void *data)
{
    const struct portcam_function_row *row = data;
    json_t *object = json_pack("{s:i}", "function", (int)number);
    int rc = 0;

    if (row->flags & PORTCAM_FUNCTION_ROW_HAS_MAC)
        rc |= set_mac(object, row->mac);
    if (row->flags & PORTCAM_FUNCTION_ROW_HAS_DOMAIN)
        rc |= set(object, "domain", json_sprintf("domain-%u", row->domain));
    if (row->flags & PORTCAM_FUNCTION_ROW_IS_DEFAULT)
        rc |= set(object, "default", json_true());
    return append(d, "functions", object) || rc ? -EBADMSG : 0;
}

static int domain(struct decompiler *d, uint32_t number, const void *data)
{
    const struct portcam_domain_row *row = data;
    char key[32];

    if (row->state >= PcDomainStates.count || row->unknown >= PcPolicies.count)
        return -EBADMSG;
    snprintf(key, sizeof(key), "domain-%u", number);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:i}", "name", key, "state", PcDomainStates.words[row->state],
                  "unknown", PcPolicies.words[row->unknown], "home", (int)row->home);
    return append(d, "domains", object) || name(d, "domains", key, number) ? -EBADMSG : 0;
}

static int address(struct decompiler *d, uint32_t at, const void *data)
{
    const struct portcam_address_row *row = data;
    struct pc_ip ip = row_ip(row->ip, row->family);
    char text[PC_IP_TEXT], key[PC_IP_TEXT + 16];
    int rc = 0;

    (void)at;
    pc_prefix_format(&ip, row->prefix, text);
    snprintf(key, sizeof(key), "%s", text);
    json_t *object = json_pack("{s:s, s:o, s:i}", "address", text, "domain",
                               json_sprintf("domain-%u", row->domain), "function", (int)row->home);
    if (row->vlan != PORTCAM_VLAN_ANY) {
        snprintf(key, sizeof(key), "%s vlan %u", text, row->vlan);
        rc = set(object, "vlan", json_integer(row->vlan));
    }
    return append(d, "addresses", object) || rc || name(d, "addresses", key, row->address)
               ? -EBADMSG
               : 0;
}

/* Is the backend one of a stateful service? */
static bool has_stateful_endpoint(const struct pc_image *image,
                                  const struct portcam_backend_row *backend)
{
    for (unsigned t = PORTCAM_TABLE_ENDPOINT; t <= PORTCAM_TABLE_ENDPOINT_ANY; t++) {
        for (uint32_t i = 0; i < image->rows[t]; i++) {
            const struct portcam_endpoint_row *row = (const void *)image->table[t][i].data;
            if (image->table[t][i].valid && row->flags & PORTCAM_ENDPOINT_ROW_STATEFUL &&
                row->backend == backend->endpoint &&
                memcmp(row->ip, backend->ip, sizeof(row->ip)) == 0)
                return true;
        }
    }
    return false;
}

static int backend(struct decompiler *d, uint32_t number, const void *data)
{
    const struct portcam_backend_row *row = data;
    struct pc_ip ip = row_ip(row->ip, row->family);
    char text[PC_IP_TEXT], key[32];
    static const uint8_t none[sizeof(row->ip)];
    int rc = 0;

    snprintf(key, sizeof(key), "backend-%u", number);
    json_t *object = json_pack("{s:s, s:i, s:i}", "name", key, "port", (int)row->port, "function",
                               (int)row->egress);
    if (has_stateful_endpoint(d->image, row))
        rc = set(object, "weight", json_integer(row->weight));
    if (memcmp(row->ip, none, sizeof(none)) != 0) { /* else a backend of deliver services */
        pc_ip_format(&ip, text);
        rc |= set(object, "address", json_string(text));
    }
    if (row->flags & PORTCAM_BACKEND_ROW_HAS_MAC)
        rc |= set_mac(object, row->mac);
    return append(d, "backends", object) || rc || name(d, "backends", key, number) ? -EBADMSG : 0;
}

/* The address row that has this number, or NULL. */
static const struct portcam_address_row *address_of(const struct pc_image *image, unsigned number)
{
    for (uint32_t i = 0; i < image->rows[PORTCAM_TABLE_ADDRESS]; i++) {
        const struct pc_image_row *at = &image->table[PORTCAM_TABLE_ADDRESS][i];
        const struct portcam_address_row *row = (const void *)at->data;
        if (at->valid && row->address == number)
            return row;
    }
    return NULL;
}

static bool is_strict(const struct pc_image *image, unsigned service)
{
    for (unsigned t = PORTCAM_TABLE_ENDPOINT; t <= PORTCAM_TABLE_ENDPOINT_ANY; t++) {
        for (uint32_t i = 0; i < image->rows[t]; i++) {
            const struct portcam_endpoint_row *row = (const void *)image->table[t][i].data;
            if (image->table[t][i].valid && row->service == service)
                return row->flags & PORTCAM_ENDPOINT_ROW_STRICT;
        }
    }
    return false;
}

static int service_address(const struct pc_image *image, unsigned number, json_t *object)
{
    const struct portcam_address_row *row = address_of(image, number);
    char text[PC_IP_TEXT];

    if (!row)
        return -EBADMSG;
    struct pc_ip ip = row_ip(row->ip, row->family);
    pc_prefix_format(&ip, row->prefix, text);
    if (row->vlan != PORTCAM_VLAN_ANY && set(object, "vlan", json_integer(row->vlan)))
        return -EBADMSG;
    return set(object, "address", json_string(text));
}

/* ---- stateful services ---- */

/* Backends without a share, which are in no slot table: they belong to the services of their group. */
static void drained(const struct pc_image *image, const struct portcam_service_row *service,
                    bool *named)
{
    for (uint32_t b = 0; b < image->rows[PORTCAM_TABLE_BACKEND]; b++) {
        const struct pc_image_row *at = &image->table[PORTCAM_TABLE_BACKEND][b];
        const struct portcam_backend_row *row = (const void *)at->data;
        if (!at->valid || row->weight || !has_stateful_endpoint(image, row))
            continue;
        for (unsigned t = PORTCAM_TABLE_ENDPOINT; t <= PORTCAM_TABLE_ENDPOINT_ANY; t++) {
            for (uint32_t i = 0; i < image->rows[t]; i++) {
                const struct portcam_endpoint_row *e = (const void *)image->table[t][i].data;
                if (image->table[t][i].valid && e->flags & PORTCAM_ENDPOINT_ROW_STATEFUL &&
                    e->service == service->group && e->backend == row->endpoint &&
                    memcmp(e->ip, row->ip, sizeof(e->ip)) == 0)
                    named[b] = true;
            }
        }
    }
}

/* The backends of a slot table by name, as a list; NULL when the table cannot be. */
static json_t *slot_backends(const struct pc_image *image, const struct portcam_service_row *row)
{
    size_t room = image->rows[PORTCAM_TABLE_BACKEND], n_slots = (size_t)1 << row->slots_log2;
    bool *named = calloc(room + 1, sizeof(*named));
    json_t *list = json_array();

    for (size_t i = 0; named && list && i < n_slots; i++) {
        size_t at = row->schedule + i / 8;
        const struct pc_image_row *slots = at < image->rows[PORTCAM_TABLE_SCHEDULE]
                                               ? &image->table[PORTCAM_TABLE_SCHEDULE][at]
                                               : NULL;
        uint16_t number = PC_SLOT_NONE;
        if (slots && slots->valid)
            memcpy(&number, slots->data + 4 * (i % 8), sizeof(number));
        if (number < room)
            named[number] = true;
    }
    if (named)
        drained(image, row, named);
    for (size_t b = 0; named && list && b < room; b++) {
        if (named[b])
            json_array_append_new(list, json_sprintf("backend-%u", (unsigned)b));
    }
    free(named);
    return list;
}

static int timeouts(const struct pc_image *image, unsigned service, json_t *object)
{
    const struct pc_image_row *at = service < image->rows[PORTCAM_TABLE_TIMEOUT]
                                        ? &image->table[PORTCAM_TABLE_TIMEOUT][service]
                                        : NULL;
    uint32_t ms[PC_TIMEOUTS];
    json_t *list = json_object();
    int rc = 0;

    if (!at || !at->valid) {
        json_decref(list);
        return -EBADMSG;
    }
    memcpy(ms, at->data, sizeof(ms)); /* in this order */
    for (unsigned i = 0; i < PC_TIMEOUTS; i++) {
        if (ms[i] != PcTimeoutDefaults[i])
            rc |= set(list, PcTimeoutNames[i], json_real(ms[i] / 1000.0));
    }
    return set(object, "timeouts", list) || rc ? -EBADMSG : 0;
}

static int stateful(const struct pc_image *image, const struct portcam_service_row *row,
                    json_t *object)
{
    static const char *const schedulers[PORTCAM_PICK_MAX] = {[PORTCAM_PICK_COUNTER] = "wrr",
                                                             [PORTCAM_PICK_CLIENT_IP] = "mh",
                                                             [PORTCAM_PICK_CLIENT_IP_PORT] = "mh",
                                                             [PORTCAM_PICK_LEAST] = "wlc"};

    if (row->pick >= PORTCAM_PICK_MAX || row->no_record >= PcNoRecords.count ||
        row->no_backend >= PcNoBackends.count || row->full >= PcFulls.count || row->slots_log2 > 16)
        return -EBADMSG;
    int rc = set(object, "backends", slot_backends(image, row));
    rc |= set(object, "scheduler", json_string(schedulers[row->pick]));
    if (row->pick == PORTCAM_PICK_CLIENT_IP_PORT)
        rc |= set(object, "key", json_string(PcKeys.words[PC_KEY_CLIENT_PORT]));
    rc |= set(object, "slots", json_integer(1 << row->slots_log2));
    rc |= set(object, "no_record", json_string(PcNoRecords.words[row->no_record]));
    rc |= set(object, "no_backend", json_string(PcNoBackends.words[row->no_backend]));
    rc |= set(object, "full", json_string(PcFulls.words[row->full]));
    return timeouts(image, row->service, object) || rc ? -EBADMSG : 0;
}

static int service(struct decompiler *d, uint32_t at, const void *data)
{
    const struct portcam_service_row *row = data;
    char key[32];
    int rc = 0;

    (void)at;
    if (row->mode >= PcModes.count)
        return -EBADMSG;
    snprintf(key, sizeof(key), "service-%u", row->service);
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:[o]}", "name", key, "domain", json_sprintf("domain-%u", row->domain),
        "mode", PcModes.words[row->mode], "backends", json_sprintf("backend-%u", row->backend));
    if (row->mode == PORTCAM_MODE_STATEFUL)
        rc = stateful(d->image, row, object);
    if (row->address != PORTCAM_ADDRESS_ANY)
        rc |= service_address(d->image, row->address, object);
    if (row->flags & PORTCAM_SERVICE_ROW_EXACT_PROTOCOL)
        rc |= set(object, "protocol", json_integer(row->protocol));
    if (row->flags & PORTCAM_SERVICE_ROW_EXACT_PORT)
        rc |= set(object, "port", json_integer(row->port));
    if (row->mode == PORTCAM_MODE_STATIC && is_strict(d->image, row->service))
        rc |= set(object, "strict", json_true());
    return append(d, "services", object) || rc || name(d, "services", key, row->service) ? -EBADMSG
                                                                                         : 0;
}

static int each(struct decompiler *d, unsigned table,
                int (*one)(struct decompiler *, uint32_t, const void *))
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < d->image->rows[table]; i++) {
        const struct pc_image_row *row = &d->image->table[table][i];
        if (row->valid)
            rc = one(d, i, row->data);
    }
    return rc;
}

static int device(struct decompiler *d, uint32_t at, const void *data)
{
    const struct portcam_device_row *row = data;
    json_t *object = json_object();
    (void)at;
    return set_mac(object, row->mac) || set(d->root, "device", object) ? -EBADMSG : 0;
}

static int limits(struct decompiler *d, uint32_t at, const void *data)
{
    const struct portcam_limits_row *row = data;
    (void)at;
    if (set(d->root, "slow_path", pc_slow_path_of_row(row)))
        return -EBADMSG;
    return set(d->root, "limits",
               json_pack("{s:I, s:i, s:i}", "embryonic", (json_int_t)row->embryonic, "reject_rate",
                         (int)row->reject_rate, "reject_burst", (int)row->reject_burst));
}

static int build(struct decompiler *d, struct portcam_config **ret)
{
    int rc = each(d, PORTCAM_TABLE_DEVICE, device);
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_LIMITS, limits);
    if (rc == 0 && !json_object_get(d->root, "slow_path"))
        rc = set(d->root, "slow_path", json_pack("{s:b}", "enabled", false));
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_FUNCTION, function);
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_DOMAIN, domain);
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_ADDRESS, address);
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_BACKEND, backend);
    if (rc == 0)
        rc = each(d, PORTCAM_TABLE_SERVICE, service);
    char *text = rc == 0 ? json_dumps(d->root, JSON_COMPACT) : NULL;
    if (!text)
        return -EBADMSG;
    rc = portcam_config_parse(text, strlen(text), NULL, NULL, ret);
    free(text);
    return rc;
}

int pc_decompile(const struct pc_image *image, struct portcam_config **ret, json_t **ret_names)
{
    struct decompiler d = {
        image,
        json_pack("{s:i, s:[], s:[], s:[], s:[], s:[]}", "format", PORTCAM_FORMAT, "functions",
                  "domains", "addresses", "backends", "services"),
        json_pack("{s:{}, s:{}, s:{}, s:{}}", "domains", "addresses", "backends", "services"),
    };
    int rc = d.root && d.names ? build(&d, ret) : -ENOMEM;
    json_decref(d.root);
    if (rc)
        json_decref(d.names);
    else
        *ret_names = d.names;
    return rc;
}
