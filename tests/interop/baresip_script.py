"""baresip as a phone of a script (docs/scenario-format.md, "Real phones"): what it sends, what it hears, what it shows."""
import pathlib
import subprocess
import wave

from world import have, until

ANSWERS = """# our phone calls a real one, which answers, is held up, and refuses a second call
phone  bob  900  audio pcmu
phone  cam  100  program baresip  sound 700Hz
bob -> cam   INVITE
cam -> bob   180
cam -> bob   200 after 200ms
cam <> bob   audio tone 440Hz 2s
cam => bob   digits 12#4
bob -> cam   INVITE sdp offer sendonly
cam -> bob   200
bob -> cam   BYE
cam -> bob   200
bob -> cam   INVITE
cam -> bob   180
cam -> bob   486
check bob hears 440Hz from cam for 1s
check bob heard digits 12#4
"""
CALLS = """# a real phone calls, holds, resumes, writes, asks, and gives up a second call
phone  bob  900  audio pcmu
phone  cam  100  program baresip
cam -> bob   INVITE
bob -> cam   180
bob -> cam   200 after 200ms
cam => bob   audio file voice.wav 2s
cam -> bob   INVITE sdp offer sendonly
bob -> cam   200
cam pauses   300ms
cam -> bob   INVITE sdp offer sendrecv
bob -> cam   200
cam -> bob   BYE
bob -> cam   200
cam -> bob   MESSAGE body text/plain "hello, {bob_ip}"
bob -> cam   200
cam -> bob   OPTIONS
bob -> cam   200
cam -> bob   INVITE
bob -> cam   180
cam -> bob   CANCEL after 300ms
bob -> cam   200 for CANCEL
bob -> cam   487
check bob hears 880Hz from cam for 1s
"""
REGISTERS = """# real phones at the built-in exchange: registration with its challenge, a call through it with video
phone  cam   100@A  password test  audio pcmu  video h264  program baresip  sound 440Hz
phone  carol 200@A  password test  audio pcmu  video h264
server A     {address}  exchange {folder}
cam   -> A     REGISTER
carol -> A     REGISTER
cam   -> A     INVITE 200
A     -> carol INVITE
carol -> A     200
A     -> cam   200
cam   => carol audio tone 520Hz 3s
carol -> A     BYE
A     -> cam   BYE
cam unregisters
check carol hears 520Hz for 1s
"""
TRANSFERS = """# as in RFC 5589: a real phone transfers, a real phone is transferred
phone  bob  900
phone  cam  100  program baresip
phone  dan  200  program baresip
cam calls dan
dan rings
dan answers
cam transfers dan to bob
bob answers
dan/transfer => bob audio tone 600Hz 2s
check bob hears 600Hz for 1s
"""
BETWEEN = """# two real phones, and a transfer by one of them
phone  cam  100  program baresip
phone  dan  200  program baresip
phone  bob  900
cam -> dan   INVITE
dan -> cam   180
dan -> cam   200
cam -> dan   REFER refer-to bob
dan -> cam   202
dan -> bob   INVITE
bob -> dan   200
dan => bob   audio tone 600Hz 2s
bob -> dan   BYE
check bob hears 600Hz from dan for 1s
"""
REFUSED = """# the far end is busy, the script says otherwise
phone  bob  900
phone  cam  100  program baresip
cam -> bob   INVITE
bob ->| cam  486
bob |-> cam  200
"""
WRONG = "phone bob 900\nphone cam 100 program baresip\ncam -> bob INFO\n"


def voice(path):
    """A second of 880 Hz, 16 bits."""
    samples = b"".join((8000 if i * 2 * 880 // 8000 % 2 else -8000).to_bytes(2, "little", signed=True) for i in range(24000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples)


def left_over(world):
    """Of this test's runs: programs that are still there, and folders."""
    mine = str(world.folder)
    there = []
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"{mine}/tmp".encode() in command.read_bytes():
                there.append(command.parent.name)
        except OSError:
            continue
    return there + list((world.folder / "tmp").iterdir())


def play(world, name, script, claim, *options, status=0):
    environment = {"TMPDIR": str(world.folder / "tmp")}
    path = world.write(f"{name}.lab", script)
    with world.start(f"lab-{name}", "env", *(f"{key}={value}" for key, value in environment.items()), world.lab_path, "run",
                     path, "--capture", world.folder / f"{name}.pcapng", *(options or ("--on", "sockets"))) as run:
        ended = run.wait()
        world.judge(ended == status, claim, f"status {ended}", run)
        return run.text()


def scripts(world):
    path = world.write("wrong.lab", WRONG)
    done = subprocess.run([world.lab_path, "check", path], capture_output=True, text=True, check=False, timeout=60)
    world.judge(done.returncode == 2 and "wrong.lab:3:1: baresip cannot be told to send INFO" in done.stderr,
                "what it cannot do is a mistake of the script", done.stderr)
    if reason := have("baresip"):
        return world.skip("baresip in a script", reason)
    (world.folder / "tmp").mkdir()
    voice(world.folder / "voice.wav")
    play(world, "answers", ANSWERS, "it rings, answers, plays a tone and digits, is held, refuses")
    play(world, "calls", CALLS, "it calls, plays a file, holds, resumes, writes, asks, cancels")
    folder = pathlib.Path("captures/exchange/a").resolve()
    script = REGISTERS.format(address=world.addresses[0], folder=folder)
    play(world, "registers", script, "it registers and calls through the built-in exchange", "--on", "exchange")
    pictures = [one for one in world.sipana("streams", "registers.pcapng") if one.get("codec") == "H264"]
    world.judge(any(one.get("key_frames", 0) >= 1 and one.get("frames", 0) >= 10 for one in pictures),
                "its picture is H.264 that begins with a key frame", pictures)
    play(world, "between", BETWEEN, "one transfers the other, which calls by itself")
    play(world, "transfers", TRANSFERS, "a transfer by the script's verbs, with its NOTIFYs")
    text = play(world, "refused", REFUSED, "a wrong final response fails the run", status=1)
    world.judge("got 486" in text, "and is told", text)
    text = play(world, "absent", ANSWERS, "a program that is not there is told", "--on", "sockets", "--baresip",
                world.folder / "nobody", status=5)
    world.judge("3:1: cam: " in text and "nobody: no program" in text, "at its line", text)
    text = play(world, "dead", ANSWERS, "a program that ends at once is told", "--on", "sockets", "--baresip", "/bin/true",
                status=5)
    world.judge("3:1: cam: baresip ended with status 0" in text, "with how it ended", text)
    world.judge(until(lambda: not left_over(world), 5), "nothing is left behind", left_over(world))
    return None
