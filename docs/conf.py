# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of `make docs`, for Sphinx: the pages beside this file, and what antsibull-docs writes of plugins and roles into collection/."""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

from docutils.nodes import Element, reference
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "docsite"))
import phone_tables
import reference as reference_pages
import sentences

project = "cephops.iscsi_rescue"
author = "The cephops.iscsi_rescue authors"
project_copyright = f"2026, {author}"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
# The index of antsibull-docs is divided into pages by reference.py.
exclude_patterns = ["docsite", "requirements.txt", "collection/index.rst"]

# The pages are read on git forges, too: anchors are as forges make them, and a link that leads nowhere there is a warning here.
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = project
html_static_path = ["site.css", "docsite/search.js"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"source_repository": "https://github.com/cephops/iscsi_rescue/", "source_branch": "main", "source_directory": "docs/"}
antsibull_ext_color_scheme = "default-autodark"

# What antsibull-docs refers to in Ansible's own documentation. Its list of labels is in the internet, which a build might not reach.
ANSIBLE = "https://docs.ansible.com/ansible/latest/reference_appendices/"
ELSEWHERE = {"common_return_values": f"{ANSIBLE}common_return_values.html", "ansible_configuration_settings": f"{ANSIBLE}config.html"}

# What antsibull-docs writes at the head of a page. The collection is not on Galaxy, so the command to install it from there would fail.
TITLE = re.compile(r"^cephops\.iscsi_rescue\.(\w+ (?:module|filter|role)) -- (.+)\n\++\n", re.MULTILINE)
NOTE = re.compile(
    r"^\.\. note::\n    This .+ is part of the .+\(version (.+)\)\.\n(?:\n|    .*\n)*?    To use it in a playbook, specify: (.+)\.\n", re.MULTILINE
)
USE = "In a playbook, write \\2. It is in version \\1 of the collection; :doc:`the first page </index>` tells how to install that.\n"
LINKS = re.compile(r"^Collection links\n~+\n\n\.\. ansible-links::\n\n(?:  .*\n|\n)+", re.MULTILINE)
CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)+", re.MULTILINE)
ENTRY_POINT = re.compile(r"^(Entry point ``\w+``) -- .+\n(-+)\n", re.MULTILINE)


def find_elsewhere(_app: Sphinx, _env: t.Any, node: Element, text: Element) -> reference | None:
    """Returns the link for a label that no page here has."""
    url = ELSEWHERE.get(node["reftarget"])
    return reference("", "", text, internal=False, refuri=url) if url else None


# Galaxy shows README, too, so its links to pages and pictures are whole.
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
WHOLE = re.compile(r"\]\(https://(?:github\.com/cephops/iscsi_rescue/blob|raw\.githubusercontent\.com/cephops/iscsi_rescue)/main/docs/")


def fit(_app: Sphinx, page: str, source: list[str]) -> None:
    """Makes fit for this site what was written for a forge, and for Ansible's own site."""
    # README is shown by the index.
    if page == "index":
        source[0] = WHOLE.sub("](", README) + source[0]
    source[0] = source[0].replace("](../README.md", "](index.md").replace("](../../README.md", "](../index.md")
    if page == "playbooks/index":
        source[0] += in_navigation(re.findall(r"^\| \[(\w+)\]", source[0], re.MULTILINE))
    if page.startswith("collection/"):
        source[0] = plain_head(source[0])


def in_navigation(names: t.Sequence[str]) -> str:
    """Returns what puts pages below this one in the navigation, by their names alone. A forge would show it as text."""
    return "\n```{toctree}\n:hidden:\n\n" + "".join(f"{name} <{name}>\n" for name in names) + "```\n"


def plain_head(text: str) -> str:
    """Returns a page of antsibull-docs with its name as title, what it is for below, and how it is used."""
    text = TITLE.sub(lambda found: f"{found[1]}\n{'+' * len(found[1])}\n\n.. rst-class:: lead\n\n{found[2]}.\n", text)
    # The theme has a table of contents of its own.
    return ENTRY_POINT.sub(lambda found: f"{found[1]}\n{found[2]}\n", LINKS.sub("", CONTENTS.sub("", NOTE.sub(USE, text))))


def finish(_app: Sphinx, page: str, _template: str, context: dict[str, t.Any], _doctree: t.Any) -> None:
    """Takes from a page the links to a source that it does not have, and gives the headings of the navigation their level."""
    if page.startswith("collection/"):
        context["theme_top_of_page_buttons"] = []
    context["furo_navigation_tree"] = context["furo_navigation_tree"].replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    """Connects all of it; Sphinx calls this."""
    app.connect("builder-inited", reference_pages.write)
    app.connect("source-read", fit)
    app.connect("missing-reference", find_elsewhere)
    app.connect("doctree-resolved", sentences.collect)
    app.connect("doctree-resolved", phone_tables.name_cells, priority=600)
    app.connect("html-page-context", sentences.serve)
    # After the theme, which makes the navigation.
    app.connect("html-page-context", finish, priority=900)
