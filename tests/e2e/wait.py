"""Waiting for an event: the only place in these tests that looks twice.

A test never sleeps to let something happen. It names what must become true, and fails with that
name when it does not.
"""
import time


def until(predicate, what="the condition", timeout=10.0):
    """Return predicate()'s first true value, or fail naming `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(0.004)
