"""`--only`: a part of a suite by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evenhand.errors import SpecError
from evenhand.suite.only import Only, restrict
from tests.suite.suite_text import resolved

SUITE = resolved("""\
suite: filtered
question: Which are left?
problems:
  - digits: {profile: exp, ratio: 10}
  - digits: {profile: exp, ratio: 100, n_max: 100}
  - digits: {profile: step, ratio: 10}
recipe: digits
seeds: 4
methods:
  - ce
  - la: {tau: {grid: [0.5, 1.0, 1.5]}}
  - vs: {tau: 1.0, gamma: 0.2}
metrics: [accuracy]
primary: accuracy
baseline: ce
""")


def left(*filters):
    """(row, problem, seed) of the trials that are left."""
    part = restrict(SUITE, filters)
    return [(c.row, c.problem.name, t.seed) for c in part.configurations for t in c.trials]


def values(index, *filters):
    return list(dict.fromkeys(trial[index] for trial in left(*filters)))


def test_no_filter_leaves_everything():
    assert restrict(SUITE, ()) is SUITE
    assert len(left()) == 5 * 3 * 4


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("method=vs", ["vs"]),
        ("method=la", ["la(tau=0.5)", "la(tau=1)", "la(tau=1.5)"]),
        ("method=l*", ["la(tau=0.5)", "la(tau=1)", "la(tau=1.5)"]),
        ("method=la(tau=1)", ["la(tau=1)"]),
        ("method=erm", ["erm"]),
        ("method=ce", ["erm"]),
        ("method=vs,method=erm", ["erm", "vs"]),
        ("tau=1", ["la(tau=1)", "vs"]),
        ("tau=1.0", ["la(tau=1)", "vs"]),
        ("tau=1e0", ["la(tau=1)", "vs"]),
        ("tau=.5", ["la(tau=0.5)"]),
        ("tau=1.0..1.5", ["la(tau=1)", "la(tau=1.5)", "vs"]),
        ("tau=..0.7", ["la(tau=0.5)"]),
        ("gamma=0.2", ["vs"]),
        ("method=vs,tau=1", ["vs"]),
        (" method = vs , seed = 0 ", ["vs"]),
    ],
)
def test_methods_by_name_row_alias_and_setting(text, rows):
    assert values(0, text) == rows


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("problem=digits", ["digits-exp-10", "digits-exp-100-n100", "digits-step-10"]),
        ("problem=digits-exp-10", ["digits-exp-10"]),
        ("problem=digits-exp*", ["digits-exp-10", "digits-exp-100-n100"]),
        ("problem=*-10", ["digits-exp-10", "digits-step-10"]),
    ],
)
def test_problems_by_name_and_glob(text, problems):
    assert values(1, text) == problems


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("seed=0..2", [0, 1, 2]),
        ("seed=2..", [2, 3]),
        ("seed=3", [3]),
        ("seed=0,seed=3", [0, 3]),
        ("seed=1..1", [1]),
        ("seed=03", [3]),
    ],
)
def test_seeds_by_number_and_range(text, seeds):
    assert values(2, text) == seeds


def test_conditions_of_one_filter_must_all_hold():
    found = left("method=vs,problem=digits-exp*,seed=0..1")
    assert found == [("vs", p, s) for p in ("digits-exp-10", "digits-exp-100-n100") for s in (0, 1)]


def test_several_filters_are_alternatives():
    assert values(0, "method=vs", "method=erm,seed=0") == ["erm", "vs"]
    assert len(left("method=vs", "method=erm,seed=0")) == 12 + 3


def test_a_row_may_hold_commas():
    assert len(values(0, "method=la(tau=1),seed=0")) == 1
    with pytest.raises(SpecError, match=r"method=vs\(tau=1, gamma=0.2\): no trial has it"):
        left("method=vs(tau=1, gamma=0.2)")


TUNED = resolved("""\
suite: tuned
question: At which learning rate?
problems: [digits: {profile: exp, ratio: 10}]
recipe: {digits: {lr: {grid: [0.1, 0.05]}, warmup: {grid: [0.0, 0.2]}}}
seeds: 1
methods:
  - erm
  - la: {tau: {grid: [0.2, 0.4]}}
metrics: [accuracy]
primary: accuracy
baseline: erm
""")


def rates(*filters):
    """(method, its warmup, the recipe's lr and warmup) of the cells that are left."""
    cells = restrict(TUNED, filters).configurations
    return {(c.row.split("(")[0], c.recipe.lr, c.recipe.warmup) for c in cells}


def test_fields_of_the_recipe_are_keys():
    assert rates("lr=0.05,method=erm") == {("erm", 0.05, 0.0), ("erm", 0.05, 0.2)}
    assert rates("lr=0.05..0.07") == rates("recipe.lr=5e-2")
    assert rates("backbone=*resnet*") == rates("epochs=1..") == rates()
    with pytest.raises(SpecError, match=r"lr=7: no trial has it\n  lrs: 0.05, 0.1"):
        rates("lr=7")
    with pytest.raises(SpecError, match=r"trials have no 'recipe\.name'"):
        rates("recipe.name=digits")


def test_a_setting_of_the_method_goes_before_a_field_of_the_recipe():
    def named(cell):
        settings = {"warmup": tau} if (tau := cell.method.settings.get("tau")) else {}
        return replace(cell, method=cell.method.model_copy(update={"settings": settings}))

    clash = TUNED.replaced(configurations=tuple(map(named, TUNED.configurations)))

    def warmups(text):
        cells = restrict(clash, [text]).configurations
        return [(c.method.settings.get("warmup"), c.recipe.warmup) for c in cells]

    assert warmups("warmup=0.2,lr=0.1") == [(None, 0.2), (0.2, 0.0), (0.2, 0.2)]
    assert warmups("recipe.warmup=0.2,lr=0.1") == [(None, 0.2), (0.2, 0.2), (0.4, 0.2)]


FLAT = resolved("""\
suite: flat
question: With SAM?
problems: [digits: {profile: exp, ratio: 10}]
recipe: {digits: {augment: [flip, crop: {padding: 1}]}}
seeds: 1
methods:
  - erm
  - vs: {recipe: {sam: 0.1}}
  - la: {as: "LA, flat", recipe: {sam: [0.1, 0.2], schedule: cosine}}
  - cdt: {recipe: {sam: {rho: 0.2, batch_norm: first}}}
metrics: [accuracy]
primary: accuracy
baseline: erm
""")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sam=none", ("erm",)),
        ("sam=0..", ("vs", "LA, flat", "cdt")),
        ("sam=0.1", ("vs", "LA, flat")),
        ("sam=0.20", ("LA, flat", "cdt")),
        ("sam=[0.1, 0.2]", ("LA, flat",)),
        ("sam={rho: 0.2, batch_norm: first}", ("cdt",)),
        ("schedule=cosine", ("LA, flat",)),
        ("augment=flip,sam=none", ("erm",)),
        ("augment=crop(padding=1),sam=none", ("erm",)),
        ('method="LA, flat"', ("LA, flat",)),
        ('row="LA, flat",seed=0', ("LA, flat",)),
        ("method=LA*", ("LA, flat",)),
        ("method=la", ("LA, flat",)),
        ("row=vs", ("vs",)),
    ],
)
def test_what_entries_change_is_a_key(text, rows):
    assert restrict(FLAT, [text]).rows == rows


def test_a_row_is_one_row_and_a_method_all_of_its_rows():
    assert values(0, "method=la") == ["la(tau=0.5)", "la(tau=1)", "la(tau=1.5)"]
    with pytest.raises(SpecError, match="row=la: no trial has it"):
        left("row=la")


def test_a_row_and_a_key_name_what_tables_name():
    for cell in TUNED.configurations:
        [left] = restrict(TUNED, [f"method={cell.row},seed=0"]).configurations
        assert left == cell
        [left] = restrict(TUNED, [f"key={cell.trials[0].key}"]).configurations
        assert left == cell
    with pytest.raises(SpecError) as raised:
        restrict(TUNED, ["key=abc"])
    assert str(raised.value) == "--only key=abc: no trial has it"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("method=a(x=1, y=b(z=2)),seed=0", [("method", "a(x=1, y=b(z=2))"), ("seed", "0")]),
        ("at=[0.8, 0.9],tau=1", [("at", "[0.8, 0.9]"), ("tau", "1")]),
        ("method=a),seed=0", [("method", "a)"), ("seed", "0")]),
    ],
)
def test_commas_in_brackets_part_nothing(text, terms):
    assert list(Only.parse(text).conditions) == terms


def test_a_part_knows_the_whole():
    part = restrict(SUITE, ["method=vs"])
    assert SUITE.whole is None
    assert part.whole is SUITE
    assert restrict(part, ["seed=0"]).whole is SUITE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["method=la"], ["seed=0"]),
        (["method=la,seed=0..1"], ["problem=*step*,seed=0..1"]),
        (["seed=0"], ["seed=0"]),
        (["method=la", "method=vs"], ["seed=0", "problem=*step*"]),
        (["row=vs"], ['method="vs"', "tau=1"]),
        (['method="la(tau=0.5)"'], ["problem=digits-exp-10,seed=0,seed=2"]),
    ],
)
def test_filters_of_a_part_keep_what_both_filters_keep(first, second):
    once, twice = restrict(SUITE, first), restrict(restrict(SUITE, first), second)
    assert twice.trials.keys() == once.trials.keys() & restrict(SUITE, second).trials.keys()
    assert restrict(SUITE, twice.only).trials == twice.trials


def test_a_third_filter_is_added_to_the_first_two():
    part = restrict(restrict(restrict(SUITE, ["method=vs"]), ["seed=0"]), ["problem=*step*"])
    assert part.only == ("method=vs,seed=0,problem=*step*",)
    assert len(restrict(SUITE, part.only).trials) == 1


def test_a_bracket_in_a_name_does_not_hide_the_next_filter():
    suite = replace_title(SUITE, "vs", "VS [x")
    part = restrict(restrict(suite, ["row=VS [[]x"]), ["seed=0"])
    assert restrict(suite, part.only).trials == part.trials
    assert len(part.trials) == 3


def replace_title(suite, row, title):
    """The suite with another printed title of a row."""
    changed = (replace(c, title=title) if c.row == row else c for c in suite.configurations)
    return suite.replaced(configurations=tuple(changed))


@pytest.mark.parametrize(
    ("first", "second"), [("seed=0..2", "seed=0"), ("seed=0,method=vs", "seed=0,seed=0..1")]
)
def test_other_values_of_the_key_of_a_part_are_refused(first, second):
    with pytest.raises(SpecError, match="one filter cannot have both") as raised:
        restrict(restrict(SUITE, [first]), [second])
    assert f"--only {second}: the suite is already restricted by `{first}`" in str(raised.value)


def test_trials_keep_their_keys():
    part = restrict(SUITE, ["method=vs,seed=2"])
    assert part.trials.keys() < SUITE.trials.keys()
    assert part.declaration is SUITE.declaration


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("method", "--only method: 'method' is not key=value"),
        ("method=", "'method=' is not key=value"),
        ("=vs", "'=vs' is not key=value"),
        ("", "'' is not key=value"),
        ("method=vs,", "'' is not key=value"),
        (
            "metod=vs",
            "trials have no 'metod'\n  keys: method, row, problem, seed, recipe, key, gamma",
        ),
        ("metod=vs", "did you mean 'method'?"),
        (
            "method=vss",
            "--only method=vss: no trial has it\n  methods: balanced, balanced_softmax, ce, ",
        ),
        ("method=vss", "did you mean 'vs'?"),
        ("seed=7..9", "--only seed=7..9: no trial has it\n  seeds: 0, 1, 2, 3"),
        ("seed=2..1", "--only seed=2..1: no trial has it"),
        ("problem=digit", "did you mean 'digits'?"),
        ("method=erm,tau=1", "--only method=erm,tau=1: no trial has all of this"),
    ],
)
def test_what_leaves_nothing_says_what_there_is(text, says):
    with pytest.raises(SpecError) as raised:
        left(text)
    assert says in str(raised.value)
