// SPDX-License-Identifier: Apache-2.0
/* May a row stand in its table? The tests of docs/pipeline.md section 6. */
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
    if (r->state >= PORTCAM_DOMAIN_STATE_MAX || r->unknown >= PORTCAM_POLICY_MAX ||
        r->home >= s->functions || !ZERO(r->reserved))
        return BAD;
    return r->unknown == PORTCAM_POLICY_REJECT ? (unsigned)PORTCAM_STATUS_UNSUPPORTED : OK;
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

static unsigned check_service(const struct pc_sizes *s, const struct portcam_service_row *r)
{
    if (r->domain >= s->domains || r->service >= s->services || r->backend >= s->backends ||
        (r->address >= s->addresses && r->address != PORTCAM_ADDRESS_ANY))
        return BAD;
    if (r->flags >= 4 || r->mode >= PORTCAM_MODE_MAX || r->pad || !ZERO(r->reserved))
        return BAD;
    return r->mode == PORTCAM_MODE_STATEFUL ? (unsigned)PORTCAM_STATUS_UNSUPPORTED : OK;
}

static unsigned check_backend(const struct pc_sizes *s, const struct portcam_backend_row *r)
{
    bool known = is_family(r->family) && r->egress < s->functions;
    return known && r->flags < 2 && ZERO(r->reserved) ? OK : BAD;
}

static unsigned check_endpoint(const struct pc_sizes *s, const struct portcam_endpoint_row *r)
{
    bool known = is_family(r->family) && r->service < s->services && r->backend < s->backends &&
                 r->domain < s->domains && r->address < s->addresses;
    return known && r->flags < 4 && r->pad == 0 ? OK : BAD;
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
    default:
        return check_endpoint(s, data);
    }
}
