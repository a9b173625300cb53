// SPDX-License-Identifier: Apache-2.0
/* A configuration in memory, empty and shared, and the words of its file; see config.h. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_slow.h"

static const char *const States[] = {"running", "draining", "paused", "stopped"};
static const char *const Policies[] = {"pass", "drop", "reject"};
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

void pc_refuse(struct pc_check *k, const struct pc_cfg_service *service, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pc_refuse_at(k->config, k->report, service->line, "service \"%s\": %s", service->name, text);
}

void pc_refuse_at(const struct portcam_config *config, struct portcam_report *report, int line,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    pc_report_vat(report, "refused", config->file, line, format, args);
    va_end(args);
}
