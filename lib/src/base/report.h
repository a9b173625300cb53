// SPDX-License-Identifier: Apache-2.0
/*
 * What a person should read: a bounded list of messages, each with a word for programs and a line of the file.
 * Adding never fails visibly: without memory, or beyond PORTCAM_REPORT_MAX, a message is only counted.
 */
#ifndef PC_REPORT_H
#define PC_REPORT_H

#include <stdarg.h>

#include "portcam/portcam.h"

struct pc_message {
    char *code;
    char *text;
    char *hint;
    int line;
};

/* Messages of one kind. */
struct pc_messages {
    struct pc_message at[PORTCAM_REPORT_MAX];
    size_t count;
    size_t more;
};

struct portcam_report {
    struct pc_messages errors, warnings;
};

/* Add a message. `report` may be NULL; the text is formatted as printf does. */
void pc_report_add(struct portcam_report *report, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Add a message with a hint. */
void pc_report_hint(struct portcam_report *report, const char *code, const char *hint,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Add a message about a place: "FILE:LINE: text", or the text alone when file is NULL or line 0. */
void pc_report_at(struct portcam_report *report, const char *code, const char *file, int line,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void pc_report_vat(struct portcam_report *report, const char *code, const char *file, int line,
                   const char *format, va_list args) __attribute__((format(printf, 5, 0)));

/* Add a warning, code "warning": nothing is refused for it. */
void pc_report_warn(struct portcam_report *report, const char *file, int line, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/* Take away the warnings that the other report has too. */
void pc_report_known(struct portcam_report *report, const struct portcam_report *known);

/* Add all messages of another report, as they stand there. */
void pc_report_append(struct portcam_report *report, const struct portcam_report *from);

/* Messages that are no warnings, kept or not. */
size_t pc_report_total(const struct portcam_report *report);

#endif
