// SPDX-License-Identifier: Apache-2.0
/* Bytes that nobody made sense of, as packets to the slow path; shared by the fuzzer and the test. */
#ifndef PC_SLOW_LIES_H
#define PC_SLOW_LIES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes are a list of packets: whole frames as they are, and pieces of datagrams that have something wrong. Time goes on
 * between them. Aborts where the engine breaks a promise: every packet is counted once or waits, memory stays in its limits,
 * what is sent is as long as something that came, or an answer, and nothing waits for ever.
 */
void slow_lies(const uint8_t *data, size_t size);

#endif
