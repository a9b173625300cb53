# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The driver on both ways to one kernel, through the group and through iommufd: `make vm-test-iommufd`.

No kernel of Debian has iommufd; its modules are built once, by build-iommufd.
"""

import machine
import parts
import pytest


@pytest.fixture(scope="module", name="result")
def _result(tmp_path_factory):
    try:
        machine.fetch()
        machine.build_iommufd()
    except machine.Unavailable as error:
        pytest.skip(f"NO VIRTUAL MACHINE, THE DRIVER HAS NOT MET IOMMUFD: {error}")
    result = machine.Machine(tmp_path_factory.mktemp("iommufd"), "iommufd", iommufd=True).run()
    print(result.text)
    return result


def test_machine_ends(result):
    parts.assert_whole(result, "iommufd")


@pytest.mark.parametrize("check", parts.CHECKS["iommufd"])
def test_in_guest(result, check):
    parts.assert_check(result, check)
