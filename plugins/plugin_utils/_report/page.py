# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders the report of a run as one page. On the controller only, since it takes Jinja."""

from __future__ import annotations

import typing as t

import jinja2
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STALE
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import bars, marked, story, summary
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import LunResult, Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES

# So many images are shown on the first screens; the others are folded.
SHOWN = 3


def render(summed: Result, template: str) -> str:
    """Returns the page. Everything in ``summed``, the role's result, is text from outside and is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["marked"] = marked.marked
    images = [{**image, "luns": [_lun(lun) for lun in image["luns"]]} for image in summed["images"]]
    return environment.from_string(str(template)).render(
        run={**summed, "images": images},
        headline=_headline(summed),
        meaning=_first_sentence(OUTCOMES[summed["outcome"]].meaning),
        cards=story.cards(summed),
        shown=SHOWN,
        stale=STALE,
        timeline=bars.timeline(summed["timeline"]),
        blocklist=_blocklist(summed),
    )


def _headline(summed: Result) -> str:
    """Returns the outcome, with the numbers where some images were healed and others were not."""
    headline = OUTCOMES[summed["outcome"]].headline
    return f"{headline}: {summed['healed']} healed, {summed['refused']} refused" if summed["outcome"] == "partly_healed" else headline


def _first_sentence(text: str) -> str:
    """Returns the first sentence: the others say where to read on, which the page itself shows."""
    return text.partition(". ")[0].rstrip(".") + "."


def _lun(lun: LunResult) -> dict[str, t.Any]:
    return {**lun, "where": where(lun["before"] or lun["after"]), "latency": bars.latency(lun["before"], lun["after"])}


def _blocklist(summed: Result) -> dict[str, t.Any]:
    """Returns the entries that changed, and how many did not."""
    states = [summed["blacklist_before"], summed["blacklist_during"], summed["blacklist_after"]]
    known = [state for state in states if state is not None]
    clients = sorted({client for state in known for client in state})
    moved = [client for client in clients if len({state.get(client) for state in known}) > 1]
    own = summary.touched(summed)
    rows = [{"client": client, "whose": "" if client in own else "not of this run", "until": [_until(state, client) for state in states]} for client in moved]
    return {"rows": rows, "same": len(clients) - len(moved), "known": summed["blacklist_before"] is not None, "unread": len(states) - len(known)}


def _until(state: t.Mapping[str, str] | None, client: str) -> str:
    if state is None:
        return "not read"
    return f"until {state[client]}" if client in state else "no entry"
