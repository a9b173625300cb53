# SPDX-License-Identifier: Apache-2.0
#
# The proofs of the leaf modules; see hw/formal/run.

FORMAL += run-formal

.PHONY: run-formal
run-formal:
	hw/formal/run
