# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells how many healthy watchers an image is expected to have."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.service_map import ServiceMap
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher

AUTO = "auto"


@dataclass(frozen=True)
class Expected:
    """Holds ``default`` for all images, except those that a pattern names; the first pattern that matches counts.

    None stands for the number of gateways that the service map knows for the image, at least 1.
    """

    default: int | None
    patterns: tuple[tuple[str, int], ...] = ()
    services: ServiceMap = field(default_factory=ServiceMap)

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Expected:
        """Returns what the options ``expected`` and ``expected_for`` say. Raises InputError for a number below 1."""
        expected = cls(_number(options["expected"]), tuple((rule["pattern"], rule["watchers"]) for rule in options["expected_for"]))
        if expected.least < 1:
            raise InputError("expected and the watchers of expected_for must be at least 1: an image that is served has a watcher.")
        return expected

    def by(self, services: ServiceMap) -> Expected:
        """Returns the same, with the service map."""
        return replace(self, services=services)

    @property
    def least(self) -> int:
        """Returns the smallest number that any image can have."""
        return min([1 if self.default is None else self.default, *(number for _pattern, number in self.patterns)])

    def of(self, watched: WatchedImage) -> int:
        """Returns the number for an image."""
        spec = watched.image.spec
        fixed = next((number for pattern, number in self.patterns if fnmatchcase(spec, pattern)), self.default)
        return fixed if fixed is not None else max(1, sum(bool(self.gateway(watched.image, watcher)) for watcher in watched.watchers))

    def gateway(self, image: Image, watcher: Watcher) -> str:
        """Returns the host of the gateway that serves the image by this watcher, '' for none that the service map knows."""
        return self.services.gateways.get((watcher.address, image.id), "")


def _number(told: str) -> int | None:
    text = str(told).strip().lower()
    if text == AUTO:
        return None
    if not text.lstrip("-").isdecimal():
        raise InputError(f"expected is '{told}': give a number, or auto.")
    return int(text)
