# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._options import known

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"
TOLD = yaml.safe_load((PLAYBOOKS / "vars" / "options.yml").read_text())


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("remediate_watchers_protected", "remediate_watchers_protect"),
        ("remediate_watchers_image", "remediate_watchers_images"),
        ("remediate_watchers_max_fenced", "remediate_watchers_max_fence"),
        ("restore_blacklist_address", "restore_blacklist_addresses"),
        ("export_metrics_directory", "export_metrics_dir"),
        ("incident_lab_prt", "incident_lab_port"),
    ],
)
def test_a_misspelt_option_is_named_with_the_nearest(name: str, near: str) -> None:
    prefix = next(one for one in TOLD if name.startswith(f"{one}_"))
    assert known.of_prefixes([name, "ansible_host", "remediate"], [prefix]) == [f"There is no option {name}: did you mean {near}?"]


def test_what_is_known_passes() -> None:
    names = ["remediate_watchers_images", "remediate_watchers_result", "__remediate_watchers_run", "restore_blacklist_addresses"]
    assert known.of_prefixes(names, ["remediate_watchers"]) == []


def test_one_that_is_like_none_is_told_with_all() -> None:
    assert known.unknown(["x"], ["ceph_admin"], "group") == ["There is no group x. Known names: ceph_admin."]


@pytest.mark.parametrize("prefix", TOLD)
def test_the_list_is_that_of_the_code(prefix: str) -> None:
    """Checks that each name with a playbook's prefix is listed, and that each listed name is used there."""
    text = "".join(path.read_text() for path in sorted([*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("tasks/*/*.yml")]))
    used = set(re.findall(rf"\b{prefix}_[a-z_]+\b", text))
    own = {name for name in (*TOLD[prefix].get("options", {}), *TOLD[prefix].get("results", [])) if name.startswith(f"{prefix}_")}
    assert used <= {*known.known_of(prefix)}
    assert TOLD[prefix].get("role") or own == used


CHECKED = [path for path in sorted(PLAYBOOKS.glob("*.yml")) if "options" in TOLD.get(path.stem, {})]


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_every_playbook_checks_its_options(path: Path) -> None:
    checked = re.findall(r"cephops\.iscsi_rescue\.known_options:\n +of: \[(.*)\]", path.read_text())
    assert checked
    assert all(path.stem in of.split(", ") for of in checked)
