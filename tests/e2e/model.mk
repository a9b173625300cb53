# SPDX-License-Identifier: Apache-2.0
# The reference model against scapy and against the NAT of the Linux kernel.
PY_TESTS += tests/e2e/test_scapy_model.py tests/e2e/test_stateful_model.py tests/e2e/test_slow_path_model.py
PY_TESTS += tests/e2e/test_icmp_errors.py tests/e2e/test_nftables.py
