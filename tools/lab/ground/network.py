"""Hosts: network namespaces on a bridge that is in a namespace of its own.

Namespaces of the lab ID are called ID-NAME; each has one interface, eth0. Nothing touches the
machine's own interfaces, and no packet leaves the bridge.
"""
import os
import signal
import subprocess
import time

from .failure import Failure

BRIDGE = "bridge"
INTERFACE = "br0"
PREFIX_LENGTH = 24
MEDIA_PORTS = (16384, 0xF000)  # of the servers (rtp.conf): value and mask of what netem looks for


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def namespaces():
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}


class Network:
    def __init__(self, lab):
        self.lab = lab

    def namespace(self, host):
        return f"{self.lab}-{host}"

    def own(self):
        return sorted(name for name in namespaces() if name.startswith(f"{self.lab}-"))

    def build(self, hosts):
        """`hosts`: name -> address, in the order of their ports."""
        self._namespace(BRIDGE)
        bridge = self.namespace(BRIDGE)
        batch = [f"link add {INTERFACE} type bridge mcast_snooping 0", f"link set {INTERFACE} up", "link set lo up"]
        for number, (name, _) in enumerate(hosts.items(), start=1):
            self._namespace(name)
            batch += [
                f"link add port{number} type veth peer name eth0 address 02:00:00:00:00:{number:02x}"
                f" netns {self.namespace(name)}",
                f"link set port{number} master {INTERFACE}",
                f"link set port{number} up",
            ]
        self._batch(bridge, batch)
        for name, address in hosts.items():
            self._batch(self.namespace(name), [
                "link set lo up", "link set eth0 up", f"address add {address}/{PREFIX_LENGTH} dev eth0"])

    def _batch(self, namespace, lines):
        done = subprocess.run(["ip", "-netns", namespace, "-batch", "-"], input="\n".join(lines),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"ip in {namespace}: {done.stderr.strip()}")

    def _namespace(self, host):
        namespace = self.namespace(host)
        run("ip", "netns", "add", namespace)
        # No router solicitations and the like: only what the hosts say is on the wire.
        run("ip", "netns", "exec", namespace, "sh", "-c",
            "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done", check=False)

    def loss(self, host, share):
        """What `host` sends as media is lost at random, before the bridge sees it; 0 ends that."""
        namespace = self.namespace(host)
        run("tc", "-netns", namespace, "qdisc", "del", "dev", "eth0", "root", check=False)
        if not share:
            return
        value, mask = MEDIA_PORTS
        for command in (
                "qdisc add dev eth0 root handle 1: prio bands 3 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
                f"qdisc add dev eth0 parent 1:3 handle 30: netem loss {share}",
                f"filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip protocol 17 0xff"
                f" match ip sport {value} 0x{mask:x} flowid 1:3"):
            run("tc", "-netns", namespace, *command.split())

    def remove(self):
        """Ends whatever runs in the lab's namespaces, then the namespaces."""
        for how, wait in ((signal.SIGTERM, 1.5), (signal.SIGKILL, 3)):
            until = time.monotonic() + wait
            while True:
                pids = [int(p) for n in self.own() for p in run("ip", "netns", "pids", n, check=False).split()]
                pids = [p for p in pids if p != os.getpid()]
                if not pids or time.monotonic() > until:
                    break
                for pid in pids:
                    try:
                        os.kill(pid, how)
                    except ProcessLookupError:
                        pass
                time.sleep(0.05)
        for namespace in self.own():
            run("ip", "netns", "del", namespace, check=False)
        left = self.own()
        if left:
            raise Failure(f"these namespaces are still there: {' '.join(left)}")
