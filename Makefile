# SPDX-License-Identifier: GPL-3.0-or-later
# Every job of this checkout has one target; `make help` explains them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

PYTHON := /usr/bin/python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
BUILD := .build
COLLECTION := $(BUILD)/collections/ansible_collections/cephops/iscsi_rescue
DEMO_LAB := /var/tmp/iscsi_rescue_demo 20300
PLAYBOOK := $(BIN)/ansible-playbook
export PATH := $(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Where the installed collections of a user would otherwise be found first.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(BUILD)/collections

.PHONY: help
help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

.PHONY: setup
setup: $(VENV)/.controller $(COLLECTION) ## Install Ansible into .venv

# Debian's Python, for it is the one that python3-rados and python3-rbd belong to.
$(VENV)/.controller: requirements.txt
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get update && apt-get install --yes --no-install-recommends python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

# One test needs an ssh that is refused; ansible-test sanity has no shellcheck of its own.
$(VENV)/.tests: tests/requirements.txt $(VENV)/.controller
	command -v ssh >/dev/null && command -v shellcheck >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends openssh-client shellcheck; }
	$(BIN)/pip install --quiet --requirement tests/requirements.txt
	touch $@

# Ansible finds a collection only below ansible_collections/NAMESPACE/NAME.
$(COLLECTION):
	mkdir -p $(dir $@)
	ln -sfn ../../../.. $@

# The modules of awx.awx as PyPI's ansible holds them; nothing else of it is kept.
AWX := $(CURDIR)/$(BUILD)/awx
$(AWX)/.made: $(VENV)/.controller
	rm -rf $(AWX)
	$(BIN)/pip download --quiet --no-deps --only-binary :all: --dest $(AWX) 'ansible==12.*'
	$(PYTHON) -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith("ansible_collections/awx/awx/")])' $(AWX)/ansible-*.whl $(AWX)
	rm $(AWX)/ansible-*.whl
	touch $@

.PHONY: demo
demo: setup ## Break a LUN in a lab of its own as in the incident, heal it, show before and after
	tests/demo.sh $(DEMO_LAB) $(CURDIR)/$(BUILD)/demo

.PHONY: lab-up lab-down
lab-up: setup ## Start a lab and leave it running; playbooks/lab_inject.yml breaks its LUN
	$(PLAYBOOK) playbooks/lab_up.yml
lab-down: setup ## Stop that lab and remove what it wrote
	$(PLAYBOOK) playbooks/lab_down.yml

# What the role of the lab installs, for those who begin several labs at once.
$(VENV)/.lab: $(VENV)/.controller | $(COLLECTION)
	$(BIN)/ansible localhost --connection local -e ansible_python_interpreter=$(PYTHON) \
	  -m ansible.builtin.include_role -a 'name=cephops.iscsi_rescue.incident_lab tasks_from=packages.yml'
	touch $@

define copy_files
	rm -rf $(1) && mkdir -p $(2)
	git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null | tar -c --files-from - | tar -x -C $(2)
endef

# ansible-test wants the files themselves in their place, not a link to them, and asks git which they are. It takes the Pythons of the system.
define ansible_test
	$(call copy_files,$(BUILD)/$(firstword $(1)),$(BUILD)/$(firstword $(1))/ansible_collections/cephops/iscsi_rescue)
	cd $(BUILD)/$(firstword $(1))/ansible_collections/cephops/iscsi_rescue && git init --quiet && git add --all && \
	  PATH=$(BIN):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PIP_QUIET=1 \
	  ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/$(BUILD)/$(firstword $(1)) ANSIBLE_CONFIG= $(BIN)/ansible-test $(1)
endef

# Three jobs at a time, the longest first: guests keep one core busy, and two labs, which wait for half of the time, the other. Packages are installed before.
.PHONY: test
test: $(VENV)/.kernel $(VENV)/.pages $(VENV)/.lab $(BUILD)/docs-venv/.made $(AWX)/.made ## Run everything that CI runs; sets up what it needs
	$(MAKE) test-unit
	$(MAKE) --jobs 3 --output-sync=target GUESTS=1 test-kernel test-molecule test-privilege test-kill lint test-integration test-artifact

.PHONY: lint
lint: $(VENV)/.tests $(BUILD)/docs-venv/.made $(COLLECTION) $(AWX)/.made ## Check style, types, playbooks, documentation and changelog, with all that ansible-test sanity has
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check .
	$(BIN)/yamllint --strict .
	$(lint_docs)
	cd $(BUILD)/collections && MYPYPATH=. $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache -p ansible_collections.cephops.iscsi_rescue.plugins
	ANSIBLE_COLLECTIONS_PATH=$$ANSIBLE_COLLECTIONS_PATH:$(AWX) $(BIN)/ansible-lint --strict
	$(BIN)/antsibull-changelog lint
	mkdir -p ~/.ansible/test/cache
	for pip in $$(sed -n "s/^ *pip='\([0-9.]*\)',/\1/p" $(VENV)/lib/python*/site-packages/ansible_test/_internal/python_requirements.py | tr . _); do \
	  [ -e ~/.ansible/test/cache/get_pip_$$pip.py ] || cp tests/get_pip.py ~/.ansible/test/cache/get_pip_$$pip.py; done
	$(call ansible_test,sanity --local --color no)

DOCS := $(BUILD)/docs
DOCS_BIN := $(CURDIR)/$(BUILD)/docs-venv/bin
$(BUILD)/docs-venv/.made: docs/requirements.txt $(VENV)/.controller
	$(PYTHON) -m venv $(BUILD)/docs-venv
	$(DOCS_BIN)/pip install --quiet --requirement docs/requirements.txt
	touch $@

.PHONY: lint-docs
lint-docs: $(BUILD)/docs-venv/.made $(COLLECTION) ## Check the documentation of plugins and roles
	$(lint_docs)

lint_docs = $(DOCS_BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --disallow-unknown-collection-refs .

# All files are copied, so that a link that leads from a page to one of them does so on the site, too.
.PHONY: docs
docs: $(BUILD)/docs-venv/.made $(COLLECTION) ## Build the documentation's site into .build/docs/html, and follow all links within it
	$(call copy_files,$(DOCS),$(DOCS)/source)
	mkdir $(DOCS)/source/docs/collection
	$(DOCS_BIN)/antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir $(DOCS)/source/docs/collection cephops.iscsi_rescue
	$(DOCS_BIN)/sphinx-build --builder html --fail-on-warning --keep-going --quiet $(DOCS)/source/docs $(DOCS)/html
	$(PYTHON) tests/docs/links.py $(DOCS)/html

.PHONY: test-unit
test-unit: $(VENV)/.tests $(COLLECTION) ## Test the pure parts with data
	$(call ansible_test,units --local --color no)

# Playwright brings a node that needs libatomic; a print is read by pdftotext.
PAGE_PACKAGES := chromium fonts-dejavu-core libatomic1 poppler-utils
$(VENV)/.pages: $(VENV)/.tests
	apt-get update && apt-get install --yes --no-install-recommends $(PAGE_PACKAGES)
	touch $@

.PHONY: test-pages
test-pages: $(VENV)/.pages $(COLLECTION) ## Open reports of made-up runs in Chromium, and ones with faults that must be found
	rm -rf $(BUILD)/pages
	PYTHONPATH=$(BUILD)/collections:tests/unit $(BIN)/python tests/report/pages.py $(BUILD)/pages
	$(BIN)/python tests/report/look.py $(BUILD)/pages/pictures $(BUILD)/pages/*.html
	for page in $(BUILD)/pages/wrong/*.html; do \
	  ! $(BIN)/python tests/report/look.py $(BUILD)/pages/wrong/pictures $$page || { echo "No fault was found in $$page."; exit 1; }; done

.PHONY: test-hostile
test-hostile: test-plays test-parsers ## Hostile input in the long run: the next two

.PHONY: test-plays
test-plays: $(VENV)/.tests $(COLLECTION) ## Run the playbooks with hostile text in every option
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(PRIVILEGE_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(PRIVILEGE_LAB))
	PYTHONPATH=$(GUEST_PYTHONPATH):$(CURDIR)/tests $(PYTHON) tests/faults/hostile_plays.py $(PRIVILEGE_LAB)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(PRIVILEGE_LAB))

.PHONY: test-parsers
test-parsers: $(VENV)/.tests $(COLLECTION) ## Try every parser with a hundred thousand made-up inputs; takes an hour or two (PARSERS="words" for some)
	HOSTILE=long PYTHONPATH=$(BUILD)/collections $(BIN)/pytest -vv --numprocesses auto --dist worksteal -k "$(PARSERS)" tests/unit/test_hostile.py

# A run that fails leaves its lab for a look; the next one begins with a new lab.
TEST_LAB := -e incident_lab_dir=/var/tmp/iscsi_rescue_integration -e incident_lab_port=22300

.PHONY: test-integration
test-integration: $(VENV)/.tests $(COLLECTION) ## Test each module against a real cluster and a real LUN (TARGET=name for one)
	$(PLAYBOOK) playbooks/lab_down.yml $(TEST_LAB)
	$(call ansible_test,integration --local --allow-root --color no $(TARGET))
	$(PLAYBOOK) playbooks/lab_down.yml $(TEST_LAB)

.PHONY: test-molecule
test-molecule: $(VENV)/.pages $(COLLECTION) ## Test the outcomes of the role, a scenario each (TARGET=name for one)
	rm -rf $(BUILD)/molecule
	MOLECULE_EPHEMERAL_DIRECTORY=$(CURDIR)/$(BUILD)/molecule $(BIN)/molecule test $(if $(TARGET),--scenario-name $(TARGET),--all)

# What boots a kernel, what its guests run, and the cluster inside one of them.
comma := ,
space := $(subst ,, )
KERNEL_PACKAGES := qemu-system-x86 busybox-static kmod cpio mount iproute2 sg3-utils dmsetup e2fsprogs python3-fusepy openssh-client openssh-server \
  ceph-common ceph-mgr ceph-mon ceph-osd python3-rados python3-rbd libiscsi7
GUEST_PYTHONPATH = $(CURDIR)/$(BUILD)/collections:$(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

$(VENV)/.kernel: $(VENV)/.tests
	$(BIN)/ansible localhost --connection local \
	  -m ansible.builtin.apt -a 'name=$(subst $(space),$(comma),$(KERNEL_PACKAGES)) install_recommends=false policy_rc_d=101 update_cache=true'
	touch $@

GUESTS := $(shell nproc)
.PHONY: test-kernel
test-kernel: $(VENV)/.kernel $(COLLECTION) ## Test on Debian's own kernel, booted in software: disks, LIO, krbd, dynamic debug (TARGET=name for one)
	PYTHONPATH=$(GUEST_PYTHONPATH) $(PYTHON) tests/kernel/run.py $(BUILD)/kernel $(GUESTS) $(TARGET)

# Test programs run by the Python that has the Ceph libraries, beside a lab of their own.
PROGRAM = PYTHONPATH=$(CURDIR)/$(BUILD)/collections:$(CURDIR)/tests $(PYTHON)
KILL_LAB := /var/tmp/iscsi_rescue_kill 23300
GUARDS_LAB := /var/tmp/iscsi_rescue_guards 24300
RELEASES_LAB := /var/tmp/iscsi_rescue_releases 27300
PRIVILEGE_LAB := /var/tmp/iscsi_rescue_privilege 25300
AWX_LAB := /var/tmp/iscsi_rescue_awx 26300
BENCH_LAB := /var/tmp/iscsi_rescue_bench 28300
EVENTS_LAB := /var/tmp/iscsi_rescue_eda 29300
DOCS_LAB := /var/tmp/iscsi_rescue_docs 30300
lab_of = -e incident_lab_dir=$(firstword $(1)) -e incident_lab_port=$(lastword $(1))

.PHONY: test-kill
test-kill: $(VENV)/.tests $(COLLECTION) ## Kill the playbook and a module here and there, let some faults happen, and see that the next run puts all right
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(KILL_LAB)) -e incident_lab_mons=3
	$(PROGRAM) tests/faults/kill_everywhere.py $(KILL_LAB) 16
	$(PROGRAM) tests/faults/kill_module.py $(KILL_LAB) 100
	$(PROGRAM) tests/faults/soak.py $(KILL_LAB) 1
	$(PROGRAM) tests/faults/matrix.py $(KILL_LAB) manager fenced, somebody removes fenced, expires fenced
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))

.PHONY: test-faults
test-faults: $(VENV)/.tests $(COLLECTION) ## Let monitors, OSDs, clients and other people fail in each phase of the role, and kill it at every task; takes hours (CELLS="words" for some)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(KILL_LAB)) -e incident_lab_mons=3
	$(PROGRAM) tests/faults/matrix.py $(KILL_LAB) $(CELLS)
	test -n "$(CELLS)" || $(PROGRAM) tests/faults/kill_everywhere.py $(KILL_LAB)
	test -n "$(CELLS)" || $(PROGRAM) tests/faults/kill_module.py $(KILL_LAB) 10
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))

GUARDS_OUT := $(BUILD)/guards_out
.PHONY: test-guards
test-guards: $(VENV)/.tests $(COLLECTION) ## Take one guard out of the code at a time, and see that the tests of faults notice; takes half an hour (GUARD="words" for some)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(GUARDS_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(GUARDS_LAB)) -e incident_lab_mons=3
	$(call copy_files,$(GUARDS_OUT),$(GUARDS_OUT)/ansible_collections/cephops/iscsi_rescue)
	$(PROGRAM) tests/faults/guards_out.py $(GUARDS_LAB) $(CURDIR)/$(GUARDS_OUT) $(GUARD)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(GUARDS_LAB))

.PHONY: test-soak
test-soak: $(VENV)/.tests $(COLLECTION) ## Two hundred incidents in a row, of kinds and with kills by chance; takes two hours (COUNT=number SEED=number)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(KILL_LAB))
	$(PROGRAM) tests/faults/soak.py $(KILL_LAB) $(or $(COUNT),200) $(SEED)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(KILL_LAB))

.PHONY: test-releases
test-releases: $(VENV)/.tests $(COLLECTION) ## Run the role on Ceph 14.2, 16.2, 18.2 and 20.2, in the Debians that have them; 3 GB of disk (RELEASES="names" for some)
	$(PROGRAM) tests/faults/releases.py $(RELEASES_LAB) $(RELEASES)

.PHONY: test-privilege
test-privilege: $(VENV)/.tests $(COLLECTION) ## Test the role as the Ceph user of ceph_user.yml: heals, names each cap it lacks, and its key can do nothing else; and hostile text in the modules' options
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(PRIVILEGE_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(PRIVILEGE_LAB))
	$(PROGRAM) tests/faults/least_privilege.py $(PRIVILEGE_LAB)
	PYTHONPATH=$(GUEST_PYTHONPATH):$(CURDIR)/tests $(PYTHON) tests/faults/injection.py $(PRIVILEGE_LAB)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(PRIVILEGE_LAB))

# The oldest that meta/runtime.yml admits, so that it is tested, too.
OLDEST := $(CURDIR)/$(BUILD)/oldest
$(OLDEST)/.made: $(VENV)/.controller meta/runtime.yml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet 'ansible-core==2.17.*' jmespath
	touch $@

# In a venv of its own, since ansible-rulebook may want other versions; it needs a Java for its rules.
EVENTS := $(CURDIR)/$(BUILD)/events
$(EVENTS)/.made: requirements.txt tests/events/requirements.txt
	command -v java >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends openjdk-17-jre-headless; }
	$(PYTHON) -m venv $(EVENTS)
	$(EVENTS)/bin/pip install --quiet --requirement requirements.txt --requirement tests/events/requirements.txt
	touch $@

# For promtool; unpacked and not installed, for the package is a server that starts.
PROMETHEUS := $(CURDIR)/$(BUILD)/prometheus
$(PROMETHEUS)/.made:
	rm -rf $(PROMETHEUS) && mkdir -p $(PROMETHEUS) && apt-get update
	cd $(PROMETHEUS) && apt-get download prometheus && dpkg -x prometheus_*.deb .
	touch $@

.PHONY: test-events
test-events: $(VENV)/.tests $(COLLECTION) $(EVENTS)/.made $(PROMETHEUS)/.made $(OLDEST)/.made ## Test the rulebooks with ansible-rulebook, the metrics and alerts with promtool
	$(PROMETHEUS)/usr/bin/promtool test rules tests/events/duplicate_watchers.test.yml
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(EVENTS_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(EVENTS_LAB))
	$(PROGRAM) tests/events/rulebooks.py $(EVENTS_LAB) $(EVENTS) $(PROMETHEUS)/usr/bin $(OLDEST)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(EVENTS_LAB))

.PHONY: test-tutorial
test-tutorial: $(VENV)/.tests $(COLLECTION) ## Run every command of docs/tutorial.md and see that it prints what is shown there
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(DOCS_LAB))
	$(PYTHON) tests/docs/tutorial.py $(DOCS_LAB)

.PHONY: docs-pictures
docs-pictures: $(VENV)/.pages $(COLLECTION) ## Make the pictures of the report in docs/ anew, on a lab of its own
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(DOCS_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(DOCS_LAB))
	PYTHONPATH=tests $(BIN)/python tests/docs/pictures.py $(DOCS_LAB) docs
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(DOCS_LAB))

.PHONY: test-awx
test-awx: $(VENV)/.tests $(COLLECTION) $(AWX)/.made ## Set up a stand-in of AWX by awx_setup.yml, and run what that made by ansible-runner on a lab
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(AWX_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(AWX_LAB))
	PYTHONPATH=$(GUEST_PYTHONPATH):$(CURDIR)/tests $(PYTHON) tests/awx/run.py $(AWX_LAB) $(AWX)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(AWX_LAB))

# No image is built here: that takes a container engine and a base image.
EE := $(BUILD)/ee
.PHONY: test-ee
test-ee: $(VENV)/.tests build ## See what ansible-builder makes of the built collection, up to the image itself
	rm -rf $(EE)
	$(BIN)/ansible-builder create --verbosity 1 --context $(EE) --output-filename Containerfile
	cd $(EE)/_build && ANSIBLE_COLLECTIONS_PATH= $(BIN)/ansible-galaxy collection install --offline --requirements-file requirements.yml --collections-path $(CURDIR)/$(EE)/collections
	$(BIN)/ansible-builder introspect --write-pip $(EE)/pip.txt --write-bindep $(EE)/bindep.txt $(EE)/collections >/dev/null
	$(BIN)/python tests/awx/environment.py $(EE)

.PHONY: bench
bench: $(VENV)/.tests $(COLLECTION) ## Measure surveys, fencing and the role, beside what one would do otherwise; takes 5 GB of memory
	command -v iscsi-test-cu >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends libiscsi-bin; }
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(BENCH_LAB))
	$(PLAYBOOK) playbooks/lab_up.yml $(call lab_of,$(BENCH_LAB))
	$(PROGRAM) tests/bench/bench.py $(BENCH_LAB)
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(BENCH_LAB))

.PHONY: test-artifact
test-artifact: $(OLDEST)/.made ## Build the collection, install it elsewhere, and run the demo from there on the oldest ansible-core
	PATH=$(OLDEST)/bin:$$PATH tests/artifact.sh $(BUILD)/artifact

.PHONY: test-controllers
test-controllers: ## Test on each ansible-core from 2.17 on that this machine's Pythons allow (CONTROLLERS="2.17 2.21" for some; SKIP_MISSING=yes where a Python is missing); takes six minutes each
	tests/controllers.sh $(BUILD)/controllers $(CONTROLLERS)

# The newest, in a venv that has nothing else.
RELEASE := $(CURDIR)/$(BUILD)/release
.PHONY: release
release: $(VENV)/.tests ## Check that VERSION= can be released: its changelog, the built artifact, and the demo from it in a clean venv
	tests/release.sh $(VERSION)
	rm -rf $(RELEASE)
	$(PYTHON) -m venv $(RELEASE)/venv
	$(RELEASE)/venv/bin/pip install --quiet --requirement requirements.txt
	PATH=$(RELEASE)/venv/bin:$$PATH tests/artifact.sh $(RELEASE)
	@echo "Release it: ansible-galaxy collection publish $(RELEASE)/cephops-iscsi_rescue-$(VERSION).tar.gz"

.PHONY: changelog
changelog: $(VENV)/.tests ## Make the changelog of VERSION= out of changelogs/fragments, and set galaxy.yml and execution-environment.yml to it
	test -n "$(VERSION)" || { echo "Say which version: make changelog VERSION=1.2.3"; exit 1; }
	sed -i "s/$$(sed -n 's/^version: //p' galaxy.yml | sed 's/\./\\./g')/$(VERSION)/" galaxy.yml execution-environment.yml
	$(BIN)/antsibull-changelog release --version $(VERSION)

.PHONY: build
build: setup ## Build the artifact that Galaxy takes
	$(BIN)/ansible-galaxy collection build --force

.PHONY: clean
clean: ## Remove what the other targets made here
	rm -rf $(VENV) $(BUILD) .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis cephops-iscsi_rescue-*.tar.gz
