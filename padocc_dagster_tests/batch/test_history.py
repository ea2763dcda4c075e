"""What jobs used, as text in a tag."""

import pytest

from padocc_dagster.batch.history import clock, print_used, read_used


@pytest.mark.parametrize("elapsed", [None, 0, 59, 3600, 93_784])
@pytest.mark.parametrize("peak", [None, 1, 1023, 1024, 1_500_000])
def test_what_was_used_is_read_as_it_was_printed(elapsed: int | None, peak: int | None) -> None:
    assert read_used(print_used(elapsed, peak)) == (elapsed, peak)


def test_what_was_used_is_text_for_a_person() -> None:
    assert print_used(62, 512) == "elapsed=00:01:02 peak=512M"
    assert print_used(None, 0) == "not known" and read_used("not known") == read_used("") == (None, None)
    assert clock(26 * 3600 + 190) == "26:03:10"
