"""sipsak and openssl: one request, one answer."""
import pathlib
import subprocess

from baresip import exchange
from world import certificate, free_port, have

ANSWERING = """# answers whatever housekeeping answers
phone bob service transport {transport}
phone probe probe
probe -> bob BYE within 60s
"""


def ask(world, at, transport, who, user):
    address, port = at.split(":")
    done = subprocess.run(["sipsak", "-vv", "-s", f"sip:{user}@{address}:{port}", "-E", transport, "-H", world.addresses[3]],
                          capture_output=True, text=True, check=False, timeout=60)
    world.judge(done.returncode == 0 and "200" in done.stdout, f"sipsak OPTIONS to {who}, {transport}: 200",
                done.returncode, done.stdout[-1500:], done.stderr[-500:])


def options(world):
    if reason := have("sipsak"):
        return world.skip("OPTIONS", reason)
    program, at = exchange(world)
    with program:
        for transport in ("udp", "tcp"):
            if world.judge(transport in at, f"the exchange listens, {transport}", program):
                ask(world, at[transport], transport, "our exchange", "600")
    for transport in ("udp", "tcp"):
        address = world.addresses[1]
        port = free_port(address, "both")
        with world.lab(f"probed-{transport}", ANSWERING.format(transport=transport), "--play", "bob", "--phone",
                       f"bob={address}:{port}", "--phone", f"probe={world.addresses[2]}:5060") as lab:
            if world.judge(lab.listening(address, port, transport), f"our phone listens, {transport}", lab):
                ask(world, f"{address}:{port}", transport, "our phone", "service")
    return None


def tls(world):
    if reason := have("openssl"):
        return world.skip("TLS", reason)
    pem, key = certificate(world)
    address = world.addresses[0]
    program = world.start("tls", world.lab_path, "exchange", pathlib.Path("captures/exchange/a").resolve(), "--listen", f"tls:{address}:0",
                          "--certificate", pem, "--key", key, "--seconds", 60, "--no-capture")
    with program:
        if not world.judge(program.said("listens at tls:"), "the exchange listens, TLS", program):
            return None
        at = program.text().split("listens at tls:")[1].split()[0]
        request = "\r\n".join([f"OPTIONS sip:{at} SIP/2.0", f"Via: SIP/2.0/TLS {address}:9;branch=z9hG4bKprobe",
                               "Max-Forwards: 70", "From: <sip:probe@invalid>;tag=1", f"To: <sip:{at}>",
                               "Call-ID: probe", "CSeq: 1 OPTIONS", "Content-Length: 0", "", ""])
        with subprocess.Popen(["openssl", "s_client", "-connect", at, "-CAfile", pem, "-verify_return_error", "-quiet",
                               "-no_ign_eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as client:
            client.stdin.write(request)
            client.stdin.flush()
            first = client.stdout.readline()
            client.terminate()
        world.judge(first.startswith("SIP/2.0 200"), "openssl s_client believes our certificate, OPTIONS: 200", first,
                    program)
    return None
