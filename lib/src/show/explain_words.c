// SPDX-License-Identifier: Apache-2.0
/* Words that every step of an explanation is made of; see explain_story.h. */
#include "explain_story.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct pc_reason_words PcReasons[] = {
#define REASON(value, name, rule, fate, about) [value] = {name, rule, fate, about},
    PORTCAM_REASON_LIST(REASON)
#undef REASON
};

void pc_story_step(struct story *s, const char *rule, int table, int row, const char *format, ...)
{
    char text[400], object[160];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_t *entry = json_pack("{s:s, s:s}", "rule", rule, "text", text);
    if (entry && row >= 0) {
        const struct pc_image_row *at = &s->pc->card->table[table][row];
        pc_row_object(s->pc->plan->config, (unsigned)table, at->origin, object);
        json_object_set_new(entry, "table", json_string(pc_table_name((unsigned)table)));
        json_object_set_new(entry, "row", json_integer(row));
        if (object[0])
            json_object_set_new(entry, "object", json_string(object));
    }
    if (json_array_append_new(s->steps, entry))
        s->failed = true;
}

void pc_story_side(const struct pc_tuple *tuple, bool is_v6, bool has_ports, char text[80])
{
    struct pc_ip ip = {.family = is_v6 ? 6 : 4};
    char address[PC_IP_TEXT];

    memcpy(ip.bytes, tuple->ip, sizeof(ip.bytes));
    pc_ip_format(&ip, address);
    if (has_ports)
        snprintf(text, 80, is_v6 ? "[%s]:%u" : "%s:%u", address, tuple->port);
    else
        snprintf(text, 80, "%s", address);
}

void pc_story_flow(const struct pc_parsed *p, char text[240])
{
    const char *name = pc_protocol_name(p->protocol);
    char source[80], destination[80], protocol[24];

    if (name)
        snprintf(protocol, sizeof(protocol), "%s", name);
    else
        snprintf(protocol, sizeof(protocol), "protocol %u", p->protocol);
    pc_story_side(&p->src, p->is_v6, p->has_ports, source);
    pc_story_side(&p->dst, p->is_v6, p->has_ports, destination);
    snprintf(text, 240, "%s from %s to %s", protocol, source, destination);
}

const char *pc_story_domain(const struct portcam *pc, int number)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_DOMAIN];
    if (number < 0 || (size_t)number >= n->room || n->index[number] < 0)
        return "?";
    return pc->plan->config->domains[n->index[number]].name;
}

void pc_story_about(unsigned reason, char text[160])
{
    const char *from = PcReasons[reason].about;
    size_t first = 1;

    while (islower((unsigned char)from[first]))
        first++;
    snprintf(text, 160, "%s", from);
    if (!isupper((unsigned char)from[first]) && !isdigit((unsigned char)from[first]))
        text[0] = (char)tolower((unsigned char)text[0]);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = 0;
}

const char *pc_story_backend(const struct portcam *pc, int number)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_BACKEND];
    if (number < 0 || (size_t)number >= n->room || n->index[number] < 0)
        return "?";
    return pc->plan->config->backends[n->index[number]].name;
}
