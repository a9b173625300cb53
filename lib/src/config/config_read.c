// SPDX-License-Identifier: Apache-2.0
/*
 * From JSON text to a configuration: every object and key in its type and range, with all errors of the file and the
 * line of each. References between objects are only stored here, not looked up.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_slow.h"

static const char *const States[] = {"running", "draining", "paused", "stopped"};
static const char *const Policies[] = {"pass", "drop", "reject"};
static const char Unspecified[] = "unspecified";
static const char *const Modes[] = {"static", "stateful", "deliver"};
const struct pc_words PcDomainStates = {States, PORTCAM_DOMAIN_STATE_MAX};
const struct pc_words PcPolicies = {Policies, PORTCAM_POLICY_MAX};
const struct pc_words PcModes = {Modes, PORTCAM_MODE_MAX};
static const char *const Schedulers[] = {"rr", "wrr", "mh", "sh", "lc", "wlc", "fast"};
static const char *const ClientKeys[] = {"client", "client+port"};
static const char *const NoRecords[] = {"reject", "drop", "pass", "hash"};
static const char *const NoBackends[] = {"reject", "drop"};
static const char *const Fulls[] = {"drop", "hash", "punt"};
const struct pc_words PcSchedulers = {Schedulers, PC_SCHEDULER_MAX};
const struct pc_words PcKeys = {ClientKeys, PC_KEY_MAX};
const struct pc_words PcNoRecords = {NoRecords, PORTCAM_NO_RECORD_MAX};
const struct pc_words PcNoBackends = {NoBackends, PORTCAM_NO_BACKEND_MAX};
const struct pc_words PcFulls = {Fulls, sizeof(Fulls) / sizeof(Fulls[0])};

const char *const PcTimeoutNames[PC_TIMEOUTS] = {"syn",      "syn_ack", "established", "fin_one",
                                                 "fin_both", "reset",   "unreplied",   "replied"};
const uint32_t PcTimeoutDefaults[PC_TIMEOUTS] = {60000,  60000, 900000, 120000,
                                                 120000, 10000, 300000, 300000};

struct reader {
    struct portcam_config *config;
    struct portcam_report *report;
    struct pc_positions positions;
};

struct portcam_config *pc_config_new(const char *file)
{
    struct portcam_config *config = calloc(1, sizeof(*config));
    if (config) {
        config->references = 1;
        config->limits.embryonic = config->limits.reject_rate = config->limits.reject_burst =
            PC_NONE;
        pc_slow_path_init(&config->slow_path);
    }
    if (config && file) {
        config->file = strdup(file);
        if (!config->file) {
            free(config);
            config = NULL;
        }
    }
    return config;
}

struct portcam_config *pc_config_share(struct portcam_config *config)
{
    config->references++;
    return config;
}

void portcam_config_free(struct portcam_config *config)
{
    if (!config || --config->references > 0)
        return;
    for (size_t i = 0; i < config->n_functions; i++)
        free(config->functions[i].domain_name);
    for (size_t i = 0; i < config->n_domains; i++)
        free(config->domains[i].name);
    for (size_t i = 0; i < config->n_addresses; i++) {
        free(config->addresses[i].domain_name);
        free(config->addresses[i].key);
    }
    for (size_t i = 0; i < config->n_backends; i++)
        free(config->backends[i].name);
    for (size_t i = 0; i < config->n_services; i++) {
        struct pc_cfg_service *service = &config->services[i];
        for (size_t k = 0; k < service->n_backends; k++)
            free(service->backend_names[k]);
        free(service->backend_names);
        free(service->backend_at);
        free(service->name);
        free(service->domain_name);
    }
    free(config->functions);
    free(config->domains);
    free(config->addresses);
    free(config->backends);
    free(config->services);
    free(config->file);
    free(config);
}

static void read_vlan(struct pc_fields *f, int *vlan)
{
    *vlan = PC_NONE;
    pc_fields_integer(f, "vlan", false, 0, PC_VLAN_MAX, vlan);
}

static void read_function(struct pc_fields *f, struct pc_cfg_function *function)
{
    int number = 0;
    if (pc_fields_integer(f, "function", true, 1, PC_FUNCTION_MAX, &number))
        snprintf(f->label, sizeof(f->label), "function %d", number);
    function->number = (unsigned)number;
    function->domain = PC_NONE;
    function->has_mac = pc_fields_mac(f, "mac", function->mac);
    pc_fields_copy(f, "domain", false, &function->domain_name);
    pc_fields_bool(f, "default", &function->is_default);
}

static void read_domain(struct pc_fields *f, struct pc_cfg_domain *domain)
{
    int home = 0;
    pc_fields_name(f, "name", "domain", &domain->name);
    pc_fields_word(f, "state", &PcDomainStates, false, &domain->state);
    pc_fields_word(f, "unknown", &PcPolicies, false, &domain->unknown);
    pc_fields_integer(f, "home", false, 0, PC_FUNCTION_MAX, &home);
    domain->home = (unsigned)home;
}

/* What an address or prefix is where it belongs to no host; NULL where it may. */
static const char *hostless(const struct pc_ip *ip, unsigned length)
{
    static const struct pc_ip none6 = {.family = 6},
                              loopback6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 6};
    if (ip->family == 4 && length >= 8 && ip->bytes[0] == 127)
        return "loopback";
    if (ip->family == 4 && length >= 4 && (ip->bytes[0] & 0xf0) == 0xe0)
        return "multicast";
    if (ip->family == 4 && length == 32 && memcmp(ip->bytes, "\xff\xff\xff\xff", 4) == 0)
        return "broadcast";
    if (ip->family == 4 && length >= 8 && ip->bytes[0] == 0)
        return Unspecified;
    if (length == 128 && pc_ip_same_prefix(ip, &none6, 128))
        return Unspecified;
    if (length == 128 && pc_ip_same_prefix(ip, &loopback6, 128))
        return "loopback";
    if (ip->family == 6 && length >= 8 && ip->bytes[0] == 0xff)
        return "multicast";
    return NULL;
}

/* ::ffff:198.51.100.1: its packets are IPv4's, and have the address behind it. */
static bool mapped(const struct pc_ip *ip, unsigned length, char text[PC_IP_TEXT])
{
    static const struct pc_ip prefix = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 6};
    struct pc_ip inside = {.family = 4};

    if (length < 96 || !pc_ip_same_prefix(ip, &prefix, 96))
        return false;
    memcpy(inside.bytes, ip->bytes + 12, 4);
    if (length == 128)
        pc_ip_format(&inside, text);
    else
        pc_prefix_format(&inside, length - 96, text);
    return true;
}

static void check_address(struct pc_fields *f, const struct pc_cfg_address *address)
{
    const char *kind = hostless(&address->ip, address->length);
    char text[PC_IP_TEXT];

    if (kind == Unspecified)
        pc_fields_error(f, "address",
                        "it is the address of no host, so no packet goes there; write %s/0 for all "
                        "addresses, or remove it",
                        address->ip.family == 4 ? "0.0.0.0" : "::");
    else if (kind)
        pc_fields_error(f, "address", "packets to %s addresses are never looked up; remove it",
                        kind);
    else if (mapped(&address->ip, address->length, text))
        pc_fields_error(f, "address", "packets never have an IPv4-mapped address; write %s", text);
}

static void read_address(struct pc_fields *f, struct pc_cfg_address *address)
{
    int function = 0;
    char text[PC_IP_TEXT];

    address->domain = PC_NONE;
    bool good = pc_fields_prefix(f, "address", true, &address->ip, &address->length);
    read_vlan(f, &address->vlan);
    if (good) {
        pc_prefix_format(&address->ip, address->length, text);
        if (address->vlan != PC_NONE) {
            size_t n = strlen(text);
            snprintf(text + n, sizeof(text) - n, " vlan %d", address->vlan);
        }
        snprintf(f->label, sizeof(f->label), "address %s", text);
        address->key = strdup(text);
        f->no_memory |= !address->key;
        check_address(f, address);
    }
    pc_fields_copy(f, "domain", true, &address->domain_name);
    pc_fields_integer(f, "function", false, 0, PC_FUNCTION_MAX, &function);
    address->function = (unsigned)function;
}

static void read_backend_address(struct pc_fields *f, struct pc_cfg_backend *backend)
{
    struct pc_ip ip;
    unsigned length;
    char text[PC_IP_TEXT];

    if (!pc_fields_prefix(f, "address", false, &ip, &length))
        return;
    const char *kind = hostless(&ip, length);
    if (length != pc_ip_bits(&ip))
        pc_fields_error(f, "address", "a backend has one address, not a prefix; leave /%u away",
                        length);
    else if (kind)
        pc_fields_error(f, "address",
                        "no server has this address, it is %s; give the one that the server has on "
                        "its network",
                        kind);
    else if (mapped(&ip, length, text))
        pc_fields_error(f, "address", "packets never have an IPv4-mapped address; write %s", text);
    else
        backend->ip = ip;
}

static void read_backend(struct pc_fields *f, struct pc_cfg_backend *backend)
{
    int port = 0, function = 0, weight = 1;

    pc_fields_name(f, "name", "backend", &backend->name);
    read_backend_address(f, backend);
    pc_fields_integer(f, "port", false, 0, 65535, &port);
    backend->has_mac = pc_fields_mac(f, "mac", backend->mac);
    if (!pc_fields_get(f, "function", NULL))
        pc_fields_error(f, NULL,
                        "\"function\" is missing; add the function its packets leave by, 0 for "
                        "the network");
    else
        pc_fields_integer(f, "function", true, 0, PC_FUNCTION_MAX, &function);
    pc_fields_integer(f, "weight", false, 0, 65535, &weight);
    pc_fields_bool(f, "backup", &backend->backup);
    backend->port = (unsigned)port;
    backend->function = (unsigned)function;
    backend->weight = (unsigned)weight;
}

static void read_protocol(struct pc_fields *f, int *protocol)
{
    unsigned number = 0;
    json_t *value = pc_fields_get(f, "protocol", NULL);

    *protocol = PC_NONE;
    if (!value)
        return;
    if (json_is_integer(value) && json_integer_value(value) >= 1 &&
        json_integer_value(value) <= 255)
        number = (unsigned)json_integer_value(value);
    else if (!json_is_string(value) || pc_protocol_parse(json_string_value(value), &number))
        number = 0;
    if (number == 0)
        pc_fields_error(f, "protocol",
                        "\"protocol\" is no IP protocol; write tcp, udp, sctp, icmp, icmpv6 or a "
                        "number from 1 to 255");
    else
        *protocol = (int)number;
}

static void too_long(struct pc_fields *f, const char *key, size_t count, size_t most)
{
    pc_fields_error(f, key,
                    "\"%s\" has %zu entries, and no card has room for more than %zu; remove %zu",
                    key, count, most, count - most);
}

static void read_backends(struct pc_fields *f, struct pc_cfg_service *service)
{
    json_t *value = pc_fields_get(f, "backends", NULL);
    json_t *item;
    size_t index;

    if (!value || (json_is_array(value) && json_array_size(value) == 0)) {
        pc_fields_error(f, "backends", "there is no backend; name one in \"backends\"");
        return;
    }
    if (!json_is_array(value)) {
        pc_fields_error(f, "backends", "\"backends\" is not a list; write [\"NAME\"]");
        return;
    }
    if (json_array_size(value) > PC_LIST_MAX) {
        too_long(f, "backends", json_array_size(value), PC_LIST_MAX);
        return;
    }
    service->backend_names = calloc(json_array_size(value), sizeof(char *));
    if (!service->backend_names) {
        f->no_memory = true;
        return;
    }
    unsigned wrong = 0; /* of a list that is not of names at all enough is told */
    json_array_foreach (value, index, item) {
        if (wrong == PORTCAM_REPORT_MAX)
            break;
        char *name = json_is_string(item) ? strdup(json_string_value(item)) : NULL;
        if (!json_is_string(item)) {
            wrong++;
            pc_fields_error(f, "backends",
                            "item %zu of \"backends\" is not a string; write the "
                            "name of a backend",
                            index + 1);
        } else if (!name)
            f->no_memory = true;
        else
            service->backend_names[service->n_backends++] = name;
    }
}

/* A word of a stateful service; PC_NONE when it is absent. */
static void read_word(struct pc_fields *f, const char *key, const struct pc_words *words,
                      struct pc_cfg_service *service, int *ret)
{
    unsigned value = 0;
    *ret = PC_NONE;
    if (pc_fields_word(f, key, words, false, &value))
        *ret = (int)value;
    if (pc_fields_get(f, key, NULL))
        service->stateful_key = key;
}

static void read_slots(struct pc_fields *f, struct pc_cfg_service *service)
{
    service->slots = PC_NONE;
    if (pc_fields_get(f, "slots", NULL))
        service->stateful_key = "slots";
    if (!pc_fields_integer(f, "slots", false, 1, PC_SLOTS_MAX, &service->slots))
        return;
    unsigned slots = (unsigned)service->slots, power = 1;
    while (power < slots)
        power *= 2;
    if (power != slots)
        pc_fields_error(f, "slots",
                        "\"slots\" is %u, which is no power of two; write %u, or leave it away",
                        slots, power);
}

/* Seconds, with up to three digits behind the point. */
static void read_seconds(struct pc_fields *f, const char *key, uint32_t *ret)
{
    json_t *value = pc_fields_get(f, key, NULL);
    double ms = json_number_value(value) * 1000;

    if (value && (!json_is_number(value) || !(ms >= 0.5) || !(ms < PC_TIMEOUT_MAX_MS + 0.5)))
        pc_fields_error(f, key, "\"%s\" is a number of seconds, 0.001 to %d; correct it", key,
                        PC_TIMEOUT_MAX_MS / 1000);
    else if (value)
        *ret = (uint32_t)(ms + 0.5);
}

static void read_timeouts(struct pc_fields *f, struct pc_cfg_service *service)
{
    size_t position = 0;
    json_t *object = pc_fields_get(f, "timeouts", &position);
    struct pc_fields inner;

    if (!object)
        return;
    service->stateful_key = "timeouts";
    if (!json_is_object(object)) {
        pc_fields_error(f, "timeouts",
                        "\"timeouts\" is not an object; write { \"established\": 900 }");
        return;
    }
    pc_fields_begin(&inner, f->config, f->report, f->positions, object, position, f->label);
    for (unsigned i = 0; i < PC_TIMEOUTS; i++)
        read_seconds(&inner, PcTimeoutNames[i], &service->timeouts[i]);
    pc_fields_end(&inner);
}

static void read_service(struct pc_fields *f, struct pc_cfg_service *service)
{
    service->domain = service->address = service->backend = service->port = PC_NONE;
    pc_fields_name(f, "name", "service", &service->name);
    pc_fields_copy(f, "domain", true, &service->domain_name);
    pc_fields_prefix(f, "address", false, &service->ip, &service->length);
    read_vlan(f, &service->vlan);
    read_protocol(f, &service->protocol);
    pc_fields_integer(f, "port", false, 1, 65535, &service->port);
    pc_fields_word(f, "mode", &PcModes, true, &service->mode);
    pc_fields_bool(f, "strict", &service->strict);
    read_backends(f, service);
    read_word(f, "scheduler", &PcSchedulers, service, &service->scheduler);
    read_word(f, "key", &PcKeys, service, &service->key);
    read_slots(f, service);
    read_word(f, "no_record", &PcNoRecords, service, &service->no_record);
    read_word(f, "no_backend", &PcNoBackends, service, &service->no_backend);
    read_word(f, "full", &PcFulls, service, &service->full);
    read_timeouts(f, service);
}

enum kind { FUNCTION, DOMAIN, ADDRESS, BACKEND, SERVICE };
static const char *const Lists[] = {"functions", "domains", "addresses", "backends", "services"};
static const char *const Kinds[] = {"function", "domain", "address", "backend", "service"};

/* Room for `n` objects of a kind in the configuration. */
static bool reserve(struct portcam_config *config, enum kind kind, size_t n)
{
    size_t room = n ? n : 1;
    switch (kind) {
    case FUNCTION:
        return (config->functions = calloc(room, sizeof(*config->functions)));
    case DOMAIN:
        return (config->domains = calloc(room, sizeof(*config->domains)));
    case ADDRESS:
        return (config->addresses = calloc(room, sizeof(*config->addresses)));
    case BACKEND:
        return (config->backends = calloc(room, sizeof(*config->backends)));
    case SERVICE:
        return (config->services = calloc(room, sizeof(*config->services)));
    }
    return false;
}

/* Reads one object into the next entry of its list. */
static void read_object(struct pc_fields *f, enum kind kind, int line)
{
    struct portcam_config *config = f->config;
    size_t before = pc_report_total(f->report);
    switch (kind) {
    case FUNCTION:
        config->functions[config->n_functions].line = line;
        read_function(f, &config->functions[config->n_functions++]);
        break;
    case DOMAIN:
        config->domains[config->n_domains].line = line;
        read_domain(f, &config->domains[config->n_domains++]);
        break;
    case ADDRESS:
        config->addresses[config->n_addresses].line = line;
        read_address(f, &config->addresses[config->n_addresses++]);
        break;
    case BACKEND:
        config->backends[config->n_backends].line = line;
        read_backend(f, &config->backends[config->n_backends]);
        config->backends[config->n_backends++].broken = pc_report_total(f->report) > before;
        break;
    case SERVICE:
        config->services[config->n_services].line = line;
        read_service(f, &config->services[config->n_services]);
        config->services[config->n_services++].broken = pc_report_total(f->report) > before;
        break;
    }
}

static int read_list(struct pc_fields *top, struct reader *r, enum kind kind)
{
    size_t position = 0, index;
    json_t *list = pc_fields_get(top, Lists[kind], &position);
    json_t *item;

    if (list && !json_is_array(list)) {
        pc_fields_error(top, Lists[kind], "\"%s\" is not a list; write [ ... ]", Lists[kind]);
        list = NULL;
    }
    size_t most = kind == FUNCTION ? PC_FUNCTION_MAX : PC_LIST_MAX;
    if (list && json_array_size(list) > most) {
        too_long(top, Lists[kind], json_array_size(list), most);
        list = NULL;
    }
    if (!reserve(r->config, kind, json_array_size(list)))
        return -ENOMEM;
    position++;
    json_array_foreach (list, index, item) {
        struct pc_fields f;
        char label[64];
        snprintf(label, sizeof(label), "%s %zu of \"%s\"", Kinds[kind], index + 1, Lists[kind]);
        pc_fields_begin(&f, r->config, r->report, &r->positions, item, position, label);
        if (json_is_object(item)) {
            read_object(&f, kind, r->positions.at[position].line);
            pc_fields_end(&f);
        } else {
            pc_fields_error(&f, NULL, "it is not an object; write { ... }");
        }
        if (f.no_memory)
            return -ENOMEM;
        position = r->positions.at[position].next;
    }
    return 0;
}

static void read_device(struct pc_fields *top, struct reader *r)
{
    size_t position = 0;
    json_t *device = pc_fields_get(top, "device", &position);
    struct pc_fields f;

    if (!device)
        return;
    pc_fields_begin(&f, r->config, r->report, &r->positions, device, position, "device");
    if (!json_is_object(device)) {
        pc_fields_error(&f, NULL, "it is not an object; write { \"mac\": ... }");
        return;
    }
    r->config->device_line = r->positions.at[position].line;
    r->config->has_device_mac = pc_fields_mac(&f, "mac", r->config->device_mac);
    pc_fields_end(&f);
}

static void read_limits(struct pc_fields *top, struct reader *r)
{
    size_t position = 0;
    json_t *object = pc_fields_get(top, "limits", &position);
    struct pc_cfg_limits *limits = &r->config->limits;
    struct pc_fields f;

    if (!object)
        return;
    pc_fields_begin(&f, r->config, r->report, &r->positions, object, position, "limits");
    if (!json_is_object(object)) {
        pc_fields_error(&f, NULL, "it is not an object; write { \"reject_rate\": 1000 }");
        return;
    }
    limits->line = r->positions.at[position].line;
    pc_fields_integer(&f, "embryonic", false, 0, INT32_MAX, &limits->embryonic);
    pc_fields_integer(&f, "reject_rate", false, 0, UINT16_MAX, &limits->reject_rate);
    pc_fields_integer(&f, "reject_burst", false, 0, UINT16_MAX, &limits->reject_burst);
    pc_fields_end(&f);
}

static int read_top(struct reader *r, json_t *root)
{
    struct pc_fields f;
    int format = 0;
    int rc = 0;

    pc_fields_begin(&f, r->config, r->report, &r->positions, root, 0, "configuration");
    if (!json_is_object(root)) {
        pc_fields_error(&f, NULL, "the file is not one object; write { \"format\": 1, ... }");
        return 0;
    }
    pc_fields_integer(&f, "format", true, PORTCAM_FORMAT, PORTCAM_FORMAT, &format);
    read_device(&f, r);
    read_limits(&f, r);
    pc_slow_path_read(&f, &r->config->slow_path);
    for (enum kind kind = FUNCTION; rc == 0 && kind <= SERVICE; kind++)
        rc = read_list(&f, r, kind);
    if (rc == 0)
        pc_fields_end(&f);
    return rc;
}

static const char *file_name(const struct reader *r)
{
    return r->config->file ? r->config->file : "input";
}

/* Bytes that the JSON parser skips, or of which it speaks in its own words. */
static bool check_bytes(struct reader *r, const char *text, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *nul = memchr(text, 0, len);
    int line = 1;

    if (len >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0) {
        pc_report_at(r->report, "syntax", file_name(r), 1,
                     "the file begins with a byte order mark; write it as UTF-8 text without one");
        return false;
    }
    if (!nul)
        return true;
    for (const char *c = text; c < nul; c++)
        line += *c == '\n';
    pc_report_at(r->report, "syntax", file_name(r), line,
                 "there is a NUL byte; write the file as UTF-8 text");
    return false;
}

static void syntax_error(struct reader *r, const json_error_t *error)
{
    const char *what = error->text, *cure = "correct the JSON text there";

    if (json_error_code(error) == json_error_duplicate_key) {
        cure = "keep one of the two";
    } else if (json_error_code(error) == json_error_null_character) {
        what = "a string has a NUL character, \\u0000";
        cure = "remove it";
    }
    pc_report_at(r->report, "syntax", file_name(r), error->line > 0 ? error->line : 1, "%s; %s",
                 what, cure);
}

int pc_config_read(struct portcam_config *config, const char *text, size_t len,
                   struct portcam_report *report)
{
    struct reader r = {.config = config, .report = report};
    json_error_t error;

    if (!check_bytes(&r, text, len))
        return 0;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        syntax_error(&r, &error);
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : 0;
    }
    int rc = pc_positions_build(text, len, &r.positions);
    if (rc == 0) {
        rc = read_top(&r, root);
        pc_positions_free(&r.positions);
    }
    json_decref(root);
    return rc;
}
