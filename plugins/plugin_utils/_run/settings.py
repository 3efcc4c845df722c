# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the settings of a run from YAML, a form or a command line, and checks them. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.survey import text_lines
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import approval, protect
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Settings

_SPEC = re.compile(r"[^/]+/([^/]+/)?[^/]+")
# The same as in osd_blacklist, which cannot be imported here, since it needs librados.
LONGEST_PATIENCE_S = 120
# How long a run takes besides its waits.
_OWN_S = 60


def read(told: t.Mapping[str, t.Any]) -> Settings:
    """Returns the settings. Up to ansible-core 2.18, a template hands over numbers as text; a form hands over lists as text. Raises InputError."""
    names = ("pools", "images", "protect", "approved", "evict", "free", "dead_hosts")
    # A list can have numbers: the argument spec of a role checks its elements, and converts none.
    lists = {name: [str(entry) for entry in text_lines(told[name])] for name in names}
    lists["approved"] = approval.read(lists["approved"])
    numbers = {name: int(told[name]) for name in ("max_fence", "expire", "gone_timeout", "patience")}
    lists["evict"] = [str(address.parse(text)) for text in lists["evict"]]
    read: t.Any = {
        **told,
        **lists,
        **_to_free(lists, told["liveness"]),
        **numbers,
        "probe_deadline": float(told["probe_deadline"]),
        "trace": _trace(told["trace"]),
    }
    return _checked(read)


def _to_free(lists: t.Mapping[str, list[str]], liveness: str) -> dict[str, t.Any]:
    """Returns the ``images`` to look at and their ``liveness``, with those to free."""
    named = [spec for spec in lists["free"] if not _is_pattern(spec)]
    if len(named) == len(lists["free"]) and not (named and lists["dead_hosts"]):
        return {"images": list(dict.fromkeys([*lists["images"], *named])), "liveness": liveness}
    # Without a selection, the run looks at every image, also for dead hosts. To name one image would leave out the others.
    selected = [*lists["images"], *named] if lists["images"] or lists["pools"] else []
    # Otherwise, an image of a pattern that has one watcher would not be asked.
    return {"images": list(dict.fromkeys(selected)), "liveness": "all"}


def _is_pattern(spec: str) -> bool:
    return bool(set("*?[") & set(spec))


def _trace(told: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {**told, "scst": text_lines(told["scst"])} if told else {}


def _checked(settings: Settings) -> Settings:
    for check in (_check_key, _check_luns, _check_patience, _check_expire):
        check(settings)
    for text in settings["protect"]:
        protect.rule(text)
    return settings


def _check_key(settings: Settings) -> None:
    if settings["controller_keyring"] and not settings["has_key"]:
        raise InputError(
            f"The controller has no file {settings['controller_keyring']} with a key of {settings['connection'].get('client') or 'client.admin'}. "
            "Give that user's keyring in remediate_watchers_ceph_controller_keyring, or the keyring's user in remediate_watchers_ceph_client."
        )


def _check_luns(settings: Settings) -> None:
    for lun in settings["luns"]:
        if not _SPEC.fullmatch(lun["image"]):
            raise InputError(f"remediate_watchers_luns: '{lun['image']}' is no image. Give pool/image or pool/namespace/image.")
        if not lun.get("device") and not lun.get("portal"):
            raise InputError(f"remediate_watchers_luns: the entry of {lun['image']} has neither a device nor a portal. Give one of them.")


def _check_patience(settings: Settings) -> None:
    if not 1 <= settings["patience"] <= LONGEST_PATIENCE_S:
        raise InputError(f"remediate_watchers_patience is {settings['patience']} s. Give 1 to {LONGEST_PATIENCE_S} seconds.")


def _check_expire(settings: Settings) -> None:
    shortest = settings["patience"] + settings["gone_timeout"] + settings["probe_deadline"] + _OWN_S
    if settings["expire"] <= shortest:
        raise InputError(f"remediate_watchers_expire is {settings['expire']} s, so a fence would expire before the run ends. Give more than {shortest:g} s.")
