# SPDX-License-Identifier: Apache-2.0
#
# portcam and portcamd.

CLI_COMMON := cli/request.c cli/request_connection.c cli/request_trace.c cli/file_words.c
CLI_SRC := $(addprefix cli/,portcam.c args.c args_trace.c ask.c client.c commands.c connection.c devices.c drain.c files.c help.c nearest.c pcap.c pcap_write.c rate.c render.c render_connection.c render_diff.c render_lists.c render_slow_path.c render_trace.c render_words.c table.c trace.c) $(CLI_COMMON)
DAEMON_SRC := $(wildcard cli/portcamd*.c) $(CLI_COMMON)

build/cli/portcam: $(CLI_SRC:%.c=build/%.o) build/libportcam.a build/libportcam_driver.a build/libportcam_model.a
build/cli/portcam: LDLIBS += $(LIB_LIBS)

build/cli/portcamd: $(DAEMON_SRC:%.c=build/%.o) build/libportcam.a build/libportcam_driver.a build/libportcam_model.a
build/cli/portcamd: LDLIBS += -levent_core $(LIB_LIBS)

build/cli/completion/portcam: build/cli/portcam
	@mkdir -p $(@D)
	$(Q)./$< help --completion > $@

build/cli/portcamd.service: cli/portcamd.service each-prefix
	@mkdir -p $(@D)
	@sed 's|@PREFIX@|$(PREFIX)|' $< > $@

build/cli/portcam.conf: cli/portcam.sysusers
	@mkdir -p $(@D)
	@cp $< $@

PROGRAMS += build/cli/portcam.conf build/cli/portcamd.service build/cli/portcam build/cli/portcamd build/cli/completion/portcam
INSTALL_BIN += build/cli/portcam
INSTALL_SBIN += build/cli/portcamd
INSTALL_COMPLETION += build/cli/completion/portcam
INSTALL_UNIT += build/cli/portcamd.service
INSTALL_UDEV += cli/60-portcam.rules
INSTALL_SYSUSERS += build/cli/portcam.conf

PY_TESTS += tests/e2e/test_config.py tests/e2e/test_cli.py tests/e2e/test_cli_errors.py tests/e2e/test_explain.py tests/e2e/test_daemon.py tests/e2e/test_man.py tests/e2e/test_connections.py tests/e2e/test_trace.py tests/e2e/test_half_answers.py
