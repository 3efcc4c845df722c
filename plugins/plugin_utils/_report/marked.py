# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks the times and addresses in a sentence for the report. On the controller only, since it takes markupsafe."""

from __future__ import annotations

import re
import typing as t

from markupsafe import Markup, escape

# As Ceph and Python write a time; Ceph up to 14 without a zone.
_TIME = r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:\.\d+)?(?: ?(?P<zone>Z|[+-]\d\d:?\d\d))?"
# A client of Ceph, with its nonce.
_CLIENT = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d+/\d+"
_MARKED = re.compile(f"{_TIME}|(?P<client>{_CLIENT})")
_UTC = ("Z", "+0000", "+00:00")


def marked(text: t.Any) -> Markup:
    """Returns the text for HTML: a time as a person reads it, unbroken, an address as code, and all else escaped."""
    said, parts, end = str(text), [], 0
    for hit in _MARKED.finditer(said):
        parts += [escape(said[end : hit.start()]), _element(hit)]
        end = hit.end()
    return Markup("").join([*parts, escape(said[end:])])


def _element(hit: re.Match[str]) -> Markup:
    if hit["client"]:
        return Markup("<code>{}</code>").format(hit["client"])
    return Markup("<time>{}</time>").format(_moment(hit))


def _moment(hit: re.Match[str]) -> str:
    zone = hit["zone"] or ""
    return " ".join(filter(None, (hit["date"], hit["time"], "UTC" if zone in _UTC else zone)))
