"""Reading the small text files that people write: group configs, lists of files, JSON files of attributes."""

import os
import stat
from pathlib import Path

LARGEST = 64 * 1024**2
"""Bytes. A list of 50 000 paths takes about 5 MB."""


class Unreadable(ValueError):
    """The file is not text that can be read; the message says why and what to do. `line` is where, if that is known."""

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line


def read_bytes(path: Path, what: str) -> bytes:
    """Read a whole small file. `what` is the word for it. Raises Unreadable."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable(f"{what} is a folder: give the path of a file")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{what} is not an ordinary file: give the path of a text file")
        if status.st_size == 0:
            raise Unreadable(f"{what} is empty (0 bytes): write it again, or wait until it is copied")
        if status.st_size > LARGEST:
            size, most = status.st_size / 1024**2, LARGEST // 1024**2
            raise Unreadable(f"{what} has {size:.0f} MB, at most {most} MB are read: is it the right file?")
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable(f"{what} does not exist: correct its path or create it") from None
    except OSError as error:
        raise Unreadable(f"{what} cannot be read ({error.strerror}): check its path and its permissions") from None


def decode(data: bytes, what: str) -> str:
    """The text of a UTF-8 file, with or without a byte order mark, its line ends made `\\n`. Raises Unreadable."""
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise Unreadable(f"{what} is not text (it holds NUL bytes): save it as UTF-8", line)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{what} is not UTF-8 (byte 0x{data[error.start]:02x}): save it as UTF-8", line) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path, what: str) -> str:
    """Read a small UTF-8 file. Raises Unreadable."""
    return decode(read_bytes(path, what), what)
