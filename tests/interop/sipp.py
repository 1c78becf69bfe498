"""SIPp: its own scenarios against our phones, in both directions."""
import os
import subprocess

from world import certificate, free_port, have

# transport of the script -> SIPp's name of it, and where a listening port shows
TRANSPORTS = {"udp": ("u1", "udp"), "tcp": ("t1", "tcp"), "tls": ("l1", "tcp")}

ANSWERS = """# answers
phone bob  service transport {transport} audio pcmu,pcma
phone sipp sipp    transport {transport}
sipp -> bob  INVITE
bob  -> sipp 180
bob  -> sipp 200
sipp -> bob  ACK
sipp -> bob  BYE
bob  -> sipp 200 for BYE
check bob state completed
check bob ended by sipp
check no errors
"""
CALLS = """# calls
phone alice         transport {transport}
phone sipp  service transport {transport}
alice -> sipp  INVITE
sipp  -> alice 180
sipp  -> alice 200 sdp answer
alice -> sipp  BYE
sipp  -> alice 200 for BYE
check alice final 200
check alice state completed
check alice ended by alice
check no errors
"""
REGISTRAR = """# SIPp's branchc: a registration, then a call
phone bob  ua2
phone sipp ua1
sipp -> bob  REGISTER
bob  -> sipp 200 set "Expires: 300"
sipp -> bob  INVITE
bob  -> sipp 180
bob  -> sipp 200
sipp -> bob  ACK
sipp -> bob  BYE
bob  -> sipp 200 for BYE
"""


def with_tls():
    return "TLS" in subprocess.run(["sipp", "-v"], capture_output=True, text=True, check=False).stdout.splitlines()[1]


def sipp(world, name, scenario, at, *options, calls=1, transport="udp"):
    extra = []
    if transport == "tls":
        extra = ["-tls_cert", world.folder / "certificate.pem", "-tls_key", world.folder / "key.pem"]
    return world.start(name, "sipp", "-sn", scenario, *options, "-i", at[0], "-p", at[1], "-m", calls, "-t",
                       TRANSPORTS[transport][0], *extra, "-nostdin", "-timeout", 45, "-timeout_error", "-trace_err",
                       "-error_file", f"{name}.err")


def ends(world, what, theirs, ours):
    world.judge(theirs.wait() == 0, f"{what}: SIPp is content", theirs, ours)
    world.judge(ours.wait() == 0, f"{what}: so is the verdict on ours", ours, theirs)


def answered(world, scenario, transport, script=ANSWERS, calls=1, options=()):
    """SIPp calls us."""
    ours, theirs = ([a, free_port(a, "both")] for a in world.addresses[:2])
    name = f"{scenario}-{transport}-{calls}"
    load = ["--answer", "--calls", calls] if calls > 1 else []
    with world.lab(name, script.format(transport=transport), "--play", "bob", "--phone",
                   f"bob={ours[0]}:{ours[1]}", "--phone", f"sipp={theirs[0]}:{theirs[1]}", *load) as lab:
        if not world.judge(lab.listening(*ours, TRANSPORTS[transport][1]), f"{name}: our phone listens", lab):
            return
        with sipp(world, f"sipp-{name}", scenario, theirs, f"{ours[0]}:{ours[1]}", "-s", "service", *options,
                  calls=calls, transport=transport) as uac:
            ends(world, f"{scenario} calls us, {transport}, {calls}", uac, lab)


def calls_it(world, scenario, transport, calls=1):
    """We call SIPp."""
    ours, theirs = ([a, free_port(a, "both")] for a in world.addresses[2:4])
    name = f"{scenario}-{transport}-{calls}"
    load = ["--calls", calls, "--rate", 50] if calls > 1 else []
    with sipp(world, f"sipp-{name}", scenario, theirs, calls=calls, transport=transport) as uas:
        if not world.judge(uas.listening(*theirs, TRANSPORTS[transport][1]), f"{name}: SIPp listens", uas):
            return
        with world.lab(name, CALLS.format(transport=transport), "--play", "alice", "--local", ours[0],
                       "--phone", f"sipp={theirs[0]}:{theirs[1]}", *load) as lab:
            ends(world, f"we call {scenario}, {transport}, {calls}", uas, lab)


def signalling(world):
    if reason := have("sipp"):
        return world.skip("uac and uas", reason)
    for transport in TRANSPORTS:
        if transport == "tls":
            if reason := have("openssl") or (None if with_tls() else "this SIPp was built without TLS"):
                world.skip("uac and uas over TLS", reason)
                continue
            certificate(world)
        for calls in (1, 50):
            answered(world, "uac", transport, calls=calls, options=["-r", 50])
            calls_it(world, "uas", transport, calls=calls)
    return None


# Not branchs: it holds a REGISTER and the INVITE behind it for one call, by a Call-ID that they share.
def others(world):
    if reason := have("sipp"):
        return world.skip("regexp, branchc, uac_pcap", reason)
    answered(world, "regexp", "udp")
    answered(world, "branchc", "udp", script=REGISTRAR)
    sounds = "/usr/share/sip-tester"
    if os.getuid() != 0 or not os.path.isdir(sounds):
        return world.skip("uac_pcap", "SIPp sends RTP from a file as root only, and needs its package's sounds")
    (world.folder / "pcap").symlink_to(sounds)
    answered(world, "uac_pcap", "udp",
             script=ANSWERS.replace("check no errors", "check bob packets > 200\ncheck bob heard digits 1 from sipp"))
    return None
