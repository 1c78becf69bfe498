"""Failure: what ends a command of the lab, in one line for people."""


class Failure(Exception):
    """`status` is the program's exit status: 1 a check failed, 2 wrong use, 5 the system refuses."""

    def __init__(self, what, status=5):
        super().__init__(what)
        self.status = status
