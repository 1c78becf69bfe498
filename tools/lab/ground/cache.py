"""What the lab needs and does not come with it: Debian 11's Asterisk in a folder of its own.

Made once and kept; two labs share it, and nobody writes into it: each server mounts its own
configuration, spool and logs over it.
"""
import fcntl
import os
import pathlib
import shutil
import subprocess
import urllib.parse

from .failure import Failure

RELEASE = "bullseye"  # Debian 12 has no Asterisk; Debian 11 has 16.28 with chan_sip
PACKAGES = "asterisk,asterisk-modules,asterisk-voicemail"
TIME_LIMIT = 900  # seconds


def folder():
    return pathlib.Path(os.environ.get("SIPANA_LAB_CACHE", "/var/cache/sipana-lab"))


def mirror():
    """Debian's mirror as this machine's own apt is set up to use it."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
        capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        site, _, release = line.partition(" ")
        path = urllib.parse.urlparse(site).path
        if "security" not in path and "security" not in release and path.rstrip("/").endswith("debian"):
            return site
    raise Failure("apt knows no Debian mirror to take Asterisk from (apt-get indextargets)")


def asterisk(say):
    """The folder with Asterisk; makes it first where it is not there yet."""
    root = folder() / f"asterisk-{RELEASE}"
    if (root / "made").exists():
        return root
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two labs may want it at once
        if (root / "made").exists():
            return root
        if shutil.which("debootstrap") is None:
            raise Failure("debootstrap is missing (tools/packages lab installs it)")
        part = folder() / f"asterisk-{RELEASE}.part"
        shutil.rmtree(part, ignore_errors=True)
        say("making the folder with Asterisk 16 (once; about a minute)")
        log = folder() / "debootstrap.log"
        with open(log, "wb") as out:
            made = subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, part, mirror()],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=TIME_LIMIT, check=False)
        if made.returncode != 0:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            shutil.rmtree(part, ignore_errors=True)
            raise Failure(f"debootstrap failed: {' '.join(last)} (all of it is in {log})")
        shutil.rmtree(part / "var/cache/apt", ignore_errors=True)
        for name in ("hosts", "resolv.conf"):  # each server mounts its own over it
            (part / "etc" / name).touch()
        (part / "made").touch()
        shutil.rmtree(root, ignore_errors=True)
        part.rename(root)
    return root
