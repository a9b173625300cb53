// SPDX-License-Identifier: Apache-2.0
/* A sample of a trace as one line: when, from where, the packet, what became of it, and the rows that it took. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "render.h"
#include "render_words.h"

static bool has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

static void print_time(const json_t *packet)
{
    double seconds = json_number_value(json_object_get(packet, "time"));
    time_t whole = (time_t)seconds;
    struct tm tm = {0};

    localtime_r(&whole, &tm);
    printf("%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec,
           (int)((seconds - (double)whole) * 1000));
}

static void print_function(long long function)
{
    if (function)
        printf("function %lld", function);
    else
        printf("network");
}

/* "198.51.100.1:80", "[2001:db8::1]:80" */
static void print_end(const json_t *end)
{
    const char *address = str(end, "address");

    if (!has(end, "port"))
        printf("%s", address);
    else
        printf(strchr(address, ':') ? "[%s]:%lld" : "%s:%lld", address, num(end, "port"));
}

static void print_flow(const json_t *packet)
{
    const json_t *protocol = json_object_get(packet, "protocol");

    if (json_is_string(protocol))
        printf("%s ", json_string_value(protocol));
    else if (protocol)
        printf("protocol %lld ", num(packet, "protocol"));
    else
        printf("ip ");
    print_end(json_object_get(packet, "source"));
    printf(" -> ");
    print_end(json_object_get(packet, "destination"));
}

static void print_ethertype(const json_t *packet)
{
    long long type = num(packet, "ethertype");

    if (type == 0x806)
        printf("arp");
    else if (type)
        printf("ethertype 0x%04llx", type);
    else
        printf("frame");
}

static void print_packet(const json_t *packet)
{
    const json_t *fragment = json_object_get(packet, "fragment");
    const json_t *about = json_object_get(packet, "about");

    if (has(packet, "source"))
        print_flow(packet);
    else
        print_ethertype(packet);
    if (has(packet, "tcp_flags"))
        printf(" [%s]", *str(packet, "tcp_flags") ? str(packet, "tcp_flags") : "none");
    if (has(packet, "icmp_type"))
        printf(" type %lld code %lld", num(packet, "icmp_type"), num(packet, "icmp_code"));
    if (about) {
        printf(" about ");
        print_flow(about);
    }
    if (fragment)
        printf(" fragment at %lld%s", num(fragment, "offset"),
               json_is_true(json_object_get(fragment, "more")) ? ", more come" : "");
    if (has(packet, "vlan"))
        printf(", VLAN %lld", num(packet, "vlan"));
    printf(", %lld bytes", num(packet, "length"));
}

static void print_fate(const json_t *packet)
{
    const json_t *becomes = json_object_get(packet, "becomes");
    const json_t *source = json_object_get(becomes, "source");

    printf(": %s (%s)", str(packet, "verdict"), str(packet, "reason"));
    if (becomes) {
        printf(source ? ", from " : ", to ");
        print_end(source ? source : json_object_get(becomes, "destination"));
    }
    if (has(packet, "egress")) {
        printf(becomes ? " by " : ", to ");
        if (num(packet, "egress"))
            print_function(num(packet, "egress"));
        else
            printf("the network");
    }
}

static void print_rows(const json_t *packet)
{
    static const char *const rows[] = {"domain", "address", "service", "backend"};
    const char *before = "  [";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const json_t *row = json_object_get(packet, rows[i]);
        if (!row)
            continue;
        printf("%s%s ", before, rows[i]);
        before = ", ";
        if (json_is_string(row)) /* a number has no name any more */
            printf("%s", json_string_value(row));
        else
            printf("number %lld", (long long)json_integer_value(row));
    }
    if (has(packet, "connection")) {
        printf("%sconnection %lld%s", before, num(packet, "connection"),
               json_is_true(json_object_get(packet, "began")) ? " begins" : "");
        before = ", ";
    }
    if (*before == ',')
        putchar(']');
}

void render_trace(const json_t *packet)
{
    print_time(packet);
    print_function(num(packet, "ingress"));
    printf(": ");
    print_packet(packet);
    print_fate(packet);
    print_rows(packet);
    putchar('\n');
}

void render_trace_end(const json_t *end)
{
    fflush(stdout);
    fprintf(stderr, "%lld sampled, %lld matched, %lld limited, %lld lost", num(end, "sampled"),
            num(end, "matched"), num(end, "limited"), num(end, "lost"));
    if (num(end, "nonsense"))
        fprintf(stderr, ", %lld that the card told wrongly", num(end, "nonsense"));
    if (num(end, "restarts"))
        fprintf(stderr, ", the card was reset %lld %s", COUNTED(num(end, "restarts"), "time"));
    fputc('\n', stderr);
}
