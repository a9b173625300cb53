# SPDX-License-Identifier: Apache-2.0
PY_TESTS += tests/testplan/test_check.py
