# SPDX-License-Identifier: Apache-2.0
# The kernel's packet filter beside the model.
BENCHES += tests/bench/bench_nftables
BENCH_DEPS += build/tests/bench/packet_sender
