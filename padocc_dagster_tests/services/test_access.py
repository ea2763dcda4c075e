"""Whom this package's folders let in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from padocc_dagster.pipeline.workdir.layout import Workdir
from padocc_dagster.services.access import SETTING, set_access

FOLDERS = ("dagster", "inbox", "locks", "padocc_dagster")


@pytest.fixture
def workdir(tmp_path: Path) -> Iterator[Workdir]:
    """Not there yet, with a umask that lets the group write."""
    before = os.umask(0o002)
    yield Workdir(tmp_path / "w")
    os.umask(before)


def modes(workdir: Workdir) -> set[int]:
    return {(workdir.root / name).stat().st_mode & 0o7777 for name in FOLDERS}


def test_new_folders_are_closed_and_the_working_directory_itself_follows_the_umask(workdir: Workdir) -> None:
    assert not set_access(workdir, {})
    assert modes(workdir) == {0o700}
    assert workdir.root.stat().st_mode & 0o777 == 0o775


def test_folders_that_others_could_write_to_are_closed_with_a_sentence_each_and_no_second_one(workdir: Workdir) -> None:
    for name in FOLDERS:
        (workdir.root / name).mkdir(parents=True)
    first = set_access(workdir, {})
    assert len(first) == 4 and all("was open to others (mode 0775), and is closed now (0700)" in sentence for sentence in first)
    assert modes(workdir) == {0o700} and not set_access(workdir, {})


def test_the_group_may_read_or_write_where_the_setting_says_so_and_never_writes_to_the_databases(workdir: Workdir) -> None:
    set_access(workdir, {SETTING: "read"})
    assert modes(workdir) == {0o750}
    set_access(workdir, {SETTING: "write"})
    assert modes(workdir) == {0o750, 0o2770} and (workdir.root / "dagster").stat().st_mode & 0o777 == 0o750


def test_another_setting_is_refused_with_those_that_there_are(workdir: Workdir) -> None:
    with pytest.raises(ValueError, match=f"{SETTING} is 'yes', expected one of none, read, write"):
        set_access(workdir, {SETTING: "yes"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own a folder as another user")
def test_a_folder_of_another_user_is_left_as_it_is(workdir: Workdir) -> None:
    workdir.inbox.mkdir(parents=True)
    os.chown(workdir.inbox, 65534, 65534)
    set_access(workdir, {})
    assert workdir.inbox.stat().st_mode & 0o777 == 0o775
