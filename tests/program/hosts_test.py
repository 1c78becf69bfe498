#!/usr/bin/env python3
"""sipana-lab run --hosts: phones in network namespaces, the capture taken at the bridge between them.

  hosts_test.py SIPANA_LAB SIPANA

The namespaces are made here and removed at the end, also when something fails or this is ended. Skipped, with the
reason, without root or without `ip`. Closes with "N passed, N failed, N skipped".
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, ANALYZER = map(os.path.abspath, sys.argv[1:3])
OK, FAILED, USAGE, IO_ERROR, INTERRUPTED = 0, 1, 2, 5, 130
PREFIX = f"sh{os.getpid() % 1000000}"
A, B = "192.168.1.101", "192.168.1.102"

passed = failed = skipped = 0


def judge(holds, claim, seen=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen!r}"), flush=True)


def skip(claim, why):
    global skipped
    skipped += 1
    print(f"skipped {claim}: {why}", flush=True)


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=check).stdout


class Hosts:
    """A bridge in a namespace of its own, and two hosts on it."""

    def __enter__(self):
        try:
            self.namespace("bridge")
            ip("-n", f"{PREFIX}-bridge", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            ip("-n", f"{PREFIX}-bridge", "link", "set", "br0", "up")
            for number, (host, address) in enumerate((("a", A), ("b", B)), 1):
                there = self.namespace(host)
                ip("-n", f"{PREFIX}-bridge", "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0",
                   "netns", there)
                ip("-n", f"{PREFIX}-bridge", "link", "set", f"port{number}", "master", "br0", "up")
                ip("-n", there, "address", "add", f"{address}/24", "dev", "eth0")
                ip("-n", there, "link", "set", "eth0", "up")
        except BaseException:
            self.remove()
            raise
        return self

    def namespace(self, host):
        name = f"{PREFIX}-{host}"
        ip("netns", "add", name)
        subprocess.run(["ip", "netns", "exec", name, "sh", "-c",
                        "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done"],
                       stderr=subprocess.DEVNULL, check=False)
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def remove(self):
        for host in ("a", "b", "bridge"):
            ip("netns", "delete", f"{PREFIX}-{host}", check=False)

    def __exit__(self, *_):
        self.remove()


TABLE = f"""# the hosts of this test
{A}  {PREFIX}-a
{B}  {PREFIX}-b
bridge {PREFIX}-bridge br0
"""


def call(transport="udp", seconds="1s", more=""):
    return f"""# over {transport}
phone alice 100 at {A} transport {transport} audio pcmu video h264
phone bob   900 at {B} transport {transport} audio pcmu video h264
{more}
alice -> bob INVITE
bob -> alice 180
bob -> alice 200
alice -> bob ACK
alice <> bob audio tone 440Hz {seconds}
alice -> bob BYE
bob -> alice 200
check alice final 200
check bob hears 440Hz from alice for 500ms
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def environment():
    return {**os.environ, "COLUMNS": "160", "NO_COLOR": "1"}


def lab(*arguments, **more):
    done = subprocess.run([PROGRAM, "run", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, timeout=60, text=True, check=False, env=environment(), **more)
    return done.returncode, done.stdout, done.stderr


def rows(verb, capture):
    done = subprocess.run([ANALYZER, verb, "--format", "ndjson", capture], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def tshark(capture, *arguments):
    done = subprocess.run(["tshark", "-r", capture, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else [f"tshark: {done.stderr}"]


def calls(tmp, table):
    for transport in ("udp", "tcp"):
        script = write(tmp, f"{transport}.lab", call(transport))
        capture = os.path.join(tmp, f"{transport}.pcapng")
        status, out, err = lab(script, "--hosts", table, "--capture", capture, "--format", "json")
        judge(status == OK, f"{transport}: a call between two hosts, with media, is judged at the bridge", (status, out, err))
        if status != OK:
            continue
        run = json.loads(out)["runs"][0]
        status, messages = rows("messages", capture)
        judge(status == OK and len(messages) == 6 and {m["transport"] for m in messages} == {transport.upper()} and
              {m["src"].split(":")[0] for m in messages} == {A, B}, f"{transport}: its six messages are there", messages)
        status, streams = rows("streams", capture)
        judge(status == OK and sum(s["packets"] for s in streams) == run["rtp_sent"] >= 98 and
              all(s["lost"] == 0 for s in streams), f"{transport}: and its media", streams)
        against_tshark(transport, capture, messages)


def inside_tls(tmp, table):
    """The analyzer sees that there is TLS; tshark sees through it with the secrets that are in the capture."""
    script = write(tmp, "tls.lab", call("tls").replace("check alice", "# check alice"))
    capture = os.path.join(tmp, "tls.pcapng")
    status, out, err = lab(script, "--hosts", table, "--capture", capture)
    judge(status == OK and "0 messages, and 6 inside TLS" in out, "tls: the run says what the wire does not show", (status, out, err))
    if shutil.which("tshark") is None:
        return skip("tls: tshark decrypts it", "tshark is not installed")
    seen = tshark(capture, "-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code")
    judge(" ".join(seen).split() == ["INVITE", "180", "200", "ACK", "BYE", "200"] and
          tshark(capture, "-Y", "sip && !tls") == [], "tls: tshark decrypts it with the secrets in it", seen)


def against_tshark(transport, capture, messages):
    if shutil.which("tshark") is None:
        return skip(f"{transport}: tshark sees the same", "tshark is not installed")
    mine = subprocess.run([ANALYZER, "calls", "--format", "json", capture], capture_output=True, text=True, timeout=60,
                          check=False)
    frames = len(tshark(capture, "-T", "fields", "-e", "frame.number"))
    sip = tshark(capture, "-Y", "sip", "-T", "fields", "-e", "frame.number", "-e", "frame.comment")
    commented = [line.split("\t") for line in sip]
    judge(mine.returncode == OK and [int(number) for number, *_ in commented] == [m["frame"] for m in messages],
          f"{transport}: tshark sees the same messages in the same frames", (frames, sip))
    arrows = ["4 alice -> bob INVITE", "5 bob -> alice 180", "6 bob -> alice 200", "7 alice -> bob ACK",
              "9 alice -> bob BYE", "10 bob -> alice 200"]
    offset = 1  # the empty line of call()
    wanted = [f"{transport}:{int(a.split()[0]) + offset} {a.split(' ', 1)[1]}" for a in arrows]
    judge([words[-1] for words in commented] == wanted, f"{transport}: each message says which line it is", commented)
    arp = tshark(capture, "-Y", "arp", "-T", "fields", "-e", "frame.number")
    judge(arp == [], f"{transport}: no ARP", arp)


def mistakes(tmp, table):
    script = write(tmp, "short.lab", call(seconds="100ms").rpartition("check")[0])
    for text, status, words, claim in (
            (TABLE.replace(f"{PREFIX}-a", f"{PREFIX}-none"), IO_ERROR, f"no network namespace '{PREFIX}-none'",
             "a namespace that is not there"),
            (TABLE.replace(" br0", " br7"), IO_ERROR, "br7: no such interface", "an interface that is not there"),
            (TABLE + "alice x\n", USAGE, "wrong.txt:5:1: expected an address or 'bridge', found 'alice'", "a mistake in the table"),
            (TABLE + f"{A} twice\n", USAGE, f"wrong.txt:5:1: {A} stands here twice", "an address twice")):
        wrong = write(tmp, "wrong.txt", text)
        got, out, err = lab(script, "--hosts", wrong, "--no-capture")
        judge(got == status and words in out + err, f"--hosts: {claim}: {status}", (got, out, err))
    got, out, err = lab(script, "--hosts", os.path.join(tmp, "none.txt"), "--no-capture")
    judge(got == IO_ERROR and "none.txt: No such file" in err, "--hosts: a table that is not there: 5", (got, out, err))
    astray = write(tmp, "astray.lab", call().replace(A, "192.168.1.77"))
    got, out, err = lab(astray, "--hosts", table, "--no-capture")
    judge(got == IO_ERROR and "192.168.1.77" in out + err, "--hosts: a phone at an address that no host has: 5", (got, out, err))
    impaired = write(tmp, "impaired.lab", call(seconds="100ms", more="network loss 50%").rpartition("check")[0])
    got, out, err = lab(impaired, "--hosts", table, "--no-capture")
    judge(got == OK and "network lines do nothing on sockets" in out + err, "--hosts: network lines are named", (got, out, err))


def without_root(tmp, table):
    try:
        program = shutil.copy(PROGRAM, os.path.join(tmp, "sipana-lab"))
        os.chmod(tmp, 0o755)
        script = write(tmp, "short.lab", call())
        done = subprocess.run([program, "run", script, "--hosts", table, "--no-capture"], capture_output=True, text=True,
                              timeout=60, check=False, user=65534, group=65534, extra_groups=[])
    except PermissionError as error:
        return skip("--hosts without root", str(error))
    judge(done.returncode == IO_ERROR and "network namespaces need root" in done.stdout + done.stderr, "--hosts without root: 5",
          (done.returncode, done.stdout, done.stderr))


def without_bridge(tmp, table):
    script, capture = write(tmp, "plain.lab", call()), os.path.join(tmp, "plain.pcapng")
    plain = write(tmp, "plain.txt", TABLE.partition("bridge")[0])
    status, out, err = lab(script, "--hosts", plain, "--capture", capture)
    judge(status == OK and "the capture lost nothing" not in out, "without a bridge the lab records as on other sockets",
          (status, out, err))
    status, out, err = lab(script, "--hosts", table, "--rate", "50", "--calls", "5", "--format", "json")
    judge(status == OK and json.loads(out)["done"] == 5, "a load runs between hosts, without a capture", (status, out, err))


def ended(tmp, table):
    """What a run leaves that is ended in the middle."""
    script = write(tmp, "long.lab", call(seconds="30s"))
    for number, status, claim in ((signal.SIGINT, INTERRUPTED, "interrupted"), (signal.SIGKILL, -signal.SIGKILL, "killed")):
        capture = os.path.join(tmp, f"{claim}.pcapng")
        run = subprocess.Popen([PROGRAM, "run", script, "--hosts", table, "--capture", capture], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        until = time.monotonic() + 10
        while time.monotonic() < until and (not os.path.exists(capture) or os.path.getsize(capture) < 50_000):
            time.sleep(0.05)
        run.send_signal(number)
        out, err = run.communicate(timeout=30)
        got, messages = rows("messages", capture)
        judge(run.returncode == status and got == OK and len(messages) >= 4, f"{claim}: what came before can be read",
              (run.returncode, got, len(messages), out[-300:], err))
        left = [name for name in os.listdir(tmp) if name.endswith(".part")]
        judge(left == [], f"{claim}: nothing else is left", left)


def disk_is_full(tmp, table):
    script, capture = write(tmp, "full.lab", call(seconds="5s")), os.path.join(tmp, "full.pcapng")
    limit = 60_000

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    status, out, err = lab(script, "--hosts", table, "--capture", capture, preexec_fn=limited)
    judge(status == IO_ERROR and "full.pcapng" in out + err and "File too large" in out + err,
          "a capture that cannot grow: 5, and why", (status, out, err))
    got, messages = rows("messages", capture)
    judge(got == OK and len(messages) >= 4 and os.path.getsize(capture) <= limit, "what was written can be read",
          (got, messages))


def comments_do_not_fit(tmp, table):
    """The run itself fits, its copy with comments does not."""
    script, capture = write(tmp, "tight.lab", call(seconds="100ms").rpartition("check")[0]), os.path.join(tmp, "tight.pcapng")
    os.mkdir(capture + ".part")
    status, out, err = lab(script, "--hosts", table, "--capture", capture)
    judge(status == IO_ERROR and "is there, but without its comments" in out + err, "comments that cannot be written: 5, and why",
          (status, out, err))
    got, messages = rows("messages", capture)
    judge(got == OK and len(messages) == 6, "the capture is there without them", (got, messages))
    os.rmdir(capture + ".part")


def why_not():
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no ip (package iproute2)"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"no network namespaces here: {tried.stderr.strip()}"


def main():
    reason = why_not()
    if reason:
        skip("all of it", reason)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        with Hosts(), tempfile.TemporaryDirectory() as tmp:
            table = write(tmp, "hosts.txt", TABLE)
            for group in (calls, inside_tls, mistakes, without_root, without_bridge, ended, disk_is_full, comments_do_not_fit):
                group(tmp, table)
        left = [line for line in ip("netns", "list").splitlines() if line.startswith(PREFIX)]
        judge(left == [], "no namespace is left behind", left)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
