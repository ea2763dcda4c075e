"""Text forms of wall time, memory, CPUs and names: read strictly, printed in one way. They are those of sbatch, for every launcher.

Each `parse_…` raises ValueError with one sentence: what the text is not, and what is allowed. Less is allowed than sbatch accepts, where
that means something else than it seems: 0 is no limit, and a name that begins with a dash is an option.
"""

import re

MOST_SECONDS = 365 * 86400
MOST_MIB = 1 << 30
MOST_CPUS = 65533
"""`--cpus-per-task` has 16 bits in SLURM, of whose values the last two are no numbers."""
LONGEST_NAME = 200
SHOWN = 60

SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
TIMES = (
    r"(?P<minutes>[0-9]{1,9})",
    r"(?P<minutes>[0-9]{1,9}):(?P<seconds>[0-5]?[0-9])",
    r"(?P<hours>[0-9]{1,9}):(?P<minutes>[0-5]?[0-9]):(?P<seconds>[0-5]?[0-9])",
    r"(?P<days>[0-9]{1,9})-(?P<hours>[01]?[0-9]|2[0-3])(:(?P<minutes>[0-5]?[0-9])(:(?P<seconds>[0-5]?[0-9]))?)?",
)
MEMORY = re.compile(r"([0-9]{1,15})([KMGT]?)", re.IGNORECASE)
KIB = {"K": 1, "": 1 << 10, "M": 1 << 10, "G": 1 << 20, "T": 1 << 30}
CPUS = re.compile(r"[0-9]{1,9}")
NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")

TIME_FORMS = "minutes (90), MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS, more than 0 and at most 365 days"
MEMORY_FORMS = "a whole number of megabytes (1500) or one with K, M, G or T (2G), more than 0 and at most 1024T"
NAME_FORM = f"letters, digits, '_', '-' and '.', no dash or dot first, at most {LONGEST_NAME} characters"


def parse_time(text: str) -> int:
    """Seconds of a wall time, in any form of `man sbatch`, `--time`. 0 and UNLIMITED are refused: they take the limit away.

    60 minutes after hours, which sbatch reads as another hour, are refused as a slip.
    """
    for form in TIMES:
        if found := re.fullmatch(form, text):
            seconds = sum(int(part) * SECONDS[unit] for unit, part in found.groupdict().items() if part)
            if 0 < seconds <= MOST_SECONDS:
                return seconds
    raise ValueError(f"{shown(text)} is not a wall time that can be requested: write {TIME_FORMS}")


def print_time(seconds: int) -> str:
    """A wall time as HH:MM:SS or D-HH:MM:SS, rounded up to whole minutes, as SLURM counts them."""
    days, minutes = divmod(whole_minutes(seconds) // 60, 24 * 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:00"
    return f"{days}-{clock}" if days else clock


def whole_minutes(seconds: int) -> int:
    """Seconds, rounded up to whole minutes."""
    return -(-seconds // 60) * 60


def parse_memory(text: str) -> int:
    """Mebibytes of a memory size, in the forms of `man sbatch`, `--mem`; kibibytes are rounded up, as SLURM does.

    Fractions are refused, as sbatch does, and 0, which requests all memory of a node.
    """
    found = MEMORY.fullmatch(text)
    mib = -(-int(found[1]) * KIB[found[2].upper()] // 1024) if found else 0
    if not 0 < mib <= MOST_MIB:
        raise ValueError(f"{shown(text)} is not a memory size that can be requested: write {MEMORY_FORMS}")
    return mib


def print_memory(mib: int) -> str:
    """A memory size with the largest suffix that needs no fraction: 2G, 1500M."""
    for suffix in "TG":
        whole, rest = divmod(mib, KIB[suffix] // 1024)
        if not rest:
            return f"{whole}{suffix}"
    return f"{mib}M"


def parse_cpus(text: str) -> int:
    """A number of CPUs."""
    cpus = int(text) if CPUS.fullmatch(text) else 0
    if not 0 < cpus <= MOST_CPUS:
        raise ValueError(f"{shown(text)} is not a number of CPUs: write a whole number from 1 to {MOST_CPUS}")
    return cpus


def parse_name(text: str) -> str:
    """The name of a QoS, an account or a node, as it is."""
    if not NAME.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a valid name: use {NAME_FORM}")
    return text


def parse_names(text: str) -> tuple[str, ...]:
    """Names with commas between them, in their order."""
    names = tuple(text.split(","))
    if not all(map(NAME.fullmatch, names)):
        raise ValueError(f"{shown(text)} is not a valid name, nor several with commas between them: use {NAME_FORM}")
    return names


def shown(value: object) -> str:
    """A value as a sentence quotes it: on one line, and not at length."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
