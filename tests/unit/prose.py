# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the sentences in files that people read: messages, documentation, docstrings and comments, each with its line."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import typing as t
from pathlib import Path

# What stands for a field of a message, and for a piece of code, which is one word.
_FIELD = "N"
# In a page: what is no prose. Four spaces begin code, except below an item of a list.
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"^((?![-*+] |\d+\. |\s).+\n\n)(?:(?: {4}.*)?\n)+", re.MULTILINE)
# The last is a word of a regular expression.
_CODE = re.compile(r"``[^`]+``|`[^`]+`|\b[A-Z]{1,3}\([^)]*\)|\S*[\\{}][^\s.;:!?]*")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"[.;:!?](?:\s+|$)|\n\s*\n|\n\s*(?=[-*|#]\s?)|\s\|\s| - ")
_WORD = re.compile(r"[A-Za-z0-9][\w'./%-]*")
_COMMENT = re.compile(r"^\s*#+ (.*)| ## (.*)")
_PROSE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


class Sentence(t.NamedTuple):
    """``line``: where the text begins that holds the sentence."""

    line: int
    text: str

    @property
    def words(self) -> int:
        return len(_WORD.findall(self.text))


def sentences(path: Path) -> list[Sentence]:
    """Returns the sentences of a Python file, a page, a YAML file, or a program's comments. A semicolon and a colon end a sentence, too."""
    found = _KINDS[path.suffix](path.read_text(encoding="utf-8"))
    return [Sentence(line, " ".join(part.split())) for line, whole in found for part in _END.split(_without_code(whole)) if _PROSE.search(part)]


def _without_code(text: str) -> str:
    return _CODE.sub(_FIELD, _LINK.sub(r"\1", text))


def _of_python(text: str) -> t.Iterator[tuple[int, str]]:
    inner: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            inner.update(id(part) for part in node.values)
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else _FIELD for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, re.sub(r"\{\w+\}", _FIELD, node.value)
    yield from _comments(text)


def _comments(text: str) -> t.Iterator[tuple[int, str]]:
    """Yields comments, those of several lines as one text."""
    begin, last, lines = 0, -1, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            alone = token.line.lstrip().startswith("#")
            if lines and not (alone and token.start[0] == last + 1):
                yield begin, " ".join(lines)
                lines = []
            begin, last = begin if lines else token.start[0], token.start[0]
            lines.append(token.string.lstrip("# "))
    if lines:
        yield begin, " ".join(lines)


def _of_page(text: str) -> t.Iterator[tuple[int, str]]:
    yield 1, _INDENTED.sub(r"\1", _FENCED.sub("\n\n", text))


def _of_yaml(text: str) -> t.Iterator[tuple[int, str]]:
    yield 1, "\n\n".join(re.sub(r"^\s*(?:#|- )?\s*(?:\w+: )?", "", line) for line in _JINJA.sub(_of_jinja, text).splitlines())


def _of_comments(text: str) -> t.Iterator[tuple[int, str]]:
    """Yields the comments on a line of their own in a shell program or a makefile, and what `make help` shows."""
    yield 1, "\n".join((found[1] or found[2]) if (found := _COMMENT.search(line)) else "" for line in text.splitlines())


def _of_jinja(found: re.Match[str]) -> str:
    """Returns the messages in an expression: its texts of several words."""
    return "\n\n".join([_FIELD, *(text for text in _QUOTED.findall(found[0]) if " " in text.strip())])


def docstrings(path: Path) -> list[Sentence]:
    """Returns the docstrings of a Python file's functions."""
    functions = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef))
    return [Sentence(function.lineno, text) for function in functions if (text := ast.get_docstring(function))]


_KINDS: t.Mapping[str, t.Callable[[str], t.Iterator[tuple[int, str]]]] = {
    ".py": _of_python,
    ".md": _of_page,
    ".yml": _of_yaml,
    ".sh": _of_comments,
    ".mk": _of_comments,
    "": _of_comments,
}
