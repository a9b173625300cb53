/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of portcam-model share: how it fails, and the model that a configuration file makes. */
#ifndef PC_PORTCAM_MODEL_H
#define PC_PORTCAM_MODEL_H

#include <stdbool.h>

#include "device.h"
#include "lib/src/slow/slow.h"

enum { MODEL_OK = 0, MODEL_USAGE = 1, MODEL_FAILED = 2 };

/* One line on standard error, "portcam-model: ...". Gives MODEL_FAILED. */
int model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A model of the default sizes that runs the configuration file, its rows written by the commands that a card gets.
 * *ret_limits gets what its slow path may cost. NULL after every error of the file was told on standard error.
 */
struct pc_device *model_from_file(const char *file, struct pc_slow_limits *ret_limits);

/* The functions of that model, the network (0) included. */
unsigned model_functions(void);

#endif
