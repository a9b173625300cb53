# SPDX-License-Identifier: Apache-2.0
# What `make demo` shows.
DEMOS += demo/demo.py
