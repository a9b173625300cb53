/* SPDX-License-Identifier: Apache-2.0 */
/* What is plugged into the card: a packet port for each function that has one. Frames go from the ports into the engine
 * while it has room, and from the engine to the ports; what a full port does not take now is kept for it, up to a
 * limit, and offered again. Not thread-safe; everything happens in the loop of one event base. */
#ifndef PC_SIM_CABLES_H
#define PC_SIM_CABLES_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

struct cables;

/* Told in words, without newline, about what is wrong with a port. */
typedef void (*cables_say)(const char *text);
/* There is work for the engine. */
typedef void (*cables_wake)(void *ctx);

/* The engine may be opened later, but before cables_listen(). NULL: no memory. */
struct cables *cables_new(struct event_base *base, struct pc_engine *engine, cables_say say,
                          cables_wake wake, void *ctx);
/* Closes the ports; frames that a port never took are told. */
void cables_free(struct cables *c);

/* Plugs the port that `spec` describes (port.h) into the network side, function 0; false when told why not. */
bool cables_plug_net(struct cables *c, const char *spec);
/* The same for a host function: "SPEC" is the next one, "N=SPEC" function N. */
bool cables_plug_host(struct cables *c, const char *text);

/* Frames are taken from now on. */
void cables_listen(struct cables *c);
/* The engine may have room again: take what waits. */
void cables_resume(struct cables *c);
/* A frame leaves the card by a function. */
void cables_send(struct cables *c, unsigned function, const uint8_t *frame, size_t len);
/* Every capture file is at its end, and no port is owed anything. */
bool cables_ended(const struct cables *c);

#endif
