# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many healthy watchers an image has by right."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError


@dataclass(frozen=True)
class Expected:
    """``default`` for all images, except those that a pattern names; the first pattern that matches counts."""

    default: int
    patterns: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Expected:
        """From the options ``expected`` and ``expected_for``. Raises InputError for a number below 1."""
        expected = cls(options["expected"], tuple((rule["pattern"], rule["watchers"]) for rule in options["expected_for"]))
        if expected.least < 1:
            raise InputError("expected and the watchers of expected_for must be at least 1: an image that is served has a watcher.")
        return expected

    @property
    def least(self) -> int:
        """The smallest number that any image may have."""
        return min([self.default, *(number for _pattern, number in self.patterns)])

    def of(self, spec: str) -> int:
        """The number for an image, ``pool/[namespace/]name``."""
        return next((number for pattern, number in self.patterns if fnmatchcase(spec, pattern)), self.default)
