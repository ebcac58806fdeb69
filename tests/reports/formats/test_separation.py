"""The comparison of two rows on 80 columns."""

from __future__ import annotations

import json

from evenhand.suite.two_rows import two_rows
from evenhand_reports import Separated
from tests.records import make_record
from tests.reports.board.test_separation import FAR, NEAR, Shelf, recall, records, suite

LONG = {"digits": {"profile": {"grid": ["exp", "step"]}, "ratio": 10, "n_max": 100}}


def shown(means=FAR, *, most=8, given=None, **made):
    rows = two_rows(given or suite(), ("vs", "la"), most)
    return Separated.of(rows, Shelf(records(rows, means, **made)))


def test_the_difference_its_interval_and_the_bound_are_printed():
    text = str(shown())
    assert "VS − LA  balanced accuracy in percent, higher is better" in text
    assert "VS is better" in text
    assert f"p ≤ {shown().separation.test.bound:.3g}" in text
    assert "is biased away from 0" in text
    assert "need not be equal" not in text


def test_rows_that_are_not_separated_are_not_called_equal():
    text = str(shown(NEAR))
    assert "not separated" in text
    assert "Rows that are not separated need not be equal" in text
    assert "is biased" not in text


def test_every_line_fits_on_80_columns_also_with_long_names():
    text = str(shown(NEAR, given=suite(problems=[LONG]), status={("la", 5): "diverged"}))
    assert max(map(len, text.splitlines())) <= 80
    assert "(Bonferroni)" in text
    assert "the looks end before seed 5, at which LA has no score (diverged" in " ".join(
        text.split()
    )


def test_a_look_has_its_numbers_in_the_frame_as_fractions():
    frame = shown().to_frame()
    assert frame.loc[0, "verdict"] == "separated"
    assert frame.loc[0, "better"] == "VS"
    assert frame.loc[0, "low"] > 0.05
    assert frame.loc[0, "looks"] == frame.loc[0, "seeds"] - 2
    json.dumps(shown(seeds=0).to_lines())


def test_equal_differences_have_the_p_value_of_the_sign_test():
    rows = two_rows(suite(), ("vs", "la"), 5)
    kept = [
        make_record(trial=t, accuracy=0.5 + 0.25 * (t.method.name == "vs"))
        for t in rows.suite.trials.values()
    ]
    [line] = Separated.of(rows, Shelf(kept)).to_lines()
    assert (line["verdict"], line["p"], line["difference"]) == ("not separated", 0.0625, 0.25)


def test_rows_of_different_machines_are_marked():
    rows = two_rows(suite(), ("vs", "la"), 8)
    kept = [
        make_record(
            trial=t,
            accuracy=recall(t, FAR),
            provenance={"gpu": "NVIDIA A100"} if t.method.name == "vs" and t.seed == 2 else {},
        )
        for t in rows.suite.trials.values()
    ]
    text = " ".join(str(Separated.of(rows, Shelf(kept))).split())
    assert "VS differs from LA in device NVIDIA A100 (not NVIDIA H100) at 1 of 8 seeds." in text


def test_an_open_comparison_names_the_command_that_goes_on():
    text = " ".join(str(shown(NEAR, seeds=4)).split())
    call = "evenhand.run(suite, 'results', until_separated=('vs', 'la'), max_seeds=8)"
    assert f"`{call}` runs further seeds." in text
    assert "runs further seeds" not in str(shown(NEAR))
