/* SPDX-License-Identifier: Apache-2.0 */
/* A device with rows for tests of the model, each row in one line. Rows are written directly; visible after
 * world_build(). */
#ifndef PC_TEST_WORLD_H
#define PC_TEST_WORLD_H

#include "device.h"
#include "frames.h"

enum { ANY = -1 };

static const uint8_t MacDevice[6] = {2, 0, 0, 0, 0, 0xde};
static const uint8_t MacClient[6] = {2, 0, 0, 0, 0, 0xcc};
static const uint8_t MacServer[6] = {2, 0, 0, 0, 0, 0x55};
static const uint8_t MacOne[6] = {2, 0, 0, 0, 0, 1}; /* of function 1 */
static const uint8_t MacTwo[6] = {2, 0, 0, 0, 0, 2}; /* of function 2 */

static inline uint8_t family_of(const char *ip)
{
    return strchr(ip, ':') ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
}

static inline void set_device(struct pc_device *d, const uint8_t mac[6])
{
    struct portcam_device_row r = {0};
    memcpy(r.mac, mac, 6);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_DEVICE, 0, &r);
}

/* mac NULL: none; domain ANY: none. */
static inline void set_function(struct pc_device *d, unsigned f, const uint8_t *mac, int domain,
                                bool is_default)
{
    struct portcam_function_row r = {0};
    if (mac) {
        memcpy(r.mac, mac, 6);
        r.flags |= PORTCAM_FUNCTION_ROW_HAS_MAC;
    }
    if (domain != ANY) {
        r.domain = (uint16_t)domain;
        r.flags |= PORTCAM_FUNCTION_ROW_HAS_DOMAIN;
    }
    if (is_default)
        r.flags |= PORTCAM_FUNCTION_ROW_IS_DEFAULT;
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_FUNCTION, f, &r);
}

static inline void set_domain(struct pc_device *d, unsigned domain, unsigned state, unsigned policy)
{
    struct portcam_domain_row r = {.state = (uint8_t)state, .unknown = (uint8_t)policy};
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_DOMAIN, domain, &r);
}

static inline void set_address(struct pc_device *d, unsigned row, const char *ip, unsigned prefix,
                               int vlan, unsigned number, unsigned domain)
{
    struct portcam_address_row r = {.family = family_of(ip),
                                    .prefix = (uint8_t)prefix,
                                    .vlan = vlan == ANY ? PORTCAM_VLAN_ANY : (uint16_t)vlan,
                                    .address = (uint16_t)number,
                                    .domain = (uint16_t)domain};
    ip_bytes(ip, r.ip);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_ADDRESS, row, &r);
}

/* address, protocol, port may be ANY. */
static inline void set_service(struct pc_device *d, unsigned row, unsigned domain, int address,
                               int protocol, int port, unsigned mode, unsigned number,
                               unsigned backend)
{
    struct portcam_service_row r = {.domain = (uint16_t)domain,
                                    .address =
                                        address == ANY ? PORTCAM_ADDRESS_ANY : (uint16_t)address,
                                    .mode = (uint8_t)mode,
                                    .service = (uint16_t)number,
                                    .backend = (uint16_t)backend};
    if (port != ANY) {
        r.port = (uint16_t)port;
        r.flags |= PORTCAM_SERVICE_ROW_EXACT_PORT;
    }
    if (protocol != ANY) {
        r.protocol = (uint8_t)protocol;
        r.flags |= PORTCAM_SERVICE_ROW_EXACT_PROTOCOL;
    }
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_SERVICE, row, &r);
}

static inline void set_backend(struct pc_device *d, unsigned number, const char *ip, unsigned port,
                               const uint8_t *mac, unsigned egress)
{
    struct portcam_backend_row r = {
        .family = family_of(ip), .port = (uint16_t)port, .egress = (uint8_t)egress};
    ip_bytes(ip, r.ip);
    if (mac) {
        memcpy(r.mac, mac, 6);
        r.flags |= PORTCAM_BACKEND_ROW_HAS_MAC;
    }
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_BACKEND, number, &r);
}

struct endpoint_spec {
    const char *ip, *public_ip;
    int protocol, port; /* ANY: in endpoint_any, endpoint_any_port */
    unsigned public_port;
    unsigned domain, address, service, backend, flags;
};

/* Into the table that the key belongs to, the lowest free way of its bucket. */
static inline void set_endpoint(struct pc_device *d, const struct endpoint_spec *s)
{
    struct pc_tables *t = pc_device_tables_rw(d);
    unsigned table = s->port != ANY       ? PORTCAM_TABLE_ENDPOINT
                     : s->protocol != ANY ? PORTCAM_TABLE_ENDPOINT_ANY_PORT
                                          : PORTCAM_TABLE_ENDPOINT_ANY;
    struct portcam_endpoint_row r = {.family = family_of(s->ip),
                                     .protocol = s->protocol == ANY ? 0 : (uint8_t)s->protocol,
                                     .port = s->port == ANY ? 0 : (uint16_t)s->port,
                                     .public_port = (uint16_t)s->public_port,
                                     .domain = (uint16_t)s->domain,
                                     .address = (uint16_t)s->address,
                                     .service = (uint16_t)s->service,
                                     .backend = (uint16_t)s->backend,
                                     .flags = (uint8_t)s->flags};
    ip_bytes(s->ip, r.ip);
    ip_bytes(s->public_ip, r.public_ip);
    unsigned buckets = pc_tables_rows(t, table) / pc_tables_sizes(t)->endpoint_ways;
    unsigned row = pc_endpoint_bucket(pc_tables_seed(t), &r, buckets);
    while (pc_tables_get(t, table, row))
        row += buckets;
    pc_tables_set(t, table, row, &r);
}

static inline void world_build(struct pc_device *d)
{
    pc_tables_build(pc_device_tables_rw(d));
}

static inline struct pc_device *new_device(void)
{
    struct pc_sizes sizes = pc_sizes_default();
    return pc_device_new(&sizes);
}

static inline struct pc_decision send_frame(struct pc_device *d, struct frame *f, unsigned ingress)
{
    struct pc_decision v;
    pc_device_packet(d, f->b, f->len, ingress, 0, NULL, &v, NULL);
    return v;
}

#endif
