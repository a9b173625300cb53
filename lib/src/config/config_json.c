// SPDX-License-Identifier: Apache-2.0
/*
 * A configuration as canonical JSON: the keys in one order, every default left away except where its absence would read
 * as something else. Reading it again gives the same configuration. Also the public entry to reading.
 */
#include <errno.h>

#include "config_slow.h"

/* Sets a key unless the value is absent; any failure ends in one place: the object is gone. */
static void put(json_t **object, const char *key, json_t *value)
{
    if (!*object) {
        json_decref(value);
    } else if (json_object_set_new(*object, key, value)) {
        json_decref(*object);
        *object = NULL;
    }
}

static void put_mac(json_t **object, const uint8_t mac[6])
{
    char text[PC_MAC_TEXT];
    pc_mac_format(mac, text);
    put(object, "mac", json_string(text));
}

json_t *pc_function_json(const struct portcam_config *config, size_t index)
{
    const struct pc_cfg_function *f = &config->functions[index];
    json_t *object = json_object();
    put(&object, "function", json_integer(f->number));
    if (f->has_mac)
        put_mac(&object, f->mac);
    if (f->domain_name)
        put(&object, "domain", json_string(f->domain_name));
    if (f->is_default)
        put(&object, "default", json_true());
    return object;
}

json_t *pc_domain_json(const struct portcam_config *config, size_t index)
{
    const struct pc_cfg_domain *d = &config->domains[index];
    json_t *object = json_object();
    put(&object, "name", json_string(d->name));
    put(&object, "state", json_string(PcDomainStates.words[d->state]));
    put(&object, "unknown", json_string(PcPolicies.words[d->unknown]));
    if (d->home)
        put(&object, "home", json_integer(d->home));
    return object;
}

json_t *pc_address_json(const struct portcam_config *config, size_t index)
{
    const struct pc_cfg_address *a = &config->addresses[index];
    json_t *object = json_object();
    char text[PC_IP_TEXT];

    pc_prefix_format(&a->ip, a->length, text);
    put(&object, "address", json_string(text));
    if (a->vlan != PC_NONE)
        put(&object, "vlan", json_integer(a->vlan));
    put(&object, "domain", json_string(a->domain_name));
    if (a->function)
        put(&object, "function", json_integer(a->function));
    return object;
}

json_t *pc_backend_json(const struct portcam_config *config, size_t index)
{
    const struct pc_cfg_backend *b = &config->backends[index];
    json_t *object = json_object();
    char text[PC_IP_TEXT];

    put(&object, "name", json_string(b->name));
    if (b->ip.family) {
        pc_ip_format(&b->ip, text);
        put(&object, "address", json_string(text));
    }
    if (b->port)
        put(&object, "port", json_integer(b->port));
    if (b->has_mac)
        put_mac(&object, b->mac);
    put(&object, "function", json_integer(b->function));
    if (b->weight != 1)
        put(&object, "weight", json_integer(b->weight));
    if (b->backup)
        put(&object, "backup", json_true());
    return object;
}

static json_t *timeouts_json(const struct pc_cfg_service *s)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < PC_TIMEOUTS; i++) {
        uint32_t ms = s->timeouts[i];
        if (ms)
            put(&object, PcTimeoutNames[i],
                ms % 1000 ? json_real(ms / 1000.0) : json_integer(ms / 1000));
    }
    return object;
}

static void put_word(json_t **object, const char *key, const struct pc_words *words, int value)
{
    if (value != PC_NONE)
        put(object, key, json_string(words->words[value]));
}

static void put_stateful(json_t **object, const struct pc_cfg_service *s)
{
    put_word(object, "scheduler", &PcSchedulers, (int)pc_service_scheduler(s));
    if (s->key != PC_KEY_CLIENT)
        put_word(object, "key", &PcKeys, s->key);
    if (s->slots != PC_NONE)
        put(object, "slots", json_integer(s->slots));
    if (s->no_record != PORTCAM_NO_RECORD_REJECT)
        put_word(object, "no_record", &PcNoRecords, s->no_record);
    if (s->no_backend != PORTCAM_NO_BACKEND_REJECT)
        put_word(object, "no_backend", &PcNoBackends, s->no_backend);
    put_word(object, "full", &PcFulls, s->full);
    json_t *timeouts = timeouts_json(s);
    if (timeouts && json_object_size(timeouts) == 0)
        json_decref(timeouts);
    else
        put(object, "timeouts", timeouts);
}

json_t *pc_service_json(const struct portcam_config *config, size_t index)
{
    const struct pc_cfg_service *s = &config->services[index];
    json_t *object = json_object();
    json_t *backends = json_array();
    char text[PC_IP_TEXT];

    put(&object, "name", json_string(s->name));
    put(&object, "domain", json_string(s->domain_name));
    if (s->ip.family) {
        pc_ip_format(&s->ip, text);
        if (s->length != pc_ip_bits(&s->ip))
            pc_prefix_format(&s->ip, s->length, text);
        put(&object, "address", json_string(text));
    }
    if (s->vlan != PC_NONE)
        put(&object, "vlan", json_integer(s->vlan));
    if (s->protocol != PC_NONE) {
        const char *name = pc_protocol_name((unsigned)s->protocol);
        put(&object, "protocol", name ? json_string(name) : json_integer(s->protocol));
    }
    if (s->port != PC_NONE)
        put(&object, "port", json_integer(s->port));
    put(&object, "mode", json_string(PcModes.words[s->mode]));
    if (s->strict)
        put(&object, "strict", json_true());
    for (size_t i = 0; backends && i < s->n_backends; i++) {
        if (json_array_append_new(backends, json_string(s->backend_names[i]))) {
            json_decref(backends);
            backends = NULL;
        }
    }
    if (s->mode == PORTCAM_MODE_STATEFUL)
        put_stateful(&object, s);
    put(&object, "backends", backends);
    return object;
}

static json_t *limits_json(const struct pc_cfg_limits *limits)
{
    json_t *object = json_object();
    if (limits->embryonic != PC_NONE)
        put(&object, "embryonic", json_integer(limits->embryonic));
    if (limits->reject_rate != PC_NONE)
        put(&object, "reject_rate", json_integer(limits->reject_rate));
    if (limits->reject_burst != PC_NONE)
        put(&object, "reject_burst", json_integer(limits->reject_burst));
    return object;
}

static json_t *list(const struct portcam_config *config, size_t n,
                    json_t *(*one)(const struct portcam_config *, size_t))
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++) {
        if (json_array_append_new(array, one(config, i))) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

int portcam_config_json(const struct portcam_config *config, struct json_t **ret)
{
    json_t *root = json_object();

    put(&root, "format", json_integer(PORTCAM_FORMAT));
    if (config->has_device_mac) {
        json_t *device = json_object();
        if (device)
            put_mac(&device, config->device_mac);
        put(&root, "device", device);
    }
    if (config->limits.line)
        put(&root, "limits", limits_json(&config->limits));
    if (config->slow_path.line)
        put(&root, "slow_path", pc_slow_path_json(&config->slow_path));
    put(&root, "functions", list(config, config->n_functions, pc_function_json));
    put(&root, "domains", list(config, config->n_domains, pc_domain_json));
    put(&root, "addresses", list(config, config->n_addresses, pc_address_json));
    put(&root, "backends", list(config, config->n_backends, pc_backend_json));
    put(&root, "services", list(config, config->n_services, pc_service_json));
    if (!root)
        return -ENOMEM;
    *ret = root;
    return 0;
}

int portcam_config_parse(const char *text, size_t len, const char *file,
                         struct portcam_report *report, struct portcam_config **ret)
{
    size_t before = pc_report_total(report);
    struct portcam_report *own = report ? NULL : portcam_report_new();
    struct portcam_config *config = pc_config_new(file);
    int rc = -ENOMEM;

    if (!report) {
        before = 0;
        report = own;
    }
    if (config && report)
        rc = pc_config_read(config, text, len, report);
    if (rc == 0)
        rc = pc_config_resolve(config, report);
    if (rc == 0)
        rc = pc_config_services(config, report);
    if (rc == 0 && pc_report_total(report) > before)
        rc = -EBADMSG;
    portcam_report_free(own);
    if (rc) {
        portcam_config_free(config);
        return rc;
    }
    *ret = config;
    return 0;
}
