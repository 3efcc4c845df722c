# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks and the metrics, with a real ansible-rulebook and promtool beside a real cluster. What posts alerts stands in for Alertmanager.

usage: rulebooks.py LAB PORT VENV PROMETHEUS OLDEST, of a lab that is up; directories with ansible-rulebook, with promtool, and with the oldest ansible-core

Prints a line for each try and ends with 1 when one did not go as it should.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from lab import BLACKLIST, LONGEST_PLAY_S, LOOK, Lab

QUICK = {"remediate_watchers_notify_timeout": 1, "remediate_watchers_probe_deadline": 3, "remediate_watchers_ceph_timeout": 3}
# A template to Ansible and Jinja, and markup and quotes to others. Rendering it makes it 49.
HOSTILE = "\"><b>'&{{7*7}}"
TOKEN = "a-token-of-the-test"
# Of one wait, also on a machine that others use.
DEADLINE_S = 300
PLAY = "PLAY [Check the inventory]"


class Program:
    """A program whose output goes to a file; ended by its own pid."""

    def __init__(self, command: t.Sequence[str], said: Path, environment: t.Mapping[str, str]) -> None:
        self.said = said
        with said.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}, start_new_session=True)

    def words(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.said.read_text(errors="replace"))

    def says(self, text: str, times: int = 1) -> bool:
        """Within the deadline."""
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until and self.process.poll() is None:
            if self.words().count(text) >= times:
                return True
            time.sleep(0.2)
        return self.words().count(text) >= times

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


class Events:
    def __init__(self, lab: Lab, venv: Path, prometheus: Path) -> None:
        self.lab, self.venv, self.prometheus = lab, venv, prometheus
        self.faults: list[str] = []
        self.inventory = lab.directory / "watched"
        self.inventory.mkdir(exist_ok=True)
        (self.inventory / "lab.yml").symlink_to(lab.directory / "inventory.yml")
        self.select()
        self.webhook = lab.port + 50
        self.webhook_settings = {"alertmanager_token": TOKEN, "alertmanager_port": self.webhook}

    def check(self, what: str, holds: bool, why: str = "") -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else ': ' + why[-5000:]}", flush=True)
        if not holds:
            self.faults.append(what)

    def select(self, *images: str) -> None:
        """Which images are looked at; all, when none is named."""
        names = ", ".join(f"!unsafe {json.dumps(image)}" for image in images)
        settings = "".join(f"    {name}: {value}\n" for name, value in QUICK.items())
        (self.inventory / "quick.yml").write_text(f"all:\n  vars:\n    remediate_watchers_images: [{names}]\n{settings}")

    @contextlib.contextmanager
    def rulebook(self, name: str, **settings: t.Any) -> t.Iterator[Program]:
        settings_file = self.lab.directory / "rulebook.json"
        settings_file.write_text(json.dumps(settings))
        command = [str(self.venv / "bin/ansible-rulebook"), "--rulebook", f"cephops.iscsi_rescue.{name}", "--vars", str(settings_file), "--print-events"]
        # Its own Ansible comes first.
        environment = {"PATH": f"{self.venv}/bin:{os.environ['PATH']}", "ANSIBLE_INVENTORY": str(self.inventory), "PYTHONPATH": ""}
        program = Program(command, self.lab.directory / f"{name}.log", environment)
        try:
            yield program
        finally:
            program.end()

    def inject(self, image: str) -> None:
        """An orphan on an image of any name."""
        variables = self.lab.directory / "inject.yml"
        variables.write_text(f"incident_lab_image: !unsafe {json.dumps(image)}\n")
        command = [*self.lab.command("playbooks/lab_inject.yml", self.lab.settings), "--extra-vars", f"@{variables}"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"The incident could not be made:\n{done.stdout}{done.stderr}")

    def sick(self) -> list[str]:
        return [image["spec"] for image in detect.look({**self.lab.connection, **LOOK, "notify_timeout": 1})["images"]]

    def blacklist(self) -> dict[str, t.Any]:
        found = fence.apply({**self.lab.connection, **BLACKLIST}, dry_run=False)
        return {"entries": found.after, "leases": found.leases}

    @contextlib.contextmanager
    def outage(self) -> t.Iterator[None]:
        """The only monitor hangs."""
        monitor = int((self.lab.directory / "mon.a.pid").read_text())
        os.kill(monitor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(monitor, signal.SIGCONT)

    def metrics(self) -> str:
        """The file, after promtool has taken it."""
        directory = self.lab.directory / "node-exporter"
        directory.mkdir(exist_ok=True)
        # In a zone with another time than UTC, since times are in seconds since the epoch.
        done = self.lab.play("playbooks/export_metrics.yml", {**QUICK, "export_metrics_dir": str(directory)}, TZ="Asia/Tokyo")
        self.check("export_metrics ends well and changes nothing", done.returncode == 0 and "changed=0" in done.stdout, done.stdout + done.stderr)
        written = [path.name for path in directory.iterdir()]
        self.check("it leaves one file", written == ["rbd_watchers.prom"], str(written))
        text = (directory / "rbd_watchers.prom").read_text()
        ago_s = time.time() - float(text.partition("\nrbd_watchers_last_success_timestamp_seconds ")[2].partition("\n")[0])
        self.check("its time is now", 0 <= ago_s < LONGEST_PLAY_S, f"{ago_s:.0f} s ago")
        taken = subprocess.run([str(self.prometheus / "promtool"), "check", "metrics"], input=text, check=False, capture_output=True, text=True, timeout=60)
        self.check("promtool takes it", taken.returncode == 0, taken.stdout + taken.stderr + text)
        return text

    def alert(self, token: str = TOKEN, **labels: str) -> int:
        """What Alertmanager 0.25 posts (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config); the status of the answer."""
        one = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-25T18:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
        group = {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "iscsi_rescue", "alerts": [one]}
        body = json.dumps({**group, "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://127.0.0.1:9093"})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.webhook}/alerts", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def listening(self) -> bool:
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                self.alert(token="")
                return True
            time.sleep(0.2)
        return False


def metrics_tell(tried: Events) -> None:
    text = tried.metrics()
    tried.check("a stale watcher is counted", 'rbd_image_watchers_stale{pool="rbd",namespace="",image="told"} 1\n' in text, text)
    tried.check("a hostile name is escaped", f'namespace="",image="{HOSTILE}"'.replace('"><b', '\\"><b') in text, text)
    tried.check("images that are well have no series of their own", "datastore1" not in text and 'rbd_images{state="normal"} 1\n' in text, text)


def only_looks(tried: Events) -> None:
    before = tried.blacklist()
    with tried.rulebook("duplicate_watchers", duplicate_watchers_interval=5, duplicate_watchers_timeout=30) as program:
        tried.check("both images are reported, and looked at", program.says("would_heal, looked at 1 image", 2), program.words())
        tried.check("it fences no client", tried.blacklist() == before, str(tried.blacklist()))
        with tried.outage():
            tried.check("an outage is reported", program.says("'change': 'unseen'"), program.words())
        tried.check("its end, too", program.says("'change': 'seen'"), program.words())
        words = program.words()
    tried.check("each image is reported once", words.count("'change': 'found'") == 2 and "'change': 'changed'" not in words, words)
    tried.check("none is called gone", "'change': 'gone'" not in words, words)


def oldest_ansible_takes_a_name_as_it_is(tried: Events, oldest: Path) -> None:
    """Seen to fail: ansible-core 2.17 took what a lookup returned for a template."""
    settings = {**QUICK, "answer_duplicate_image": quote(f"rbd/{HOSTILE}")}
    done = tried.lab.play("cephops.iscsi_rescue.answer_duplicate", settings, PATH=f"{oldest}/bin:{os.environ['PATH']}")
    tried.check("the oldest Ansible takes a hostile name as it is", "would_heal, looked at 1 image" in done.stdout, done.stdout + done.stderr)


def heals(tried: Events) -> None:
    """The image that the inventory names, of two sick ones."""
    before = tried.blacklist()
    tried.select(f"rbd/{HOSTILE}")
    with tried.rulebook("duplicate_watchers", duplicate_watchers_interval=5, duplicate_watchers_remediate=True) as program:
        tried.check("it heals where that is allowed", program.says("healed, looked at 1 image"), program.words())
        tried.check("what is healed is gone", program.says("'change': 'gone'"), program.words())
    tried.select()
    tried.check("the other image was left alone", tried.sick() == ["rbd/told"], str(tried.sick()))
    tried.check("the blocklist is as before", tried.blacklist() == before, str(tried.blacklist()))


def an_alert_looks(tried: Events) -> None:
    before = tried.blacklist()
    with tried.rulebook("alertmanager", **tried.webhook_settings) as program:
        tried.check("it listens", tried.listening(), program.words())
        tried.check("a sender with a wrong token is turned away", tried.alert(token="another", alertname="RbdImageStaleWatcher") == 401, program.words())
        tried.alert(alertname="Other")
        tried.check("another alert arrives", program.says("'alertname': 'Other'"), program.words())
        tried.alert(alertname="RbdImageStaleWatcher", image=HOSTILE)
        tried.check("an alert lets it look", program.says("would_heal, looked at"), program.words())
        tried.alert(alertname="RbdImageStaleWatcher", image="another")
        tried.check("a second one arrives", program.says("'image': 'another'"), program.words())
        time.sleep(5)
        tried.check("nothing else, and no second one so soon, lets it look", program.words().count(PLAY) == 1, program.words())
    tried.check("it fences no client", tried.blacklist() == before and tried.sick() == ["rbd/told"], str(tried.blacklist()))


def an_alert_heals(tried: Events) -> None:
    before = tried.blacklist()
    with tried.rulebook("alertmanager", **tried.webhook_settings, alertmanager_remediate=True) as program:
        tried.check("it listens again", tried.listening(), program.words())
        tried.alert(alertname="RbdImageStaleWatcher", image="told")
        tried.check("an alert lets it heal where that is allowed", program.says("healed, looked at"), program.words())
    tried.check("no image is sick after that", tried.sick() == [] and tried.blacklist() == before, str(tried.blacklist()))


def metrics_tell_no_more(tried: Events) -> None:
    text = tried.metrics()
    tried.check("no image has a series any more", "rbd_image_watchers" not in text and "osd_blacklist_leases 0\n" in text, text)


def main() -> None:
    directory, port, venv, prometheus, oldest = sys.argv[1:]
    tried = Events(Lab(Path(directory), int(port)), Path(venv), Path(prometheus))
    for image in ("told", HOSTILE):
        tried.inject(image)
    oldest_ansible_takes_a_name_as_it_is(tried, Path(oldest))
    for part in (metrics_tell, only_looks, heals, an_alert_looks, an_alert_heals, metrics_tell_no_more):
        began = time.monotonic()
        part(tried)
        print(f"{part.__name__}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()
