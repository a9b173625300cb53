// SPDX-License-Identifier: Apache-2.0
/* One function, domain, address or backend of the file: each key in its type and range. */
#include "config_objects.h"

#include <stdio.h>
#include <string.h>

static const char Unspecified[] = "unspecified";

void pc_read_vlan(struct pc_fields *f, int *vlan)
{
    *vlan = PC_NONE;
    pc_fields_integer(f, "vlan", false, 0, PC_VLAN_MAX, vlan);
}

void pc_read_function(struct pc_fields *f, struct pc_cfg_function *function)
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

void pc_read_domain(struct pc_fields *f, struct pc_cfg_domain *domain)
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

void pc_read_address(struct pc_fields *f, struct pc_cfg_address *address)
{
    int function = 0;
    char text[PC_IP_TEXT];

    address->domain = PC_NONE;
    bool good = pc_fields_prefix(f, "address", true, &address->ip, &address->length);
    pc_read_vlan(f, &address->vlan);
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

void pc_read_backend(struct pc_fields *f, struct pc_cfg_backend *backend)
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

void pc_too_long(struct pc_fields *f, const char *key, size_t count, size_t most)
{
    pc_fields_error(f, key,
                    "\"%s\" has %zu entries, and no card has room for more than %zu; remove %zu",
                    key, count, most, count - most);
}
