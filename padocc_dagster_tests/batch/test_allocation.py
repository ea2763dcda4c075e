"""Allocations: text forms, tags, merging, growing and capping."""

import random
import re

import pytest

from padocc_dagster.batch.allocation import TAGS, WORDS, Allocation, AllocationError
from padocc_dagster.batch.amounts import MOST_CPUS, MOST_MIB, MOST_SECONDS, parse_memory, parse_time, print_memory, print_time

NAMES = ("main", "short-serial", "par_multi", "n1.cluster", "2cpu", "_q")
UNSAFE = ("-x", "--wrap=id", "a b", "a\n", "a\nb", "", "a;b", "$(id)", "`id`", "a/b", "é", "٣", "a=b", "'a'", ".a", "a" * 201)


def randomly_made(rng: random.Random) -> Allocation:
    return Allocation(
        wall_seconds=rng.choice((None, rng.randint(1, 7200), rng.randint(1, MOST_SECONDS))),
        memory_mib=rng.choice((None, rng.randint(1, 5000), 1024 * rng.randint(1, 3000), rng.randint(1, MOST_MIB))),
        cpus=rng.choice((None, rng.randint(1, MOST_CPUS))),
        partition=rng.choice((None, *NAMES, "main,debug")),
        qos=rng.choice((None, *NAMES)),
        account=rng.choice((None, *NAMES)),
        exclude=tuple(rng.choices(NAMES, k=rng.randint(0, 4))),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5400),
        ("1", 60),
        ("90:30", 5430),
        ("0:01", 1),
        ("1:02:03", 3723),
        ("100:00:00", 360_000),
        ("2-3", 183_600),
        ("0-1", 3600),
        ("1-02:30", 95_400),
        ("1-02:30:15", 95_415),
        ("365-0", MOST_SECONDS),
    ],
)
def test_every_form_of_wall_time_that_sbatch_documents_is_read(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "00:00",
        "0-0",
        "UNLIMITED",
        "INFINITE",
        "-1",
        "1:60",
        "1:60:00",
        "1-24",
        "1-2:60",
        "1:2:3:4",
        "1.5",
        "1h",
        " 5",
        "5\n",
        "",
        "-",
        "1-",
        "366-0",
        "9" * 30,
        "٣",
        "1e3",
        "01:00:00 --wrap=id",
    ],
)
def test_a_wall_time_without_limit_or_sense_is_refused_with_the_forms_that_are_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="not a wall time.*D-HH:MM:SS, more than 0 and at most 365 days") as error:
        parse_time(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "00:01:00"),
        (60, "00:01:00"),
        (61, "00:02:00"),
        (5400, "01:30:00"),
        (86_399, "1-00:00:00"),
        (86_400, "1-00:00:00"),
        (1_000_000, "11-13:47:00"),
    ],
)
def test_a_wall_time_is_printed_in_whole_minutes_rounded_up(seconds: int, text: str) -> None:
    assert print_time(seconds) == text


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("1500", 1500),
        ("1500M", 1500),
        ("2G", 2048),
        ("2g", 2048),
        ("1T", 1 << 20),
        ("1024K", 1),
        ("1025K", 2),
        ("1K", 1),
        ("1024T", MOST_MIB),
    ],
)
def test_every_form_of_memory_that_sbatch_documents_is_read(text: str, mib: int) -> None:
    assert parse_memory(text) == mib


@pytest.mark.parametrize("text", ["0", "0G", "1.5G", "-2G", "2X", "2Gx", "2GB", "G", "", "1025T", "1e3", "2 G", "2G\n", "9" * 40, "٣G"])
def test_memory_that_sbatch_refuses_or_takes_for_all_of_the_node_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a memory size.*K, M, G or T"):
        parse_memory(text)


def test_times_and_memory_read_back_as_printed() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        minutes, mib = rng.randint(1, MOST_SECONDS // 60), rng.randint(1, 2 ** rng.randint(1, 30))
        assert parse_time(print_time(60 * minutes)) == 60 * minutes
        assert parse_memory(print_memory(mib)) == mib


def test_an_allocation_prints_as_one_line_for_people() -> None:
    allocation = Allocation(900, 2048, 1, "main", "standard", "demo", ("n2", "n1", "n2"))
    assert str(allocation) == "time=00:15:00 memory=2G cpus=1 partition=main qos=standard account=demo exclude=n1,n2"
    assert str(Allocation()) == ""
    assert str(Allocation(memory_mib=1500)) == "memory=1500M"


def test_every_allocation_reads_back_exactly_from_its_text() -> None:
    rng = random.Random(2)
    for _ in range(2000):
        allocation = randomly_made(rng)
        assert Allocation.parse(str(allocation)) == allocation


def test_a_text_that_is_no_allocation_is_refused_with_all_that_is_wrong() -> None:
    with pytest.raises(AllocationError) as error:
        Allocation.parse("time=0 gpus=2 memory=2G memory=3G nonsense qos=-x")
    assert len(error.value.problems) == 5
    assert [re.match(r"\S+", problem)[0] for problem in error.value.problems] == ["'gpus=2'", "memory", "'nonsense'", "time:", "qos:"]


@pytest.mark.parametrize(
    "fields",
    [
        {"wall_seconds": 0},
        {"wall_seconds": -90},
        {"wall_seconds": MOST_SECONDS + 1},
        {"memory_mib": 0},
        {"memory_mib": -1},
        {"cpus": 0},
        {"cpus": MOST_CPUS + 1},
        {"qos": "-x"},
        {"account": "a,b"},
        {"partition": "a,"},
        {"exclude": ("n[1-3]",)},
        {"exclude": ("",)},
    ],
    ids=str,
)
def test_an_allocation_that_cannot_be_requested_cannot_be_made(fields: dict) -> None:
    with pytest.raises(AllocationError):
        Allocation(**fields)


KNOWN = {**TAGS, **{f"site/{word}": word for word in WORDS if word != "exclude"}}


def test_what_a_person_requests_is_read_from_the_run_tags() -> None:
    tags = {
        "site/time": "1-12",
        "padocc/memory": "64G",
        "padocc/cpus": "8",
        "site/partition": "a,b",
        "site/qos": "high",
        "site/account": "my-gws",
        "site/job_id": "x y",
        "site/exclude": "n1",
        "dagster/partition": "g:p",
    }
    assert Allocation.from_tags(tags, KNOWN) == Allocation(129_600, 65_536, 8, "a,b", "high", "my-gws")
    assert Allocation.from_tags(tags, TAGS) == Allocation(memory_mib=65_536, cpus=8)
    assert Allocation.from_tags({}, KNOWN) == Allocation()


def test_a_size_in_two_tags_is_refused() -> None:
    with pytest.raises(AllocationError, match="run tag padocc/time and site/time are both set: keep one"):
        Allocation.from_tags({"padocc/time": "60", "site/time": "90"}, KNOWN)


def test_all_bad_tags_are_reported_at_once_each_with_its_value_and_what_is_allowed() -> None:
    bad = {
        "site/time": "0",
        "site/memory": "1.5G",
        "site/cpus": "two",
        "site/partition": "a b",
        "site/qos": "-x",
        "site/account": "a\nb",
    }
    with pytest.raises(AllocationError) as error:
        Allocation.from_tags(bad, KNOWN)
    assert str(error.value).splitlines() == list(error.value.problems)
    for (tag, value), problem in zip(bad.items(), error.value.problems, strict=True):
        assert problem.startswith(f"run tag {tag}: {value!r} is not ")
        assert re.search(r": (write|use) ", problem)


@pytest.mark.parametrize("value", UNSAFE)
@pytest.mark.parametrize("tag", KNOWN)
def test_a_tag_that_a_shell_or_sbatch_could_take_for_something_else_is_refused(tag: str, value: str) -> None:
    with pytest.raises(AllocationError, match=tag):
        Allocation.from_tags({tag: value}, KNOWN)


def test_a_value_is_quoted_on_one_line_and_not_at_length() -> None:
    with pytest.raises(AllocationError) as error:
        Allocation.from_tags({"padocc/time": "9\n" * 5000}, TAGS)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_merged_takes_what_the_stronger_says_and_keeps_the_rest() -> None:
    weaker = Allocation(3600, 2048, 1, "main", exclude=("n2",))
    assert weaker.merged(Allocation(memory_mib=1024, qos="short", exclude=("n1",))) == Allocation(
        3600, 1024, 1, "main", "short", exclude=("n1", "n2")
    )


def test_merging_keeps_to_its_laws() -> None:
    rng = random.Random(3)
    for _ in range(500):
        a, b, c = (randomly_made(rng) for _ in range(3))
        assert a.merged(Allocation()) == a == Allocation().merged(a) == a.merged(a)
        assert a.merged(b).merged(c) == a.merged(b.merged(c))


def test_the_next_attempt_gets_twice_what_was_too_little_and_other_nodes() -> None:
    first = Allocation(600, 1000, 1, exclude=("n3",))
    assert first.escalated() == first
    assert first.escalated(memory=True) == Allocation(600, 2000, 1, exclude=("n3",))
    assert first.escalated(wall=True, exclude=["n3", "n1"]) == Allocation(1200, 1000, 1, exclude=("n1", "n3"))
    assert Allocation().escalated(memory=True, wall=True) == Allocation()


def test_escalation_never_lowers_anything_and_ends_at_what_can_be_requested() -> None:
    rng = random.Random(4)
    for _ in range(200):
        before = randomly_made(rng)
        for _ in range(40):
            after = before.escalated(memory=rng.random() < 0.5, wall=rng.random() < 0.5, exclude=rng.sample(NAMES, 1))
            for name in ("wall_seconds", "memory_mib", "cpus"):
                old, new = getattr(before, name), getattr(after, name)
                assert (old is None) == (new is None) and (old or 0) <= (new or 0)
            assert set(before.exclude) <= set(after.exclude)
            before = after


def test_the_larger_and_the_smaller_of_two_are_taken_size_by_size() -> None:
    one, other = Allocation(600, 2000, None, "main", exclude=("n1",)), Allocation(1200, 1000, 2, "debug", exclude=("n2",))
    assert one.larger(other) == Allocation(1200, 2000, 2, "main", exclude=("n1", "n2"))
    assert one.smaller(other) == Allocation(600, 1000, 2, "main", exclude=("n1",))
    assert one.larger(Allocation()) == one.smaller(Allocation()) == one


def test_what_is_more_than_allowed_is_cut_and_said_in_words() -> None:
    asked = Allocation(2 * 86_400, 4096, 1, "main")
    capped, sentences = asked.capped(Allocation(86_400, 8192, qos="standard"))
    assert capped == Allocation(86_400, 4096, 1, "main")
    assert sentences == ("wall time 2-00:00:00 was cut to 1-00:00:00, the most that is allowed",)
    assert asked.capped(Allocation()) == (asked, ())
    assert Allocation().capped(Allocation(60, 1, 1)) == (Allocation(), ())
    assert len(asked.capped(Allocation(60, 1024, 1))[1]) == 2
