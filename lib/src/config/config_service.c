// SPDX-License-Identifier: Apache-2.0
/* One service of the file: each key in its type and range. */
#include "config_objects.h"

#include <stdlib.h>
#include <string.h>

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
        pc_too_long(f, "backends", json_array_size(value), PC_LIST_MAX);
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

void pc_read_service(struct pc_fields *f, struct pc_cfg_service *service)
{
    service->domain = service->address = service->backend = service->port = PC_NONE;
    pc_fields_name(f, "name", "service", &service->name);
    pc_fields_copy(f, "domain", true, &service->domain_name);
    pc_fields_prefix(f, "address", false, &service->ip, &service->length);
    pc_read_vlan(f, &service->vlan);
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
