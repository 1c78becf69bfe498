"""Stored: a sound that a server has put into a file: is the tone in it that a phone played?"""
import array
import math
import wave

TOLERANCE_HZ = 10
LOUD = 300  # root mean square of 16-bit samples
PIECE = 0.2  # seconds


def check(path, tone):
    """What is wrong, in lines; none: the file is there and the tone is in it for half a second at least."""
    if not path.exists():
        return [f"{path.name} was not stored"]
    try:
        with wave.open(str(path), "rb") as file:
            rate, samples = file.getframerate(), array.array("h", file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        return [f"{path.name} is no sound: {error}"]
    length = int(rate * PIECE)
    pieces = [samples[i:i + length] for i in range(0, len(samples) - length + 1, length)]
    heard = sum(loudest(piece, rate) is not None and abs(loudest(piece, rate) - tone) <= TOLERANCE_HZ
                for piece in pieces) * PIECE
    if heard < 0.5:
        return [f"{path.name}: {tone} Hz is in it for {heard:.1f} s of {len(samples) / rate:.1f} s"]
    return []


def loudest(piece, rate):
    """The loudest frequency from 100 to 2000 Hz in steps of 10 (Goertzel); None: silence."""
    if math.sqrt(sum(s * s for s in piece) / len(piece)) < LOUD:
        return None
    return max(range(100, 2001, 10), key=lambda hz: power(piece, hz, rate))


def power(piece, hz, rate):
    factor = 2 * math.cos(2 * math.pi * hz / rate)
    one = two = 0.0
    for sample in piece:
        one, two = sample + factor * one - two, one
    return one * one + two * two - factor * one * two
