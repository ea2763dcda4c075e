"""A command on another host, by `ssh` or a program like it: `[ssh, login1]` and one more argument, which a shell of that host takes apart.

The command's environment goes through standard input: it may hold passwords, and every user sees the arguments of a process. How the
connection is made, and that it is shared, is a matter of `~/.ssh/config` (docs/slurm.md).
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence

OWN = ("HOME", "KRB5CCNAME", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "USER", "XDG_RUNTIME_DIR")
"""What `ssh` itself needs of this process's environment."""
READ_AND_RUN = 'while IFS= read -r -d "" each; do export "$each"; done; exec "$@"'
NO_CONNECTION = 255
"""The exit status of `ssh` where it has no connection, or loses it."""
NOT_RUN = (126, 127)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def command(prefix: Sequence[str], argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on the other host, with exactly the environment that it reads."""
    return [*prefix, shlex.join(["env", "-i", "bash", "--noprofile", "--norc", "-c", READ_AND_RUN, "bash", *argv])]


def sent(environment: Mapping[str, str]) -> bytes:
    """The environment as the command reads it from standard input."""
    return b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items() if NAME.fullmatch(name))


def own_environment() -> dict[str, str]:
    """The environment of `ssh` itself."""
    return {name: os.environ[name] for name in OWN if name in os.environ}


def prefix_problems(prefix: Sequence[str]) -> list[str]:
    """Why these words cannot stand before a command, a sentence each."""
    if bad := [word for word in prefix if not word or CONTROL.search(word)]:
        return [f"command_prefix has the word {bad[0]!r}: write words without control characters, as in [ssh, login1]"]
    if len(prefix) == 1:
        return [f"command_prefix is {list(prefix)}: name the host as well, as in [ssh, login1]"]
    if prefix and shutil.which(prefix[0]) is None:
        return [f"command_prefix begins with {prefix[0]!r}, which is not on PATH ({os.environ.get('PATH', '')}): install it"]
    return []
