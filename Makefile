# SPDX-License-Identifier: GPL-3.0-or-later
# What people call; `make help` explains it. The stages of the tests are in tests/tests.mk.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

PYTHON := /usr/bin/python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
BUILD := .build
COLLECTION := $(BUILD)/collections/ansible_collections/cephops/iscsi_rescue
PLAYBOOK := $(BIN)/ansible-playbook
export PATH := $(BIN):$(PATH)
export PIP_CACHE_DIR ?= $(CURDIR)/$(BUILD)/pip
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Otherwise Ansible finds a user's installed collections first.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(BUILD)/collections

.PHONY: help
help: ## Print what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 26
	@echo; echo "Stages of the tests, and tests that take hours:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' tests/tests.mk | expand -t 30

.PHONY: setup
setup: $(VENV)/.controller $(COLLECTION) ## Install Ansible into .venv

# python3-rados and python3-rbd belong to Debian's Python.
$(VENV)/.controller: requirements.txt
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tests/packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

# Ansible finds a collection only below ansible_collections/NAMESPACE/NAME.
$(COLLECTION):
	mkdir -p $(dir $@)
	ln -sfn ../../../.. $@

.PHONY: demo
demo: setup ## Break a LUN in a lab of its own as in the incident, heal it, show before and after
	tests/demo.sh /var/tmp/iscsi_rescue_demo 20300 $(CURDIR)/$(BUILD)/demo

.PHONY: lab-up lab-down
lab-up: setup ## Start a lab and leave it running; playbooks/lab_inject.yml breaks its LUN
	$(PLAYBOOK) playbooks/lab_up.yml
lab-down: setup ## Stop that lab and remove what it wrote
	$(PLAYBOOK) playbooks/lab_down.yml

include tests/tests.mk

.PHONY: test test-all
test: setup-test ## Run the main tests, several at a time; sets up what they need
	$(STAGES) $(TEST)
test-all: setup-rest ## Run those, then every other test that takes under an hour
	$(STAGES) $(TEST) then $(REST)

.PHONY: lint
lint: $(VENV)/.tests $(AWX)/.made lint-docs lint-publish ## Check style, types, playbooks, documentation, changelog, licences and what Galaxy checks, with all that ansible-test sanity has
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	cd $(BUILD)/collections && MYPYPATH=. $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache -p ansible_collections.cephops.iscsi_rescue.plugins
	$(LINT_HOME) ANSIBLE_COLLECTIONS_PATH=$$ANSIBLE_COLLECTIONS_PATH:$(AWX) $(BIN)/ansible-lint --strict
	$(LINT_HOME) $(BIN)/antsibull-changelog lint
	tests/ansible_test.sh sanity --local --color no

# All files are copied, so that a link from a page to one of them works on the site, too.
DOCS := $(BUILD)/docs
.PHONY: docs
docs: $(DOCS_VENV)/.made $(COLLECTION) ## Build the documentation's site into .build/docs/html, and follow all links within it
	tests/copy.sh $(DOCS) source
	mkdir $(DOCS)/source/docs/collection
	$(DOCS_BIN)/antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir $(DOCS)/source/docs/collection cephops.iscsi_rescue
	$(DOCS_BIN)/sphinx-build --builder html --fail-on-warning --keep-going --quiet $(DOCS)/source/docs $(DOCS)/html
	$(PYTHON) tests/docs/links.py $(DOCS)/html

.PHONY: bench
bench: $(VENV)/.tests $(COLLECTION) ## Measure surveys, fencing and the role, beside what one would do otherwise; takes 5 GB of memory
	command -v iscsi-test-cu >/dev/null || tests/packages.sh libiscsi-bin
	tests/with_lab.sh $(BENCH_LAB) -- $(PROGRAM) tests/bench/bench.py $(BENCH_LAB)

.PHONY: build
build: setup ## Build the artifact that Galaxy takes
	$(BIN)/ansible-galaxy collection build --force

# The newest, in a venv that has nothing else.
RELEASE := $(CURDIR)/$(BUILD)/release
.PHONY: release
release: $(VENV)/.tests $(PUBLISH)/.made ## Check that VERSION= can be released: its changelog, the built artifact by galaxy-importer, and the demo from it in a clean venv
	tests/release.sh $(VERSION)
	$(LINT_HOME) PATH=$(PUBLISH_BIN):$$PATH tests/publish/galaxy.sh $(BUILD)/galaxy all
	rm -rf $(RELEASE)
	$(PYTHON) -m venv $(RELEASE)/venv
	$(RELEASE)/venv/bin/pip install --quiet --requirement requirements.txt
	PATH=$(RELEASE)/venv/bin:$$PATH tests/artifact.sh $(RELEASE)
	@echo "Release it: GALAXY_API_KEY=... make publish VERSION=$(VERSION)"

# The key is in no command line.
.PHONY: publish
publish: ## Publish what `make release VERSION=` has built to Galaxy; takes GALAXY_API_KEY from the environment
	@test -n "$$GALAXY_API_KEY" || { echo "Set GALAXY_API_KEY to the API key of galaxy.ansible.com."; exit 1; }
	@ANSIBLE_GALAXY_SERVER_LIST=galaxy ANSIBLE_GALAXY_SERVER_GALAXY_URL=https://galaxy.ansible.com/ ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN="$$GALAXY_API_KEY" \
	  $(RELEASE)/venv/bin/ansible-galaxy collection publish $(RELEASE)/cephops-iscsi_rescue-$(VERSION).tar.gz

.PHONY: changelog
changelog: $(VENV)/.tests ## Make the changelog of VERSION= out of changelogs/fragments, and set galaxy.yml and execution-environment.yml to it
	test -n "$(VERSION)" || { echo "Say which version: make changelog VERSION=1.2.3"; exit 1; }
	sed -i "s/$$(sed -n 's/^version: //p' galaxy.yml | sed 's/\./\\./g')/$(VERSION)/" galaxy.yml execution-environment.yml
	$(BIN)/antsibull-changelog release --version $(VERSION)

.PHONY: clean
clean: ## Remove what the other targets made here
	rm -rf $(VENV) $(BUILD) .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis cephops-iscsi_rescue-*.tar.gz
