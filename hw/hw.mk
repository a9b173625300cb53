# SPDX-License-Identifier: Apache-2.0
#
# The files of the hardware, packages first, as Verilator and Yosys want them. The top is
# portcam_core.

HW_PKG := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
          hw/rtl/lookup/portcam_lookup_pkg.sv hw/rtl/connection/portcam_connection_pkg.sv \
          hw/rtl/mirror/portcam_mirror_pkg.sv
HW_RTL := $(HW_PKG) $(sort $(filter-out $(HW_PKG),$(wildcard hw/rtl/*/*.sv)))
