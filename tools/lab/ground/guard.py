"""Guard: a process that takes a lab down when the one that builds it dies, however that comes."""
import os
import signal
import sys


class Guard:
    """Used with `with`: what happens in it is undone unless `dismiss` was called."""

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
