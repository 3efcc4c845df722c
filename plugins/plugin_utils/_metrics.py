# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes watchers and leases in Prometheus's text format, for node_exporter's textfile collector. Pure.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STALE, STATES

Data = t.Mapping[str, t.Any]
Samples = dict[tuple[tuple[str, str], ...], float]

_NAMES = ("pool", "namespace", "image")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def render(survey: Data, leases: t.Sequence[Data], now: float) -> str:
    """Returns the whole file.

    ``survey``: what rbd_watchers returned; ``leases``: those of osd_blacklist; ``now``: seconds since the epoch.
    """
    sick = [image for image in survey["images"] if image["state"] != "normal"]
    oldest: Samples = {(): min(lease["added"] for lease in leases)} if leases else {}
    families: list[tuple[str, str, Samples]] = [
        ("rbd_image_watchers", "Watchers of an image that is not normal.", _by_image(sick, (*_NAMES, "state", "decision"), _watchers)),
        ("rbd_image_watchers_stale", "Watchers that did not answer, of an image that is not normal.", _by_image(sick, _NAMES, _stale)),
        ("rbd_images", "Images in each state.", {(("state", state),): survey["counts"][state] for state in STATES}),
        ("rbd_images_unseen", "Images that could not be checked.", {(): survey["counts"]["unseen"]}),
        ("rbd_watchers_gaps", "Gaps: reasons why the check was not complete.", {(): len(survey["incomplete"])}),
        ("osd_blacklist_leases", "Clients that are fenced under an open lease.", {(): len(leases)}),
        ("osd_blacklist_oldest_lease_timestamp_seconds", "When the oldest open lease was written.", oldest),
        ("rbd_watchers_last_success_timestamp_seconds", "When the watchers were last checked.", {(): now}),
    ]
    return "".join(_family(name, told, samples) for name, told, samples in families)


def _watchers(image: Data) -> int:
    return len(image["watchers"])


def _stale(image: Data) -> int:
    return sum(watcher["liveness"] in STALE for watcher in image["watchers"])


def _by_image(images: t.Sequence[Data], labels: t.Sequence[str], count: t.Callable[[Data], int]) -> Samples:
    """Returns the samples by the labels as written: two series with the same labels would make node_exporter refuse the file."""
    samples: Samples = {}
    for image in images:
        values = {**image, "image": image["name"]}
        written = tuple((label, _escaped(values[label])) for label in labels)
        samples[written] = max(samples.get(written, 0), count(image))
    return samples


def _escaped(value: str) -> str:
    """Returns the text escaped. A name can be any text; bytes that are no UTF-8 are written as codes."""
    return value.encode(errors="backslashreplace").decode().translate(_ESCAPES)


def _family(name: str, told: str, samples: Samples) -> str:
    lines = [f"{name}{_labels(labels)} {value!r}\n" for labels, value in samples.items()]
    return f"# HELP {name} {told}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
