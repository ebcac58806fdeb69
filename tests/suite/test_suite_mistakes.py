"""Every mistake a person makes in a suite: its line, what is wrong, what would be right."""

from __future__ import annotations

import pytest

from evenhand.errors import SpecError
from evenhand.suite.declaration import find
from evenhand.suite.resolve import open_suite
from tests.suite.suite_text import TEXT, lacking, resolved, with_

PROBLEM, VAL, RECIPE = "{profile: exp, ratio: 10}", "{per_class: 20}", "recipe: digits"
SEEDS, METRICS = "seeds: 2", "metrics: [balanced_accuracy, accuracy]"
ERM, TAU = "  - erm\n", "{tau: 1.0}"


def at(old: str, line: int, *mistakes: tuple[str, ...]):
    """Mistakes that stand on one line instead of `old`: name, what is written, what is said."""
    return [pytest.param(old, new, line, says, id=name) for name, new, *says in mistakes]


MISTAKES = [
    *at(
        "suite: small",
        1,
        ("name with a space", "suite: a small one", "suite = 'a small one' … letters, digits"),
        ("name as a number", "suite: 5", "suite = 5 … text"),
    ),
    *at(
        "Is a small suite enough?",
        2,
        (
            "colon in a text",
            "Small: is it enough?",
            "is not YAML",
            "a text with ': ' in it needs quotes",
        ),
    ),
    *at(
        "problems:\n",
        5,
        (
            "problem twice",
            "problems:\n  - digits: {profile: exp, ratio: 10.0}\n",
            "the problem digits-exp-10 … twice",
        ),
    ),
    *at(
        "  - digits",
        4,
        ("dataset", "  - digit", "no dataset is called 'digit'", "'digits'?"),
    ),
    *at(
        PROBLEM,
        4,
        (
            "profile",
            "{profile: expo, ratio: 10}",
            "no profile is called 'expo'",
            "profiles: exp, natural, step",
            "'exp'?",
        ),
        (
            "profile as a mapping",
            "{profile: {exp: {ratio: 10}}}",
            "profile = {'exp'",
            "`{profile: exp, ratio: 100}`",
        ),
        (
            "key of a problem",
            "{profile: exp, ratio: 10, nmax: 50}",
            "digits under the profile exp has no key 'nmax'",
            "keys: profile,",
            "'n_max'?",
        ),
        (
            "ratio below 1",
            "{profile: exp, ratio: 0.5}",
            "exp: ratio = 0.5 … at least 1",
            "it takes ratio: float",
        ),
        ("ratio as text", "{profile: exp, ratio: '10'}", "exp: ratio = '10' … a number"),
        ("no ratio", "{profile: exp}", "exp: ratio is not given", "it takes ratio: float"),
        (
            "n_max of 0",
            "{profile: exp, ratio: 10, n_max: 0}",
            "n_max = 0 … a whole number from 1",
        ),
        (
            "n_max of true",
            "{profile: exp, ratio: 10, n_max: true}",
            "n_max = true … a whole number from 1",
        ),
        (
            "n_max without a profile",
            "{n_max: 50}",
            "n_max: the profile natural keeps all images",
            "leave n_max out",
        ),
        (
            "both kinds of val in a problem",
            "{profile: exp, ratio: 10, val: {per_class: 20, fraction: 0.2}}",
            "write per_class or fraction, not both",
        ),
        (
            "val of a problem",
            "{profile: exp, ratio: 10, val: 20}",
            "val = 20 … `{fraction: 0.2}`, `{further: 0.2}`, `{test_half: true}` or `none`",
        ),
    ),
    *at(
        "val: {per_class: 20}",
        5,
        (
            "select without validation data",
            "select: {on: val}",
            "select chooses on validation data, and digits-exp-10 has none",
            "add `val:` to the suite, for example `{per_class: 20}`",
        ),
    ),
    *at(
        VAL,
        5,
        (
            "key of val",
            "{per_klass: 20}",
            "no key is called 'per_klass'",
            "keys: per_class, fraction, further, test_half",
            "'per_class'?",
        ),
        (
            "val as a number",
            "20",
            "val = 20 … `{fraction: 0.2}`, `{further: 0.2}`, `{test_half: true}` or `none`",
        ),
        ("val of nothing a class", "{per_class: 0}", "val.per_class = 0 … at least 1"),
        ("val of everything", "{fraction: 1}", "val.fraction = 1 … less than 1"),
        (
            "both kinds of val",
            "{per_class: 20, fraction: 0.2}",
            "val … per_class or fraction, not both",
        ),
    ),
    *at(
        "recipe: digits\n",
        1,
        ("missing key", "", "the key 'recipe' is missing", "add `recipe: …`"),
    ),
    *at(
        RECIPE,
        6,
        (
            "recipe",
            "recipe: digit",
            "no recipe is called 'digit'",
            "recipes: ",
            "'digits'?",
        ),
        (
            "backbone",
            "recipe: {digits: {backbone: cifar_resnet9}}",
            "no backbone is called 'cifar_resnet9'",
            "did you mean 'cifar_resnet",
        ),
        (
            "setting of a backbone",
            "recipe: {digits: {backbone: {mlp: {hiden: 8}}}}",
            "mlp has no setting 'hiden'",
            "it takes hidden: int = 256",
            "'hidden'?",
        ),
        (
            "augmentation",
            "recipe: {digits: {augment: [flop]}}",
            "no augmentation is called 'flop'",
            "'flip'?",
        ),
        (
            "fractional epochs",
            "recipe: {digits: {epochs: 1.5}}",
            "epochs = 1.5 … a whole number",
        ),
        ("no epochs", "recipe: {digits: {epochs: 0}}", "epochs = 0 … at least 1"),
        ("epochs as text", "recipe: {digits: {epochs: '3'}}", "epochs = '3' … a whole number"),
        (
            "epochs as true",
            "recipe: {digits: {epochs: true}}",
            "epochs = true … a whole number",
        ),
        ("learning rate of 0", "recipe: {digits: {lr: 0}}", "lr = 0 … more than 0"),
        (
            "infinite learning rate",
            "recipe: {digits: {lr: .inf}}",
            "lr = inf … a finite number",
        ),
        ("momentum of 1", "recipe: {digits: {momentum: 1}}", "momentum = 1 … less than 1"),
        (
            "precision",
            "recipe: {digits: {precision: fp16}}",
            "precision = 'fp16' … 'auto', 'fp32' or 'bf16'",
        ),
        ("flag", "recipe: {digits: {nesterov: 1}}", "nesterov = 1 … true or false"),
        ("mean", "recipe: {digits: {mean: 0.5}}", "mean = 0.5 … a list"),
        (
            "augment",
            "recipe: {digits: {augment: flip}}",
            "augment = 'flip' … a list of augmentations",
        ),
        (
            "shortcut",
            "recipe: {digits: {backbone: {cifar_resnet8: {shortcut: C}}}}",
            "cifar_resnet8: shortcut = 'C' … 'A' or 'B'",
        ),
        (
            "drops that fall back",
            "recipe: {digits: {schedule: {step: {drops: [[0.9, 0.1], [0.5, 0.2]]}}}}",
            "step: drops = [[0.9, 0.1], [0.5, 0.2]]: shares of the epochs",
        ),
        (
            "recipe as a list",
            "recipe: [digits]",
            "recipe … `name`, or `name: {setting: value}`",
        ),
    ),
    *at(
        RECIPE,
        8,
        (
            "field of a recipe",
            "recipe:\n  digits:\n    epoch: 3",
            "a recipe has no field 'epoch'",
            "fields: backbone, epochs,",
            "'epochs'?",
        ),
    ),
    *at(
        RECIPE,
        9,
        (
            "metric of a recipe",
            "recipe:\n  digits:\n    epochs: 3\n    best_by: acuracy",
            "no metric is called 'acuracy'",
            "'accuracy'?",
        ),
    ),
    *at(
        SEEDS,
        7,
        ("no seeds", "seeds: 0", "seeds = 0:", "write at least 1, or a list of seeds"),
        ("fewer than no seeds", "seeds: -3", "seeds = -3:", "write at least 1"),
        ("a negative seed", "seeds: [0, -1]", "seeds = -1 … at least 0"),
        ("a fractional seed", "seeds: [0.5]", "seeds = 0.5 … a whole number"),
        ("fractional seeds", "seeds: 1.5", "seeds = 1.5 … a number of seeds"),
        ("seeds in words", "seeds: five", "seeds = 'five' … a number of seeds"),
        ("seeds of true", "seeds: true", "seeds = true … a number of seeds"),
        ("empty seeds", "seeds: []", "seeds … a list of at least 1"),
        ("seed twice", "seeds: [0, 1, 0]", "seeds: 0 … twice"),
        ("tab in a line", "seeds:\t2", "is not YAML", "use spaces: YAML does not allow tabs here"),
        ("missing colon", "seeds 2", "is not YAML: a ':' is missing", "the line reads 'seeds 2'"),
        ("unknown anchor", "seeds: *n", "found undefined alias 'n'"),
        ("two documents", "---\nseeds: 2", "expected a single document"),
        ("a byte that is no text", "seeds: \x00", "is not text: it holds 0x00"),
    ),
    *at(
        SEEDS,
        8,
        (
            "metric of select",
            "seeds: 2\nselect: {by: balanced_eror}",
            "no metric is called 'balanced_eror'",
            "'balanced_error'?",
        ),
        (
            "stream",
            "seeds: 2\nvary: [init, spilt]",
            "vary = 'spilt' … 'subset', 'split', 'init'",
            "'split'?",
        ),
        (
            "checkpoint rule",
            "seeds: 2\nselect: {epoch: best_val}",
            "select.epoch = 'best_val' … 'last' or 'best-val'",
            "'best-val'?",
        ),
        (
            "selection on test data",
            "seeds: 2\nselect: {on: test}",
            "select.on = 'test' … 'val'",
        ),
        (
            "best-test",
            "seeds: 2\nselect: {epoch: best-test}",
            "select.epoch = 'best-test' … 'last' or 'best-val'",
        ),
        ("level", "seeds: 2\nalpha: 5", "alpha = 5 … less than 0.5"),
        ("select as a word", "seeds: 2\nselect: val", "select = 'val' … a mapping"),
        ("stream twice", "seeds: 2\nvary: [init, init]", "vary: init … twice"),
        ("key twice", "seeds: 2\nseeds: 3", "'seeds' is given twice, first on line 7"),
    ),
    *at(
        SEEDS,
        9,
        (
            "key of select",
            "seeds: 2\nselect:\n  bye: accuracy",
            "no key is called 'bye'",
            "keys: on, by, epoch",
            "'by'?",
        ),
    ),
    *at(
        "  - erm\n  - la: {tau: 1.0}",
        8,
        ("methods as a mapping", "  erm:\n  la: {tau: 1.0}", "methods … a list"),
    ),
    *at(
        "  - erm",
        9,
        (
            "tab for indentation",
            "\t- erm",
            "is not YAML",
            "the line reads '\\t- erm'",
            "use spaces",
        ),
    ),
    *at(
        ERM,
        9,
        (
            "method",
            "  - ermm\n",
            "no method is called 'ermm'",
            "methods: ",
            "'erm'?",
        ),
        ("an empty entry", "  -\n", "methods = nothing … `name`, or `name: {setting: value}`"),
    ),
    *at(
        ERM,
        10,
        ("method twice", "  - erm\n  - erm\n", "erm … twice"),
        ("method twice by its alias", "  - erm\n  - ce\n", "erm … twice"),
    ),
    *at(
        ERM,
        11,
        ("setting twice by its default", "  - erm\n  - la\n", "la(tau=1) … twice"),
    ),
    *at(
        "  - la:",
        10,
        ("method of upper case", "  - LA:", "no method is called 'LA'", "'la'?"),
        (
            "wrong indentation",
            "    - la:",
            "is not YAML",
            "the line reads '    - la: {tau: 1.0}'",
            "check the indentation",
        ),
    ),
    *at(
        "  - la: {tau: 1.0}\n",
        10,
        (
            "two methods in one entry",
            "  - la: {tau: 1.0}\n    vs: {tau: 1.0}\n",
            "la, vs … write `name`, or `name: {setting: value}`",
        ),
    ),
    *at(
        TAU,
        10,
        (
            "setting",
            "{tua: 1.0}",
            "la has no setting 'tua'",
            "it takes tau: float = 1",
            "'tau'?",
        ),
        ("word", "{tau: high}", "la: tau = 'high' … a number", "it takes tau: float = 1"),
        ("number as text", "{tau: '1'}", "la: tau = '1' … a number"),
        ("true as a number", "{tau: true}", "la: tau = true … a number"),
        ("list as a number", "{tau: [1]}", "la: tau = [1] … a number"),
        ("nothing", "{tau: }", "la: tau = nothing … a number"),
        ("infinity", "{tau: .inf}", "la: tau = inf … a finite number"),
        ("NaN", "{tau: .nan}", "la: tau = nan … a finite number"),
        ("settings as a list", "[1]", "write `la`, or `la: {setting: value}`"),
        ("settings as a number", "3", "write `la`, or `la: {setting: value}`"),
        ("empty grid", "{tau: {grid: []}}", "tau: the grid is empty", "`{grid: [0.5, 1.0]}`"),
        ("grid of nothing", "{tau: {grid: }}", "tau: the grid is empty"),
        ("grid of one number", "{tau: {grid: 3}}", "tau: a grid is a list"),
        ("grid with a value twice", "{tau: {grid: [1, 1.0]}}", "tau: the grid holds 1 twice"),
        ("word in a grid", "{tau: {grid: [1, high]}}", "la: tau = 'high' … a number"),
        (
            "grid misspelt",
            "{tau: {gird: [1, 2]}}",
            "no distribution is called 'gird'",
            "'grid'?",
        ),
        (
            "distribution",
            "{sample: 2, tau: {unifrom: [1, 2]}}",
            "no distribution is called 'unifrom'",
            "distributions: grid, uniform,",
            "'uniform'?",
        ),
        (
            "nothing to draw",
            "{sample: 2, tau: 1.0}",
            "`sample:`",
            "`tau: {uniform: [0.5, 2.0]}`",
        ),
        ("no sample", "{tau: {uniform: [1, 2]}}", "number of settings", "add `sample: 8`"),
        (
            "sample of 0",
            "{sample: 0, tau: {uniform: [1, 2]}}",
            "sample = 0 … a whole number from 1",
        ),
        ("sample of 0 from nothing", "{sample: 0}", "sample = 0 … a whole number from 1"),
        (
            "sample in words",
            "{sample: many, tau: {uniform: [1, 2]}}",
            "sample = 'many' … a whole number from 1",
        ),
        (
            "bounds reversed",
            "{sample: 2, tau: {uniform: [2, 1]}}",
            "tau: uniform: [2, 1]",
            "write `uniform: [low, high] with low < high`",
        ),
        (
            "one bound",
            "{sample: 2, tau: {uniform: [1]}}",
            "tau: uniform: [1]",
            "write `uniform: [low, high] with low < high`",
        ),
        (
            "three bounds",
            "{sample: 2, tau: {uniform: [1, 2, 3]}}",
            "write `uniform: [low, high] with low < high`",
        ),
        (
            "bound without a list",
            "{sample: 2, tau: {uniform: 1}}",
            "tau: uniform: 1",
            "write `uniform: [low, high] with low < high`",
        ),
        (
            "bounds in words",
            "{sample: 2, tau: {uniform: [a, b]}}",
            "tau: uniform: ['a', 'b']",
            "write `uniform: [low, high] with low < high`",
        ),
        (
            "infinite bound",
            "{sample: 2, tau: {uniform: [1, .inf]}}",
            "write `uniform: [low, high] with low < high`",
        ),
        ("logarithm of 0", "{sample: 2, tau: {loguniform: [0, 1]}}", "with 0 < low < high"),
        ("negative deviation", "{sample: 2, tau: {normal: [0, -1]}}", "sd above 0"),
        ("fractional integers", "{sample: 2, tau: {integer: [0.5, 3]}}", "whole numbers"),
        ("empty choice", "{sample: 2, tau: {choice: []}}", "tau: choice: []", "[a, b, …]"),
        (
            "choice too small",
            "{sample: 4, tau: {choice: [1, 2]}}",
            "sample = 4: only 2 different settings",
            "write `sample: 2`",
        ),
        ("key of an entry twice", "{tau: 1.0, tau: 2.0}", "'tau' is given twice, first on line 10"),
    ),
    *at(
        TAU,
        11,
        ("open bracket", "{tau: 1.0", "is not YAML", "is the bracket of line 10 closed?"),
    ),
    *at(
        METRICS,
        11,
        (
            "metric",
            "metrics: [balanced_accuracy, acuracy]",
            "no metric is called 'acuracy'",
            "metrics: ",
            "'accuracy'?",
        ),
        ("metric without a list", "metrics: accuracy", "metrics = 'accuracy' … a list"),
        ("no metrics", "metrics: []", "metrics … a list of at least 1"),
        ("a number as a metric", "metrics: [balanced_accuracy, 1]", "metrics = 1 … text"),
        (
            "metric twice",
            "metrics: [balanced_accuracy, accuracy, accuracy]",
            "metrics: accuracy … twice",
        ),
    ),
    *at(
        "primary: balanced_accuracy",
        12,
        (
            "primary not among the metrics",
            "primary: error",
            "primary 'error' is not among the suite's metrics",
            "metrics: balanced_accuracy, accuracy",
        ),
    ),
    *at(
        "baseline: erm",
        13,
        (
            "baseline",
            "baseline: emr",
            "baseline 'emr' is not among the suite's methods and rows",
            "'erm'?",
        ),
        (
            "baseline not among the methods",
            "baseline: vs",
            "baseline 'vs' is not among the suite's methods and rows",
            "they are: erm, la",
        ),
    ),
    *at(
        "version: 1",
        14,
        ("version as text", "version: '1'", "version = '1' … a whole number"),
        ("version 0", "version: 0", "version = 0 … at least 1"),
    ),
    *at(
        "version: 1\n",
        14,
        (
            "top-level key",
            "verson: 1\n",
            "no key is called 'verson' here",
            "keys: suite, version,",
            "'version'?",
        ),
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), MISTAKES)
def test_a_mistake_is_told_once_with_its_line(tmp_path, old, new, line, says):
    path = tmp_path / "small.yaml"
    path.write_text(with_(old, new))
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert len(raised.value.mistakes) == 1
    assert lacking(str(raised.value), " … ".join(says)) == []


def test_several_mistakes_are_all_told_in_the_order_of_lines(tmp_path):
    """Of shape and of names alike; what follows from a mistake is not told as another one."""
    path = tmp_path / "many.yaml"
    path.write_text("""\
suite: many
question: [why]
problems:
  - digits: {profile: exp, ratio: 0.1}
  - digit
recipe: {digits: {epoch: 1, lrr: 2}}
seeds: 0
methods:
  - emr
  - vs:
      gama: 2
      tua: {grid: []}
  - la: {tau: 1}
    vs: {tau: 2}
metrics: [acuracy]
primary: accuracy
baseline: erm
nights: 3
""")
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    lines = [int(place.rpartition(":")[2]) for place in raised.value.places]
    assert lines == [2, 4, 5, 6, 6, 7, 9, 12, 13, 15, 18]
    assert "epoch" in raised.value.mistakes[3].what
    assert "lrr" in raised.value.mistakes[4].what


def test_two_unknown_settings_are_told_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(with_(TAU, "{zeta: 1, alpha: 2, mu: 3}"))
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    assert [m.where[-1] for m in raised.value.mistakes] == ["zeta", "alpha", "mu"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ": is empty; a suite begins with `suite: NAME`"),
        (b"# nothing yet\n", ": is empty; a suite begins with `suite: NAME`"),
        (b"hello", ":1: a suite is a mapping that begins with `suite: NAME`"),
        (b"- erm\n- la\n", ":1: a suite is a mapping that begins with `suite: NAME`"),
        (b"suite: x\nquestion: \xff\xfe\n", ":2: is not text in UTF-8"),
    ],
    ids=["empty", "comments", "a word", "a list", "binary"],
)
def test_a_file_that_is_no_suite_says_so(tmp_path, content, says):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    assert str(raised.value) == f"{path}{says}"


def test_a_folder_is_no_suite(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        open_suite(str(tmp_path))


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "x.yaml"
    path.write_text(TEXT)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(SpecError, match=r"x\.yaml: cannot be read: Permission denied"):
        open_suite(str(path))


def test_a_shipped_suite_misspelt_is_suggested():
    with pytest.raises(SpecError) as raised:
        find("quickstrat")
    assert "quickstrat: neither a file nor a shipped suite" in str(raised.value)
    assert "'quickstart'?" in str(raised.value)


def test_a_file_misspelt_is_suggested(tmp_path):
    (tmp_path / "long_tail.yaml").write_text(TEXT)
    with pytest.raises(SpecError) as raised:
        find(str(tmp_path / "longtail.yaml"))
    assert "there is no such file" in str(raised.value)
    assert f"'{tmp_path}/long_tail.yaml'?" in str(raised.value)
    with pytest.raises(SpecError, match="did you mean 'quickstart'"):
        find("quickstart.yaml")


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [("bound_terms", "false", "true"), ("decay_norms", "true", "false")],
)
def test_a_boolean_is_written_as_in_yaml(field, value, right):
    with pytest.raises(SpecError, match=f"{field} = {value}: write {right}$"):
        resolved(with_(RECIPE, f"recipe: {{digits: {{{field}: {value}}}}}"))


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_no_suite(name):
    with pytest.raises(SpecError, match="names no suite\n  name a file, or a shipped suite"):
        find(name)


def test_a_seed_is_not_taken_for_a_number_of_seeds():
    with pytest.raises(SpecError, match="seeds = 20261128: write at most 10,000, or a list"):
        resolved(with_(SEEDS, "seeds: 20261128"))
    assert len(resolved(with_(SEEDS, "seeds: [20261128]")).trials) == 2


def test_a_learning_rate_is_not_negative_after_a_drop():
    drops = "recipe: {digits: {schedule: {step: {drops: [[0.5, -1]]}}}}"
    with pytest.raises(SpecError, match="factors of the learning rate are 0 or more"):
        resolved(with_(RECIPE, drops))


def test_words_and_numbers_are_those_of_yaml_1_2(tmp_path):
    """`on` is a key, not true; 1e-3 is a number; 010 is not eight and 1:30 not ninety."""
    path = tmp_path / "x.yaml"
    select = "seeds: 2\nselect: {on: val, by: accuracy}\nexpect: no"
    text = with_(RECIPE, "recipe: {digits: {lr: 1e-3}}").replace(SEEDS, select)
    path.write_text(text)
    suite = open_suite(str(path))
    assert suite.declaration.select.on == "val"
    assert suite.declaration.expect == "no"
    assert suite.configurations[0].recipe.lr == 0.001
    for wrong in ("010", "1:30", "0x10", "1_0"):
        path.write_text(with_("version: 1", f"version: {wrong}"))
        with pytest.raises(SpecError, match=f"version = '{wrong}': .*whole number"):
            open_suite(str(path))


def test_a_windows_file_is_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert open_suite(str(path)).declaration.suite == "small"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (SEEDS, f"{SEEDS}\nselect: {{on: val}}", "fits its head on the held-out images"),
        (ERM, "  - erm\n  - dfr: {posthoc: post_shift}\n", "fits its head on the held-out images"),
        (ERM, "  - erm\n  - deo_penalty\n", "one group alone has no gap to another"),
        (ERM, "  - erm\n  - svm\n", "two classes"),
        (
            "metrics: [balanced_accuracy, accuracy]\nprimary: balanced_accuracy",
            "metrics: [signed_deo]\nprimary: signed_deo",
            "signed",
        ),
        (
            "metrics: [balanced_accuracy, accuracy]\nprimary: balanced_accuracy",
            "metrics: [symmetric_deo]\nprimary: symmetric_deo",
            "compares groups.*digits-exp-10",
        ),
    ],
)
def test_what_a_problem_cannot_give_is_refused_with_the_suite(old, new, says, tmp_path):
    path = tmp_path / "small.yaml"
    text = with_(old, new)
    path.write_text(text.replace("  - la: {tau", "  - dfr\n  - la: {tau"), encoding="utf-8")
    with pytest.raises(SpecError, match=says):
        open_suite(str(path))
