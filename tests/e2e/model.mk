# SPDX-License-Identifier: Apache-2.0
# The reference model against scapy.
PY_TESTS += tests/e2e/test_scapy_model.py
