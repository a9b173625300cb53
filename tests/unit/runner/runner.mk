# SPDX-License-Identifier: Apache-2.0
PY_TESTS += tests/unit/runner/test_runner.py
