#!/usr/bin/env python3
"""The lab and programs that nobody here wrote, over real sockets on loopback.

  interop_test.py SIPANA_LAB SIPANA [NAME...]

What cannot be had is said and counted as skipped. Closes with "N passed, N failed, N skipped".
"""
import os
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True  # a test leaves nothing in the tree
import baresip
import baresip_script
import kamailio
import probes
import sipp
from world import Count, World

LAB, SIPANA = map(os.path.abspath, sys.argv[1:3])
TESTS = {"sipp": sipp.signalling, "sipp-others": sipp.others, "baresip": baresip.at_exchange, "baresip-tcp": baresip.over_tcp, "baresip-script": baresip_script.scripts,
         "kamailio": kamailio.proxy, "sipsak": probes.options, "tls": probes.tls}


def play(count, number, name):
    world = World(LAB, SIPANA, count, name, number)
    try:
        TESTS[name](world)
    except Exception:  # a test that breaks has failed; the others go on
        count.judge(False, f"{name}: runs to its end", traceback.format_exc())
    finally:
        if not os.environ.get("KEEP"):
            world.close()
        else:
            print(f"      {world.folder}")


def install():
    """The programs, where we may; without them their tests are skipped."""
    try:
        done = subprocess.run(["tools/packages", "interop"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=150, start_new_session=True)  # no terminal to ask for a password at
        if done.returncode != 0:
            print((done.stdout + done.stderr).strip())
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"tools/packages: {error}")


def main():
    wanted = sys.argv[3:] or list(TESTS)
    install()
    count = Count()
    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(lambda one: play(count, *one), enumerate(wanted)))
    print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main())
