# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run as one page. On the controller only, for it takes Jinja."""

from __future__ import annotations

import typing as t

import jinja2
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STALE
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import summary, svg
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import LunResult, Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES


def render(summed: Result, template: str) -> str:
    """The page. Everything in ``summed``, the role's result, is text from outside and is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    came_to = OUTCOMES[summed["outcome"]]
    images = [{**image, "luns": [_lun(lun) for lun in image["luns"]]} for image in summed["images"]]
    picture = svg.timeline(summed["timeline"])
    return environment.from_string(str(template)).render(
        run={**summed, "images": images},
        headline=f"{came_to.headline}: {summed['healed']} healed, {summed['refused']} refused" if summed["outcome"] == "partly_healed" else came_to.headline,
        meaning=came_to.meaning,
        stale=STALE,
        timeline=picture,
        blacklist=_blacklist(summed),
        canvas={"width": svg.WIDTH, "left": svg.LEFT},
    )


def _lun(lun: LunResult) -> dict[str, t.Any]:
    return {**lun, "where": where(lun["before"] or lun["after"]), "latency": svg.latency(lun["before"], lun["after"])}


def _blacklist(summed: Result) -> dict[str, t.Any]:
    """The entries that were not the same all the time, and how many were."""
    states = [summed["blacklist_before"], summed["blacklist_during"], summed["blacklist_after"]]
    known = [state for state in states if state is not None]
    clients = sorted({client for state in known for client in state})
    moved = [client for client in clients if len({state.get(client) for state in known}) > 1]
    own = summary.touched(summed)
    rows = [{"client": client, "whose": "" if client in own else "of others", "until": [_until(state, client) for state in states]} for client in moved]
    return {"rows": rows, "same": len(clients) - len(moved), "known": summed["blacklist_before"] is not None, "unread": len(states) - len(known)}


def _until(state: t.Mapping[str, str] | None, client: str) -> str:
    if state is None:
        return "not read"
    return f"until {state[client]}" if client in state else "no entry"
