# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every parser, with what hypothesis makes up: it returns something of its form, or raises the library's own exception.

``make test-unit`` takes a few hundred examples of each, ``make test-hostile`` a hundred thousand.

Seen to fail: with ``guarded`` in _ceph/decode_guard.py letting errors through, the tests of sessions, the quorum, the blocklist and pools fail.
"""

from __future__ import annotations

import json
import os
import shlex
import struct
import typing as t

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, notify_reply, placement, pools, service_map, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, lease_store
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import debug_control, kernel_events, kernel_log, scst_trace
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import identity, parameter_data, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lun_map, scst, tgt
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import osd_sweep
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, host_answers, scsi_id, suspects, suspects_output, vmkernel
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import protect
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import CAPTURES, lay_out
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import text as captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._report import test_report as reports
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

settings.register_profile("quick", max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("long", max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HOSTILE", "quick"))

DATA = CAPTURES.parent
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


def nested(inner: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    return scalars | st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)


# st.recursive takes more than twice as long.
anything = nested(nested(nested(scalars)))


def shaped(**fields: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    """A dictionary of that form in which some fields are missing, or are anything; or no dictionary at all."""
    return st.fixed_dictionaries({}, optional={name: one | anything for name, one in fields.items()}) | anything


def torn(whole: str) -> st.SearchStrategy[str]:
    """Real text, of which pieces are missing, doubled, in another order, or made up."""
    lines = whole.splitlines(keepends=True)
    piece = (
        st.sampled_from(lines) | st.text(max_size=30) | st.builds(lambda line, start, end: line[start:end], st.sampled_from(lines), *[st.integers(0, 80)] * 2)
    )
    return st.lists(piece, max_size=12).map("".join)


hosts = st.ip_addresses().map(str) | st.ip_addresses(v=6).map("[{}]".format) | st.text("0123456789.", max_size=9) | st.text(max_size=8)
addresses = st.builds("{}:{}/{}".format, hosts, st.integers(0, 99_999), st.integers(0, 2**33))


@given(st.text() | addresses)
def test_client_addresses(text: str) -> None:
    normal = address.normal(text)
    assert address.normal(normal) == normal
    try:
        parsed = address.parse(text)
    except InputError:
        return
    assert address.parse(str(parsed)) == parsed
    assert (parsed.port, parsed.nonce) != (0, 0)


pairs = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(st.lists(st.tuples(pairs, st.binary(max_size=9)), max_size=5), st.lists(pairs, max_size=5), st.integers(0, 300), st.binary(max_size=40))
def test_replies_to_a_notify(acked: list[t.Any], timed_out: list[t.Any], cut: int, made_up: bytes) -> None:
    whole = struct.pack("<I", len(acked)) + b"".join(struct.pack("<QQI", *pair, len(said)) + said for pair, said in acked)
    whole += struct.pack("<I", len(timed_out)) + b"".join(struct.pack("<QQ", *pair) for pair in timed_out)
    decoded = notify_reply.decode(whole)
    assert decoded == notify_reply.NotifyReply(frozenset(pair for pair, _said in acked), frozenset(timed_out))
    for reply in (made_up, whole[:cut] + made_up, whole[:-1]):
        try:
            notify_reply.decode(reply)
        except ClusterError:
            continue


socket = shaped(addr=st.text(max_size=20), nonce=st.integers())


@given(st.lists(shaped(socket_addr=socket, global_id=st.integers(), remote_host=st.text(), entity_name=st.text()), max_size=4) | anything)
def test_sessions(answer: t.Any) -> None:
    try:
        found = sessions.parse(answer)
    except ClusterError:
        return
    # A session that cannot be read might be that of any client, so no client counts as gone.
    unread = [one for one in answer or [] if one.get("global_id") and not isinstance(one.get("socket_addr"), dict)]
    assert found.gap or not unread


@given(shaped(quorum_names=st.lists(st.text()), monmap=shaped(mons=st.lists(st.text())), quorum_age=st.integers()))
def test_the_quorum(answer: t.Any) -> None:
    try:
        sessions.in_quorum(answer, 300)
    except ClusterError:
        return


daemons = st.dictionaries(st.text(max_size=9), shaped(addr=addresses | st.text(max_size=9)))


runners = st.dictionaries(
    st.text(max_size=9), shaped(addr=addresses | st.text(max_size=9), metadata=shaped(image_id=st.text(max_size=9), hostname=st.text(max_size=9)))
)


@given(shaped(services=shaped(**{"rbd-mirror": shaped(daemons=daemons), "tcmu-runner": shaped(daemons=runners)})))
def test_the_service_map(answer: t.Any) -> None:
    try:
        found = service_map.parse(answer)
    except ClusterError:
        return
    assert all(isinstance(text, str) for text in (*found.mirrors, *found.gateways.values()))


times = st.floats() | st.text(max_size=9)
a_lease = shaped(run=st.text(max_size=9), reason=st.text(max_size=9), added=times, expire=st.integers(), images=st.lists(st.text(max_size=9)), until=times)


@given(addresses | st.text(max_size=9), a_lease.map(json.dumps).map(str.encode) | st.binary(max_size=99))
def test_leases(key: str, value: bytes) -> None:
    try:
        found = lease_store.decoded(key, value)
    except (InputError, KeyError, TypeError, ValueError, OverflowError):
        return
    assert isinstance(found.added, float) and isinstance(found.until, str) and all(isinstance(image, str) for image in found.images)


row = shaped(
    entity_addr_t=socket,
    namespace=st.text(max_size=5),
    object=st.sampled_from(["rbd_header.1", "x.rbd", "rbd_mirror_leader"]),
    entity_name=shaped(type=st.sampled_from(["client", "mgr"]), num=st.integers()),
    cookie=st.integers(),
)


@given(st.lists(st.lists(row, max_size=4) | anything, max_size=3))
def test_dump_watchers(answers: list[t.Any]) -> None:
    found = osd_sweep.parse(answers)
    rows = sum(len(answer) if isinstance(answer, list) else 1 for answer in answers)
    assert sum(map(len, found.headers.values())) + len(found.gaps) <= rows


@given(shaped(blocklist=st.dictionaries(addresses, st.text()), blacklist=st.dictionaries(addresses, st.text())))
def test_the_blocklist(answer: t.Any) -> None:
    try:
        found = blocklist.parse(answer)
    except ClusterError:
        return
    assert all(isinstance(until, str) for until in found.entries.values())


@given(shaped(pools=st.lists(shaped(pool_name=st.text(), pool=st.integers(), application_metadata=st.dictionaries(st.text(), st.none())))))
def test_pools(answer: t.Any) -> None:
    try:
        pools.parse(answer)
    except ClusterError:
        return


@given(shaped(pg_ready=st.booleans(), stuck_pg_stats=st.lists(shaped(pgid=st.text(), state=st.text()))))
def test_placement_groups(answer: t.Any) -> None:
    try:
        placement.parse(answer)
    except ClusterError:
        return


@given(st.binary(max_size=300), st.binary(max_size=40), st.binary(max_size=300))
def test_what_a_lun_answers(one: bytes, two: bytes, three: bytes) -> None:
    replies.decode_sense(one)
    parameter_data.decode_capacity(one)
    assert all(isinstance(key, str) for key in parameter_data.decode_registrants(one))
    parameter_data.decode_reservation(one)
    assert 0 <= parameter_data.decode_compare_and_write_blocks(one) < 256
    assert parameter_data.decode_write_cache(one) in (None, True, False)
    json.dumps(identity.decode(one, two, three)).encode()


@given(torn(captured("dynamic_debug-control")), st.text(max_size=60))
def test_the_control_file(text: str, format: str) -> None:
    sites = debug_control.parse(text)
    debug_control.select(sites, [debug_control.Match(format=format)])


@given(st.text(max_size=40))
def test_lines_and_flags_of_a_match(text: str) -> None:
    for take in (debug_control.parse_flags, lambda line: debug_control.select([], [debug_control.Match(line=line)])):
        try:
            take(text)
        except InputError:
            continue


@given(
    torn(
        (DATA / "logs" / "scst-trace-reserve.dmesg").read_text()
        + (DATA / "logs" / "incident-kern.log").read_text()
        + (DATA / "logs" / "scst-aborts.dmesg").read_text()
    )
    | st.text()
)
def test_kernel_logs(text: str) -> None:
    kernel_events.parse(kernel_log.parse_lines(text.splitlines()))


@given(st.lists(st.binary(max_size=80) | st.builds(lambda head, text: head + text, st.just(b"6,1,1,-;"), st.binary(max_size=60)), max_size=6))
def test_records_of_the_kernel(raw: list[bytes]) -> None:
    kernel_events.parse(record for record in map(kernel_log.parse_record, raw) if record)


@given(torn(captured("scst-root")))
def test_trace_levels(text: str) -> None:
    try:
        scst_trace.parse(text)
    except RescueError:
        return


@given(torn(captured("tgt-target")), torn(captured("tgt-portal")), st.text(), st.binary(max_size=40))
def test_targets(targets: str, portals: str, text: str, raw: bytes) -> None:
    for lun in tgt.parse(targets, portals):
        json.dumps(lun.record()).encode()
    assert len(tgt.naa(text)) == 32
    tgt.image(text)
    scst.identity(text, text, raw)


NAMES = ("scst-devices", "scst-targets", "scst-links", "krbd-sysfs", "lio-configfs", "lio-links")


class Tree(t.NamedTuple):
    root: str
    files: list[str]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = lay_out(tmp_path_factory.mktemp("tree"), *NAMES)
    files = [os.path.join(path, name) for path, _directories, names in os.walk(root.root) for name in names]
    return Tree(root.root, sorted(path for path in files if not os.path.islink(path)))


@given(st.data())
def test_sysfs_and_configfs(tree: Tree, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(tree.files))
    with open(path, "rb") as file:
        kept = file.read()
    try:
        with open(path, "wb") as file:
            file.write(
                data.draw(
                    st.binary(max_size=60) | st.sampled_from([b"/dev/rbd0\0", b"/dev/\0/x", b"/dev/rbd/\xff\xfe", b"../../../..", b"0x", b"-1", b"9" * 50])
                )
            )
        for lun in lun_map.read(tree.root).luns:
            json.dumps(lun.record()).encode()
    except RescueError:
        pass
    finally:
        with open(path, "wb") as file:
            file.write(kept)


XML = '<output xmlns="x"><root><list type="structure"><structure typeName="A"><field name="B"><integer>1</integer></field></structure></list></root></output>'
ESXI = {path.stem: path.read_text() for path in sorted((DATA / "esxi").rglob("*.*")) if path.suffix != ".csv"}


word = st.from_regex(r"[\dxa-f]{0,3}", fullmatch=True)
validity = st.sampled_from(["Valid", "Possible", "x"])
statuses = st.builds("H:0x{} D:0x{} P:0x{} {} sense data: 0x{} 0x{} 0x{}\n".format, word, word, word, validity, word, word, word)
headed = st.builds(
    "2019-10-08T07:10:25.198Z cpu13:35761)NMP: nmp_ThrottleLogForDevice:1: {}{}".format,
    st.sampled_from(["", 'Cmd 0x16 (0x4, 7) to dev "naa.01" on path "vmhba2:C0:T0:L1" Failed:\n', 'Cmd 0x2a (0x4, 7) to dev "naa.02" Failed: ']),
    statuses,
)


LOGS = "".join(text for name, text in ESXI.items() if not name.startswith("esxcli") and "naa.6" in text)
second = st.from_regex(r"[0-5]\d\.\d{3}", fullmatch=True)
repeated = st.builds(
    "2019-10-08T07:10:{}Z cpu1:{})NMP: nmp_ThrottleLogForDevice:1: last error status from device naa.0{} repeated {} times\n".format,
    second,
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
)
spoken = st.builds(
    "2019-10-08T07:10:{}{} cpu1:{}){}: 1: {}\n".format,
    second,
    st.sampled_from(["Z", "", "+02:00", "-9999"]),
    st.integers(1, 3),
    st.sampled_from(["HBX", "FS3", "FSS", "DLX", "iscsi_vmk", "StorageApdHandler", "ScsiDevice", "VMW_PSP_RR"]),
    st.sampled_from(["vmhba1:CH:0 T:1 L:2 : Task mgmt timed out", "APD exit [naa.01]", "Reclaimed on vol 'a'", "on vol '", "Not free 'b':", "vml.02"])
    | st.text(),
)
observed = st.builds(
    "2019-10-08T07:10:{}Z: [{}Correlator] {}us: [esx.{}] {}\n".format,
    second,
    st.sampled_from(["scsi", "APD", "vmfs", ""]),
    st.integers(0, 9),
    st.sampled_from(["problem.storage.apd.start", "clear.storage.apd.exit", "problem.vmfs.heartbeat.timedout", "problem.x", ""]),
    st.sampled_from(["[naa.01]", "53d6343f-65f9ea4e-602b-508789ad4756 ds", ""]) | st.text(max_size=20),
)


@given(torn(ESXI["esxi-vmkernel"]) | torn(LOGS) | st.text() | st.lists(headed | repeated | spoken | observed, max_size=8).map("".join))
def test_the_log_of_esxi(text: str) -> None:
    """A line is an event, or the rest of one, or is counted."""
    read = vmkernel.events(text, "esx1")
    told = [vmkernel.parse(line) for line in text.split("\n")]
    assert read["lines"] - read["unparsed"] == sum(map(bool, told))
    # Only a line that has a status and no device can be the rest of the line before it.
    assert len(read["events"]) >= sum(bool(event and (event["device"] or not event["host_status"])) for event in told)
    for event in read["events"]:
        assert event["kind"] in t.get_args(vmkernel.Kind)
    found = suspects.from_events(read["events"], [])
    json.dumps(found)
    assert yaml.safe_load(suspects_output.variables(found))["remediate_watchers_images"] in ([], None)
    assert suspects_output.summary(found)


@given(st.lists(st.text(max_size=20), max_size=3))
def test_suspects_for_the_role(images: list[str]) -> None:
    """Every name comes back as it was, and as text that is no template."""
    told = suspects_output.variables([{"healable": True, "images": images}])
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", node.value))
    read = yaml.load(told, loader)["remediate_watchers_images"]
    assert (read or []) == [("unsafe", image) for image in dict.fromkeys(images)]


printed = st.text() | torn("# of 99 bytes\n" + "".join(ESXI.values()))
answer = st.builds(
    lambda host, what, size, rest: {"item": {"host": host, "what": what, **size}, **rest},
    st.text(max_size=5) | st.sampled_from(["b/vmkernel.log", "b/vmkernel.0.gz", "b/vmkwarning.log", "vobd.log", "vmkernel", ".log", "/.gz"]),
    st.sampled_from(["log", "extents", "stats"]),
    st.sampled_from([{}, {"bytes": 10}, {"bytes": "10"}]),
    st.fixed_dictionaries(
        {},
        optional={"rc": st.sampled_from([0, 1]), "stdout": printed, "stderr": st.text(), "msg": st.text()},
    ),
)


@given(st.lists(answer, max_size=4), st.lists(st.fixed_dictionaries({"item": st.text(max_size=5)}, optional={"luns": st.just([])}), max_size=2))
def test_a_diagnosis(asked: list[t.Any], maps: list[t.Any]) -> None:
    json.dumps(host_answers.diagnose(asked, maps))


# A page takes a thousand times as long as a line.
@settings(max_examples=max(settings().max_examples // 20, 15))
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=20))
def test_reports(spec: str, header: str, portal: str) -> None:
    """The page is the same page whatever is in it, and each command has its words where they belong."""
    summed = reports.run(
        f"rbd/{spec}",
        {"error": header},
        detected={**reports.run_detected(), "images": [reports.image(f"rbd/{spec}", header=header, reasons=[spec])]},
        probes_after=[reports.probe(f"rbd/{spec}", "healthy", portal=portal, target=header)],
    )
    shown = reports.page(summed)
    assert {tag for tag, _attributes in shown.elements} <= PAGE
    typed = [shlex.split(line) for line in summed["by_hand"] if line.startswith(("rados", "rbd", "ceph"))]
    assert [words[-1] for words in typed if words[:1] == ["rados"]] == [header] * 2
    assert ["rbd", "status", f"rbd/{spec}"] in typed


PAGE = {tag for tag, _attributes in reports.page(reports.run()).elements} | {"ul", "li"}


cut_off = st.builds(
    lambda text, end: text[:end], anything.map(json.dumps) | st.just(XML) | st.integers(1, 5000).map(lambda depth: "[" * depth), st.integers(0, 9999)
)


@given(torn("".join(ESXI.values())) | torn(XML.replace(">", ">\n")).map("<{}".format) | cut_off | st.text())
def test_what_esxcli_prints(text: str) -> None:
    try:
        found = esxcli.records(text)
    except InputError:
        return
    assert all(isinstance(record, dict) for record in found)


@given(st.text() | st.builds("{}.{}".format, st.sampled_from(["eui", "naa", "t10", "mpx"]), st.text(max_size=9)))
def test_names_of_devices(text: str) -> None:
    assert set(scsi_id.parse(text)) == {"device", "partition", "kind", "bytes", "ascii"}


@given(st.text(max_size=30) | st.sampled_from(["host == 'a'", "starts_with(entity, 'x')", "image.spec", "10.0.0.0/8"]), anything)
def test_rules_of_the_operator(text: str, record: t.Any) -> None:
    try:
        rule = protect.rule(text)
    except InputError:
        return
    assert callable(rule)
