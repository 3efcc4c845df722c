# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labs of tests that run at the same time: each has a directory, and a hundred ports."""

from __future__ import annotations

import re

from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

PLACES = [ROOT / "tests" / "tests.mk", ROOT / "tests" / "artifact.sh", ROOT / "tests" / "pipeline.sh", ROOT / "Makefile"]
MOLECULE = ROOT / "extensions" / "molecule" / "inventory" / "hosts.yml"


def labs() -> list[tuple[str, int]]:
    found = [lab for path in PLACES for lab in re.findall(r"(/var/tmp/iscsi_rescue_\w+) (\d{5})", path.read_text())]
    found += re.findall(r"incident_lab_dir: (\S+)\n +incident_lab_port: (\d+)", MOLECULE.read_text())
    found += re.findall(r"iscsi_rescue_molecule,(iscsi_rescue_\w+),; s,24300,(\d+)", (ROOT / "docs" / "pipeline.md").read_text())
    return [(directory, int(port)) for directory, port in found]


def test_labs_do_not_meet() -> None:
    directories, ports = zip(*labs())
    assert len({*directories}) == len(directories)
    apart = sorted(ports)
    assert [(one, other) for one, other in zip(apart, apart[1:]) if other - one < 100] == []


def test_none_is_the_one_that_a_user_may_have_up() -> None:
    assert not [lab for lab in labs() if lab[0].endswith("_lab") or lab[1] == 21300]
