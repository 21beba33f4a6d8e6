"""Each rule of `docs/rules.md` in cases worked out by hand, for every engine."""

from __future__ import annotations

import pytest

from conftest import Engine
from tables import choices, duties, visitors, visits


def check(
    engine: Engine,
    people: str,
    plan: str,
    expected: str,
    serve_out: bool = True,
    ghost_seconds: int = 0,
    posted_service: int = 600,
) -> None:
    found = engine(
        visitors(people),
        duties(plan),
        serve_out,
        ghost_seconds=ghost_seconds,
        posted_service=posted_service,
        choices=choices(people),
    )
    assert found == visits(expected)


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


@pytest.mark.parametrize("ghost_seconds", [0, 1])
def test_a_service_may_take_a_thousand_years(engine: Engine, ghost_seconds: int) -> None:
    check(
        engine,
        """
        arrival service
        0       1000000000
        1       5
        """,
        """
        on off speed
        0  9   1
        """,
        """
        outcome ticket called       finished
        served  0      0            100000000000
        served  1      100000000000 100000000500
        """,
        ghost_seconds=ghost_seconds,
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


# Rule 9: choice of hall -------------------------------------------------------------------------


def test_the_smallest_travel_and_posted_wait_is_chosen(engine: Engine) -> None:
    """One window serves each hall, 10 s a person are posted.

    At 1, two wait in hall 0 (the first is served): 0 + 20 against 19 + 0 in hall 1.  At 2: 20
    against 21.  At 3, three wait in hall 0, and nobody has come to hall 1 yet: 30 against 29.
    """
    check(
        engine,
        """
        hall arrival service travel
        0    0       99      .
        0    0       99      .
        0    0       99      .
        0|1  1       5       0|19
        0|1  2       5       0|21
        0|1  3       5       0|29
        """,
        """
        hall window on off
        0    0      0  100
        1    1      0  100
        """,
        """
        outcome hall window ticket called finished
        served  0    0      0      0      99
        served  0    0      0      99     198
        served  0    0      0      198    297
        served  1    1      20     20     25
        served  0    0      2      297    302
        served  1    1      32     32     37
        """,
        posted_service=10,
    )


def test_equal_halls_are_chosen_in_the_order_of_naming(engine: Engine) -> None:
    """At 0 nobody waits in any hall but those who have just come to it.

    At 1 one waits in hall 0, as good as 10 s to go; then two, as good as 20 s.
    """
    check(
        engine,
        """
        hall  arrival service travel
        2|0|1 0       9       .
        0|2|1 0       9       .
        1|0   0       9       5|5
        0     0       9       .
        0|1   1       9       0|10
        1|0   1       9       20|0
        """,
        """
        hall on off
        0    0  100
        1    0  100
        2    0  100
        """,
        """
        outcome hall ticket called finished
        served  2    0      0      9
        served  0    0      0      9
        served  1    5      5      14
        served  0    0      9      18
        served  0    1      18     27
        served  1    21     21     30
        """,
        posted_service=10,
    )


def test_a_choice_counts_those_who_came_before_it_in_the_same_second(engine: Engine) -> None:
    """Calls come after all arrivals, so the first two wait when the third decides.

    Posted: 2 * 10 in hall 0, 2 * 10 // 2 in hall 1 after rows 2 and 3; the windows of the hall count.
    """
    check(
        engine,
        """
        hall arrival service
        0|1  0       9
        0|1  0       9
        0|1  0       9
        0|1  0       9
        0|1  0       9
        """,
        """
        hall window on off
        0    0      0  100
        1    1      0  100
        1    2      0  100
        """,
        """
        outcome hall window ticket called finished
        served  0    0      0      0      9
        served  1    1      0      0      9
        served  1    2      0      0      9
        served  0    0      0      9      18
        served  1    1      0      9      18
        """,
        posted_service=10,
    )


def test_a_posted_wait_is_rounded_down(engine: Engine) -> None:
    """One waits, three windows serve it: 10 // 3 = 3, so 3 s away is a tie and 2 s away is nearer."""
    check(
        engine,
        """
        hall arrival service travel item
        0    0       50      .      a
        0    0       50      .      a
        0    0       50      .      a
        0    0       50      .      a
        0|1  1       5       0|2    a
        0|1  1       5       0|3    a
        """,
        """
        hall window on off
        0    0      0  100
        0    1      0  100
        0    2      0  100
        1    3      0  100
        """,
        """
        outcome hall window ticket called finished
        served  0    0      0      0      50
        served  0    1      0      0      50
        served  0    2      0      0      50
        served  0    0      0      50     100
        served  1    3      3      3      8
        served  0    1      1      50     55
        """,
        posted_service=10,
    )


def test_only_duties_in_force_that_serve_the_item_shorten_the_posted_wait(engine: Engine) -> None:
    """Hall 0 at 10, one b waiting: two duties end at 10, one begins there, one lists only b.

    So an `a` divides by 1, though in hall 0 it has nobody before it, and goes to hall 1 over 9 s;
    the `b` divides by 2 and stays.
    """
    check(
        engine,
        """
        hall arrival service travel item
        0    0       30      .      b
        0    0       30      .      b
        0    0       30      .      b
        0    0       30      .      b
        0|1  10      5       0|9    a
        0|1  10      5       0|9    b
        """,
        """
        hall window items on off
        0    0      *     0  10
        0    1      *     0  10
        0    2      *     10 100
        0    3      b     0  100
        1    4      *     0  100
        """,
        """
        outcome hall window ticket called finished
        served  0    3      0      0      30
        served  0    0      0      0      30
        served  0    1      0      0      30
        served  0    2      0      10     40
        served  1    4      19     19     24
        served  0    3      10     30     35
        """,
        posted_service=10,
    )


def test_without_a_duty_in_force_the_posted_wait_is_that_of_one_window(engine: Engine) -> None:
    """Before opening, and for an item that nobody serves."""
    check(
        engine,
        """
        hall arrival service travel item
        0    0       5       .      a
        0|1  1       5       0|9    a
        0|1  1       5       0|10   b
        """,
        """
        hall window items on off
        0    0      a     9  20
        0    1      a     9  20
        1    2      a     30 40
        """,
        """
        outcome     hall window ticket called finished
        served      0    0      0      9      14
        served      1    2      10     30     35
        turned_away 0    .      1      .      .
        """,
        posted_service=10,
    )


def test_halls_already_closed_are_no_candidates_unless_all_are(engine: Engine) -> None:
    """Hall 0 closes at 10, hall 1 at 20, hall 2 has no duties and is closed all day."""
    check(
        engine,
        """
        hall  arrival service travel
        2|0|1 9       5       0|1|1
        2|0|1 10      5       0|0|5
        2|0   10      5       7|7
        0|1|2 20      5       1|0|0
        """,
        """
        hall window on off
        0    0      0  10
        1    1      0  20
        """,
        """
        outcome     hall window ticket called finished
        turned_away 0    .      .      .      .
        served      1    1      15     15     20
        turned_away 2    .      .      .      .
        turned_away 1    .      .      .      .
        """,
    )


def test_among_closed_halls_those_who_still_wait_there_count(engine: Engine) -> None:
    """At 5 hall 0 is in overtime with one waiting, hall 1 is empty; both are closed."""
    check(
        engine,
        """
        hall arrival service travel
        0    0       9       .
        0    0       9       .
        0|1  5       5       0|9
        0|1  5       5       0|10
        """,
        """
        hall on off
        0    0  3
        1    0  3
        """,
        """
        outcome     hall ticket called finished
        served      0    0      0      9
        served      0    0      9      18
        turned_away 1    .      .      .
        turned_away 0    .      .      .
        """,
        posted_service=10,
    )


def test_staying_does_not_count_as_a_duty_in_force(engine: Engine) -> None:
    """In overtime three windows stay in hall 0, but two people waiting are posted as 20 s."""
    check(
        engine,
        """
        hall arrival service travel
        0    0       9       .
        0    0       9       .
        0    0       9       .
        0    0       9       .
        0    0       9       .
        0|1  5       5       0|19
        """,
        """
        hall window on off
        0    0      0  3
        0    1      0  3
        0    2      0  3
        1    3      0  3
        """,
        """
        outcome     hall window ticket called finished
        served      0    0      0      0      9
        served      0    1      0      0      9
        served      0    2      0      0      9
        served      0    0      0      9      18
        served      0    1      0      9      18
        turned_away 1    .      .      .      .
        """,
        posted_service=10,
    )


def test_people_on_their_way_do_not_wait_and_arrive_in_row_order(engine: Engine) -> None:
    """Three set out at 0, 3 and 4 and come at 5, with the others; the rows decide.

    Row 2 finds two people waiting, row 3 three, and row 4 the same three.
    """
    check(
        engine,
        """
        hall arrival service travel balk_at
        0|1  0       4       5|9    .
        0|1  3       4       2|9    .
        0    5       4       .      3
        0    5       4       .      3
        0|1  4       4       1|9    4
        """,
        """
        hall on off
        0    0  99
        1    0  99
        """,
        """
        outcome hall ticket called finished
        served  0    5      5      9
        served  0    5      9      13
        served  0    5      13     17
        balked  0    .      .      .
        served  0    5      17     21
        """,
    )


def test_patience_and_closing_count_from_the_arrival_in_the_hall(engine: Engine) -> None:
    check(
        engine,
        """
        hall arrival service travel patience
        0|1  0       9       5|9    .
        0|1  2       9       5|9    7
        0|1  2       9       5|9    8
        0|1  15      9       5|9    .
        """,
        """
        hall on off
        0    0  20
        1    0  20
        """,
        """
        outcome     hall ticket called finished
        served      0    5      5      14
        abandoned   0    7      .      .
        served      0    7      14     23
        turned_away 0    .      .      .
        """,
        posted_service=0,
    )


def test_someone_who_leaves_after_the_calls_counts_for_a_choice_in_that_second(
    engine: Engine,
) -> None:
    """Patience 0 in hall 0: at 1 it still waits when the next decides; at 2 it does not."""
    check(
        engine,
        """
        hall arrival service patience
        0    0       9       .
        0    1       9       0
        0|1  1       9       .
        0|1  2       9       .
        """,
        """
        hall on off
        0    0  99
        1    0  99
        """,
        """
        outcome   hall ticket called finished
        served    0    0      0      9
        abandoned 0    1      .      .
        served    1    1      1      10
        served    0    2      9      18
        """,
    )


# Rule 10: ghosts --------------------------------------------------------------------------------


def test_a_window_waits_for_someone_who_has_left(engine: Engine) -> None:
    """The second left at 4, its turn is at 10: the window is busy until 13.  The third left too."""
    people = """
        arrival service patience
        0       10      .
        1       5       3
        2       5       .
        3       5       20
        4       5       .
        """
    plan = """
        on off
        0  99
        """
    check(
        engine,
        people,
        plan,
        """
        outcome   ticket called finished
        served    0      0      10
        abandoned 1      .      .
        served    2      13     18
        served    3      18     23
        served    4      23     28
        """,
        ghost_seconds=3,
    )
    check(
        engine,
        people,
        plan,
        """
        outcome   ticket called finished
        served    0      0      10
        abandoned 1      .      .
        served    2      21     26
        abandoned 3      .      .
        served    4      37     42
        """,
        ghost_seconds=11,
    )
    check(
        engine,
        people,
        plan,
        """
        outcome   ticket called finished
        served    0      0      10
        abandoned 1      .      .
        served    2      10     15
        served    3      15     20
        served    4      20     25
        """,
    )


def test_a_ghost_has_the_turn_and_the_item_of_the_visitor(engine: Engine) -> None:
    """At 10 the ghost y with credit 5 comes first (2 - 5 = -3) at window 0; window 1 is for x."""
    check(
        engine,
        """
        arrival service patience credit item
        0       10      .        0      x
        0       10      .        0      y
        1       5       .        0      x
        2       5       1        5      y
        2       5       .        0      y
        """,
        """
        window items on off
        0      *     0  99
        1      x     0  99
        """,
        """
        outcome   window ticket called finished
        served    1      0      0      10
        served    0      0      0      10
        served    1      1      10     15
        abandoned .      2      .      .
        served    0      2      14     19
        """,
        ghost_seconds=4,
    )


def test_each_ghost_is_called_once_and_by_one_window_at_normal_speed(engine: Engine) -> None:
    """Both windows are free at 10; the ghost of row 2 keeps window 0 (double speed) until 14."""
    check(
        engine,
        """
        arrival service patience
        0       20      .
        0       10      .
        1       5       3
        2       5       .
        3       6       .
        """,
        """
        window on off speed
        0      0  99  200
        1      0  99  100
        """,
        """
        outcome   window ticket called finished
        served    0      0      0      10
        served    1      0      0      10
        abandoned .      1      .      .
        served    1      2      10     15
        served    0      3      14     17
        """,
        ghost_seconds=4,
    )


def test_patience_that_ends_in_the_second_of_a_call_leaves_a_ghost_to_that_call(
    engine: Engine,
) -> None:
    check(
        engine,
        """
        arrival service patience
        0       10      .
        1       5       9
        2       5       .
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      10
        abandoned 1      .      .
        served    2      12     17
        """,
        ghost_seconds=2,
    )


def test_patience_zero_leaves_a_ghost(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service patience
        0       5       .
        1       5       0
        2       5       .
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        abandoned 1      .      .
        served    2      7      12
        """,
        ghost_seconds=2,
    )


def test_a_window_that_opens_calls_the_ghosts_first(engine: Engine) -> None:
    """Windows open at 9 and 10; the two who left before are called at 9 and 10."""
    check(
        engine,
        """
        arrival service patience
        0       5       1
        1       5       2
        2       5       .
        3       5       .
        """,
        """
        window on off
        0      9  99
        1      10 99
        """,
        """
        outcome   window ticket called finished
        abandoned .      0      .      .
        abandoned .      1      .      .
        served    0      2      12     17
        served    1      3      13     18
        """,
        ghost_seconds=3,
    )


def test_a_window_that_waits_for_a_ghost_past_its_duty_is_then_under_the_next(
    engine: Engine,
) -> None:
    """Busy with the ghost 8-14 through the end at 10; at 14 under the duty at half speed."""
    check(
        engine,
        """
        arrival service patience
        0       8       .
        1       5       3
        2       5       .
        """,
        """
        on off speed
        0  10  100
        12 99  50
        """,
        """
        outcome   ticket called finished
        served    0      0      8
        abandoned 1      .      .
        served    2      14     24
        """,
        ghost_seconds=6,
    )


def test_ghosts_do_not_count_as_waiting(engine: Engine) -> None:
    """At 10 there are a ghost and one waiting person in hall 0: no reason to balk at 2, or to go."""
    check(
        engine,
        """
        hall arrival service patience balk_at travel
        0    0       20      .        .       .
        0    1       5       3        .       .
        0    1       5       .        .       .
        0    10      5       .        2       .
        0|1  10      5       .        .       0|20
        0|1  10      5       .        .       0|29
        0    10      5       .        3       .
        """,
        """
        hall on off
        0    0  99
        1    0  99
        """,
        """
        outcome   hall ticket called finished
        served    0    0      0      20
        abandoned 0    1      .      .
        served    0    1      22     27
        served    0    10     27     32
        served    0    10     32     37
        served    1    39     39     44
        balked    0    .      .      .
        """,
        ghost_seconds=2,
        posted_service=10,
    )


@pytest.mark.parametrize(
    ("work", "third", "fourth"),
    [(19, "served 2 22 27", "served 3 27 32"), (20, "served 2 20 25", "served 3 25 30")],
)
def test_ghosts_are_called_before_closing_and_not_from_then_on(
    engine: Engine, work: int, third: str, fourth: str
) -> None:
    """Closing is 20: free at 19, the window waits for the ghost; free at 20, it does not."""
    check(
        engine,
        f"""
        arrival service patience
        0       {work}  .
        1       5       1
        2       5       .
        3       5       .
        4       5       3
        """,
        """
        on off
        0  20
        """,
        f"""
        outcome   ticket called finished
        served    0      0      {work}
        abandoned 1      .      .
        {third}
        {fourth}
        abandoned 4      .      .
        """,
        ghost_seconds=3,
    )


def test_whoever_leaves_in_overtime_is_no_ghost(engine: Engine) -> None:
    """Patience that ends in the second of closing, and in overtime."""
    check(
        engine,
        """
        arrival service patience
        0       20      .
        1       5       9
        2       5       16
        3       5       .
        """,
        """
        on off
        0  10
        """,
        """
        outcome   ticket called finished
        served    0      0      20
        abandoned 1      .      .
        abandoned 2      .      .
        served    3      20     25
        """,
        ghost_seconds=3,
    )


def test_balked_and_turned_away_people_are_no_ghosts(engine: Engine) -> None:
    """The second balks, the third has no ticket; the y is turned away at 10 while x are served."""
    check(
        engine,
        """
        arrival service balk_at item
        0       5       .       x
        1       12      .       x
        1       5       1       x
        2       5       .       y
        3       5       .       x
        10      5       .       x
        """,
        """
        items on off
        x     0  10
        """,
        """
        outcome     ticket called finished
        served      0      0      5
        served      1      5      17
        balked      .      .      .
        turned_away 2      .      .
        served      3      17     22
        turned_away .      .      .
        """,
        ghost_seconds=3,
    )


# Rule 11: balking -------------------------------------------------------------------------------


def test_balking_counts_who_waits_and_not_who_is_served(engine: Engine) -> None:
    """At 1 nobody waits; at 2 the one of 1 does; at 6 it has been called, the one of 3 waits."""
    check(
        engine,
        """
        arrival service balk_at
        0       6       1
        1       6       1
        2       6       1
        3       6       2
        6       6       1
        7       6       2
        7       6       1000000000
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      6
        served  1      6      12
        balked  .      .      .
        served  3      12     18
        balked  .      .      .
        served  7      18     24
        served  7      24     30
        """,
    )


def test_balking_comes_before_the_calls_of_the_second(engine: Engine) -> None:
    """Two windows are idle, and still the second of two who come together finds one waiting.

    At 5 a service ends, but the one who waits is not called yet.
    """
    check(
        engine,
        """
        arrival service balk_at
        0       5       1
        0       9       1
        0       9       2
        1       9       .
        5       9       1
        6       9       1
        """,
        """
        window on off
        0      0  99
        1      0  99
        """,
        """
        outcome window ticket called finished
        served  0      0      0      5
        balked  .      .      .      .
        served  1      0      0      9
        served  0      1      5      14
        balked  .      .      .      .
        served  1      6      9      18
        """,
    )


def test_balking_counts_everyone_in_the_hall_whatever_the_item(engine: Engine) -> None:
    check(
        engine,
        """
        hall arrival service item balk_at
        0    0       5       y    .
        1    0       5       y    .
        0    1       5       x    1
        1    1       5       x    2
        """,
        """
        hall items on off
        0    x     0  9
        1    x     0  9
        """,
        """
        outcome     hall ticket called finished
        turned_away 0    0      .      .
        turned_away 1    0      .      .
        balked      0    .      .      .
        served      1    1      1      6
        """,
    )


def test_whoever_has_lost_patience_in_that_second_is_gone_unless_it_is_zero(
    engine: Engine,
) -> None:
    """At 5 the patience of the second is over, before arrivals; patience 0 is over after the calls."""
    check(
        engine,
        """
        arrival service patience balk_at
        0       9       .        .
        1       9       4        .
        4       9       .        1
        5       9       0        1
        5       9       .        1
        6       9       .        1
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      9
        abandoned 1      .      .
        balked    .      .      .
        abandoned 5      .      .
        balked    .      .      .
        served    6      9      18
        """,
    )


def test_closing_comes_before_balking(engine: Engine) -> None:
    check(
        engine,
        """
        arrival service balk_at
        0       20      .
        1       5       .
        9       5       1
        10      5       1
        """,
        """
        on off
        0  10
        """,
        """
        outcome     ticket called finished
        served      0      0      20
        served      1      20     25
        balked      .      .      .
        turned_away .      .      .
        """,
    )


# Rule 12: stages --------------------------------------------------------------------------------


def test_the_next_stage_takes_its_ticket_where_and_when_the_one_before_ends(engine: Engine) -> None:
    """Served until 5, then 3 s to the next counter; the third stage follows at once.

    Hall and arrival of later stages mean nothing.
    """
    check(
        engine,
        """
        visit stage hall arrival walk item service
        7     1     2    0       99   x    5
        7     2     .    .       3    y    4
        7     3     5    1       0    x    2
        """,
        """
        hall window items on off
        2    0      x     0  99
        2    1      y     0  99
        5    2      *     0  99
        """,
        """
        outcome hall window ticket called finished
        served  2    0      0      0      5
        served  2    1      8      8      12
        served  2    0      12     12     14
        """,
    )


def test_the_hall_in_the_row_of_a_later_stage_means_nothing(engine: Engine) -> None:
    """Each item has its window in hall 0; z waits when x comes again."""
    check(
        engine,
        """
        visit stage hall arrival item service
        0     1     0    0       x    5
        1     1     0    1       z    5
        0     2     1    .       y    5
        """,
        """
        hall window items on off
        0    0      x     0  99
        0    1      z     50 99
        0    2      y     60 99
        """,
        """
        outcome hall window ticket called finished
        served  0    0      0      0      5
        served  0    1      1      50     55
        served  0    2      5      60     65
        """,
    )


def test_a_stage_waits_like_anybody_else(engine: Engine) -> None:
    """The next stage of the first is due at 5, with ticket 5: after the one of 4.

    At 5 the window is free and calls row 1 (ticket 4); at 10 the stage's ticket 5 with credit 2 is
    before the ticket 4 of row 3.
    """
    check(
        engine,
        """
        visit stage arrival walk service credit
        0     1     0       0    5       0
        1     1     2       0    5       0
        0     2     .       0    5       2
        2     1     4       0    5       0
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  2      5      10
        served  5      10     15
        served  4      15     20
        """,
    )


def test_stages_and_arrivals_of_one_second_are_in_row_order(engine: Engine) -> None:
    """Three are due at 5: the stage in row 2 is after row 1 and before row 3, also in balking."""
    check(
        engine,
        """
        visit stage arrival walk service balk_at
        0     1     0       0    5       .
        1     1     5       0    5       1
        0     2     .       0    5       2
        2     1     5       0    5       3
        3     1     5       0    5       3
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  5      5      10
        served  5      10     15
        served  5      15     20
        balked  .      .      .
        """,
    )


def test_rows_of_a_visit_need_not_stand_together(engine: Engine) -> None:
    """Both second stages are due at 5, the one of visit 9 in the earlier row."""
    check(
        engine,
        """
        visit stage arrival walk service
        4     1     0       0    5
        9     1     0       1    4
        9     2     .       1    5
        4     2     .       0    5
        9     3     .       0    1
        """,
        """
        window on off
        0      0  4
        1      0  99
        0      5  99
        """,
        """
        outcome window ticket called finished
        served  0      0      0      5
        served  1      0      0      4
        served  1      5      5      10
        served  0      5      5      10
        served  1      10     10     11
        """,
    )


@pytest.mark.parametrize(
    ("fate", "happens"),
    [
        ("1 .", "abandoned 1 . ."),
        ("0 .", "abandoned 1 . ."),
        (". 1", "balked . . ."),
    ],
)
def test_after_any_other_outcome_the_later_stages_are_void(
    engine: Engine, fate: str, happens: str
) -> None:
    """Two before: row 0 is served until 9, row 1 waits."""
    check(
        engine,
        f"""
        visit stage arrival service patience balk_at
        0     1     0       9       .        .
        1     1     0       9       .        .
        2     1     1       5       {fate}
        2     2     .       5       .        .
        2     3     .       5       .        .
        """,
        """
        on off
        0  99
        """,
        f"""
        outcome ticket called finished
        served  0      0      9
        served  0      9      18
        {happens}
        void    .      .      .
        void    .      .      .
        """,
    )


def test_stages_of_visits_that_are_turned_away_are_void(engine: Engine) -> None:
    """With a ticket at closing, in a hall closed all day, and after closing in a chosen hall."""
    check(
        engine,
        """
        visit stage hall arrival item service travel
        0     1     3    0       y    5       .
        0     2     .    .       x    5       .
        1     1     4    0       x    5       .
        1     2     0    .       x    5       .
        2     1     4|3  8       x    5       0|2
        2     2     .    .       x    5       .
        """,
        """
        hall items on off
        3    x     0  10
        """,
        """
        outcome     hall ticket called finished
        turned_away 3    0      .      .
        void        3    .      .      .
        turned_away 4    .      .      .
        void        4    .      .      .
        turned_away 3    .      .      .
        void        3    .      .      .
        """,
    )


def test_a_visit_that_fails_in_the_middle(engine: Engine) -> None:
    check(
        engine,
        """
        visit stage arrival walk service patience
        0     1     0       0    5       .
        0     2     .       2    5       1
        0     3     .       0    5       .
        1     1     1       0    9       .
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        abandoned 7      .      .
        void      .      .      .
        served    1      5      14
        """,
    )


def test_later_stages_may_balk_and_are_counted(engine: Engine) -> None:
    """Due at 5 in row order: visit 0 finds rows 2 and 3 waiting; row 4 finds these two as well."""
    check(
        engine,
        """
        visit stage arrival service balk_at
        0     1     0       5       .
        1     1     1       5       .
        2     1     1       5       .
        0     2     .       5       2
        3     1     5       5       3
        1     2     .       5       3
        """,
        """
        on off
        0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  1      5      10
        served  1      10     15
        balked  .      .      .
        served  5      15     20
        served  10     20     25
        """,
    )


def test_later_stages_go_to_the_chosen_hall(engine: Engine) -> None:
    """Hall 1 is chosen at 1; that hall 0 is empty at 12 makes no difference."""
    check(
        engine,
        """
        visit stage hall arrival service travel walk
        0     1     0    0       9       .      .
        1     1     0    0       9       .      .
        2     1     0|1  1       4       0|2    0
        2     2     0|1  1       4       0|2    5
        """,
        """
        hall on off
        0    0  99
        1    0  99
        """,
        """
        outcome hall ticket called finished
        served  0    0      0      9
        served  0    0      9      18
        served  1    3      3      7
        served  1    12     12     16
        """,
    )


def test_patience_zero_of_a_stage_is_enough_at_the_window_that_has_just_become_free(
    engine: Engine,
) -> None:
    check(
        engine,
        """
        visit stage arrival walk service patience
        0     1     0       0    5       .
        0     2     .       0    5       0
        0     3     .       1    5       0
        1     1     10      0    5       .
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        served    5      5      10
        abandoned 11     .      .
        served    10     10     15
        """,
    )


def test_a_stage_after_closing_takes_a_ticket_if_a_staying_window_serves_it(
    engine: Engine,
) -> None:
    """Window 0 (x) stays at 10, window 1 (*) stops at 9.

    Visit 0: y due at 10, no ticket.  Visit 1: x due at 12, when the hall is empty and window 0 has
    stood idle since 9; then a y.  Visit 2 comes at 10 for the first time.
    """
    check(
        engine,
        """
        visit stage arrival walk item service
        0     1     2       0    x    7
        0     2     .       1    y    5
        0     3     .       0    x    5
        1     1     3       0    y    7
        1     2     .       2    x    3
        1     3     .       0    y    3
        2     1     10      0    x    5
        """,
        """
        window items on off
        0      x     0  10
        1      *     0  9
        """,
        """
        outcome     window ticket called finished
        served      0      2      2      9
        turned_away .      .      .      .
        void        .      .      .      .
        served      1      3      3      10
        served      0      12     12     15
        turned_away .      .      .      .
        turned_away .      .      .      .
        """,
    )


def test_in_the_second_of_closing_whoever_will_be_turned_away_still_waits(
    engine: Engine,
) -> None:
    """At 10 a y waits in hall 0: a stage with balk_at 1 leaves, with 2 stays; a choice counts both.

    So 20 s are posted in hall 0, which is further than 19 s.
    """
    check(
        engine,
        """
        visit stage hall arrival item service balk_at travel
        0     1     0    0       x    10      .       .
        1     1     0    0       x    10      .       .
        2     1     0    3       y    5       .       .
        0     2     0    .       x    5       1       .
        1     2     0    .       x    5       2       .
        3     1     0|1  10      x    5       .       0|19
        """,
        """
        hall window items on off
        0    0      x     0  10
        0    1      x     0  10
        1    2      *     0  5
        """,
        """
        outcome     hall window ticket called finished
        served      0    0      0      0      10
        served      0    1      0      0      10
        turned_away 0    .      3      .      .
        balked      0    .      .      .      .
        served      0    0      10     10     15
        turned_away 1    .      .      .      .
        """,
        posted_service=10,
    )


def test_staying_windows_stay_for_stages_that_come_much_later(engine: Engine) -> None:
    """The window, busy at 10 under an earlier duty, stays under `x`; the hall is empty 12-1000."""
    check(
        engine,
        """
        visit stage arrival walk item service
        0     1     2       0    y    10
        0     2     .       988  x    5
        0     3     .       0    y    5
        """,
        """
        items on off
        *     0  5
        x     6  10
        """,
        """
        outcome     ticket called finished
        served      2      2      12
        served      1000   1000   1005
        turned_away .      .      .
        """,
    )


def test_a_stage_that_comes_before_closing_and_is_not_served_there(engine: Engine) -> None:
    """Its ticket is from 9; at 10 nobody who stays serves y."""
    check(
        engine,
        """
        visit stage arrival walk item service
        0     1     2       3    x    4
        0     2     .       0    y    5
        """,
        """
        window items on off
        0      x     0  10
        """,
        """
        outcome     ticket called finished
        served      2      2      6
        turned_away 6      .      .
        """,
    )


def test_patience_and_balking_in_overtime(engine: Engine) -> None:
    """Window 0 stays, busy 10-19.  At 12 two stages are due, and the second finds one waiting.

    The last is due at 15 and leaves at 19, before the calls.
    """
    check(
        engine,
        """
        visit stage arrival walk service patience balk_at
        0     1     0       .    10      .        .
        1     1     0       .    10      .        .
        2     1     0       .    10      .        .
        3     1     0       .    10      .        .
        0     2     .       0    9       .        .
        1     2     .       2    9       .        1
        2     2     .       2    9       .        1
        3     2     .       5    9       4        2
        """,
        """
        window on off
        0      0  10
        1      0  9
        2      0  9
        3      0  9
        """,
        """
        outcome   window ticket called finished
        served    0      0      0      10
        served    1      0      0      10
        served    2      0      0      10
        served    3      0      0      10
        served    0      10     10     19
        served    0      12     19     28
        balked    .      .      .      .
        abandoned .      15     .      .
        """,
    )


def test_without_serving_out_a_stage_from_closing_on_is_turned_away(engine: Engine) -> None:
    """Visit 0 goes on at 9, in time; visit 1 at 10; visit 2 waits at closing."""
    check(
        engine,
        """
        visit stage arrival walk service
        0     1     0       0    9
        0     2     .       0    5
        0     3     .       0    5
        1     1     0       0    9
        1     2     .       1    5
        2     1     9       0    5
        2     2     .       0    5
        3     1     9       0    5
        3     2     .       0    5
        """,
        """
        window on off
        0      0  10
        1      0  10
        """,
        """
        outcome     window ticket called finished
        served      0      0      0      9
        served      0      9      9      14
        turned_away .      .      .      .
        served      1      0      0      9
        turned_away .      .      .      .
        served      1      9      9      14
        turned_away .      .      .      .
        turned_away .      9      .      .
        void        .      .      .      .
        """,
        serve_out=False,
    )


def test_a_lost_stage_leaves_a_ghost_and_void_stages_do_not(engine: Engine) -> None:
    """The stage of row 1 leaves at 7; its ghost keeps the window 14-16."""
    check(
        engine,
        """
        visit stage arrival walk service patience
        0     1     0       0    5       .
        0     2     .       0    5       2
        0     3     .       0    5       .
        1     1     1       0    9       .
        2     1     6       0    5       .
        """,
        """
        on off
        0  99
        """,
        """
        outcome   ticket called finished
        served    0      0      5
        abandoned 5      .      .
        void      .      .      .
        served    1      5      14
        served    6      16     21
        """,
        ghost_seconds=2,
    )


def test_visit_numbers_are_of_their_day(engine: Engine) -> None:
    check(
        engine,
        """
        day visit stage arrival walk service
        0   5     1     0       0    5
        1   5     1     0       0    6
        0   5     2     .       1    5
        1   5     2     .       1    6
        """,
        """
        day window on off
        0   0      0  99
        1   0      0  99
        """,
        """
        outcome ticket called finished
        served  0      0      5
        served  0      0      6
        served  6      6      11
        served  7      7      13
        """,
    )
