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
SIGNALLING = 5060  # everything else is media


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def namespaces():
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip()}


class Network:
    def __init__(self, lab, hosts):
        """`hosts`: name -> address, in the order of their ports."""
        self.lab, self.hosts = lab, hosts
        self.losing = False

    def namespace(self, host):
        return f"{self.lab}-{host}"

    def own(self):
        return sorted(name for name in namespaces() if name.startswith(f"{self.lab}-"))

    def port(self, host):
        """The bridge's end of a host's cable. Its whole name would be too long for an interface."""
        return f"port{list(self.hosts).index(host) + 1}"

    def build(self):
        self._namespace(BRIDGE)
        bridge = self.namespace(BRIDGE)
        batch = [f"link add {INTERFACE} type bridge mcast_snooping 0", f"link set {INTERFACE} up", "link set lo up"]
        for number, name in enumerate(self.hosts, start=1):
            self._namespace(name)
            batch += [
                f"link add {self.port(name)} type veth peer name eth0 address 02:00:00:00:00:{number:02x}"
                f" netns {self.namespace(name)}",
                f"link set {self.port(name)} master {INTERFACE}",
                f"link set {self.port(name)} up",
            ]
        self._batch(bridge, batch)
        for name, address in self.hosts.items():
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

    def loss(self, shares):
        """Media that a host sends is lost at random as it comes to the bridge: host -> per cent; no host: no loss.

        By nftables, which every kernel with bridges has; netem is a module of its own that many kernels lack.
        What is lost is not in the capture: it is taken on the bridge, behind this.
        """
        rules = [f'iifname "{self.port(host)}" udp sport != {SIGNALLING} udp dport != {SIGNALLING} numgen random mod 10000 < {round(share * 100)} drop'
                 for host, share in shares.items()]
        text = "table bridge lab\ndelete table bridge lab\n"
        if rules:
            chain = "\n".join(["type filter hook prerouting priority 0", *rules])
            text += f"table bridge lab {{\nchain loss {{\n{chain}\n}}\n}}\n"
        elif not self.losing:
            return
        self.losing = bool(rules)
        done = subprocess.run(["ip", "netns", "exec", self.namespace(BRIDGE), "nft", "-f", "-"], input=text,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"nft: {done.stderr.strip()}")

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
