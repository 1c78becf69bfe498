"""Exercises: scripts in captures/practical, each played with fresh servers and judged by its checks.

sipana-lab plays the script, takes the capture at the bridge and judges it; what only a server knows
(a message in a voice mail box) is looked at here, when the script is over. The scripts of a folder in
captures/practical/errors are one exercise: they are small, and share their servers.
"""
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import time

from . import cache, laboratory, stored
from .failure import Failure
from .guard import Guard, die_with_parent

PROJECT = pathlib.Path(__file__).resolve().parents[3]
SCRIPTS = PROJECT / "captures/practical"
ERRORS = SCRIPTS / "errors"
LIMIT = 180  # seconds for one exercise
SOFTWARE = {"sip": "chan_sip", "pjsip": "chan_pjsip", "kamailio": "Kamailio"}  # by the folder in ERRORS
CALLER = "192.168.1.100"  # where phones are that do not say it: scripts of the built-in exchange


class Exercise:
    """A script, and what its "# lab:" lines ask of the ground:

    # lab: servers A B       which servers run (else those that the script declares)
    # lab: pjsip             their second configuration
    # lab: loss 3% from A    so much of the media that A sends is lost before the bridge
    # lab: stored A voicemail/default/101/INBOX/msg0000.wav 440Hz
    # lab: logged A queue_log RINGNOANSWER ABANDON    lines of that log with these words, in this order
    """

    def __init__(self, path):
        self.scripts = [path]
        self.name = path.stem
        self.captures = pathlib.Path(f"{path.stem}.pcapng")
        self.servers, self.loss, self.stored, self.logged = [], {}, [], []
        self.variant = "pjsip" if path.parent.name == "pjsip" else ""
        text = path.read_text(encoding="utf-8")
        self.title = next((line.lstrip("# ").rstrip() for line in text.splitlines() if line.startswith("#")), "")
        for number, line in enumerate(text.splitlines(), start=1):
            if found := re.match(r"\s*server\s+(\w+)\b", line):
                self.servers.append(found[1])
            if found := re.match(r"#\s*lab:\s*(.*)", line):
                self._read(found[1].split(), f"{path.name}:{number}")

    def _read(self, words, where):
        match words:
            case ["servers", *names]:
                self.servers = names
            case ["pjsip"]:
                self.variant = "pjsip"
            case ["loss", share, "from", host] if re.fullmatch(r"\d+(\.\d+)?%", share):
                self.loss[host] = float(share[:-1])
            case ["stored", server, path, tone] if re.fullmatch(r"\d+Hz", tone) and ".." not in path:
                self.stored.append((server, path, int(tone[:-2])))
            case ["logged", server, log, *expected] if re.fullmatch(r"[\w.-]+", log) and expected:
                self.logged.append((server, log, expected))
            case _:
                raise Failure(f'{where}: "{" ".join(words)}" is nothing that the lab can do', 2)
        for server in self.servers:
            if server not in laboratory.SERVERS:
                raise Failure(f'{where}: "{server}" is no server of the lab', 2)


class ErrorSet(Exercise):
    """All scripts of one folder: what one server refuses (1.3)."""

    def __init__(self, folder):
        self.scripts = sorted(folder.glob("*.lab"))
        self.name = f"1.3-errors-{folder.name}"
        self.captures = folder.relative_to(SCRIPTS)
        self.title = f"what {SOFTWARE.get(folder.name, folder.name)} refuses: {len(self.scripts)} provocations"
        each = [Exercise(path) for path in self.scripts]
        self.servers = sorted({server for one in each for server in one.servers})
        self.variant = "pjsip" if folder.name == "pjsip" else ""
        self.loss, self.stored, self.logged = {}, [], []


def all_exercises():
    single = [Exercise(path) for path in SCRIPTS.glob("*.lab")]
    sets = [ErrorSet(folder) for folder in ERRORS.iterdir() if any(folder.glob("*.lab"))] if ERRORS.exists() else []
    return sorted(single + sets, key=lambda exercise: exercise.name)


def named(names):
    known = {exercise.name: exercise for exercise in all_exercises()}
    if names == ["all"]:
        return list(known.values())
    chosen = []
    for name in names:
        fitting = [known[name]] if name in known else \
            [e for n, e in known.items() if n.startswith(name) or n.partition("-")[2].startswith(name)]
        if name.endswith(".lab") and pathlib.Path(name).exists():
            fitting = [Exercise(pathlib.Path(name))]
        if not fitting:
            raise Failure(f'"{name}" is no exercise (lab list names them)', 2)
        chosen += [e for e in fitting if e not in chosen]
    return chosen


def options(verb):
    verb.add_argument("names", nargs="+", metavar="NAME", help='an exercise, the beginning of names, a FILE.lab, or "all"')
    verb.add_argument("--captures", type=pathlib.Path, help="folder for NAME.pcapng; captures/practical unless given")
    verb.add_argument("--id", help="play in this lab, which is up, and leave it; else in one made for it")
    verb.add_argument("--program", help="sipana-lab; that of the build, or in PATH")
    verb.add_argument("-v", "--verbose", action="store_true", help="every step and check")


def program(given):
    """sipana-lab: the one that is given, that of the build, or in PATH; else it is built first."""
    built = PROJECT / "build/release/sipana-lab"
    for place in (given, os.environ.get("SIPANA_LAB"), built, shutil.which("sipana-lab")):
        if place and os.access(place, os.X_OK):
            return str(pathlib.Path(place).resolve())
        if place and place == given:
            raise Failure(f"{given}: no such program", 2)
    print("building sipana-lab (once; a few minutes)", flush=True)
    log = cache.folder() / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        for command in (["tools/packages", "build"], ["cmake", "--preset", "release"],
                        ["cmake", "--build", "--preset", "release", "--target", "sipana_lab_program", "sipana_program"]):
            done = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
            if done.returncode != 0:
                raise Failure(f"{' '.join(command)} failed; its output is in {log}")
    return str(built)


def need_packages():
    """Installs what the lab runs on, where it is missing."""
    done = subprocess.run([PROJECT / "tools/packages", "lab"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "tools/packages lab failed")


def show(_):
    for exercise in all_exercises():
        print(f"{exercise.name:<28} {' '.join(exercise.servers):<6} {exercise.title}")


def run(chosen):
    laboratory.need_root()
    exercises = named(chosen.names)
    need_packages()
    runner = program(chosen.program)
    captures = chosen.captures or SCRIPTS
    captures.mkdir(parents=True, exist_ok=True)
    lab = laboratory.Laboratory(chosen.id or f"x{secrets.token_hex(3)}")
    failed = 0
    began = time.monotonic()
    if chosen.id:
        if not lab.exists():
            raise Failure(f"the lab {chosen.id} is not up", 1)
        failed = play_all(exercises, lab, runner, captures, chosen.verbose)
    else:
        lab.refuse_second()
        with Guard(lab.name):  # it takes the lab down, whatever happens here
            lab.up()
            failed = play_all(exercises, lab, runner, captures, chosen.verbose)
    print(f"{len(exercises)} exercises: {len(exercises) - failed} done, {failed} failed; "
          f"{time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def play_all(exercises, lab, runner, captures, verbose):
    failed = 0
    for exercise in exercises:
        began = time.monotonic()
        what = play(exercise, lab, runner, captures, verbose)
        failed += bool(what)
        print(f"{'FAILED' if what else 'done':<7}{exercise.name:<28} {time.monotonic() - began:5.1f} s  "
              f"{exercise.title}", flush=True)
        for line in what:
            print(f"       {line}", flush=True)
    return failed


def begin_with(exercise, lab):
    """A program that starts the servers: when the capture has begun, so that their own registrations are in it."""
    begin = lab.folder / "begin"
    variant = ["--pjsip"] if exercise.variant else []
    begin.write_text("#!/bin/sh\nexec " + " ".join(
        [str(PROJECT / "tools/lab/lab"), "serve", lab.name, ",".join(exercise.servers), "--with-parent", *variant]) + "\n")
    begin.chmod(0o755)
    return str(begin)


def play(exercise, lab, runner, captures, verbose):
    """What went wrong, in lines; none: it holds."""
    for server in lab.servers():
        server.stop()
    lab.network.loss(exercise.loss)
    command = [runner, "run", *map(str, exercise.scripts), "--hosts", str(lab.folder / "hosts.txt"),
               "--local", CALLER, "--capture", str(captures / exercise.captures), *(["-v"] if verbose else ["-q"])]
    if len(exercise.scripts) > 1:
        lab.start(exercise.servers, exercise.variant)
    else:
        command += ["--before", begin_with(exercise, lab)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=None if verbose else subprocess.PIPE,
                              stderr=None if verbose else subprocess.STDOUT, text=True, errors="replace",
                              timeout=LIMIT, check=False, preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired:
        return [f"it took more than {LIMIT} s"]
    wrong = []
    if done.returncode != 0:
        wrong = (done.stdout or "").strip().splitlines() or [f"exit status {done.returncode}"]
    for server, path, tone in exercise.stored:
        wrong += stored.check(lab.folder / server / "spool" / path, tone)
    for server, log, expected in exercise.logged:
        wrong += logged(lab.folder / server / "log" / log, expected)
    return wrong


def logged(path, expected):
    """What is wrong, in lines; none: there is a line with each word, behind the one before."""
    lines = iter(path.read_text(errors="replace").splitlines() if path.exists() else [])
    for word in expected:
        if not any(word in line for line in lines):
            return [f"{path.name}: no line with {word}" + (" behind the others" if len(expected) > 1 else "")]
    return []
