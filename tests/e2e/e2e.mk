# SPDX-License-Identifier: Apache-2.0
# Whole systems: daemon, card, clients and servers.
PY_TESTS += tests/e2e/test_traffic.py tests/e2e/test_demo.py tests/e2e/test_busy_card.py tests/e2e/test_changes.py \
            tests/e2e/test_rejects.py tests/e2e/test_path_mtu.py tests/e2e/test_slow_path.py tests/e2e/test_sctp.py \
            tests/e2e/test_restart.py tests/e2e/test_trace_traffic.py
TAP_TESTS += build/tests/e2e/test_bad_input build/tests/e2e/test_packets

build/tests/e2e/test_bad_input build/tests/e2e/test_packets: %: %.o build/libportcam_driver.a build/libportcam_model.a
build/tests/e2e/test_bad_input build/tests/e2e/test_packets: LDLIBS += -lcmocka $(DRIVER_LIBS)

TEST_DEPS += build/tests/e2e/sctp_talk
build/tests/e2e/sctp_talk: LDLIBS += -lusrsctp -lpthread

# The long form of test_restart.py.
.PHONY: run-restart
run-restart: build/sim/portcam-sim build/cli/portcam build/cli/portcamd
	KILLS=50 RESETS=50 DOWNLOADS=500 RATE=80k $(PYTHON) -m pytest -q -s tests/e2e/test_restart.py -k kills
