"""Servers: Asterisk in the folder that cache.py made, Kamailio as the machine has it.

Each server has a folder in the lab's own: etc (a copy of tools/lab/servers/NAME), spool, lib, log and
run, mounted over Asterisk's in a mount namespace of its own. So two servers and two labs share
one Asterisk, and whatever they write is gone with the lab.
"""
import math
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time
import wave

from . import cache
from .failure import Failure

CONFIGURATION = pathlib.Path(__file__).resolve().parent.parent / "servers"
READY = 20  # seconds until a server must be there
MUSIC_HZ = 350
TABLES = pathlib.Path("/usr/share/kamailio/dbtext/kamailio")  # empty ones, which Kamailio's package brings along

# What of Asterisk's folders is a server's own.
MOUNTS = {"etc": "etc/asterisk", "spool": "var/spool/asterisk", "lib": "var/lib/asterisk",
          "log": "var/log/asterisk", "run": "run/asterisk", "hosts": "etc/hosts",
          "resolv.conf": "etc/resolv.conf"}

ENTER = r"""
set -e
hostname "$NAME"
mount -t tmpfs tmpfs "$ROOT/run"
mkdir "$ROOT/run/asterisk"
for pair in $MOUNTS; do mount --bind "$FOLDER/${pair%%=*}" "$ROOT/${pair#*=}"; done
mount --rbind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
exec chroot "$ROOT" asterisk -f
"""


class Server:
    def __init__(self, lab, name, address):
        self.lab, self.name, self.address = lab, name, address
        self.folder = lab.folder / name
        self.pid_file = self.folder / "pid"

    def pid(self):
        try:
            pid = int(self.pid_file.read_text())
            started = self.pid_file.with_suffix(".start").read_text()
        except (OSError, ValueError):
            return None
        return pid if started_at(pid) == started else None

    def configure(self, variant=""):
        """A fresh server: nothing of the last one is kept. `variant`: files of NAME-VARIANT go over NAME's."""
        shutil.rmtree(self.folder, ignore_errors=True)
        etc = self.folder / "etc"
        shutil.copytree(CONFIGURATION / self.name.lower(), etc)
        if variant:
            shutil.copytree(CONFIGURATION / f"{self.name.lower()}-{variant}", etc, dirs_exist_ok=True)

    def stop(self):
        pid = self.pid()
        if pid is None:
            return
        for how, wait in ((signal.SIGTERM, 2), (signal.SIGKILL, 2)):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                break
            until = time.monotonic() + wait
            while time.monotonic() < until:
                reap(pid)
                if self.pid() is None:
                    break
                time.sleep(0.02)
        self.pid_file.unlink(missing_ok=True)

    def spawn(self, command, environment=None):
        with open(self.folder / "output", "wb") as out:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.lab.network.namespace(self.name), *command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, env={**os.environ, **(environment or {})})
        self.pid_file.with_suffix(".start").write_text(started_at(process.pid) or "")
        self.pid_file.write_text(str(process.pid))
        return process

    def await_ready(self, ready, process):
        until = time.monotonic() + READY
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise Failure(f"{self.name} did not start: {self.last_words()}")
            time.sleep(0.03)

    def last_words(self):
        lines = []
        for path in (self.folder / "output", self.folder / "log/messages"):
            if path.exists():
                lines += [x for x in path.read_text(errors="replace").splitlines() if x.strip()][-3:]
        return " / ".join(lines) or "it said nothing"


class Asterisk(Server):
    def start(self):
        root = cache.asterisk(self.lab.say)
        for name in ("spool", "lib", "log", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("documentation",):
            (self.folder / "lib" / name).mkdir(exist_ok=True)
        music(self.folder / "lib/music/music.wav")
        hosts = "".join(f"{address} {host}\n" for host, address in self.lab.hosts.items())
        # Without the own name here every INVITE waits for DNS.
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        (self.folder / "resolv.conf").write_text("")
        mounts = " ".join(f"{own}={theirs}" for own, theirs in MOUNTS.items())
        process = self.spawn(
            ["unshare", "--mount", "--uts", "--propagation", "private", "sh", "-c", ENTER],
            {"NAME": self.name, "FOLDER": str(self.folder), "ROOT": str(root), "MOUNTS": mounts, "LC_ALL": "C.UTF-8"})
        self.await_ready(lambda: (self.folder / "run/asterisk.ctl").exists(), process)
        self.await_ready(lambda: "fully booted" in self.command("core waitfullybooted"), process)

    def registers_with(self):
        """Addresses of the servers that this one registers with."""
        text = "".join(line for path in sorted((self.folder / "etc").glob("*sip.conf"))
                       for line in path.read_text().splitlines(keepends=True) if not line.startswith(";"))
        return set(re.findall(r"^register\s*=>\s*\S*@(\S+)", text, re.M)) | \
            set(re.findall(r"^server_uri\s*=\s*sip:([\d.]+)", text, re.M))

    def await_registered(self):
        """A trunk that registers is not there before that is done."""
        until = time.monotonic() + READY
        while not re.search(r"\bRegistered\b", self.command("sip show registry") + self.command("pjsip show registrations")):
            if time.monotonic() > until:
                raise Failure(f"{self.name} could not register: {self.last_words()}")
            time.sleep(0.05)

    def command(self, text):
        """What Asterisk's command line answers."""
        pid = self.pid()
        if pid is None:
            return ""
        done = subprocess.run(
            ["nsenter", "-t", str(pid), "-m", "-r", "asterisk", "-rx", text],
            capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=READY, check=False)
        return done.stdout

    def version(self):
        return self.command("core show version").partition(" built")[0].strip()

    def shell(self):
        return ["nsenter", "-t", str(self.pid()), "-m", "-n", "-u", "-r", "asterisk", "-rvvv"]


class Kamailio(Server):
    def registers_with(self):
        return set()

    def start(self):
        if shutil.which("kamailio") is None or not TABLES.exists():
            raise Failure("kamailio is missing (tools/packages lab installs it)")
        run_folder = self.folder / "run"
        run_folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(TABLES, run_folder / "tables")  # it writes into them
        process = self.spawn(["kamailio", "-DD", "-E", "-f", str(self.folder / "etc/kamailio.cfg"),
                              "-A", f'DATABASE="text://{run_folder}/tables"', "-Y", str(run_folder),
                              "-P", str(run_folder / "pid"), "-m", "32", "-M", "4"])
        self.await_ready(self.listens, process)

    def listens(self):
        listed = subprocess.run(["ip", "netns", "exec", self.lab.network.namespace(self.name), "ss", "-lunH"],
                                capture_output=True, text=True, check=False).stdout
        return f"{self.address}:5060" in listed

    def version(self):
        done = subprocess.run(["kamailio", "-v"], capture_output=True, text=True, check=False)
        return " ".join(done.stdout.split()[1:3])


def server(lab, name):
    kind = Kamailio if name == "K" else Asterisk
    return kind(lab, name, lab.hosts[name])


def started_at(pid):
    """When a process began, in the kernel's ticks: a pid alone may be another's by now."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def music(path, seconds=10):
    """Hold music that a check can hear: one tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        step = 2 * math.pi * MUSIC_HZ / 8000
        out.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(step * i))) for i in range(8000 * seconds)))
