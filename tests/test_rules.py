"""Each rule of `docs/rules.md` in cases worked out by hand, for every engine."""

from __future__ import annotations

import pytest

from conftest import Engine
from tables import duties, visitors, visits


def check(engine: Engine, people: str, plan: str, expected: str, serve_out: bool = True) -> None:
    assert engine(visitors(people), duties(plan), serve_out) == visits(expected)


# Rule 1: whole seconds, closing -----------------------------------------------------------------


def test_a_hall_closes_with_its_last_duty_whichever_row_and_window_that_is(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        19      5
        20      5
        """,
        """
        window on off
        0      0  20
        1      0  10
        """,
        """
        outcome     window ticket called finished
        served      0      19     19     24
        turned_away .      .      .      .
        """,
    )


def test_a_hall_without_duties_is_closed_all_day(engine: Engine) -> None:
    check(
        engine,
        """
        hall arrival service patience
        0    0       5       .
        1    0       5       .
        1    0       5       0
        1    9       5       9
        """,
        """
        hall on off
        0    0  10
        """,
        """
        outcome     ticket called finished   hall
        served      0      0      5   0
        turned_away .      .      .   1
        turned_away .      .      .   1
        turned_away .      .      .   1
        """,
    )


def test_a_day_without_any_duty_turns_everyone_away(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        0       5
        7       5
        """,
        "on off",
        """
        outcome     ticket called finished
        turned_away .      .      .
        turned_away .      .      .
        """,
    )


def test_days_are_independent_and_rows_of_halls_may_be_mixed(engine: Engine) -> None:
    """The same three people wait only for those of their own day and hall."""
    check(
        engine,
        """
        day hall arrival service
        1   7    0       5
        0   7    0       6
        1   2    0       7
        0   7    1       5
        1   7    1       5
        1   2    1       5
        """,
        """
        day hall window on off
        0   7    3      0  99
        1   7    3      0  99
        1   2    3      0  99
        """,
        """
        outcome window ticket called finished   hall
        served  3      0      0      5   7
        served  3      0      0      6   7
        served  3      0      0      7   2
        served  3      1      6      11   7
        served  3      1      5      10   7
        served  3      1      7      12   2
        """,
    )


def test_a_hall_closed_on_one_day_is_open_on_another(engine: Engine) -> None:
    check(
        engine,
        """
        day arrival service
        0   3       5
        1   3       5
        """,
        """
        day on off
        1   0  10
        """,
        """
        outcome     ticket called finished
        turned_away .      .      .
        served      3      3      8
        """,
    )


# Rules 2 and 3: the order of things within one second -------------------------------------------


def test_a_window_that_becomes_free_is_at_once_there_for_an_arrival(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        0       5
        5       5
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  5      5      10
        """,
    )


def test_a_later_ticket_with_credit_overtakes_in_the_second_in_which_it_comes(
    engine: Engine,
) -> None:
    """At 5 the window becomes free and the third arrives; calls come after both."""
    check(
        engine,
        """
        arrival service credit
        0       5       0
        1       5       0
        5       5       10
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  1      10     15
        served  5      5      10
        """,
    )


def test_patience_that_ends_in_the_second_of_a_call_is_over_before_it(engine: Engine) -> None:
    """The window is free again at 5: patience 4 from second 1 is over, patience 5 is not."""
    check(
        engine,
        """
        arrival service patience
        0       5       .
        1       5       4
        1       5       5
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        abandoned 1      .      .
        served    1      5      10
        """,
    )


# Rule 4: tickets --------------------------------------------------------------------------------


def test_people_wait_before_the_first_duty(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        0       2
        3       2
        """,
        """
        on off
        7  99
        """,
        """
        outcome ticket called finished
        served  0      7      9
        served  3      9      11
        """,
    )


def test_an_arrival_at_closing_or_later_gets_no_ticket(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        9       1       0
        10      1       .
        10      1       0
        11      1       5
        """,
        """
        on off
        0  10
        """,
        """
        outcome     ticket called finished
        served      9      9      10
        turned_away .      .      .
        turned_away .      .      .
        turned_away .      .      .
        """,
    )


# Rule 5: calls ----------------------------------------------------------------------------------


def test_the_window_with_the_shorter_list_calls_first(engine: Engine) -> None:
    """Windows 0 `*`, 1 `x|y` and 2 `x` are idle when an x arrives."""
    check(
        engine,
        """
        arrival service item
        5       9       x
        6       9       x
        7       9       x
        """,
        """
        window items on off
        0      *     0  99
        1      x|y   0  99
        2      x     0  99
        """,
        """
        outcome window ticket called finished
        served  2      5      5      14
        served  1      6      6      15
        served  0      7      7      16
        """,
    )


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_of_equal_lists_the_duty_in_the_earlier_row_calls_first(
    engine: Engine, first: int, second: int
) -> None:
    check(
        engine,
        """
        arrival service
        5       9
        """,
        f"""
        window items on off
        {first} a 0 99
        {second} a 0 99
        """,
        f"""
        outcome window ticket called finished
        served {first} 5 5 14
        """,
    )


def test_the_length_of_the_list_is_that_of_the_duty_in_force(engine: Engine) -> None:
    """Window 0 lists x|y until 10, then x; window 1 lists x until 10, then `*`."""
    check(
        engine,
        """
        arrival service item
        5       1       x
        10      1       x
        """,
        """
        window items on off
        0      x|y   0  10
        1      x     0  10
        0      x     10 20
        1      *     10 20
        """,
        """
        outcome window ticket called finished
        served  1      5      5      6
        served  0      10     10     11
        """,
    )


def test_a_window_passes_over_those_whom_it_may_not_serve(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service item
        0       5       x
        0       5       y
        0       5       y
        0       5       x
        """,
        """
        window items on off
        0      y     0  99
        1      x     2  99
        """,
        """
        outcome window ticket called finished
        served  1      0      2      7
        served  0      0      0      5
        served  0      0      5      10
        served  1      0      7      12
        """,
    )


def test_an_item_without_a_window_waits_until_closing(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service item
        0       5       z
        0       5       x
        """,
        """
        window items on off
        0      x     0  30
        """,
        """
        outcome     window ticket called finished
        turned_away .      0      .      .
        served      0      0      0      5
        """,
    )


def test_credit_then_ticket_then_row(engine: Engine) -> None:
    """The window opens at 10.

    ticket - credit: 0, -2, 0, 0, -2; so -2 first, of these ticket 3 before 4, then the three
    with 0: tickets 0, 0, 4, the two first by row.
    """
    check(
        engine,
        """
        arrival service credit
        0       1       0
        0       1       0
        3       1       5
        4       1       4
        4       1       6
        """,
        """
        on off
        10 99
        """,
        """
        outcome ticket called finished
        served  0      12     13
        served  0      13     14
        served  3      10     11
        served  4      14     15
        served  4      11     12
        """,
    )


def test_nobody_is_put_back_for_someone_with_credit(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service credit
        0       10      0
        1       5       86400
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      10
        served  1      10     15
        """,
    )


# Rule 6: patience -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opening", "expected"), [(5, "abandoned 0 . ."), (4, "served 0 4 9"), (0, "served 0 0 5")]
)
def test_patience_five_and_a_window_that_opens(engine: Engine, opening: int, expected: str) -> None:
    check(
        engine,
        """
        arrival service patience
        0       5       5
        """,
        f"""
        on off
        {opening} 99
        """,
        f"""
        outcome ticket called finished
        {expected}
        """,
    )


def test_patience_zero_is_served_if_called_at_once_and_leaves_after_the_calls(
    engine: Engine,
) -> None:
    """Two windows, three people at second 3: the third leaves in that second.

    At 5 both windows are free in the same second, so patience 0 is enough again.
    """
    check(
        engine,
        """
        arrival service patience
        3       2       0
        3       2       0
        3       2       0
        4       2       0
        5       2       0
        """,
        """
        window on off
        0      0  99
        1      3  99
        """,
        """
        outcome   window ticket called finished
        served    0      3      3      5
        served    1      3      3      5
        abandoned .      3      .      .
        abandoned .      4      .      .
        served    0      5      5      7
        """,
    )


def test_patience_zero_can_be_called_by_a_window_that_opens_in_that_second(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        2       2       0
        3       2       0
        """,
        """
        on off
        3  99
        """,
        """
        outcome   ticket called finished
        abandoned 2      .      .
        served    3      3      5
        """,
    )


def test_patience_zero_loses_to_whoever_is_before_in_the_queue(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience credit
        0       5       .        0
        1       5       .        0
        5       5       0        0
        10      5       0        99
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        served    1      5      10
        abandoned 5      .      .
        served    10     10     15
        """,
    )


def test_service_is_not_cut_by_patience(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        0       50      1
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      50
        """,
    )


# Rule 7: the end of a duty ----------------------------------------------------------------------


def test_three_people_and_a_pause(engine: Engine) -> None:
    """The window is on duty 5-10 and 15-100."""
    check(
        engine,
        """
        arrival service
        0       5
        0       5
        0       5
        """,
        """
        on off
        5  10
        15 100
        """,
        """
        outcome ticket called finished
        served  0      5      10
        served  0      15     20
        served  0      20     25
        """,
    )


def test_an_idle_window_stops_in_the_second_in_which_its_duty_ends(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        9       1
        10      1
        """,
        """
        on off
        0  10
        20 30
        """,
        """
        outcome ticket called finished
        served  9      9      10
        served  10     20     21
        """,
    )


def test_a_busy_window_finishes_then_is_under_the_duty_in_force_then(engine: Engine) -> None:
    """The duty 0-10 at normal speed runs over to 14, the duty 12-20 at half speed has begun.

    In 12 and 13 the window is still busy.  At 14 it calls at half speed: 3 s of work take 6 s, to
    20.  At 20 the duty 20-30, items y, has begun: the x waits until 30 and is turned away, the y
    is called.
    """
    check(
        engine,
        """
        arrival service item
        0       14      x
        1       3       x
        2       4       x
        3       4       y
        """,
        """
        items on off speed
        *     0  10  100
        *     12 20  50
        y     20 30  100
        """,
        """
        outcome     ticket called finished
        served      0      0      14
        served      1      14     20
        turned_away 2      .      .
        served      3      20     24
        """,
    )


def test_a_duty_that_comes_and_goes_during_a_service_has_no_effect(engine: Engine) -> None:
    """The duty 12-14 passes while the window is busy until 16; it is on duty again at 20."""
    check(
        engine,
        """
        arrival service
        0       16
        1       5
        """,
        """
        on off speed
        0  10  100
        12 14  200
        20 30  100
        """,
        """
        outcome ticket called finished
        served  0      0      16
        served  1      20     25
        """,
    )


def test_free_in_the_second_in_which_one_duty_ends_and_the_next_begins(engine: Engine) -> None:
    """The visitor at 10 is called under the second duty, at double speed."""
    check(
        engine,
        """
        arrival service
        0       10
        0       10
        """,
        """
        on off speed
        0  10  100
        10 20  200
        """,
        """
        outcome ticket called finished
        served  0      0      10
        served  0      10     15
        """,
    )


def test_free_in_the_second_in_which_the_duty_ends_is_too_late(engine: Engine) -> None:
    """Window 0 is free at 10, when its duty ends; window 1 keeps the hall open from 12 on."""
    check(
        engine,
        """
        arrival service
        0       10
        0       10
        """,
        """
        window on off
        0      0  10
        1      12 20
        """,
        """
        outcome window ticket called finished
        served  0      0      0      10
        served  1      0      12     22
        """,
    )


@pytest.mark.parametrize(
    ("work", "speed", "seconds"),
    [(1, 100, 1), (1, 300, 1), (10, 300, 4), (9, 300, 3), (7, 90, 8), (1, 1, 100), (100, 33, 304)],
)
def test_speed_divides_the_work_and_rounds_up(
    engine: Engine, work: int, speed: int, seconds: int
) -> None:
    """Upwards: 1000/300 = 3.3 -> 4, 700/90 = 7.8 -> 8, 10000/33 = 303.03 -> 304."""
    check(
        engine,
        f"""
        arrival service
        0 {work}
        """,
        f"""
        on off speed
        0 999 {speed}
        """,
        f"""
        outcome ticket called finished
        served 0 0 {seconds}
        """,
    )


def test_rounding_up_is_exact_for_long_work(engine: Engine) -> None:
    """100,000,000,000,000,300 / 99 = 1,010,101,010,101,013.1, beyond what floats can tell apart."""
    check(
        engine,
        """
        arrival service
        0       1000000000000003
        """,
        """
        on off speed
        0  999 99
        """,
        """
        outcome ticket called finished
        served  0      0      1010101010101014
        """,
    )


# Rule 8: closing --------------------------------------------------------------------------------


def test_staying_windows_serve_the_hall_empty_in_overtime(engine: Engine) -> None:
    """Window 0 stays at 10, window 1 stopped at 9."""
    check(
        engine,
        """
        arrival service
        0       8
        0       8
        7       8
        7       8
        """,
        """
        window on off
        0      0  10
        1      0  9
        """,
        """
        outcome window ticket called finished
        served  0      0      0      8
        served  1      0      0      8
        served  0      7      8      16
        served  1      7      8      16
        """,
    )
    check(
        engine,
        """
        arrival service
        0       9
        0       9
        7       9
        7       9
        """,
        """
        window on off
        0      0  10
        1      0  9
        """,
        """
        outcome window ticket called finished
        served  0      0      0      9
        served  1      0      0      9
        served  0      7      9      18
        served  0      7      18     27
        """,
    )


def test_an_idle_window_that_stays_has_nothing_to_do_after_closing(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        5       5
        12      5
        """,
        """
        on off
        0  10
        """,
        """
        outcome     ticket called finished
        served      5      5      10
        turned_away .      .      .
        """,
    )


def test_whoever_no_staying_window_serves_is_turned_away_with_the_ticket(engine: Engine) -> None:
    """Only window 0, items x, stays at 20; y would be served by window 1, which stops at 19."""
    check(
        engine,
        """
        arrival service item
        0       20      y
        1       30      x
        2       5       y
        3       5       x
        """,
        """
        window items on off
        0      x     0  20
        1      *     0  19
        """,
        """
        outcome     window ticket called finished
        served      1      0      0      20
        served      0      1      1      31
        turned_away .      2      .      .
        served      0      3      31     36
        """,
    )


def test_an_earlier_list_of_a_staying_window_does_not_count(engine: Engine) -> None:
    """The window served everything until 2, but stays under the duty 3-10, items x.

    At 10 one y is out of patience, which comes before closing; the other is turned away.
    """
    check(
        engine,
        """
        arrival service item patience
        0       8       x    .
        0       8       y    .
        0       8       y    10
        1       8       x    .
        """,
        """
        items on off
        *     0  2
        x     3  10
        """,
        """
        outcome     ticket called finished
        served      0      0      8
        turned_away 0      .      .
        abandoned   0      .      .
        served      1      8      16
        """,
    )


def test_patience_goes_on_after_closing(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        0       20      .
        1       5       19
        2       5       19
        """,
        """
        on off
        0  10
        """,
        """
        outcome   ticket called finished
        served    0      0      20
        abandoned 1      .      .
        served    2      20     25
        """,
    )


def test_a_window_busy_from_an_earlier_duty_stays_under_the_duty_that_ends_at_closing(
    engine: Engine,
) -> None:
    """Called at 4 under the first duty (normal speed), busy through 10-20 and past closing.

    Free at 24, it stays under the duty 10-20 (half speed, items x): the x takes 3 * 2 = 6 s, the
    y was turned away at 20.
    """
    check(
        engine,
        """
        arrival service item
        4       20      x
        5       3       x
        6       3       y
        """,
        """
        items on off speed
        *     0  5   100
        x     10 20  50
        """,
        """
        outcome     ticket called finished
        served      4      4      24
        served      5      24     30
        turned_away 6      .      .
        """,
    )


def test_a_window_busy_through_closing_without_such_a_duty_stops(engine: Engine) -> None:
    """Window 1 is free at 21 but stops; window 0 stays and is free at 30."""
    check(
        engine,
        """
        arrival service
        0       30
        0       21
        1       5
        """,
        """
        window on off
        0      0  20
        1      0  19
        """,
        """
        outcome window ticket called finished
        served  0      0      0      30
        served  1      0      0      21
        served  0      1      30     35
        """,
    )


def test_all_windows_whose_duty_ends_at_closing_stay(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service
        0       12
        0       15
        1       5
        1       5
        """,
        """
        window on off
        0      0  10
        1      5  10
        2      0  5
        """,
        """
        outcome window ticket called finished
        served  0      0      0      12
        served  2      0      0      15
        served  1      1      5      10
        served  1      1      10     15
        """,
    )


def test_without_serving_out_nobody_is_called_from_closing_on(engine: Engine) -> None:
    """Window 1 becomes free exactly at closing; patience that ends at closing comes first."""
    check(
        engine,
        """
        arrival service patience
        0       15      .
        0       10      .
        1       5       .
        2       5       8
        3       5       99
        10      5       .
        """,
        """
        window on off
        0      0  10
        1      0  10
        """,
        """
        outcome     window ticket called finished
        served      0      0      0      15
        served      1      0      0      10
        turned_away .      1      .      .
        abandoned   .      2      .      .
        turned_away .      3      .      .
        turned_away .      .      .      .
        """,
        serve_out=False,
    )


def test_without_serving_out_a_call_in_the_last_second_is_good(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        0       9       .
        1       5       .
        9       5       0
        """,
        """
        on off
        0  10
        """,
        """
        outcome   ticket called finished
        served    0      0      9
        served    1      9      14
        abandoned 9      .      .
        """,
        serve_out=False,
    )


def test_nobody_comes(engine: Engine) -> None:
    check(
        engine,
        "arrival service",
        """
        on off
        0  10
        """,
        "outcome ticket called finished",
    )
