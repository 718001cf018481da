"""Prints the wall clock, and the duration of each of Python's ways to wait for 300 ms, or for the
milliseconds in WAIT_MS."""

import asyncio
import multiprocessing
import os
import queue
import select
import threading
import time

WAIT = int(os.environ.get("WAIT_MS", "300")) / 1000


def get_from_an_empty_queue():
    try:
        queue.Queue().get(timeout=WAIT)
    except queue.Empty:
        pass


def acquire_twice():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=WAIT)


WAITS = {
    "sleep": lambda: time.sleep(WAIT),
    "event": lambda: threading.Event().wait(WAIT),
    "queue": get_from_an_empty_queue,
    "lock": acquire_twice,
    "semaphore": lambda: multiprocessing.Semaphore(0).acquire(timeout=WAIT),
    "select": lambda: select.select([], [], [], WAIT),
    "asyncio": lambda: asyncio.run(asyncio.sleep(WAIT)),
}

print("now", int(time.time()), flush=True)
for name, wait in WAITS.items():
    start = time.monotonic()
    wait()
    print(name, int((time.monotonic() - start) * 1000))
