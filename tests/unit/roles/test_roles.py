# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role's documentation says of its settings is what its defaults are."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

ROLES = ROOT / "roles"


def read(role: str, path: str) -> t.Any:
    return yaml.safe_load((ROLES / role / path).read_text())


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_defaults_are_those_of_the_argument_spec(role: str) -> None:
    entries = read(role, "meta/argument_specs.yml")["argument_specs"].values()
    told = {name: option["default"] for entry in entries for name, option in entry["options"].items() if "default" in option}
    assert told == read(role, "defaults/main.yml")


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_entry_points_agree_on_a_setting(role: str) -> None:
    entries = read(role, "meta/argument_specs.yml")["argument_specs"].values()
    options = [(name, option) for entry in entries for name, option in entry["options"].items()]
    assert all(option == dict(options)[name] for name, option in options if option.get("default") is not None)
