"""Processes that share work: results in order, errors as they were, and a death that nobody takes for an error of the data.

Each test runs a script in a process of its own, in which nothing has started a thread, as a worker is.
"""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from padocc_dagster.pipeline.comparison.children import WORTH_FILES, children, useful

BEGIN = """
import os, signal, sys, threading, time
from padocc_dagster.pipeline.comparison.children import ChildDied, children

def square(number):
    return number * number

def where(number):
    return os.getpid(), number

def fails_at_7(number):
    if number == 7:
        raise ValueError("seven")
    return number

def dies_at_7(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
"""


def ran(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script in a fresh interpreter."""
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-c", BEGIN + textwrap.dedent(script)]
    return subprocess.run(command, capture_output=True, text=True, env=known, timeout=120)


def test_results_come_in_order_and_from_all_processes() -> None:
    script = """
    with children(3) as processes:
        assert processes.count == 3
        assert list(processes.map(square, range(1000))) == [number * number for number in range(1000)]
        assert list(processes.map(square, [])) == []
        assert len({pid for pid, _ in processes.map(where, range(500))}) == 3
        first, second = (processes.each(where, [0, 1, 2]) for _ in range(2))
        assert first == second and len({pid for pid, _ in first}) == 3, "the same process gets the same place"
    """
    done = ran(script)
    assert done.returncode == 0, done.stderr


def test_a_worker_that_was_forked_itself_shares_its_work_beside_its_own_threads() -> None:
    script = """
    worker = os.fork()
    if worker:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
    threading.Thread(target=time.sleep, args=(60,), name="Thread-1 (end_with_parent)", daemon=True).start()
    with children(2) as processes:
        os._exit(0 if processes and len({pid for pid, _ in processes.each(where, [0, 1])}) == 2 else 1)
    """
    assert ran(script).returncode == 0


def test_an_error_is_raised_where_its_turn_comes_and_the_processes_go_on() -> None:
    script = """
    with children(2) as processes:
        seen = []
        try:
            for number in processes.map(fails_at_7, range(20)):
                seen.append(number)
        except ValueError as error:
            assert str(error) == "seven"
        else:
            raise AssertionError("no error")
        assert seen == list(range(len(seen))) and len(seen) <= 7
        assert list(processes.map(square, range(5))) == [0, 1, 4, 9, 16]
    """
    done = ran(script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("call", ["list(processes.map(dies_at_7, range(100)))", "processes.each(dies_at_7, [3, 7])"])
def test_a_killed_process_ends_the_work_as_no_exception_that_is_caught_by_others(call: str) -> None:
    script = f"""
    try:
        with children(2) as processes:
            try:
                {call}
            except Exception:
                raise AssertionError("taken for an error of the data")
    except ChildDied as died:
        assert died.signal == signal.SIGKILL and "SIGKILL" in str(died)
    else:
        raise AssertionError("nothing was noticed")
    """
    done = ran(script)
    assert done.returncode == 0, done.stderr


def test_nothing_is_given_to_a_process_that_has_died() -> None:
    """Its pool reports that with a lock held that the next call would wait for (CPython 3.12 and later)."""
    script = """
    from concurrent.futures import ProcessPoolExecutor
    too_late = []
    def submit(executor, *call, own=ProcessPoolExecutor.submit):
        too_late.extend([call] if executor._broken else [])
        return own(executor, *call)
    ProcessPoolExecutor.submit = submit
    try:
        with children(2) as processes:
            list(processes.map(dies_at_7, range(5000)))
    except ChildDied:
        sys.exit(len(too_late))
    """
    assert ran(script).returncode == 0


def test_processes_end_with_the_one_that_forked_them() -> None:
    script = """
    with children(2) as processes:
        print(*processes.each(where, [0, 1]))
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = ran(script)  # returns when all have closed the standard output
    assert done.returncode == -signal.SIGKILL


def test_where_a_thread_runs_that_is_not_the_workers_own_nothing_is_forked() -> None:
    going = threading.Event()
    thread = threading.Thread(target=going.wait, name="of a library")
    thread.start()
    try:
        with children(2) as processes:
            assert processes is None
    finally:
        going.set()
        thread.join()


def test_one_process_or_few_files_are_not_worth_a_fork() -> None:
    with children(1) as processes:
        assert processes is None
    assert useful(8, 3) == 0 and useful(2, WORTH_FILES) == 2 and useful(1, 10_000) == 1 and useful(4, 10_000) == 4
    assert useful(64, 200) == 2 * 200 // WORTH_FILES
