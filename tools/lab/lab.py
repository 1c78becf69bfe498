"""lab: the practical's hosts, servers and exercises on one machine. Needs root.

  lab up [ID] [--servers A,B,K] [--pjsip]   hosts and servers; ID is "lab" unless given
  lab down [ID | --all]                      ends them; nothing is left behind
  lab status [ID]                            what runs where
  lab run NAME... | all                      plays exercises, each with fresh servers
  lab serve ID A,B [--pjsip]                 fresh servers in a lab that is up
  lab shell HOST [COMMAND...]                a shell on a host; on A and B Asterisk's command line
  lab list                                   the exercises
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from ground import exercises, laboratory, servers  # noqa: E402
from ground.failure import Failure  # noqa: E402
from ground.guard import Guard, die_with_parent  # noqa: E402


def up(options):
    began = time.monotonic()
    lab = laboratory.Laboratory(options.id)
    names = [name for name in options.servers.split(",") if name]
    unknown = [name for name in names if name not in laboratory.SERVERS]
    if unknown:
        raise Failure(f'"{unknown[0]}" is no server: A, B or K', 2)
    lab.refuse_second()
    with Guard(lab.name) as guard:
        lab.up()
        lab.start(names, "pjsip" if options.pjsip else "")
        guard.dismiss()
    print(f"the lab {lab.name} is up: {', '.join(names)}; {time.monotonic() - began:.1f} s")


def serve(options):
    """Fresh servers in a lab that is up: what an exercise begins with."""
    if options.with_parent:
        die_with_parent()
    laboratory.need_root()
    laboratory.Laboratory(options.id).start(options.servers.split(","), "pjsip" if options.pjsip else "")


def down(options):
    laboratory.need_root()
    names = laboratory.all_labs() if options.all else [options.id]
    for name in names:
        laboratory.Laboratory(name).down()
        print(f"the lab {name} is down")


def status(options):
    names = [options.id] if options.id else laboratory.all_labs()
    if not names:
        print("no lab is up")
    for name in names:
        lab = laboratory.Laboratory(name)
        if not lab.exists():
            raise Failure(f"the lab {name} is not up", 1)
        print(f"{name}:")
        running = {s.name: s for s in lab.servers() if s.pid() is not None}
        for host, address in lab.hosts.items():
            what = f"{running[host].version()}, pid {running[host].pid()}" if host in running else \
                "not running" if host in laboratory.SERVERS else "phone"
            print(f"  {host:<14} {address:<15} {what}")


def shell(options):
    laboratory.need_root()
    lab = laboratory.Laboratory(options.id)
    if not lab.exists():
        raise Failure(f"the lab {options.id} is not up", 1)
    if options.host not in lab.hosts and options.host != "bridge":
        raise Failure(f'"{options.host}" is no host: {", ".join(lab.hosts)} or bridge', 2)
    command = options.command
    if not command and options.host in ("A", "B"):
        server = servers.server(lab, options.host)
        if server.pid() is not None:
            return subprocess.call(server.shell())
    namespace = lab.network.namespace(options.host)
    return subprocess.call(["ip", "netns", "exec", namespace, *(command or [os.environ.get("SHELL", "/bin/sh")])])


def main():
    parser = argparse.ArgumentParser(prog="lab", description=__doc__.partition("\n")[0],
                                     usage=__doc__.partition("\n\n")[2])
    verbs = parser.add_subparsers(dest="verb", required=True)

    one = verbs.add_parser("up")
    one.add_argument("id", nargs="?", default="lab")
    one.add_argument("--servers", default="A,B,K")
    one.add_argument("--pjsip", action="store_true")
    one = verbs.add_parser("serve")
    one.add_argument("id")
    one.add_argument("servers")
    one.add_argument("--with-parent", action="store_true", help="end when the caller does")
    one.add_argument("--pjsip", action="store_true")
    one = verbs.add_parser("down")
    one.add_argument("id", nargs="?", default="lab")
    one.add_argument("--all", action="store_true")
    one = verbs.add_parser("status")
    one.add_argument("id", nargs="?")
    exercises.options(verbs.add_parser("run"))
    one = verbs.add_parser("shell")
    one.add_argument("host")
    one.add_argument("command", nargs=argparse.REMAINDER)
    one.add_argument("--id", default="lab")
    verbs.add_parser("list")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    verb = {"up": up, "down": down, "serve": serve, "status": status, "shell": shell, "run": exercises.run,
            "list": exercises.show}[options.verb]
    try:
        return verb(options) or 0
    except Failure as failure:
        print(f"lab: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who read it has seen enough
        sys.stdout = None
        return 0


if __name__ == "__main__":
    sys.exit(main())
