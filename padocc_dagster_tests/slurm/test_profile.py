"""Site profiles: the shipped one, the mistakes that a file can hold, and what a profile says of an allocation."""

import re
from pathlib import Path

import pytest

import padocc_dagster
from padocc_dagster.batch.allocation import Allocation
from padocc_dagster.slurm.profile import ProfileError, QosLimit, SiteProfile, read_profile

LOTUS2 = Path(padocc_dagster.__file__).parents[1] / "deploy" / "jasmin-lotus2.yaml"
HOUR, GIB = 3600, 1024
GOOD = Allocation(HOUR, 2 * GIB, 1, "standard", "standard", "mygws")


@pytest.fixture(scope="module")
def lotus2() -> SiteProfile:
    return read_profile(LOTUS2)


def problems_of(tmp_path: Path, text: str) -> list[str]:
    """The problems of a profile with this text, without the file's name, which each must begin with."""
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(ProfileError) as error:
        read_profile(path)
    assert str(error.value).splitlines() == list(error.value.problems)
    assert all(problem.startswith(f"{path}: ") for problem in error.value.problems)
    return [problem.removeprefix(f"{path}: ") for problem in error.value.problems]


def test_the_shipped_profile_of_jasmin_says_what_its_help_page_says(lotus2: SiteProfile) -> None:
    standard = ("standard",)
    assert lotus2.name == "JASMIN LOTUS2"
    assert lotus2.required == ("account", "partition", "qos")
    assert lotus2.qos == {
        "standard": QosLimit(standard, Allocation(24 * HOUR, 128 * GIB, 1), 4000),
        "short": QosLimit(standard, Allocation(4 * HOUR, 200 * GIB, 1), 2000),
        "long": QosLimit(standard, Allocation(120 * HOUR, 128 * GIB, 1), 1350),
        "high": QosLimit(standard, Allocation(48 * HOUR, 1000 * GIB, 96)),
        "debug": QosLimit(("debug",), Allocation(HOUR, None, 8), 32),
        "special": QosLimit(("special",), Allocation(48 * HOUR, 3000 * GIB, 96)),
    }


def test_the_shipped_profile_says_where_and_when_its_limits_were_read() -> None:
    text = LOTUS2.read_text()
    assert re.search(r"^# .*help\.jasmin\.ac\.uk.*as of 20\d\d-\d\d", text, re.MULTILINE)
    assert re.search(r"as of 20\d\d-\d\d", read_profile(LOTUS2).source)


def test_an_allocation_within_the_limits_has_no_problems(lotus2: SiteProfile) -> None:
    assert lotus2.problems(GOOD) == []


def test_everything_that_a_site_requires_and_is_not_said_is_told(lotus2: SiteProfile) -> None:
    found = lotus2.problems(Allocation())
    assert [re.search(r"its (\w+):", problem)[1] for problem in found] == ["account", "partition", "qos"]
    assert "standard for example" in found[2]


def test_an_unknown_qos_is_a_problem_that_lists_the_known_ones(lotus2: SiteProfile) -> None:
    (found,) = lotus2.problems(GOOD.merged(Allocation(qos="shrot")))
    assert "'shrot'" in found and "standard, short, long, high, debug, special" in found


def test_a_qos_is_refused_in_another_slurm_partition(lotus2: SiteProfile) -> None:
    (found,) = lotus2.problems(GOOD.merged(Allocation(partition="standard,debug")))
    assert "QoS standard" in found and "partition debug" in found


def test_each_size_above_the_limit_is_told_with_the_limit(lotus2: SiteProfile) -> None:
    found = lotus2.problems(GOOD.merged(Allocation(25 * HOUR, 129 * GIB, 2)))
    assert [re.search(r"request (\S+) at most", problem)[1] for problem in found] == ["1-00:00:00", "128G", "1"]


def test_an_allocation_capped_by_its_qos_has_no_problems_left(lotus2: SiteProfile) -> None:
    for qos, limit in lotus2.qos.items():
        asked = Allocation(200 * HOUR, 9000 * GIB, 500, limit.partitions[0], qos, "mygws")
        if qos == "debug":
            assert lotus2.largest(asked).memory_mib is None
        capped, said = asked.capped(lotus2.largest(asked))
        assert lotus2.problems(capped) == []
        assert len(said) == sum(value is not None for value in (limit.largest.wall_seconds, limit.largest.memory_mib, limit.largest.cpus))


def test_the_default_qos_limits_an_allocation_that_names_none(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text('name: here\nsource: us\ndefault_qos: normal\nqos:\n  normal: {time: "1:00:00"}\n  free:\n')
    profile = read_profile(path)
    assert profile.largest(Allocation()) == Allocation(HOUR)
    assert profile.largest(Allocation(qos="free")) == profile.largest(Allocation(qos="unknown")) == Allocation()
    assert len(profile.problems(Allocation(2 * HOUR))) == 1
    assert profile.problems(Allocation(2 * HOUR, qos="free", partition="any")) == []


def test_a_site_without_qos_takes_none(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("name: here\nsource: us\nrequired: [account]\n")
    profile = read_profile(path)
    assert profile.problems(Allocation(account="a")) == []
    assert "leave the QoS out" in profile.problems(Allocation(account="a", qos="x"))[0]


def test_all_mistakes_of_a_profile_are_told_at_once_with_their_fields(tmp_path: Path) -> None:
    found = problems_of(
        tmp_path,
        "name: 7\nrequired: [acount, on]\ndefault_qos: b\nfoo: 1\nqos:\n"
        "  a: {time: 24:00:00, memory: 1.5G, cpus: 0, nodes: 3, jobs: 0, partitions: main}\n  1: {}\n  c: 7\n  -x: {}\n",
    )
    where = [problem.split(": ")[0] for problem in found]
    assert where == [
        "the file",
        "name",
        "source",
        "required",
        "required",
        "qos.a",
        "qos.a.partitions",
        "qos.a.time",
        "qos.a.memory",
        "qos.a.cpus",
        "qos.a.jobs",
        "qos",
        "qos.c",
        "qos",
        "default_qos",
    ]


@pytest.mark.parametrize("time", ["24:00:00", "4:00:00", "60", "1.5", "true"])
def test_a_time_that_yaml_took_for_a_number_is_to_be_quoted(tmp_path: Path, time: str) -> None:
    (found,) = problems_of(tmp_path, f"name: a\nsource: b\nqos: {{q: {{time: {time}}}}}\n")
    assert found.startswith("qos.q.time: ") and "quote it" in found


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "[1]",
        "name: a\nname: b",
        "qos: {a: {cpus: 1, cpus: 2}}",
        "? [a]\n: b",
        "x: !!python/object:os.system 1",
        "a: 2026-99-99",
        "\x01",
        "[" * 5000,
        "",
        "default_qos: [a]",
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_what_is_no_profile_is_refused_in_words(tmp_path: Path, text: str) -> None:
    assert problems_of(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    for name, why in (("missing.yaml", "No such file"), (".", "directory"), ("latin.yaml", "not UTF-8")):
        with pytest.raises(ProfileError, match=why):
            read_profile(tmp_path / name)
