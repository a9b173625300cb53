// SPDX-License-Identifier: Apache-2.0
/* May a row stand in its table? The tests of docs/pipeline.md section 8. */
#include "tables.h"

#define OK PORTCAM_STATUS_OK
#define BAD PORTCAM_STATUS_BAD_ROW

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= p[i];
    return any == 0;
}
#define ZERO(field) all_zero(field, sizeof(field))

static bool is_family(unsigned family)
{
    return family == PORTCAM_FAMILY_4 || family == PORTCAM_FAMILY_6;
}

static unsigned check_device(const struct portcam_device_row *r)
{
    return ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_function(const struct pc_sizes *s, const struct portcam_function_row *r)
{
    return r->flags < 8 && r->domain < s->domains && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_domain(const struct pc_sizes *s, const struct portcam_domain_row *r)
{
    bool known = r->state < PORTCAM_DOMAIN_STATE_MAX && r->unknown < PORTCAM_POLICY_MAX &&
                 r->home < s->functions;
    return known && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_address(const struct pc_sizes *s, const struct portcam_address_row *r)
{
    if (!is_family(r->family) || r->prefix > (r->family == PORTCAM_FAMILY_4 ? 32 : 128))
        return BAD;
    if (r->vlan > 4094 && r->vlan != PORTCAM_VLAN_ANY)
        return BAD;
    bool known = r->address < s->addresses && r->domain < s->domains && r->home < s->functions;
    return known && ZERO(r->reserved) ? OK : BAD;
}

/* From field group on: all 0 but for stateful services. */
static bool is_not_stateful(const struct portcam_service_row *r)
{
    return r->group == 0 && r->schedule == 0 && r->slots_log2 == 0 && r->pick == 0 &&
           r->no_record == 0 && r->no_backend == 0 && r->full == 0;
}

static unsigned check_stateful(const struct pc_sizes *s, const struct portcam_service_row *r)
{
    if (!(r->flags & (PORTCAM_SERVICE_ROW_EXACT_PORT | PORTCAM_SERVICE_ROW_KEEPS_PORT)))
        return BAD;
    if (r->backend != 0 || r->group >= s->services || r->slots_log2 > 16)
        return BAD;
    if (r->schedule + ((1u << r->slots_log2) + 7) / 8 > s->schedule_rows)
        return BAD;
    if (r->pick >= PORTCAM_PICK_MAX || r->no_record >= PORTCAM_NO_RECORD_MAX ||
        r->no_backend >= PORTCAM_NO_BACKEND_MAX || r->full >= PORTCAM_FULL_MAX)
        return BAD;
    bool by_client = r->pick == PORTCAM_PICK_CLIENT_IP || r->pick == PORTCAM_PICK_CLIENT_IP_PORT;
    bool hashes = r->no_record == PORTCAM_NO_RECORD_HASH || r->full == PORTCAM_FULL_HASH;
    if (hashes && !by_client)
        return BAD;
    return s->connection_rows == 0 ? (unsigned)PORTCAM_STATUS_UNSUPPORTED : OK;
}

static unsigned check_service(const struct pc_sizes *s, const struct portcam_service_row *r)
{
    if (r->domain >= s->domains || r->service >= s->services || r->backend >= s->backends ||
        (r->address >= s->addresses && r->address != PORTCAM_ADDRESS_ANY))
        return BAD;
    if (r->flags >= 8 || r->mode >= PORTCAM_MODE_MAX || r->pad || !ZERO(r->reserved))
        return BAD;
    if (r->mode == PORTCAM_MODE_STATEFUL)
        return check_stateful(s, r);
    return is_not_stateful(r) ? OK : BAD;
}

static unsigned check_backend(const struct pc_sizes *s, const struct portcam_backend_row *r)
{
    bool known = is_family(r->family) && r->egress < s->functions && r->endpoint < s->backends;
    return known && r->flags < 2 && r->pad == 0 && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_endpoint(const struct pc_sizes *s, const struct portcam_endpoint_row *r)
{
    bool known = is_family(r->family) && r->service < s->services && r->backend < s->backends &&
                 r->domain < s->domains && r->address < s->addresses;
    if (!known || r->flags >= 32 || r->pad != 0)
        return BAD;
    bool cannot = s->connection_rows == 0 && r->flags & PORTCAM_ENDPOINT_ROW_STATEFUL;
    return cannot ? (unsigned)PORTCAM_STATUS_UNSUPPORTED : OK;
}

static unsigned check_schedule(const struct pc_sizes *s, const struct portcam_schedule_row *r)
{
    for (size_t i = 0; i < sizeof(r->slot); i += 2) {
        unsigned backend = r->slot[i] | (unsigned)r->slot[i + 1] << 8;
        if (backend >= s->backends && backend != PORTCAM_BACKEND_NONE)
            return BAD;
    }
    return ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_timeout(const struct pc_sizes *s, const struct portcam_timeout_row *r)
{
    const uint32_t ms[] = {r->syn,      r->syn_ack, r->established, r->fin_one,
                           r->fin_both, r->reset,   r->unreplied,   r->replied};
    for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
        if (ms[i] == 0 || ms[i] > INT32_MAX)
            return BAD;
    return r->domain < s->domains && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_public(const struct portcam_public_row *r)
{
    return is_family(r->family) && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_limits(const struct portcam_limits_row *r)
{
    bool known = (r->punt_reasons & ~PORTCAM_PUNT_REASONS) == 0;
    return known && ZERO(r->pad) && ZERO(r->reserved) ? OK : BAD;
}

unsigned pc_tables_check(const struct pc_tables *t, unsigned table, unsigned row, const void *data)
{
    const struct pc_sizes *s = pc_tables_sizes(t);
    if (table >= PORTCAM_TABLE_MAX)
        return PORTCAM_STATUS_UNKNOWN_TABLE;
    if (row >= pc_tables_rows(t, table))
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        return check_device(data);
    case PORTCAM_TABLE_FUNCTION:
        return check_function(s, data);
    case PORTCAM_TABLE_DOMAIN:
        return check_domain(s, data);
    case PORTCAM_TABLE_ADDRESS:
        return check_address(s, data);
    case PORTCAM_TABLE_SERVICE:
        return check_service(s, data);
    case PORTCAM_TABLE_BACKEND:
        return check_backend(s, data);
    case PORTCAM_TABLE_SCHEDULE:
        return check_schedule(s, data);
    case PORTCAM_TABLE_TIMEOUT:
        return check_timeout(s, data);
    case PORTCAM_TABLE_PUBLIC:
        return check_public(data);
    case PORTCAM_TABLE_LIMITS:
        return check_limits(data);
    default:
        return check_endpoint(s, data);
    }
}
