# SPDX-License-Identifier: Apache-2.0
#
# The documents: what they name is there, what they show happens, and their examples build and run.

PY_TESTS += tests/unit/docs/test_links.py tests/unit/docs/test_debugging.py \
             tests/unit/docs/test_guide.py tests/unit/docs/test_life.py \
             tests/unit/docs/test_integration.py tests/unit/docs/test_install.py
TEST_DEPS += build/tests/unit/core/core_test build/tests/bench/bench_core
