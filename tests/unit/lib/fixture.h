// SPDX-License-Identifier: Apache-2.0
/* What the unit tests of libportcam share: cmocka, cards, configurations from text, and messages as one string. */
#ifndef PC_TEST_FIXTURE_H
#define PC_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/src/instance/instance.h"
#include "lib/src/instance/state.h"
#include "lib/src/rows/plan.h"

/* The sizes of the default build, of a card without and with connection records. */
struct portcam_caps test_caps(void);
struct portcam_caps test_caps_stateful(void);

/* A configuration that must be right; ' stands for ". */
struct portcam_config *test_config(const char *text);

/* A plan that must succeed. */
struct pc_plan *test_plan(const char *text, const struct portcam_caps *caps,
                          const struct pc_plan *before);

/* A model card that must open; dir NULL: no state directory. */
struct portcam *test_open(const char *dir);

/* Applies a text that must be accepted. */
void test_apply(struct portcam *pc, const char *text);

/* All messages, one a line; valid until the next call. */
const char *test_messages(const struct portcam_report *report);

/* A fresh directory, removed at the end. */
const char *test_folder(void);

/* One packet through the model behind the card. */
void test_packet(struct portcam *pc, const char *protocol, const char *source, unsigned sport,
                 const char *destination, unsigned dport, unsigned from);

#endif
