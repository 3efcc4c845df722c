# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.dead_hosts import DeadHosts
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Judgement, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import judged


@pytest.mark.parametrize(
    ("texts", "client", "there"),
    [
        (["192.0.2.7"], "192.0.2.7:0/1", True),
        (["192.0.2.7"], "192.0.2.70:0/1", False),
        ([" 192.0.2.0/24 "], "192.0.2.70:0/1", True),
        (["192.0.2.9/24"], "192.0.2.70:0/1", True),
        (["2001:db8::/32"], "[2001:db8::1]:0/1", True),
        (["2001:db8::1"], "192.0.2.7:0/1", False),
        (["localhost"], "127.0.0.1:0/1", True),
        ([], "192.0.2.7:0/1", False),
        (["192.0.2.7"], "192.0.2.7:0/0", False),
    ],
)
def test_which_clients_are_on_a_dead_host(texts: list[str], client: str, there: bool) -> None:
    assert DeadHosts.from_option(texts, 5).has(client) is there


@pytest.mark.parametrize("text", ["", "no-such-host.invalid", "192.0.2.0/99", "x" * 300, "a\nb", "\0"])
def test_what_names_no_host(text: str) -> None:
    with pytest.raises(InputError, match="dead_hosts"):
        DeadHosts.from_option([text], 5)


def on_dead_hosts(livenesses: str, dead: t.Collection[int], expected: int = 1) -> Judgement:
    """The image of judged(), some of whose watchers are on dead hosts."""
    found = judged(livenesses, expected)
    findings = [replace(finding, dead_host=number in dead) for number, finding in enumerate(found.findings)]
    return verdict.judge(WatchedImage(found.watched.image, found.watched.watchers), findings, expected)


@pytest.mark.parametrize(
    ("livenesses", "dead", "expected", "surplus", "freeing"),
    [
        ("o", [0], 1, 1, True),
        ("oh", [0, 1], 1, 2, True),
        ("h", [0], 1, 1, True),
        ("ah", [1], 2, 1, False),
        ("ao", [1], 1, 1, False),
        ("a", [0], 1, 0, False),
        ("ao", [0, 1], 1, 1, False),
        ("ah", [0, 1], 2, 1, False),
        ("hu", [0], 2, 0, False),
        ("oh", [0], 1, 0, False),
        ("u", [0], 1, 0, False),
        ("Ao", [1], 1, 1, True),
        ("A", [0], 1, 0, False),
    ],
)
def test_only_the_silent_on_a_dead_host_go(livenesses: str, dead: list[int], expected: int, surplus: int, freeing: bool) -> None:
    found = on_dead_hosts(livenesses, dead, expected)
    assert (len(found.surplus), found.freeing) == (surplus, freeing)
    assert all(finding.stale and not finding.daemon for finding in found.surplus)


def test_a_client_that_responds_on_a_dead_host_is_reported() -> None:
    assert any(fits(reasons.ON_DEAD_HOST, reason) for reason in on_dead_hosts("a", [0]).reasons)
    assert not any(fits(reasons.ON_DEAD_HOST, reason) for reason in on_dead_hosts("a", []).reasons)


def test_a_dead_host_is_no_word_on_a_single_client() -> None:
    """So all guards hold that one which the operator names would pass."""
    (culprit,) = verdict.culprits([on_dead_hosts("h", [0])])
    assert not culprit.named
