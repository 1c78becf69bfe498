"""Laboratory: one lab, with its hosts and servers, known by its id.

What is known of it stands in a folder of its own below /run/sipana-lab, so that another command
finds it.
"""
import json
import os
import pathlib
import re
import shutil
import time

from . import servers
from .failure import Failure
from .network import BRIDGE, INTERFACE, Network

FOLDER = pathlib.Path("/run/sipana-lab")

HOSTS = {
    "A": "192.168.1.153", "B": "192.168.1.154", "K": "192.168.1.155",
    "amine": "192.168.1.100", "carol": "192.168.1.101", "dave": "192.168.1.102", "erin": "192.168.1.103",
    "chhiny": "192.168.1.200", "chhinyleboss": "192.168.1.190", "frank": "192.168.1.191",
}
SERVERS = ("A", "B", "K")


def need_root():
    if os.geteuid() != 0:
        raise Failure("network namespaces need root")


def all_labs():
    return sorted(p.name for p in FOLDER.iterdir() if (p / "lab.json").exists()) if FOLDER.exists() else []


class Laboratory:
    def __init__(self, name, say=print):
        if not re.fullmatch(r"[a-z][a-z0-9]{0,9}", name):
            raise Failure(f'"{name}": a lab is called by a letter, then at most nine letters and digits', 2)
        self.name, self.say = name, say
        self.folder = FOLDER / name
        self.hosts = dict(HOSTS)
        self.network = Network(name, self.hosts)

    def exists(self):
        return (self.folder / "lab.json").exists()

    def up(self):
        """The hosts, without servers. Fails where the lab is there already; a Guard is the caller's matter."""
        self.refuse_second()
        self.folder.mkdir(parents=True)
        self.network.build()
        (self.folder / "hosts.txt").write_text(self.hosts_file())
        (self.folder / "lab.json").write_text(json.dumps({"made": time.time()}))

    def refuse_second(self):
        """Before a Guard is set: it must not take down a lab that was there already."""
        need_root()
        if self.exists() or self.network.own():
            raise Failure(f"the lab {self.name} is up already (lab down {self.name} ends it)")

    def hosts_file(self):
        """For `sipana-lab run --hosts`."""
        lines = [f"{address} {self.network.namespace(host)}" for host, address in self.hosts.items()]
        return "\n".join([*lines, f"bridge {self.network.namespace(BRIDGE)} {INTERFACE}", ""])

    def down(self):
        need_root()
        for server in self.servers():
            server.stop()
        self.network.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def servers(self):
        return [servers.server(self, name) for name in SERVERS]

    def start(self, names, variant=""):
        """Fresh servers; those that run are ended first."""
        for name in names:
            server = servers.server(self, name)
            server.stop()
            server.configure(variant)
            server.start()
        there = {self.hosts[name] for name in names}
        for server in (servers.server(self, name) for name in names):
            if server.registers_with() & there:
                server.await_registered()

    def stop_servers(self):
        for server in self.servers():
            server.stop()
