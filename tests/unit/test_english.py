# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain English in what people read: no word that stumbles, and short sentences.

To have more files checked, add their folder to FOLDERS. A folder that still has long sentences tells how many in LONG.

Seen to fail: with "whom" in a message, with "may" in a comment, with a sentence of 26 words in a
docstring, with a docstring that begins with "The", and with each part of prose.py that skips code taken out.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT
from ansible_collections.cephops.iscsi_rescue.tests.unit.prose import Sentence, docstrings, sentences

# Folders and files, below the collection's root.
FOLDERS = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs",
    "extensions",
    "playbooks",
    "plugins",
    "roles",
    "tests",
    "Makefile",
    ".ci/run",
    "changelogs/fragments",
)
ENDINGS = (".py", ".md", ".yml", ".sh", ".mk", "")
# What holds those words, and what others wrote.
NOT_READ = ("tests/unit/test_english.py", "tests/unit/data", "tests/output")

MOST_WORDS = 25
# File -> how many of its sentences are longer. These numbers only shrink.
LONG: t.Mapping[str, int] = {
    # A list of SCSI commands.
    "plugins/modules/scsi_reserve_probe.py": 1,
    # A file of settings, a program, and XML.
    "tests/kernel/cluster.py": 2,
    "tests/unit/module_utils/_targets/test_listening.py": 1,
    "tests/unit/plugin_utils/_esxi/test_esxcli.py": 1,
}

# What is not written -> what is.
WORDS = {
    r"who|whom|whoever": "the client, the watcher, the initiator",
    r", for (?:it|its|they|what|then|there|neither)": "since, because",
    r"(?<!client\.)(?:nobody|somebody|anybody|everybody)": "no client, another client, any initiator",
    r"may(?! 20\d\d)": "might (possible), is allowed to (permitted)",
    r"(?<![\w'`/.-])blacklist(?:ed|s)?(?![\w'`.-])": "blocklist",
    r"the one that|the ones that|those who|who is|who are": "the client that",
    r"on the way of a write|way of a write": "on the write path",
    r"let in again|lets? in again|lets? in": "remove the entry",
    r"by right": "legitimate",
    r"\d+ watchers where": "watchers: 1, expected: 2",
    r"as far as": "if",
    r"see to": "fix, check",
    r"is told|are told": "is reported",
    r"for ever": "forever",
    r"took it back|went by itself": "say who did what",
}
FORBIDDEN = {re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE): better for pattern, better in WORDS.items()}
VERB = re.compile(r"[A-Z][a-z]+s\b")
# Ceph's own words, which are quoted, and how AWX shows the option restore_blacklist_addresses.
QUOTED = re.compile(
    r"'[^' ]*blacklist[^' ]*'|[\"']osd blacklist[\"']|osd blacklist (?:add|rm|ls)\b|called \*?blacklist|blacklist before|Restore blacklist addresses"
)


def files() -> list[Path]:
    found = [path for name in FOLDERS for path in ([ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*")))]
    return [path for path in found if path.is_file() and path.suffix in ENDINGS and not name_of(path).startswith(NOT_READ)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def faults(found: t.Iterable[Sentence]) -> list[str]:
    """Returns a line for each word that is not written."""
    return [
        f"line {sentence.line}: {hit[0]!r} in {sentence.text!r}; write: {better}"
        for sentence in found
        for pattern, better in FORBIDDEN.items()
        if (hit := pattern.search(QUOTED.sub("", sentence.text)))
    ]


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_no_word_stumbles(path: Path) -> None:
    assert faults(sentences(path)) == []


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_sentences_are_short(path: Path) -> None:
    long = [f"line {one.line}, {one.words} words: {one.text}" for one in sentences(path) if one.words > MOST_WORDS]
    assert len(long) == LONG.get(name_of(path), 0), "\n".join(["lower the number in LONG, or split these:", *long])


@pytest.mark.parametrize("path", [path for path in files() if path.suffix == ".py" and "plugins" in path.parts], ids=name_of)
def test_a_docstring_begins_with_a_verb(path: Path) -> None:
    """In the third person, such as Returns."""
    assert [f"line {one.line}: {one.text}" for one in docstrings(path) if not VERB.match(one.text)] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("indented.md", "Run this:\n\n    say who may\n\n    say whom\n\nIt tells who did.\n", ["who"]),
        ("item.md", "- An item:\n\n    it says who did.\n", ["who"]),
        ("fenced.md", "Run this:\n\n```sh\nsay `whom`, and more\n```\n", []),
        ("field.yml", "address: \"{{ 'nobody' if it is new else found }}\"\n", []),
        ("message.yml", "msg: \"{{ 'It was nobody.' if it is new else found }}\"\n", ["nobody"]),
        ("pattern.py", "FOUND = 'it says (who){1,2} here'\n", []),
        ("caps.yml", 'caps: allow command "osd blacklist" for it\n', []),
        ("prose.yml", "# Look at the osd blacklist first.\n", ["blacklist"]),
        ("program.sh", "x=$(who)  # whom\n# say who\n", ["who"]),
        ("run", "#!/bin/sh\n# Say who\necho whom\n", ["who"]),
        ("rules.mk", "test: setup ## Say who\n\techo whom\n", ["who"]),
        ("label.md", "| Restore blacklist addresses | the clients of it |\n", []),
    ],
)
def test_code_is_no_prose(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [fault.split("'")[1] for fault in faults(sentences(tmp_path / name))] == words


def test_files_with_long_sentences_are_there() -> None:
    assert set(LONG) <= {name_of(path) for path in files()}
