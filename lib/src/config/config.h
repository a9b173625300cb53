// SPDX-License-Identifier: Apache-2.0
/*
 * A configuration in memory: what the file says, with the line of each object. Names are resolved to indices by the
 * check, which is part of reading; after a successful portcam_config_parse() every reference is valid. Sizes and
 * capabilities of a card are checked apart (config_caps.c).
 */
#ifndef PC_CONFIG_H
#define PC_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "base/text.h"
#include "portcam/portcam.h"
#include "portcam_defs.h"
#include "schedule/schedule.h"

#define PC_NAME_MAX 63 /* bytes of a name */
#define PC_LIST_MAX                                                                                \
    65536 /* objects of one kind, as many as a card can have: numbers have 16 bits */
#define PC_FUNCTION_MAX 255 /* highest number of a function */
#define PC_ERRORS_MAX 1024  /* where a check that compares many pairs has told enough */
#define PC_VLAN_MAX 4094
#define PC_NONE (-1) /* an index or number that is absent */

struct pc_cfg_function {
    int line;
    unsigned number;
    bool has_mac, is_default;
    uint8_t mac[6];
    char *domain_name; /* NULL: none */
    int domain;
};

struct pc_cfg_domain {
    int line;
    char *name;
    unsigned state, unknown; /* enum portcam_domain_state, enum portcam_policy */
    unsigned home;
};

struct pc_cfg_address {
    int line;
    struct pc_ip ip;
    unsigned length;
    int vlan; /* PC_NONE: any */
    char *domain_name;
    int domain;
    unsigned function;
    char *key; /* "PREFIX" or "PREFIX vlan N", its name in numbers and messages */
};

struct pc_cfg_backend {
    int line;
    bool broken; /* a field was refused: its rules are not checked any more */
    char *name;
    struct pc_ip ip; /* family 0: none, for deliver services only */
    unsigned port;   /* 0: keep */
    bool has_mac;
    uint8_t mac[6];
    unsigned function, weight;
    bool backup;  /* used only while no other backend of a service takes connections */
    int endpoint; /* index of one of the backends that share its endpoints (config_stateful.c) */
};

/* Timeouts of a service in the order of struct portcam_timeout_row. */
enum { PC_TIMEOUTS = 8, PC_TIMEOUT_MAX_MS = 2147483647 };
extern const char *const PcTimeoutNames[PC_TIMEOUTS];
extern const uint32_t PcTimeoutDefaults[PC_TIMEOUTS]; /* ms */

struct pc_cfg_service {
    int line;
    bool broken; /* as of a backend */
    char *name;
    char *domain_name;
    int domain;
    struct pc_ip ip; /* family 0: any address of the domain */
    unsigned length;
    int vlan;     /* of the address row that is meant, PC_NONE: the only one */
    int address;  /* index of that row, PC_NONE: any */
    int protocol; /* PC_NONE: any */
    int port;     /* PC_NONE: any */
    unsigned mode;
    bool strict;
    char **backend_names;
    size_t n_backends;
    int *backend_at; /* index of each backend, PC_NONE: undefined */
    int backend;     /* the first backend */

    /* Of mode stateful; PC_NONE: not given. */
    const char *stateful_key; /* a key that only this mode has, NULL: none is given */
    int scheduler;            /* enum pc_scheduler */
    int key;                  /* enum pc_key */
    int slots;
    int no_record, no_backend, full; /* enums of the card */
    uint32_t timeouts[PC_TIMEOUTS];  /* ms, 0: not given */
    int group;       /* index of one of the services that share endpoints with it, or its own */
    bool shared;     /* an endpoint of it is another service's too */
    bool keeps_port; /* no backend changes the port */
};

/* What mh takes of the client. */
enum pc_key { PC_KEY_CLIENT, PC_KEY_CLIENT_PORT, PC_KEY_MAX };

/* Limits of the whole card; PC_NONE: not given. */
struct pc_cfg_limits {
    int line; /* 0: there are none */
    int embryonic, reject_rate, reject_burst;
};
enum { PC_REJECT_RATE = 1000, PC_REJECT_BURST = 100 };

/* Packets that the card hands to the host (config_slow.c); PC_NONE: not given. */
struct pc_cfg_slow_path {
    int line; /* 0: nothing is given */
    bool enabled;
    bool has_reasons;
    uint64_t reasons; /* bits of enum portcam_reason */
    int rate, burst;  /* of the card, for each reason: a second, at once */
    int datagrams, fragments, memory_kib, hold_ms, remember_ms; /* of the engine */
};

/* Never changes once it is read; shared by counting references. */
struct portcam_config {
    unsigned references;
    char *file; /* for messages, NULL none */
    bool has_device_mac;
    int device_line;
    uint8_t device_mac[6];
    struct pc_cfg_limits limits;
    struct pc_cfg_slow_path slow_path;
    size_t n_functions, n_domains, n_addresses, n_backends, n_services;
    struct pc_cfg_function *functions;
    struct pc_cfg_domain *domains;
    struct pc_cfg_address *addresses;
    struct pc_cfg_backend *backends;
    struct pc_cfg_service *services;
};

/* Names of the values of an enumeration by number; count entries. */
struct pc_words {
    const char *const *words;
    unsigned count;
};
extern const struct pc_words PcDomainStates, PcPolicies, PcModes, PcSchedulers, PcKeys, PcNoRecords,
    PcNoBackends, PcFulls;

/* An empty configuration, or NULL. */
struct portcam_config *pc_config_new(const char *file);

/* One more owner; each gives it back with portcam_config_free(). */
struct portcam_config *pc_config_share(struct portcam_config *config);

/* What the file says, references unresolved. Adds to the report; 0 or -ENOMEM. */
int pc_config_read(struct portcam_config *config, const char *text, size_t len,
                   struct portcam_report *report);

/* References, duplicates, overlaps. Adds to the report; 0 or -ENOMEM. */
int pc_config_resolve(struct portcam_config *config, struct portcam_report *report);

/* Address rows with a key, in an order that pc_addresses_*() know; `sorted` is freed by the owner. */
struct pc_addresses {
    struct portcam_config *config;
    struct pc_cfg_address **sorted;
    size_t count;
};

/* Once the domains of the addresses are resolved (config_addresses.c). 0 or -ENOMEM. */
int pc_addresses_sort(struct portcam_config *config, struct pc_addresses *ret);
/* No address may belong to two domains; one message for each that does. 0 or -ENOMEM. */
int pc_addresses_overlaps(const struct pc_addresses *addresses, struct portcam_report *report);
/* The address row that a service of a known domain names. */
void pc_addresses_resolve(const struct pc_addresses *addresses, struct pc_cfg_service *service,
                          struct portcam_report *report);

/* A check of a configuration, and what is wrong with it. */
struct pc_check {
    struct portcam_config *config;
    struct portcam_report *report;
};

/* A service cannot be as it is. */
void pc_refuse(struct pc_check *k, const struct pc_cfg_service *service, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What stands in a line cannot be. */
void pc_refuse_at(const struct portcam_config *config, struct portcam_report *report, int line,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Rules of services: backends, invertible static services, endpoints. Needs resolved references. 0 or -ENOMEM. */
int pc_config_services(struct portcam_config *config, struct portcam_report *report);

/* One service and one of its backends, and where packets of the service reach that backend. */
struct pc_entry {
    struct pc_cfg_service *service;
    struct pc_cfg_backend *backend;
    int protocol;  /* PC_NONE: any */
    unsigned port; /* 0: any */
};

struct pc_entry pc_entry_of(const struct portcam_config *config, struct pc_cfg_service *service,
                            int backend);
/* Do packets exist that both send to the backend's address with one protocol and port? */
bool pc_entries_meet(const struct pc_entry *a, const struct pc_entry *b);
bool pc_has_ports(int protocol);

/*
 * Rules of stateful services (config_stateful.c): their keys, and who shares endpoints, which fills group, shared and
 * keeps_port of services and endpoint of backends. 0 or -ENOMEM.
 */
int pc_config_stateful(struct portcam_config *config, struct portcam_report *report);

/* Endpoints of all services (config_endpoints.c). 0 or -ENOMEM. */
int pc_config_endpoints(struct portcam_config *config, struct portcam_report *report);

/* What is valid where nothing is given. */
enum pc_scheduler pc_service_scheduler(const struct pc_cfg_service *service);
unsigned pc_service_pick(const struct pc_cfg_service *service);      /* enum portcam_pick */
unsigned pc_service_no_record(const struct pc_cfg_service *service); /* enum portcam_no_record */
unsigned pc_service_no_backend(const struct pc_cfg_service *service);
unsigned pc_service_full(const struct pc_cfg_service *service);

/* Does the card have the sizes and capabilities? */
void pc_config_caps(const struct portcam_config *config, const struct portcam_caps *caps,
                    struct portcam_report *report);

/* "FILE:LINE", "line LINE" or "" for second places in messages. */
const char *pc_config_place(const struct portcam_config *config, int line, char text[128]);

/* The words of an endpoint or service key for messages: "tcp port 80 of 198.51.100.1". */
void pc_service_words(const struct portcam_config *config, const struct pc_cfg_service *service,
                      char text[160]);

/* One object in canonical JSON, a new reference or NULL. */
json_t *pc_function_json(const struct portcam_config *config, size_t index);
json_t *pc_domain_json(const struct portcam_config *config, size_t index);
json_t *pc_address_json(const struct portcam_config *config, size_t index);
json_t *pc_backend_json(const struct portcam_config *config, size_t index);
json_t *pc_service_json(const struct portcam_config *config, size_t index);

#endif
