// SPDX-License-Identifier: Apache-2.0
/*
 * What every test of the driver layer includes: cmocka in its required order, named tests, small
 * checks.
 */
#ifndef DRIVER_TEST_H
#define DRIVER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>

/* A test whose name is a sentence. */
#define TEST(sentence, function)                                                                   \
    {                                                                                              \
        sentence, function, NULL, NULL, NULL                                                       \
    }
#define TEST_WITH(sentence, function, setup, teardown)                                             \
    {                                                                                              \
        sentence, function, setup, teardown, NULL                                                  \
    }

#define assert_err(expression, err) assert_int_equal(expression, -(err))

/* The last sentence of the driver contains this text. */
#define assert_says(text)                                                                          \
    do {                                                                                           \
        if (!strstr(portcam_dev_error(), text))                                                    \
            fail_msg("\"%s\" does not say \"%s\"", portcam_dev_error(), text);                     \
    } while (0)

#endif /* DRIVER_TEST_H */
