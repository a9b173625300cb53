// SPDX-License-Identifier: Apache-2.0
/*
 * The list of messages that portcam.h hands to people and programs. Messages about a file are kept in the order in
 * which they are found; the order of lines is made when they are read.
 */
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct portcam_report *portcam_report_new(void)
{
    return calloc(1, sizeof(struct portcam_report));
}

void portcam_report_clear(struct portcam_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->messages[i].code);
        free(report->messages[i].text);
        free(report->messages[i].hint);
    }
    memset(report, 0, sizeof(*report));
}

void portcam_report_free(struct portcam_report *report)
{
    if (!report)
        return;
    portcam_report_clear(report);
    free(report);
}

size_t portcam_report_count(const struct portcam_report *report, size_t *ret_more)
{
    if (ret_more)
        *ret_more = report->more;
    return report->count;
}

int portcam_report_get(const struct portcam_report *report, size_t index,
                       struct portcam_message *ret)
{
    if (index >= report->count)
        return -EINVAL;
    const struct pc_message *message = &report->messages[index];
    ret->code = message->code;
    ret->text = message->text;
    ret->hint = message->hint;
    ret->line = message->line;
    return 0;
}

void pc_report_append(struct portcam_report *report, const struct portcam_report *from)
{
    if (!report)
        return;
    for (size_t i = 0; i < from->count; i++)
        pc_report_hint(report, from->messages[i].code, from->messages[i].hint, "%s",
                       from->messages[i].text);
    report->more += from->more;
}

size_t pc_report_total(const struct portcam_report *report)
{
    return report ? report->count + report->more : 0;
}

/* Messages quote what was given, cut to a length: half a character at a cut becomes question marks. */
static void make_utf8(char *text)
{
    json_t *probe = text ? json_string(text) : NULL;
    for (char *c = text; c && *c && !probe; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    json_decref(probe);
}

/* Takes text. Keeps messages sorted by line, those without a line where they came. */
static void add(struct portcam_report *report, const char *code, char *text, const char *hint,
                int line)
{
    struct pc_message message = {.code = strdup(code), .text = text, .hint = strdup(hint)};
    make_utf8(text);
    if (report->count == PORTCAM_REPORT_MAX || !message.code || !message.text || !message.hint) {
        report->more++;
        free(message.code);
        free(message.text);
        free(message.hint);
        return;
    }
    message.line = line;
    size_t at = report->count;
    while (line > 0 && at > 0 && report->messages[at - 1].line > line) {
        report->messages[at] = report->messages[at - 1];
        at--;
    }
    report->messages[at] = message;
    report->count++;
}

void pc_report_vat(struct portcam_report *report, const char *code, const char *file, int line,
                   const char *format, va_list args)
{
    char *text = NULL;
    char *whole = NULL;

    if (!report)
        return;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    if (text && file && line > 0) {
        if (asprintf(&whole, "%s:%d: %s", file, line, text) < 0)
            whole = NULL;
        free(text);
        text = whole;
    }
    add(report, code, text, "", file ? line : 0);
}

void pc_report_at(struct portcam_report *report, const char *code, const char *file, int line,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pc_report_vat(report, code, file, line, format, args);
    va_end(args);
}

void pc_report_add(struct portcam_report *report, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pc_report_vat(report, code, NULL, 0, format, args);
    va_end(args);
}

void pc_report_hint(struct portcam_report *report, const char *code, const char *hint,
                    const char *format, ...)
{
    char *text = NULL;
    va_list args;

    if (!report)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    add(report, code, text, hint, 0);
}
