# SPDX-License-Identifier: GPL-3.0-or-later
# The stages of the tests, and what they need.

# In the order in which they begin. NAME:SLOTS takes more than one of the two slots that each core has; see tests/stages.py.
# Those of one list run at the same time, so each has a lab of its own.
TEST := test-molecule-main test-kernel-incident:2 test-integration test-faults-once lint:2 test-unit:2
REST := test-guards test-dead-ends test-pauses test-osd-down test-mirror test-cuts test-plays test-kernel-rest:2 test-privilege test-kill test-molecule-rest test-events test-tutorial test-awx test-artifact test-checkout \
  test-unit-ansible:2 test-site:2 test-pages:2 test-ee
STAGES := $(PYTHON) tests/stages.py $(BUILD)/logs

# A lab is a directory and a port; the next hundred ports are the lab's, too.
RELEASES_LAB := /var/tmp/iscsi_rescue_releases 16300
PAUSES_LAB := /var/tmp/iscsi_rescue_pauses 19300
DEAD_ENDS_LAB := /var/tmp/iscsi_rescue_dead_ends 15300
OSD_DOWN_LAB := /var/tmp/iscsi_rescue_osd_down 24500
CUTS_LAB := /var/tmp/iscsi_rescue_cuts 16500
MIRROR_LAB := /var/tmp/iscsi_rescue_mirror 20500
MIRROR_PEER_PORT := 20600
PLAYS_LAB := /var/tmp/iscsi_rescue_plays 17300
GUARDS_LAB := /var/tmp/iscsi_rescue_guards 18300
INTEGRATION_LAB := /var/tmp/iscsi_rescue_integration 22300
KILL_LAB := /var/tmp/iscsi_rescue_kill 23300
PRIVILEGE_LAB := /var/tmp/iscsi_rescue_privilege 25300
AWX_LAB := /var/tmp/iscsi_rescue_awx 26300
ONCE_LAB := /var/tmp/iscsi_rescue_once 27300
BENCH_LAB := /var/tmp/iscsi_rescue_bench 28300
EVENTS_LAB := /var/tmp/iscsi_rescue_eda 29300
DOCS_LAB := /var/tmp/iscsi_rescue_docs 30300

LAB_PACKAGES = $(shell sed -n '/^__incident_lab_packages:/,/^[^ ]/s/^  - //p' roles/incident_lab/vars/main.yml)
# What boots a kernel, and what its guests run. One test needs an ssh that is refused, and one an sshd.
KERNEL_PACKAGES := qemu-system-x86 busybox-static kmod cpio mount iproute2 sg3-utils dmsetup e2fsprogs python3-fusepy openssh-client openssh-server tcmu-runner dbus
# Playwright brings a node that needs libatomic; a print is read by pdftotext.
PAGE_PACKAGES := chromium fonts-dejavu-core libatomic1 poppler-utils

DOCS_VENV := $(BUILD)/docs-venv
DOCS_BIN := $(CURDIR)/$(DOCS_VENV)/bin
PUBLISH := $(BUILD)/publish
PUBLISH_BIN := $(CURDIR)/$(PUBLISH)/bin
AWX := $(CURDIR)/$(BUILD)/awx
OLDEST := $(CURDIR)/$(BUILD)/oldest
EVENTS := $(CURDIR)/$(BUILD)/events
PROMETHEUS := $(CURDIR)/$(BUILD)/prometheus

# Ansible's tools keep files in the home directory; they get one below .build.
LINT_HOME := HOME=$(CURDIR)/$(BUILD)/home

# Test programs are run by the Python that has the Ceph libraries. Some need Ansible and pytest, too.
PROGRAM := env PYTHONPATH=$(CURDIR)/$(BUILD)/collections:$(CURDIR)/tests $(PYTHON)
SITE_PACKAGES = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
ANSIBLE_PROGRAM = env PYTHONPATH=$(CURDIR)/$(BUILD)/collections:$(CURDIR)/tests:$(SITE_PACKAGES) $(PYTHON)

.PHONY: setup-test setup-rest packages
setup-test: $(VENV)/.tests $(DOCS_VENV)/.made $(PUBLISH)/.made $(AWX)/.made $(COLLECTION) packages
setup-rest: setup-test $(EVENTS)/.made $(PROMETHEUS)/.made $(OLDEST)/.made
packages:
	tests/packages.sh $(LAB_PACKAGES) $(KERNEL_PACKAGES) $(PAGE_PACKAGES)

.PHONY: test-rest
test-rest: setup-rest ## What test-all has and test has not
	$(STAGES) $(REST)

$(VENV)/.tests: tests/requirements.txt $(VENV)/.controller
	$(BIN)/pip install --quiet --requirement tests/requirements.txt
	touch $@

$(DOCS_VENV)/.made: docs/requirements.txt $(VENV)/.controller
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_BIN)/pip install --quiet --requirement docs/requirements.txt
	touch $@

$(PUBLISH)/.made: tests/publish/requirements.txt $(VENV)/.controller
	$(PYTHON) -m venv $(PUBLISH)
	$(PUBLISH_BIN)/pip install --quiet --requirement tests/publish/requirements.txt
	touch $@

# The modules of awx.awx as PyPI's ansible holds them; nothing else of it is kept.
$(AWX)/.made: $(VENV)/.controller
	rm -rf $(AWX)
	$(BIN)/pip download --quiet --no-deps --only-binary :all: --dest $(AWX) 'ansible==12.*'
	$(PYTHON) -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith("ansible_collections/awx/awx/")])' $(AWX)/ansible-*.whl $(AWX)
	rm $(AWX)/ansible-*.whl
	touch $@

# The oldest that meta/runtime.yml admits, so that it is tested, too.
$(OLDEST)/.made: $(VENV)/.controller meta/runtime.yml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install --quiet 'ansible-core==2.17.*' jmespath
	touch $@

# In a venv of its own, since ansible-rulebook might want other versions; it needs a Java for its rules.
$(EVENTS)/.made: requirements.txt tests/events/requirements.txt
	command -v java >/dev/null || tests/packages.sh openjdk-17-jre-headless
	$(PYTHON) -m venv $(EVENTS)
	$(EVENTS)/bin/pip install --quiet --requirement requirements.txt --requirement tests/events/requirements.txt
	touch $@

# For promtool; unpacked and not installed, since the package is a server that starts.
$(PROMETHEUS)/.made:
	rm -rf $(PROMETHEUS) && mkdir -p $(PROMETHEUS)
	cd $(PROMETHEUS) && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } && dpkg -x prometheus_*.deb .
	touch $@

.PHONY: lint-docs
lint-docs: $(DOCS_VENV)/.made $(COLLECTION) ## The part of lint that reads the documentation of plugins and roles
	mkdir -p $(BUILD)/home
	# Once more where it fails: it works in a directory with a random name. If that ends in _, it is a reference in its own pages, one time in 37.
	$(LINT_HOME) $(DOCS_BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --disallow-unknown-collection-refs . || \
	  $(LINT_HOME) $(DOCS_BIN)/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --disallow-unknown-collection-refs .

.PHONY: lint-publish lint-fragment
lint-publish: $(PUBLISH)/.made ## The part of lint for publishing: REUSE, the files of .github, and galaxy-importer
	mkdir -p $(BUILD)/home
	$(PUBLISH_BIN)/reuse lint --lines
	PATH=$(PUBLISH_BIN):$$PATH tests/publish/workflows.sh
	$(LINT_HOME) PATH=$(PUBLISH_BIN):$$PATH tests/publish/galaxy.sh $(BUILD)/galaxy
lint-fragment: ## Whether what changed since BASE= has a changelog fragment, if users notice it
	tests/publish/fragment.sh "$(BASE)"

.PHONY: test-unit test-unit-ansible
test-unit: $(VENV)/.tests $(COLLECTION) ## The pure parts, with data
	PYTHONPATH=$(BUILD)/collections $(BIN)/pytest --numprocesses auto tests/unit
test-unit-ansible: $(VENV)/.tests $(COLLECTION) ## The same by ansible-test units
	tests/ansible_test.sh units --local --color no

# A venv for each, and nothing of .venv: a pipeline has one job for each pair.
CORE_VENV = $(BUILD)/core/$(CORE)-$(notdir $(PYTHON))
.PHONY: test-core
test-core: $(COLLECTION) ## Sanity and unit tests with another ansible-core and its Python (CORE=2.20 PYTHON=python3.12)
	test -n "$(CORE)" || { echo "Say which ansible-core: make test-core CORE=2.20 PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(CORE_VENV)
	$(CORE_VENV)/bin/pip install --quiet 'ansible-core==$(CORE).*' jmespath hypothesis pytest pytest-xdist
	PATH=$(CURDIR)/$(CORE_VENV)/bin:$$PATH tests/ansible_test.sh sanity --local --color no
	PATH=$(CURDIR)/$(CORE_VENV)/bin:$$PATH tests/ansible_test.sh units --local --color no

.PHONY: test-pages
test-pages: $(VENV)/.tests $(COLLECTION) packages ## Reports of made-up runs in Chromium, and ones with faults that must be found
	rm -rf $(BUILD)/pages
	PYTHONPATH=$(BUILD)/collections:tests/unit $(BIN)/python tests/report/pages.py $(BUILD)/pages
	$(BIN)/python tests/report/look.py $(BUILD)/pages/pictures $(BUILD)/pages/*.html
	$(BIN)/python tests/report/look.py $(BUILD)/pages/wrong/pictures $(BUILD)/pages/wrong/*.html

.PHONY: test-site
test-site: $(VENV)/.tests docs packages ## The documentation's site in Chromium: messages that are pasted into its search, and each page on a desk and on a phone
	$(BIN)/python tests/docs/search.py $(DOCS)/html
	$(BIN)/python tests/docs/site.py $(DOCS)/html $(BUILD)/site

.PHONY: test-hostile test-plays test-parsers
test-hostile: test-plays test-parsers ## The next two
test-plays: $(VENV)/.tests $(COLLECTION) ## The playbooks with hostile text in every option
	tests/with_lab.sh $(PLAYS_LAB) -- $(ANSIBLE_PROGRAM) tests/faults/hostile_plays.py $(PLAYS_LAB)
test-parsers: $(VENV)/.tests $(COLLECTION) ## Every parser with a hundred thousand made-up inputs; takes an hour or two (PARSERS="words" for some)
	HOSTILE=long PYTHONPATH=$(BUILD)/collections $(BIN)/pytest -vv --numprocesses auto --dist worksteal -k "$(PARSERS)" tests/unit/test_hostile.py

.PHONY: test-integration
test-integration: $(VENV)/.tests $(COLLECTION) ## Each module against a real cluster and a real LUN (TARGET=name for one)
	tests/with_lab.sh $(INTEGRATION_LAB) -- tests/ansible_test.sh integration --local --allow-root --color no $(TARGET)

# The scenario default makes the lab of all of them.
SCENARIOS := $(patsubst extensions/molecule/%/molecule.yml,%,$(wildcard extensions/molecule/*/molecule.yml))
SCENARIOS_MAIN := healed refused
MOLECULE = MOLECULE_EPHEMERAL_DIRECTORY=$(CURDIR)/$(BUILD)/molecule $(BIN)/molecule test
.PHONY: test-molecule test-molecule-main test-molecule-rest
test-molecule: $(VENV)/.tests $(COLLECTION) packages ## The outcomes of the role, a scenario each (TARGET="names" for some)
	rm -rf $(BUILD)/molecule
	$(MOLECULE) $(if $(TARGET),$(addprefix --scenario-name ,$(TARGET)),--all)
test-molecule-main: ## The main ones
	$(MAKE) test-molecule TARGET="$(SCENARIOS_MAIN)"
test-molecule-rest: ## The others
	$(MAKE) test-molecule TARGET="$(filter-out $(SCENARIOS_MAIN),$(SCENARIOS))"

CASES := $(patsubst tests/kernel/cases/test_%.py,%,$(wildcard tests/kernel/cases/test_*.py))
GUESTS := $(shell nproc)
.PHONY: test-kernel test-kernel-incident test-kernel-rest
test-kernel: $(VENV)/.tests $(COLLECTION) packages ## Disks, LIO, krbd and dynamic debug on Debian's own kernel, booted in software (TARGET="names" for some)
	$(ANSIBLE_PROGRAM) tests/kernel/run.py $(BUILD)/kernel $(GUESTS) $(TARGET)
test-kernel-incident: ## The incident, krbd behind LIO; and a probe of Ceph's own gateway, which takes no lock from a living client
	$(MAKE) test-kernel GUESTS=1 TARGET="incident tcmu"
test-kernel-rest: ## The others
	$(MAKE) test-kernel GUESTS=1 TARGET="$(filter-out incident tcmu,$(CASES))"

.PHONY: test-privilege test-faults-once
test-privilege: $(VENV)/.tests $(COLLECTION) ## The role as the Ceph user of ceph_user.yml: heals, names each cap it lacks, its key can do nothing else; and hostile text in the modules' options
	tests/with_lab.sh $(PRIVILEGE_LAB) -- bash -exc '$(PROGRAM) tests/faults/least_privilege.py $(PRIVILEGE_LAB); $(ANSIBLE_PROGRAM) tests/faults/injection.py $(PRIVILEGE_LAB)'
test-faults-once: $(VENV)/.tests $(COLLECTION) ## One each on one lab: the role as that user heals and shows no secret; it is killed when it has fenced; a healthy client pauses
	tests/with_lab.sh $(ONCE_LAB) -- bash -exc '\
	  $(PROGRAM) tests/faults/kill_once.py $(ONCE_LAB); \
	  $(PROGRAM) tests/faults/pauses.py $(ONCE_LAB) probe has; \
	  $(PROGRAM) tests/faults/privilege_once.py $(ONCE_LAB)'

.PHONY: test-kill
test-kill: $(VENV)/.tests $(COLLECTION) ## Kill the playbook and a module here and there, let some faults happen, and see that the next run puts all right
	tests/with_lab.sh $(KILL_LAB) -e incident_lab_mons=3 -- bash -exc '\
	  $(PROGRAM) tests/faults/kill_everywhere.py $(KILL_LAB) 12; \
	  $(PROGRAM) tests/faults/kill_module.py $(KILL_LAB) 100; \
	  $(PROGRAM) tests/faults/soak.py $(KILL_LAB) 1; \
	  $(PROGRAM) tests/faults/matrix.py $(KILL_LAB) manager fenced, others remove fenced, expires fenced'

.PHONY: test-pauses test-osd-down
test-pauses: $(VENV)/.tests $(COLLECTION) ## A healthy client that pauses while the role looks is not fenced, and one that stays stopped is (random pauses: COUNT=60; SEED=number)
	tests/with_lab.sh $(PAUSES_LAB) -- bash -exc '$(PROGRAM) tests/faults/pauses.py $(PAUSES_LAB) $(COUNT) $(SEED)'
test-osd-down: $(VENV)/.tests $(COLLECTION) ## Healthy clients are not called stale while OSDs change (COUNT=100 for so many looks; SEED=number)
	tests/with_lab.sh $(OSD_DOWN_LAB) -- $(PROGRAM) tests/faults/osd_down.py $(OSD_DOWN_LAB) $(or $(COUNT),20) $(SEED)

.PHONY: test-dead-ends
test-dead-ends: $(VENV)/.tests $(COLLECTION) ## Images of dead clients are freed, and their locks broken; sick pools hinder no fence; a client that is fenced and alive is reported; and explain says why an image cannot be used
	tests/with_lab.sh $(DEAD_ENDS_LAB) -- bash -exc 'for one in free dead_hosts locked odd_pools odd_errors asleep explain fenced; do $(PROGRAM) tests/faults/$$one.py $(DEAD_ENDS_LAB); done'

.PHONY: test-cuts
test-cuts: $(VENV)/.tests $(COLLECTION) ## Links are cut between monitors, OSDs, gateway and client, each on a host of its own (WORDS="words" for some)
	tests/packages.sh iproute2
	tests/with_lab.sh $(CUTS_LAB) -e incident_lab_hosts=true -e incident_lab_mons=3 -- $(PROGRAM) tests/faults/cuts.py $(CUTS_LAB) $(WORDS)

.PHONY: test-mirror
test-mirror: $(VENV)/.tests $(COLLECTION) ## A real rbd-mirror between two clusters watches an image whose gateway is stopped
	tests/packages.sh rbd-mirror
	tests/with_lab.sh $(MIRROR_LAB) -- $(PROGRAM) tests/faults/mirror.py $(MIRROR_LAB) $(MIRROR_PEER_PORT)

.PHONY: test-faults
test-faults: $(VENV)/.tests $(COLLECTION) ## Let monitors, OSDs, clients and other people fail in each phase of the role, and kill it at every task; takes hours (CELLS="words" for some)
	tests/with_lab.sh $(KILL_LAB) -e incident_lab_mons=3 -- bash -exc '\
	  $(PROGRAM) tests/faults/matrix.py $(KILL_LAB) $(CELLS); \
	  test -z "$(CELLS)" || exit 0; \
	  $(PROGRAM) tests/faults/kill_everywhere.py $(KILL_LAB); \
	  $(PROGRAM) tests/faults/kill_module.py $(KILL_LAB) 10'

GUARDS_OUT := $(BUILD)/guards_out
.PHONY: test-guards
test-guards: $(VENV)/.tests $(COLLECTION) ## Take one guard out of the code at a time, and see that the tests of faults notice; takes half an hour (GUARD="words" for some)
	tests/packages.sh rbd-mirror
	tests/copy.sh $(GUARDS_OUT) ansible_collections/cephops/iscsi_rescue
	tests/with_lab.sh $(GUARDS_LAB) -e incident_lab_mons=3 -- $(PROGRAM) tests/faults/guards_out.py $(GUARDS_LAB) $(CURDIR)/$(GUARDS_OUT) $(GUARD)

.PHONY: test-soak
test-soak: $(VENV)/.tests $(COLLECTION) ## Two hundred incidents in a row, of kinds and with kills by chance; takes two hours (COUNT=number SEED=number)
	tests/with_lab.sh $(KILL_LAB) -- $(PROGRAM) tests/faults/soak.py $(KILL_LAB) $(or $(COUNT),200) $(SEED)

.PHONY: test-releases
test-releases: $(VENV)/.tests $(COLLECTION) ## The role on Ceph 14.2, 16.2, 18.2 and 20.2, in the Debians that have them; 3 GB of disk (RELEASES="names" for some)
	$(PROGRAM) tests/faults/releases.py $(RELEASES_LAB) $(RELEASES)

.PHONY: test-events
test-events: $(VENV)/.tests $(COLLECTION) $(EVENTS)/.made $(PROMETHEUS)/.made $(OLDEST)/.made ## The rulebooks with ansible-rulebook; the metrics, the alerts and the dashboard with promtool
	$(PROMETHEUS)/usr/bin/promtool test rules tests/events/duplicate_watchers.test.yml
	$(PROGRAM) tests/events/dashboard.py $(PROMETHEUS)/usr/bin/promtool
	tests/with_lab.sh $(EVENTS_LAB) -- $(PROGRAM) tests/events/rulebooks.py $(EVENTS_LAB) $(EVENTS) $(PROMETHEUS)/usr/bin $(OLDEST)

lab_of = -e incident_lab_dir=$(firstword $(1)) -e incident_lab_port=$(lastword $(1))
.PHONY: test-tutorial
test-tutorial: $(VENV)/.tests $(COLLECTION) ## Every command of docs/tutorial.md, and whether it prints what is shown there
	$(PLAYBOOK) playbooks/lab_down.yml $(call lab_of,$(DOCS_LAB))
	$(PYTHON) tests/docs/tutorial.py $(DOCS_LAB)

.PHONY: docs-options docs-pictures
docs-options: $(VENV)/.tests $(COLLECTION) ## Make the list of all options in docs/ anew, and the tables of outcomes
	env PYTHONPATH=$(BUILD)/collections $(BIN)/python tests/docs/options.py docs/options.md
	env PYTHONPATH=$(BUILD)/collections $(BIN)/python tests/docs/outcomes.py
docs-pictures: $(VENV)/.tests $(COLLECTION) packages ## Make the pictures of the report in docs/ anew, on a lab of its own
	tests/with_lab.sh $(DOCS_LAB) -- env PYTHONPATH=tests $(BIN)/python tests/docs/pictures.py $(DOCS_LAB) docs

.PHONY: test-awx
test-awx: $(VENV)/.tests $(COLLECTION) $(AWX)/.made ## awx_setup.yml on a stand-in of AWX, and what that made, run by ansible-runner on a lab
	tests/with_lab.sh $(AWX_LAB) -- $(ANSIBLE_PROGRAM) tests/awx/run.py $(AWX_LAB) $(AWX)

# No image is built here: that takes a container engine and a base image.
EE := $(BUILD)/ee
.PHONY: test-ee
test-ee: $(VENV)/.tests build ## What ansible-builder makes of the built collection, up to the image itself
	rm -rf $(EE)
	$(BIN)/ansible-builder create --verbosity 1 --context $(EE) --output-filename Containerfile
	cd $(EE)/_build && ANSIBLE_COLLECTIONS_PATH= $(BIN)/ansible-galaxy collection install --offline --requirements-file requirements.yml --collections-path $(CURDIR)/$(EE)/collections
	$(BIN)/ansible-builder introspect --write-pip $(EE)/pip.txt --write-bindep $(EE)/bindep.txt $(EE)/collections >/dev/null
	$(BIN)/python tests/awx/environment.py $(EE)

.PHONY: test-artifact
test-artifact: $(OLDEST)/.made ## Build the collection, install it elsewhere, and run the demo from there on the oldest ansible-core
	PATH=$(OLDEST)/bin:$$PATH tests/artifact.sh $(BUILD)/artifact

.PHONY: test-checkout
test-checkout: $(VENV)/.tests ## The checkout as a project, and a copy of the scenario in one, each with the collection installed elsewhere
	tests/checkout.sh $(BUILD)/checkout
	tests/pipeline.sh $(BUILD)/pipeline

.PHONY: test-controllers
test-controllers: ## Each ansible-core from 2.17 on that this machine's Pythons allow (CONTROLLERS="2.17 2.21" for some; SKIP_MISSING=yes where a Python is missing); takes six minutes each
	tests/controllers.sh $(BUILD)/controllers $(CONTROLLERS)
