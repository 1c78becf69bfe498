"""Kamailio as registrar and proxy with authentication: our phones register and call each other through it."""
import glob
import subprocess

from world import certificate, free_port, have

CONFIG = """
debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=1
disable_tcp=no
auto_aliases=no
listen=udp:{at}
listen=tcp:{at}
{tls}loadmodule "kex.so"
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("auth", "nonce_expire", 300)
modparam("rr", "enable_full_lr", 1)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (is_method("OPTIONS") && uri == myself && $rU == $null) {{ sl_send_reply("200", "Alive"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("$td", "test", "0")) {{ www_challenge("$td", "1"); exit; }}
        if ($au != $tU) {{ sl_send_reply("403", "Not yours"); exit; }}
        save("location");
        exit;
    }}
    if (!pv_proxy_authenticate("$fd", "test", "0")) {{ proxy_challenge("$fd", "1"); exit; }}
    consume_credentials();
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not registered"); exit; }}
    t_relay();
}}
"""
TLS = """
enable_tls=yes
listen=tls:{at}
loadmodule "tls.so"
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{key}")
modparam("tls", "tls_method", "TLSv1.2+")
"""
PHONES = """# {title}
phone  alice 1{n}@P  password test  transport {alice}  audio pcmu
phone  bob   2{n}@P  password test  transport {bob}  audio pcmu
server P {at} transport {server}
"""
CALL = PHONES + """
alice -> P     REGISTER
P     -> alice 200
bob   -> P     REGISTER
P     -> bob   200
alice -> P     INVITE 2{n}
P     -> bob   INVITE where header Record-Route
bob   -> P     180
P     -> alice 180
bob   -> P     200
P     -> alice 200
P     -> bob   ACK
alice <> bob   audio tone 440Hz 2s
{ends}
check alice state completed
check alice challenges 1
check bob hears 440Hz from alice
check alice hears 440Hz from bob
check alice -> bob loss < 1%
check no errors
"""
ALICE_ENDS = """alice -> P     BYE
P     -> bob   BYE
bob   -> P     200 for BYE
P     -> alice 200 for BYE"""
BOB_ENDS = """bob   -> P     BYE
P     -> alice BYE
alice -> P     200 for BYE
P     -> bob   200 for BYE"""
WRONG = PHONES + """
alice -> P     REGISTER
P     -> alice 401
alice -> P     REGISTER wrong password
P     -> alice 401
check alice flow REGISTER 401 REGISTER 401
check alice state failed
"""
CANCELLED = PHONES + """
bob   -> P     REGISTER
P     -> bob   200
alice -> P     INVITE 2{n}
P     -> bob   INVITE
bob   -> P     180
P     -> alice 180
alice -> P     CANCEL
P     -> bob   CANCEL
P     -> alice 487 for INVITE
check alice final 487
check no errors
"""


def proxy(world):
    if reason := have("kamailio"):
        return world.skip("registrar and proxy", reason)
    address = world.addresses[0]
    at = f"{address}:{free_port(address, 'both')}"
    at_tls, tls = f"{address}:{free_port(address, 'both')}", ""
    missing = have("openssl") or (None if glob.glob("/usr/lib/*/kamailio/modules/tls.so") else
                                  "kamailio-tls-modules is not installed")
    if missing:
        world.skip("TLS", missing)
    else:
        pem, key = certificate(world)
        tls = TLS.format(at=at_tls, certificate=pem, key=key)
    config = world.write("kamailio.cfg", CONFIG.format(at=at, tls=tls))
    run = world.folder / "run"
    run.mkdir()
    checked = subprocess.run(["kamailio", "-c", "-f", config, "-Y", run], capture_output=True, text=True, check=False,
                             timeout=60)
    if not world.judge(checked.returncode == 0, "Kamailio takes its configuration", checked.stderr[-2000:]):
        return None
    with world.start("kamailio", "kamailio", "-DD", "-E", "-f", config, "-Y", run, "-m", 64, "-M", 8) as kamailio:
        host, port = at.split(":")
        if not world.judge(kamailio.listening(host, int(port), "tcp"), "Kamailio listens", kamailio):
            return None
        plays = [(f"{a} to {b}, {who} hangs up", CALL, {"alice": a, "bob": b, "ends": ends})
                 for a, b, who, ends in (("udp", "udp", "alice", ALICE_ENDS), ("tcp", "tcp", "bob", BOB_ENDS),
                                         ("udp", "tcp", "alice", ALICE_ENDS), ("tcp", "udp", "bob", BOB_ENDS))]
        plays += [("a wrong password", WRONG, {"alice": "udp", "bob": "udp"}),
                  ("a call that is cancelled", CANCELLED, {"alice": "udp", "bob": "udp"})]
        if tls:
            plays += [(f"tls to tls, {who} hangs up", CALL, {"alice": "tls", "bob": "tls", "at": at_tls, "ends": ends})
                      for who, ends in (("alice", ALICE_ENDS), ("bob", BOB_ENDS))]
        for number, (title, script, words) in enumerate(plays):
            # Users of its own: those of other plays are still registered, at ports that are closed.
            words = {"n": f"{number:02}", "title": title, "at": at, "server": words["alice"], **words}
            text = script.format(**words)
            with world.lab(f"kamailio{number}", text, "--local", world.addresses[1], "--server",
                           f"P={words['at']}") as lab:
                world.judge(lab.wait() == 0, title, lab, kamailio)
    return None
