# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, MissingLibraryError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words


def test_a_missing_library_is_told_with_its_packages() -> None:
    said = in_words(MissingLibraryError("rados, rbd", "No module named 'rados'"))
    assert said.startswith("Failed to import the required Python library (rados, rbd) on ")
    assert "install the packages python3-rados and python3-rbd, of these names on Debian and on RPM systems." in said
    assert "ansible_python_interpreter" in said


def test_any_other_error_is_told_as_it_is() -> None:
    assert in_words(InputError("timeout is 0: give at least 1 second.")) == "timeout is 0: give at least 1 second."


def test_a_cluster_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "RADOS_MISSING", "No module named 'rados'")
    with pytest.raises(MissingLibraryError, match=r"rados, rbd cannot be imported \(No module named 'rados'\)"):
        cluster.Cluster(cluster.Connection("/etc/ceph/ceph.conf", "client.admin", None, 10))
