"""Runs the tests of a Python package, with k5test's realms on unused ports: suite.py TESTS...

Prints "OUTCOME NAME" for each test, and pytest's reports of those that did not pass to standard error.
"""

import contextlib
import os
import socket
import sys

import k5test
import pytest

# k5test takes ten ports in a row. The system never assigns those above 61000 on its own.
FIRST, LAST, ROW = 61000, 65500, 10


def free_ports():
    rows = range(FIRST, LAST, ROW)
    start = os.getpid() % len(rows)
    for base in [*rows[start:], *rows[:start]]:
        with contextlib.ExitStack() as bound, contextlib.suppress(OSError):
            for port in range(base, base + ROW):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    bound.enter_context(socket.socket(socket.AF_INET, kind)).bind(("", port))
            return base
    raise SystemExit("there are no free ports")


class Outcomes:
    def __init__(self):
        self.of = {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rsplit("/", 1)[-1]
        if report.when == "call" or report.outcome != "passed":
            wrong = report.failed and report.when != "call"
            self.of[name] = "error" if wrong else report.outcome


arguments = list(k5test.K5Realm.__init__.__defaults__)
arguments[arguments.index(FIRST)] = free_ports()
k5test.K5Realm.__init__.__defaults__ = tuple(arguments)
outcomes = Outcomes()
with contextlib.redirect_stdout(sys.stderr):
    pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", *sys.argv[1:]], plugins=[outcomes])
for name, outcome in sorted(outcomes.of.items()):
    print(outcome, name)
