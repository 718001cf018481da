"""A service with a task for every six hours, which knows nothing of Kerbox. Ends after 8 days."""

import datetime
import threading

ended = threading.Event()


def refresh():
    print(datetime.datetime.now().isoformat(), "refresh", flush=True)
    schedule()


def schedule():
    timer = threading.Timer(6 * 3600, refresh)
    timer.daemon = True
    timer.start()


schedule()
print("ready", flush=True)
ended.wait(8 * 24 * 3600 + 60)
