"""What another user of this machine can do: functions carried out by a process of the user `nobody`. Needs root."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

NOBODY = 65534


def as_nobody(tries: Sequence[Callable[[], Any]]) -> list[str]:
    """For each function the class of its error, empty where it had none."""
    if os.geteuid():
        pytest.skip("only root can be another user")
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(theirs, json.dumps([_error(function) for function in tries]).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    found: list[str] = json.loads(text)
    return found


def _error(function: Callable[[], Any]) -> str:
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return ""
