# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the suspects for people, and for the role remediate_watchers. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import messages

Data = t.Mapping[str, t.Any]

# YAML takes these in no scalar as they are (YAML 1.1, 5.1); JSON leaves them so.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def summary(suspects: t.Sequence[Data]) -> list[str]:
    """Returns a few lines for each suspect, the most suspect first."""
    lines = [line for suspect in suspects for line in _lines(suspect)]
    return lines or [messages.NO_SUSPECT]


def _lines(suspect: Data) -> list[str]:
    return [*_head(suspect), *_where(suspect), *(f"   next: {step}" for step in suspect["advice"]), *(f"   | {line}" for line in suspect["evidence"])]


def _head(suspect: Data) -> list[str]:
    name = f" ({suspect['name']})" if suspect["name"] else ""
    hosts = f" on {', '.join(suspect['hosts'])}" if suspect["hosts"] else ""
    lines = [f"{suspect['rank']}. {suspect['device'] or messages.UNNAMED}{name}{hosts}: {suspect['pattern']}", f"   {suspect['reason']}"]
    lines += [f"   {messages.SEEN.format(counts=_counts(suspect), when=_when(suspect))}"] if suspect["counts"] else []
    return lines + ([f"   {_judged(suspect['episode'], suspect['episodes'])}"] if suspect["episodes"] > 1 else [])


def _judged(episode: Data, number: int) -> str:
    return messages.JUDGED.format(number=number, counts=_counts(episode), when=_when(episode))


def _counts(counted: Data) -> str:
    return ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in counted["counts"].items())


def _when(counted: Data) -> str:
    return f", {counted['first']} to {counted['last']}" if counted["first"] else ""


def _where(suspect: Data) -> list[str]:
    lines = [f"   volume: {' '.join(filter(None, (volume['uuid'], volume['name'])))}" for volume in suspect["volumes"]]
    lines += [f"   path: {', '.join(suspect['paths'])}"] if suspect["paths"] else []
    lines += [f"   image: {_image(lun)}" for lun in suspect["luns"] if lun["image"]]
    lines += [f"   {messages.NO_IMAGE.format(reason=_why_none(suspect))}"] if not suspect["images"] else []
    return lines + ([f"   {messages.AMBIGUOUS}"] if suspect["ambiguous"] else [])


def _image(lun: Data) -> str:
    header = f", header {lun['header']}" if lun["header"] else ""
    return f"{lun['image']}, LUN {lun['lun']} of {lun['target']} ({lun['stack']}, {lun['device']}){header}"


def _why_none(suspect: Data) -> str:
    if not suspect["device"]:
        return messages.NO_DEVICE
    if suspect["luns"]:
        first = suspect["luns"][0]
        return messages.NO_RBD_IMAGE.format(stack=first["stack"], backing=first["backing"] or "nothing")
    return messages.NOT_EXPORTED


def images(suspects: t.Sequence[Data]) -> list[str]:
    """Returns the images to check, the most suspect first."""
    return list(dict.fromkeys(image for suspect in suspects if suspect["healable"] for image in suspect["images"]))


def variables(suspects: t.Sequence[Data]) -> str:
    """Returns a file of variables for the role. Names come from outside, so Ansible must not render them as templates."""
    named = "".join(f"  - !unsafe {_scalar(image)}\n" for image in images(suspects))
    return f"---\n# Suspects found by cephops.iscsi_rescue.diagnose_esxi, the most suspect first.\nremediate_watchers_images:\n{named}"


def _scalar(text: str) -> str:
    """Returns a double-quoted scalar: JSON's, with the further escapes that YAML needs."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", quoted)
