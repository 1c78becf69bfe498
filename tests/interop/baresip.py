"""baresip: a softphone at our exchange: the echo, and calls with our scripted phones in both directions."""
import glob
import json
import math
import pathlib
import signal
import socket
import struct
import wave

from world import free_port, have, until

RATE = 8000
CONFIG = """poll_method epoll
sip_listen {address}:{port}
audio_source aufile,{folder}/voice.wav
audio_player aubridge,nobody
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
snd_path {folder}
rtp_ports {rtp}-{rtp_last}
net_interface {address}
ctrl_tcp_listen {address}:{control}
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""
CALLED = """# baresip calls our phone through the exchange
phone  bob 200@A  password test  audio pcmu
server A {exchange}
bob -> A   REGISTER
A   -> bob INVITE
bob -> A   180
bob -> A   200
bob => A   audio tone 880Hz 3s
bob -> A   BYE
A   -> bob 200 for BYE
check bob hears 440Hz for 2s
check bob state completed
check no errors
"""
CALLING = """# our phone calls baresip through the exchange
phone  bob 200@A  password test  audio pcmu
server A {exchange}
bob -> A   REGISTER
bob -> A   INVITE 100
A   -> bob 200
bob => A   audio tone 880Hz 3s
bob -> A   BYE
A   -> bob 200 for BYE
check bob hears 440Hz for 2s
check bob state completed
check no errors
"""


def tone(path, frequency, seconds):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * frequency * i / RATE)))
                                  for i in range(RATE * seconds)))


def seconds_of(path, frequency):
    """For how many tenths of a second that tone is most of what the WAV holds (Goertzel)."""
    try:
        with wave.open(str(path), "rb") as file:
            samples = struct.unpack(f"<{file.getnframes()}h", file.readframes(file.getnframes()))
    except (OSError, EOFError, wave.Error, struct.error):
        return 0
    size, heard = RATE // 10, 0
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    for begin in range(0, len(samples) - size + 1, size):
        one = two = energy = 0.0
        for sample in samples[begin:begin + size]:
            one, two = sample + turn * one - two, one
            energy += sample * sample
        power = one * one + two * two - turn * one * two
        heard += energy > size * 1e4 and power > 0.5 * energy * size / 2
    return heard / 10


def modules_folder():
    return (glob.glob("/usr/lib/baresip/modules") + glob.glob("/usr/lib/*/baresip/modules"))[0]


class Phone:
    """A baresip with one account; commands go to its control port."""

    def __init__(self, world, name, address, registrar, transport):
        folder = world.folder / name
        folder.mkdir()
        tone(folder / "voice.wav", 440, 20)
        (folder / "contacts").write_text("", encoding="utf-8")
        self.folder, self.address, self.control = folder, address, free_port(address, "tcp")
        rtp = free_port(address, "udp", 4)
        (folder / "accounts").write_text(f"<sip:100@{registrar};transport={transport}>;auth_user=100;"
                                         "auth_pass=test;regint=60;answermode=auto;audio_codecs=pcmu\n", encoding="utf-8")
        (folder / "config").write_text(CONFIG.format(
            address=address, port=free_port(address, "both"), folder=folder, rtp=rtp + rtp % 2, rtp_last=rtp + 3,
            control=self.control, modules=modules_folder()),
            encoding="utf-8")
        self.program = world.start(name, "stdbuf", "-oL", "baresip", "-4", "-f", folder, stop=signal.SIGTERM)

    def tell(self, command, parameters=""):
        text = json.dumps({"command": command, "params": parameters})
        with socket.create_connection((self.address, self.control), timeout=10) as control:
            control.sendall(f"{len(text)}:{text},".encode())
            control.settimeout(5)
            control.recv(4096)

    def heard(self, frequency):
        return max((seconds_of(path, frequency) for path in self.folder.glob("dump*dec.wav")), default=0)


def exchange(world):
    """Our exchange on a port of its own choice: the program, and where it listens."""
    program = world.start("exchange", world.lab_path, "exchange", pathlib.Path("captures/exchange/a").resolve(), "--listen",
                          f"udp:{world.addresses[0]}:0", "--listen", f"tcp:{world.addresses[0]}:0", "--capture",
                          world.folder / "exchange.pcapng", "--seconds", 120, stop=signal.SIGINT)
    program.said("listens at tcp:")
    at = {line.split("listens at ")[1][:3]: line.split("listens at ")[1][4:].strip()
          for line in program.text().splitlines() if "listens at " in line}
    return program, at


def echo(world, phone):
    phone.tell("dial", "600")
    if not world.judge(phone.program.said("Call established"), "baresip calls 600: answered", phone.program):
        return
    # Three seconds of it have come back when the exchange's capture says so.
    until(lambda: sum(one["packets"] for one in world.sipana("streams", "exchange.pcapng")
                      if one["dst"].startswith(phone.address)) >= 250, 15)
    phone.tell("hangup")
    phone.program.said("terminated")
    world.judge(phone.heard(440) >= 1.5, "baresip hears its own 440 Hz from the echo", phone.heard(440), phone.program)


def calls(world, phone, at):
    for name, script in (("called", CALLED), ("calling", CALLING)):
        with world.lab(name, script.format(exchange=at), "--local", world.addresses[2], "--server", f"A={at}", "--format",
                       "ladder", "--width", 200) as lab:
            if name == "called":
                # The phone may be called once it has registered.
                world.judge(lab.said("200 OK (REGISTER)"), "our phone registers beside it", lab)
                phone.tell("dial", "200")
            world.judge(lab.wait() == 0, f"our phone and baresip, {name}: as the script says", lab, phone.program)
    world.judge(phone.heard(880) >= 1.5, "baresip heard our phone's 880 Hz", phone.heard(880))


def of_capture(world, program, at):
    """What the analyzer says of the exchange's capture."""
    seen = world.sipana("calls", "exchange.pcapng")
    registered = [one for one in seen if one["kind"] == "register" and "100" in one["from"]]
    world.judge(registered and registered[0]["state"] in ("registered", "unregistered"),
                "in the capture: baresip's registration", seen)
    echoed = [one for one in seen if one["kind"] == "invite" and "600" in one["to"]]
    world.judge(len(echoed) == 1 and echoed[0]["state"] == "completed", "in the capture: the call to 600", seen)
    streams = [one for one in world.sipana("streams", "exchange.pcapng")
               if echoed and one["call_id"] == echoed[0]["call_id"]]
    # baresip's RTP comes from 127.0.0.1, whatever its SDP says: told apart by the exchange's end.
    there = sum(one["packets"] for one in streams if one["dst"].startswith(at))
    back = sum(one["packets"] for one in streams if one["src"].startswith(at))
    world.judge(there >= 75 and back >= 75, f"in the capture: audio both ways ({there} and {back} packets)", streams)
    world.judge(all(one["lost"] == 0 for one in streams), "in the capture: nothing lost", streams, program)


def at_exchange(world, transport="udp"):
    if reason := have("baresip", "stdbuf"):
        return world.skip("at the exchange", reason)
    program, at = exchange(world)
    with program:
        if not world.judge("udp" in at and "tcp" in at, "the exchange listens", program):
            return None
        phone = Phone(world, "baresip", world.addresses[1], at[transport], transport)
        with phone.program:
            if not world.judge(phone.program.said("200 OK"), "baresip registers at our exchange (digest)",
                               phone.program, program):
                return None
            echo(world, phone)
            if transport == "udp":
                calls(world, phone, at["udp"])
        world.judge(program.stop() == 130, "the exchange ends at an interrupt", program)
        of_capture(world, program, world.addresses[0] + ":")
    return None


def over_tcp(world):
    return at_exchange(world, "tcp")
