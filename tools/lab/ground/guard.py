"""Guard: what happens to a lab when the process that builds it or plays on it dies, however that comes."""
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """The calling process ends when the one that started it does."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Guard:
    """Used with `with`: a process of its own takes the lab down when that ends, unless `dismiss` was called."""

    def __init__(self, lab):
        self.lab = lab
        self.pipe = None

    def __enter__(self):
        ours, self.pipe = os.pipe()
        if os.fork() == 0:
            self._watch(ours)
        os.close(ours)
        return self

    def dismiss(self):
        os.write(self.pipe, b"d")

    def __exit__(self, kind, value, trace):
        os.close(self.pipe)
        os.wait()

    def _watch(self, ours):
        os.close(self.pipe)
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        status = 0
        if os.read(ours, 1) != b"d":
            from .laboratory import Laboratory  # it imports this module
            try:
                Laboratory(self.lab).down()
            except Exception as failure:  # the last one who can say it
                print(f"lab: {failure}", file=sys.stderr)
                status = 1
        os._exit(status)
