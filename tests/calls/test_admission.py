"""Who is let in, and why somebody is not."""

import pytest

from calls.admission import FDS_PER_CALL, MEMORY_SHARE, SPARE_FDS, Admission, Guest, Limits, Means, Reason

ANNE, BEN, NOBODY = Guest("sales", "1555001"), Guest("support", "1555002"), Guest("support")
MANY = Limits(100)
PLENTY = Means(1000, 0.1)


def reason(
    admission: Admission,
    guest: Guest = ANNE,
    here: tuple[Guest, ...] = (),
    limits: Limits = MANY,
    means: Means = PLENTY,
    *,
    now: float = 10.0,
    announced: bool = False,
) -> Reason | None:
    refusal = admission.refusal(guest, here, limits, means, now=now, announced=announced)
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    ("guest", "here", "limits", "means", "why"),
    [
        (ANNE, (), Limits(0), PLENTY, "max_calls"),
        (ANNE, (BEN,), Limits(1), PLENTY, "max_calls"),
        (ANNE, (BEN,), Limits(2), PLENTY, None),
        (ANNE, (ANNE, BEN), Limits(9, of_route=1), PLENTY, "max_calls_of_route"),
        (ANNE, (BEN, BEN), Limits(9, of_route=1), PLENTY, None),
        (ANNE, (), Limits(9, of_route=0), PLENTY, "max_calls_of_route"),
        (BEN, (BEN,), Limits(9, per_caller=1), PLENTY, "max_calls_per_caller"),
        (ANNE._replace(route="support"), (ANNE,), Limits(9, per_caller=1), PLENTY, "max_calls_per_caller"),
        (BEN, (BEN,), Limits(9, per_caller=2), PLENTY, None),
        (NOBODY, (NOBODY, NOBODY), Limits(9, per_caller=1), PLENTY, None),
        (ANNE, (), MANY, Means(SPARE_FDS + FDS_PER_CALL, 0), None),
        (ANNE, (), MANY, Means(SPARE_FDS + FDS_PER_CALL - 1, 0), "file_descriptors"),
        (ANNE, (), MANY, Means(None, MEMORY_SHARE), "memory"),
        (ANNE, (), MANY, Means(None, MEMORY_SHARE - 0.01), None),
        (ANNE, (), MANY, Means(), None),
    ],
)
def test_each_limit_refuses_the_call_that_is_one_too_many(
    guest: Guest, here: tuple[Guest, ...], limits: Limits, means: Means, why: Reason | None
) -> None:
    assert reason(Admission(), guest, here, limits, means) == why


def test_a_refusal_says_what_to_do() -> None:
    refusal = Admission().refusal(ANNE, [], MANY, Means(3, 0.0), now=0.0)
    assert refusal
    assert refusal.message.startswith("3 file descriptors are left: raise the limit")


def test_within_any_second_no_more_calls_begin_than_may() -> None:
    admission, limits = Admission(), Limits(1000, per_s=3)
    let_in: list[float] = []
    for step in range(1000):
        now = step * 0.01
        if reason(admission, limits=limits, now=now) is None:
            admission.begun(now)
            let_in.append(now)
    assert len(let_in) == 30
    assert all(after - before >= 1.0 for before, after in zip(let_in, let_in[3:], strict=False))


def test_a_call_that_we_have_placed_has_had_its_turn_before() -> None:
    admission, limits = Admission(), Limits(9, per_s=1)
    admission.begun(10.0)
    assert reason(admission, limits=limits) == "max_calls_per_s"
    assert reason(admission, limits=limits, announced=True) is None


def test_calls_of_late_have_not_opened_their_sockets_yet() -> None:
    admission, means = Admission(), Means(SPARE_FDS + 2 * FDS_PER_CALL)
    admission.begun(10.0)
    assert reason(admission, means=means, now=10.5) is None
    admission.begun(10.5)
    assert reason(admission, means=means, now=10.5) == "file_descriptors"
    assert reason(admission, means=means, now=11.1) is None


def test_a_place_is_kept_for_who_is_coming_and_given_up_when_they_fail() -> None:
    admission, limits = Admission(), Limits(2)

    def fail() -> None:
        with admission.coming(ANNE):
            raise RuntimeError

    with admission.coming(ANNE):
        with admission.coming(ANNE):
            assert reason(admission, BEN, limits=limits) == "max_calls"
            assert reason(admission, ANNE, limits=Limits(9, of_route=2)) == "max_calls_of_route"
        assert reason(admission, BEN, limits=limits) is None
        with pytest.raises(RuntimeError):
            fail()
        assert reason(admission, BEN, limits=limits) is None
    assert reason(admission, BEN, limits=Limits(1)) is None
