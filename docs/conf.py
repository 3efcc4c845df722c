# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of `make docs`, for Sphinx: the pages beside this file, and what antsibull-docs writes of plugins and roles into collection/."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from docutils.nodes import Element, reference
from sphinx.application import Sphinx

project = "cephops.iscsi_rescue"
author = "The cephops.iscsi_rescue authors"
project_copyright = f"2026, {author}"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
exclude_patterns = ["docsite", "requirements.txt"]

# The pages are read on git forges, too: anchors are as forges make them, and a link that leads nowhere there is a warning here.
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = project
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"source_repository": "https://github.com/cephops/iscsi_rescue/", "source_branch": "main", "source_directory": "docs/"}
antsibull_ext_color_scheme = "default-autodark"

# What antsibull-docs refers to in Ansible's own documentation. Its list of labels is in the internet, which a build may not reach.
ANSIBLE = "https://docs.ansible.com/ansible/latest/reference_appendices/"
ELSEWHERE = {"common_return_values": f"{ANSIBLE}common_return_values.html", "ansible_configuration_settings": f"{ANSIBLE}config.html"}


def find_elsewhere(_app: Sphinx, _env: t.Any, node: Element, text: Element) -> reference | None:
    """The link for a label that no page here has."""
    url = ELSEWHERE.get(node["reftarget"])
    return reference("", "", text, internal=False, refuri=url) if url else None


# Galaxy shows README, too, so its links to pages and pictures are whole.
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
WHOLE = re.compile(r"\]\(https://(?:github\.com/cephops/iscsi_rescue/blob|raw\.githubusercontent\.com/cephops/iscsi_rescue)/main/docs/")


def fit(_app: Sphinx, page: str, source: list[str]) -> None:
    """What was written for a forge, and for Ansible's own site, made fit for this one."""
    # README is shown by the index.
    if page == "index":
        source[0] = WHOLE.sub("](", README) + source[0]
    source[0] = source[0].replace("](../README.md", "](index.md")
    if page.startswith("collection/"):
        # The theme has a table of contents of its own, and short titles fit beside the text.
        source[0] = re.sub(r"^\.\. contents::\n(?: +:.*\n)+", "", source[0], flags=re.MULTILINE)
        source[0] = re.sub(r"^cephops\.iscsi_rescue\.(?=\w+ (?:module|filter|role) -- )", "", source[0], flags=re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", fit)
    app.connect("missing-reference", find_elsewhere)
