# SPDX-License-Identifier: Apache-2.0
"""Daemons with the card of the model, for the tests of the portcam command."""

import pytest

from cli_daemon import SHOP, Daemon


@pytest.fixture(name="empty")
def _empty(tmp_path):
    with Daemon(tmp_path) as daemon:
        yield daemon.start()


@pytest.fixture(name="daemon")
def _daemon(empty):
    empty.apply(SHOP)
    return empty


@pytest.fixture(name="still", scope="module")
def _still(tmp_path_factory):
    """One daemon for the tests that change nothing."""
    with Daemon(tmp_path_factory.mktemp("still")) as daemon:
        daemon.start()
        daemon.apply(SHOP)
        yield daemon
