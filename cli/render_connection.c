// SPDX-License-Identifier: Apache-2.0
/* Connections as text: a line for each in columns of fixed width, a line for a change, or everything about one. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "render.h"
#include "render_words.h"

/* Text, a dash where there is none. */
static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

/* "198.51.100.1:80", "[2001:db8::1]:80" */
static void end_text(const json_t *end, char *text, size_t room)
{
    const json_t *port = json_object_get(end, "port");
    const char *address = text_of(end, "address");

    if (!port)
        snprintf(text, room, "%s", address);
    else
        snprintf(text, room, strchr(address, ':') ? "[%s]:%lld" : "%s:%lld", address,
                 num(end, "port"));
}

/* "0.4s", "59s", "3m05s", "2h05m", "4d03h" */
static void time_text(const json_t *ms, char *text, size_t room)
{
    long long t = (long long)json_integer_value(ms);

    if (!json_is_integer(ms))
        snprintf(text, room, "-");
    else if (t < 10000)
        snprintf(text, room, "%lld.%llds", t / 1000, t % 1000 / 100);
    else if (t < 60000)
        snprintf(text, room, "%llds", t / 1000);
    else if (t < 3600000)
        snprintf(text, room, "%lldm%02llds", t / 60000, t / 1000 % 60);
    else if (t < 86400000)
        snprintf(text, room, "%lldh%02lldm", t / 3600000, t / 60000 % 60);
    else
        snprintf(text, room, "%lldd%02lldh", t / 86400000, t / 3600000 % 24);
}

static void protocol_text(const json_t *connection, char *text, size_t room)
{
    const json_t *protocol = json_object_get(connection, "protocol");
    if (json_is_string(protocol))
        snprintf(text, room, "%s", json_string_value(protocol));
    else
        snprintf(text, room, "%lld", num(connection, "protocol"));
}

#define LINE "%-15s %-6s %-14s %-21s -> %-21s <- %-21s %-12s %-12s %6s %6s %6s %9s %11s %9s %11s\n"

void render_connection_header(void)
{
    printf(LINE, "CONNECTION", "PROTO", "STATE", "CLIENT", "PUBLIC", "SERVER", "SERVICE", "BACKEND",
           "AGE", "IDLE", "LEFT", "PACKETS", "OCTETS", "REPLIES", "OCTETS");
}

static void count_text(const json_t *counter, const char *key, char text[24])
{
    snprintf(text, 24, "%lld", num(counter, key));
}

void render_connection(const json_t *c)
{
    const json_t *forward = json_object_get(c, "forward"), *reverse = json_object_get(c, "reverse");
    char client[80], public[80], server[80], protocol[24], state[24], age[24], idle[24], left[24],
        counts[4][24];

    end_text(json_object_get(c, "client"), client, sizeof(client));
    end_text(json_object_get(c, "public"), public, sizeof(public));
    end_text(json_object_get(c, "server"), server, sizeof(server));
    protocol_text(c, protocol, sizeof(protocol));
    snprintf(state, sizeof(state), "%s", text_of(c, "state"));
    time_text(json_object_get(c, "age_ms"), age, sizeof(age));
    time_text(json_object_get(c, "idle_ms"), idle, sizeof(idle));
    time_text(json_object_get(c, "left_ms"), left, sizeof(left));
    count_text(forward, "packets", counts[0]);
    count_text(forward, "octets", counts[1]);
    count_text(reverse, "packets", counts[2]);
    count_text(reverse, "octets", counts[3]);
    printf(LINE, text_of(c, "connection"), protocol, state, client, public, server,
           text_of(c, "service"), text_of(c, "backend"), age, idle, left, counts[0], counts[1],
           counts[2], counts[3]);
}

void render_whole_connection(const json_t *c)
{
    static const char *const numbers[] = {"syn_repeats",     "client_next",    "slot",
                                          "generation",      "service_number", "backend_number",
                                          "endpoint_number", "address_number"};
    const json_t *forward = json_object_get(c, "forward"), *reverse = json_object_get(c, "reverse");
    char text[80], text2[80], text3[80];

    protocol_text(c, text, sizeof(text));
    printf("connection       %s\n", text_of(c, "connection"));
    printf("protocol         %s\n", text);
    printf("state            %s%s\n", text_of(c, "state"),
           json_is_true(json_object_get(c, "embryonic")) ? ", embryonic" : "");
    end_text(json_object_get(c, "client"), text, sizeof(text));
    end_text(json_object_get(c, "public"), text2, sizeof(text2));
    end_text(json_object_get(c, "server"), text3, sizeof(text3));
    printf("from the client  %s -> %s, %lld %s, %lld %s\n", text, text2,
           COUNTED(num(forward, "packets"), "packet"), COUNTED(num(forward, "octets"), "octet"));
    printf("from the server  %s -> %s, %lld %s, %lld %s\n", text3, text,
           COUNTED(num(reverse, "packets"), "packet"), COUNTED(num(reverse, "octets"), "octet"));
    printf("service          %s, domain %s\n", text_of(c, "service"), text_of(c, "domain"));
    printf("backend          %s\n", text_of(c, "backend"));
    time_text(json_object_get(c, "age_ms"), text, sizeof(text));
    time_text(json_object_get(c, "idle_ms"), text2, sizeof(text2));
    time_text(json_object_get(c, "left_ms"), text3, sizeof(text3));
    printf("age              %s, idle %s, left %s\n", text, text2, text3);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        printf("%-16s %lld\n", numbers[i], num(c, numbers[i]));
}

/* ---- changes ---- */

static void print_end(const json_t *event)
{
    const json_t *forward = json_object_get(event, "forward"),
                 *reverse = json_object_get(event, "reverse");

    printf(" %s", text_of(event, "cause"));
    if (json_is_object(forward))
        printf(", %lld %s %lld %s, replies %lld %s %lld %s, %lld s",
               COUNTED(num(forward, "packets"), "packet"), COUNTED(num(forward, "octets"), "octet"),
               COUNTED(num(reverse, "packets"), "packet"), COUNTED(num(reverse, "octets"), "octet"),
               num(event, "lifetime_s"));
    else
        printf(", counters not known");
}

void render_change(const json_t *event)
{
    char client[80], public[80], server[80], protocol[24];

    end_text(json_object_get(event, "client"), client, sizeof(client));
    end_text(json_object_get(event, "public"), public, sizeof(public));
    end_text(json_object_get(event, "server"), server, sizeof(server));
    protocol_text(event, protocol, sizeof(protocol));
    printf("%-7s %s %s %s -> %s <- %s %s %s", text_of(event, "change"), protocol,
           text_of(event, "state"), client, public, server, text_of(event, "service"),
           text_of(event, "backend"));
    if (json_object_get(event, "cause"))
        print_end(event);
    putchar('\n');
}

static void print_status(const json_t *mirror)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)mirror, key, value) {
        if (json_is_boolean(value))
            printf("%-17s %s\n", key, json_is_true(value) ? "yes" : "no");
        else
            printf("%-17s %lld\n", key, (long long)json_integer_value(value));
    }
}

void render_mirror(const json_t *answer)
{
    const json_t *status = json_object_get(answer, "mirror");

    if (status) {
        print_status(status);
        return;
    }
    printf("%lld %s with %lld %s: ", COUNTED(num(answer, "blocks"), "block"),
           COUNTED(num(answer, "records"), "connection"));
    if (num(answer, "different") == 1)
        printf("1 was different and is copied again\n");
    else if (num(answer, "different"))
        printf("%lld were different and are copied again\n", num(answer, "different"));
    else
        printf("equal\n");
    if (num(answer, "unsettled"))
        printf("not compared, for they changed all the time: %lld %s\n",
               COUNTED(num(answer, "unsettled"), "block"));
}
