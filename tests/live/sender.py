#!/usr/bin/env python3
"""Sends packets of a kind as fast as it can, each different: what an attacker, or a broken network, would send.

  sender.py KIND INTERFACE SECONDS [PACKETS-A-SECOND]    one line of JSON: packets, seconds

Kinds: call-ids (an INVITE of a Call-ID of its own each), ssrcs (RTP of a new source every third packet), half-open (a SYN and
the beginning of a request, of a host of its own each), fragments (first fragments whose rest never comes), large (messages of
64 KB, in fragments of UDP and in segments of TCP), garbage (on port 5060, UDP and TCP).

Packets lie ready in memory; a few bytes of each are changed, and many go to the kernel at once (sendmmsg).
"""
import ctypes
import json
import os
import random
import socket
import struct
import sys
import time

import ground

MARK = b"@@@@@@@@"  # eight hexadecimal digits of the number of the cycle
GOES_TO = "10.88.0.2"
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20


def marks(data):
    out, at = [], data.find(MARK)
    while at >= 0:
        out.append(at)
        at = data.find(MARK, at + 1)
    return out


def invite(size=0):
    body = "v=0\r\no=- 1 1 IN IP4 10.88.0.1\r\ns=-\r\nc=IN IP4 10.88.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"
    body += "a=x:" + "y" * max(0, size - 700) + "\r\n" if size else ""
    return ("INVITE sip:bob@10.88.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.88.0.1:5060;branch=z9hG4bK@@@@@@@@\r\nMax-Forwards: 70\r\n"
            "From: <sip:@@@@@@@@@10.88.0.1>;tag=@@@@@@@@\r\nTo: <sip:bob@10.88.0.2>\r\nCall-ID: @@@@@@@@@flood\r\n"
            "CSeq: 1 INVITE\r\nContact: <sip:a@10.88.0.1>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Slot:
    """A packet, and what changes it: change(buffer, offset of the packet, number of the cycle)."""

    def __init__(self, data, change=None):
        self.data, self.marks, self.change = data, marks(data), change


def put(form, at, value):
    pack = struct.Struct(form).pack_into
    return lambda buffer, offset, n: pack(buffer, offset + at, *value(n))


def both(*changes):
    def change(buffer, offset, n):
        for one in changes:
            one(buffer, offset, n)
    return change


SOURCE_HOST, PORTS, IDENTIFICATION, RTP = 27, 34, 18, 42  # within the frame


def host_of(n):
    return put(">BH", SOURCE_HOST, lambda n: ((n >> 16) & 0xff, n & 0xffff))


def udp_fragments(payload):
    """The frames of one datagram; the identification is the cycle's."""
    length = 8 + len(payload)
    whole, out, step = struct.pack(">HHHH", 5060, 5060, length, 0) + payload, [], 1480
    identify = put(">H", IDENTIFICATION, lambda n: (n & 0xffff,))
    for at in range(0, len(whole), step):
        more = 0x2000 if at + step < len(whole) else 0
        data = ground.frame("10.88.0.1", GOES_TO, whole[at:at + step], fragment=more | at // 8, protocol=253)
        data = data[:23] + b"\x11" + data[24:]  # it is UDP; its header is there already
        out.append(Slot(data, identify))
    return out


def tcp_segments(payload, ports):
    """One connection, a message a cycle."""
    out, step = [], 1460
    for at in range(0, len(payload), step):
        data = ground.frame("10.88.0.1", GOES_TO, payload[at:at + step], ports, 6)
        out.append(Slot(data, put(">I", PORTS + 4, lambda n, at=at: ((n * len(payload) + at + 1) & 0xffffffff,))))
    return out


def slots_of(kind):
    chance = random.Random(1)
    if kind == "call-ids":
        return [Slot(ground.frame("10.88.0.1", GOES_TO, invite()))]
    if kind == "ssrcs":
        def rtp(k):
            data = ground.frame("10.88.0.1", GOES_TO, struct.pack(">BBHII", 0x80, 0, 7 + k, 160 * k, 0) + bytes(160), (30000, 30002))
            return Slot(data, both(put(">I", RTP + 8, lambda n: (n,)),
                                   put(">HH", PORTS, lambda n: (1024 + 2 * (n % 30000), 1024 + 2 * (n // 30000 % 30000)))))
        return [rtp(k) for k in range(3)]
    if kind == "half-open":
        syn = ground.frame("10.0.0.1", GOES_TO, b"", (5060, 5060), 6, tcp=(100, 0, 2))
        begun = ground.frame("10.0.0.1", GOES_TO, invite()[:300], (5060, 5060), 6, tcp=(101, 1, 0x18))
        return [Slot(syn, host_of(0)), Slot(begun, host_of(0))]
    if kind == "fragments":
        data = ground.frame("10.0.0.1", GOES_TO, invite() + b"x" * (1472 - len(invite())), fragment=0x2000)
        return [Slot(data, both(host_of(0), put(">H", IDENTIFICATION, lambda n: (n & 0xffff,))))]
    if kind == "large":
        return udp_fragments(invite(65000)) + tcp_segments(invite(65000).replace(b"/UDP", b"/TCP"), (5061, 5060))
    if kind == "garbage":
        out = []
        for k in range(32):
            data = chance.randbytes(chance.randrange(1, 1400))
            out.append(Slot(ground.frame("10.88.0.1", GOES_TO, data),
                            put(">I", PORTS + 8, lambda n: (n * 2654435761 & 0xffffffff,)) if len(data) > 4 else None))
            out.append(Slot(ground.frame("10.88.0.1", GOES_TO, chance.randbytes(700), (5062, 5060), 6),
                            put(">I", PORTS + 4, lambda n, k=k: ((n * 32 + k) * 700 & 0xffffffff,))))
        return out
    raise SystemExit(f"sender: no kind '{kind}'")


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("vectors", ctypes.POINTER(Vector)),
                ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("sent", ctypes.c_uint), ("end", ctypes.c_uint)]


def main(kind, interface, seconds, rate):
    slots = slots_of(kind)
    cycles = max(1, 128 // len(slots))
    packets = [slot for _ in range(cycles) for slot in slots]
    stride = max(len(s.data) for s in slots)
    memory = bytearray(stride * len(packets))
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    vectors, messages = (Vector * len(packets))(), (Message * len(packets))()
    changes = []  # (offset of the packet, cycle, offsets of the marks, change)
    for i, slot in enumerate(packets):
        memory[i * stride:i * stride + len(slot.data)] = slot.data
        vectors[i] = Vector(base + i * stride, len(slot.data))
        messages[i].vectors, messages[i].count = ctypes.pointer(vectors[i]), 1
        if slot.marks or slot.change:
            changes.append((i * stride, i // len(slots), [i * stride + m for m in slot.marks], slot.change))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    out.bind((interface, 0))
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    begun, sent, cycle = time.monotonic(), 0, 0
    while (now := time.monotonic()) < begun + seconds:
        if rate and sent > (now - begun) * rate:
            time.sleep(0.001)
            continue
        for offset, step, places, change in changes:
            if places:
                digits = b"%08x" % (cycle + step)
                for place in places:
                    memory[place:place + 8] = digits
            if change:
                change(memory, offset, cycle + step)
        at = 0
        while at < len(packets):
            n = sendmmsg(out.fileno(), ctypes.byref(messages, at * ctypes.sizeof(Message)), len(packets) - at, 0)
            if n < 0 and ctypes.get_errno() not in (11, 105):  # no room at the moment
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            at += max(n, 0)
        sent += len(packets)
        cycle += cycles
    print(json.dumps({"packets": sent, "seconds": round(time.monotonic() - begun, 3)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0)
