"""What the interoperation tests share: programs in the background, free ports, conditions with a bound, the count."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE = 30  # seconds for any condition; the machine may be busy


class Count:
    """Judgements, and what a failing one saw."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def judge(self, holds, claim, seen=""):
        with self.lock:
            self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)
            print(("ok    " if holds else "FAIL  ") + claim + ("" if holds else f"\n      seen: {seen}"), flush=True)
        return bool(holds)

    def skip(self, claim, reason):
        with self.lock:
            self.skipped += 1
            print(f"skip  {claim}\n      {reason}", flush=True)


def have(*programs):
    return next((f"{program} is not installed" for program in programs if shutil.which(program) is None), None)


def free_port(address, kind="udp", count=1):
    """A port (the first of `count`) that nobody has now; the addresses are each test's own, so nobody takes it."""
    types = [socket.SOCK_DGRAM, socket.SOCK_STREAM] if kind == "both" else [
        socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM]
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            try:
                first = stack.enter_context(socket.socket(socket.AF_INET, types[0]))
                first.bind((address, 0))
                port = first.getsockname()[1]
                if port + count > 65535:
                    continue
                for at in range(port, port + count):
                    for one in types:
                        if (at, one) != (port, types[0]):
                            stack.enter_context(socket.socket(socket.AF_INET, one)).bind((address, at))
                return port
            except OSError:
                continue
    raise RuntimeError(f"no free port at {address}")


def listens(address, port, kind):
    """Is that port open? Asked of the kernel: a trial would disturb whoever opens it."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"
    rows = pathlib.Path(f"/proc/net/{kind}").read_text(encoding="ascii").splitlines()[1:]
    return any(row.split()[1] == wanted and (kind == "udp" or row.split()[3] == "0A") for row in rows)


def until(condition, patience=PATIENCE):
    """Waits for a condition, at most so long. Gives what it was at last."""
    end = time.monotonic() + patience
    while not (seen := condition()) and time.monotonic() < end:
        threading.Event().wait(0.02)
    return seen


class Program:
    """A program in the background; its output goes to a file. It ends with the `with`."""

    def __init__(self, name, command, folder, stop=signal.SIGTERM, patience=60):
        self.name, self.stop_signal, self.patience = name, stop, patience
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.file = open(self.log, "wb")
        self.process = subprocess.Popen([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=self.file, stderr=subprocess.STDOUT,
                                        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "160", "HOME": str(folder)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.file.close()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines=25):
        return "\n        ".join([f"{self.name} ({self.process.poll()}):", *self.text().splitlines()[-lines:]])

    def running(self):
        return self.process.poll() is None

    def said(self, text, patience=PATIENCE):
        return until(lambda: text in self.text() or not self.running(), patience) and text in self.text()

    def listening(self, address, port, kind):
        return until(lambda: listens(address, port, kind) or not self.running()) and self.running()

    def wait(self, patience=None):
        """Its exit status; None when it did not end in time."""
        try:
            return self.process.wait(patience or self.patience)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        if self.running():
            self.process.send_signal(self.stop_signal)
            if self.wait(10) is None:
                self.process.kill()
        return self.process.wait()


class World:
    """A test's folder, its addresses and the two programs of the project."""

    def __init__(self, sipana_lab, sipana, count, name, number):
        self.lab_path, self.sipana_path, self.count, self.name = sipana_lab, sipana, count, name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"sipana-interop-{name}-"))
        # 127.0.0.0/8 is all this host's: each test has addresses that nobody else uses.
        self.addresses = [f"127.{10 + os.getpid() % 200}.{number}.{host}" for host in range(1, 9)]

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def judge(self, holds, claim, *seen):
        return self.count.judge(holds, f"{self.name}: {claim}",
                                "\n      ".join(one.tail() if isinstance(one, Program) else str(one) for one in seen))

    def skip(self, claim, reason):
        self.count.skip(f"{self.name}: {claim}", reason)

    def start(self, name, *command, **how):
        return Program(name, command, self.folder, **how)

    def lab(self, name, script, *options):
        """Plays a script on sockets, in the background."""
        path = self.write(f"{name}.lab", script)
        return self.start(f"lab-{name}", self.lab_path, "run", path, "--on", "sockets", "--capture",
                          self.folder / f"{name}.pcapng", *options, stop=signal.SIGINT)

    def sipana(self, verb, capture, *options):
        """What the analyzer says of a capture: a list of objects."""
        done = subprocess.run([self.sipana_path, verb, "--format", "ndjson", *options, self.folder / capture],
                              capture_output=True, timeout=60, text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]


def certificate(world):
    """A key and a certificate of the world's own making."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                    "certificate.pem", "-days", "2", "-subj", "/CN=localhost"],
                   cwd=world.folder, check=True, capture_output=True, timeout=60)
    return world.folder / "certificate.pem", world.folder / "key.pem"
