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

static void message_free(struct pc_message *message)
{
    free(message->code);
    free(message->text);
    free(message->hint);
}

void portcam_report_clear(struct portcam_report *report)
{
    for (size_t i = 0; i < report->errors.count; i++)
        message_free(&report->errors.at[i]);
    for (size_t i = 0; i < report->warnings.count; i++)
        message_free(&report->warnings.at[i]);
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
        *ret_more = report->errors.more + report->warnings.more;
    return report->errors.count + report->warnings.count;
}

int portcam_report_get(const struct portcam_report *report, size_t index,
                       struct portcam_message *ret)
{
    if (index >= portcam_report_count(report, NULL))
        return -EINVAL;
    const struct pc_message *message = index < report->errors.count
                                           ? &report->errors.at[index]
                                           : &report->warnings.at[index - report->errors.count];
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
    for (size_t i = 0; i < from->errors.count; i++)
        pc_report_hint(report, from->errors.at[i].code, from->errors.at[i].hint, "%s",
                       from->errors.at[i].text);
    for (size_t i = 0; i < from->warnings.count; i++)
        pc_report_warn(report, NULL, 0, "%s", from->warnings.at[i].text);
    report->errors.more += from->errors.more;
    report->warnings.more += from->warnings.more;
}

void pc_report_known(struct portcam_report *report, const struct portcam_report *known)
{
    struct pc_messages *list = &report->warnings;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < known->warnings.count; k++)
            is_known |= strcmp(list->at[i].text, known->warnings.at[k].text) == 0;
        if (is_known)
            message_free(&list->at[i]);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
    list->more = list->more > known->warnings.more ? list->more - known->warnings.more : 0;
}

size_t pc_report_total(const struct portcam_report *report)
{
    return report ? report->errors.count + report->errors.more : 0;
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
static void add(struct pc_messages *report, const char *code, char *text, const char *hint,
                int line)
{
    struct pc_message message = {.code = strdup(code), .text = text, .hint = strdup(hint)};
    make_utf8(text);
    if (report->count == PORTCAM_REPORT_MAX || !message.code || !message.text || !message.hint) {
        report->more++;
        message_free(&message);
        return;
    }
    message.line = line;
    size_t at = report->count;
    while (line > 0 && at > 0 && report->at[at - 1].line > line) {
        report->at[at] = report->at[at - 1];
        at--;
    }
    report->at[at] = message;
    report->count++;
}

static void add_at(struct pc_messages *report, const char *code, const char *file, int line,
                   const char *format, va_list args) __attribute__((format(printf, 5, 0)));

static void add_at(struct pc_messages *report, const char *code, const char *file, int line,
                   const char *format, va_list args)
{
    char *text = NULL;
    char *whole = NULL;

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

void pc_report_vat(struct portcam_report *report, const char *code, const char *file, int line,
                   const char *format, va_list args)
{
    if (report)
        add_at(&report->errors, code, file, line, format, args);
}

void pc_report_warn(struct portcam_report *report, const char *file, int line, const char *format,
                    ...)
{
    va_list args;

    if (!report)
        return;
    va_start(args, format);
    add_at(&report->warnings, "warning", file, line, format, args);
    va_end(args);
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
    add(&report->errors, code, text, hint, 0);
}
