"""The public functions: open, plan, run and report a suite.

The command line is a thin layer over them. `import evenhand` loads this module when one of its
functions is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenhand.errors import Mistake, RunError, SpecError, StoreError, TooManyFailures
from evenhand.suite.resolve import Suite

if TYPE_CHECKING:
    import pandas as pd

    from evenhand.execution.events import Event
    from evenhand.execution.plan import Plan
    from evenhand.execution.steps import NextTrials
    from evenhand.store import Store
    from evenhand.suite.two_rows import TwoRows
    from evenhand_reports import Board, Separated

Paths = str | Path | Sequence[str | Path]


def open_suite(
    name: str | Path,
    *,
    only: str | Sequence[str] | None = None,
    plugins: Paths | None = None,
    changes: str | Sequence[str] | None = None,
) -> Suite:
    """The suite at a path, or the shipped suite of that name.

    only keeps a part of it, in the form of the command line's `--only`: "method=vs,seed=0..2";
    several are alternatives. plugins are files of methods, data sets and other parts of your own,
    which the suite may name; `run` sends them to the workers. An edited file is read again. changes
    are made to the suite first, in the form of `--set`: "problems.selection=null", "seeds=1".

    Raises `SpecError` with every mistake and its line.

    >>> suite = open_suite("quickstart", only="method=erm,seed=0..1")
    >>> [str(trial) for trial in suite.trials.values()]
    ['erm on digits-exp-100, seed 0', 'erm on digits-exp-100, seed 1']
    """
    from evenhand.suite import resolve
    from evenhand.suite.only import restrict

    load_plugins(plugins)
    return restrict(resolve.open_suite(name, _several(changes, "changes")), _several(only, "only"))


def open_store(location: str | Path = "results", edition: str = "main") -> Store:
    """The records in a folder or an object-storage URL; an absent folder is an empty store.

    edition names a set of records over the same trials, such as those of one night.

    Raises `StoreError` where the URL is not one, or permission is missing.

    >>> import tempfile
    >>> open_store(tempfile.mkdtemp()).heads()
    {}
    """
    from evenhand.store import Store

    return Store.open(location, edition)


def plan(
    suite: Suite | str | Path,
    store: Store | str | Path = "results",
    *,
    retry_failed: bool = False,
    price: bool = False,
    data: str | Path | None = None,
    until_separated: tuple[str, str] | None = None,
    max_seeds: int | None = None,
) -> Plan:
    """The trials of a suite that are done, missing, failed and blocked.

    Needs no data set on disk. With retry_failed, failed and diverged trials count as missing. With
    price, trials without a record like them are priced: a few of their steps are timed on this
    machine, which takes seconds. data is the folder or URL of prepared data sets, as in `run`. With
    until_separated and max_seeds, as in `run`, it is the plan of the two rows at the largest number
    of seeds, which is the largest cost.

    Raises `StoreError` where the store cannot be read.

    >>> import tempfile
    >>> made = plan(open_suite("quickstart"), open_store(tempfile.mkdtemp()))
    >>> len(made.missing), len(made.done)
    (30, 0)
    """
    from evenhand.execution.plan import make_plan

    there, rows = _store(store), _two_rows(suite, until_separated, max_seeds)
    wanted = _suite(suite) if rows is None else _separated(rows, there).longest()
    made = make_plan(wanted, there, retry_failed=retry_failed)
    if not price:
        return made
    from evenhand.execution.pricing import with_prices

    return with_prices(made, data=data)


def run(
    suite: Suite | Plan | str | Path,
    store: Store | str | Path = "results",
    *,
    inline: bool = False,
    address: str | None = None,
    ship_code: bool = False,
    cpus_per_trial: float = 1.0,
    gpus_per_trial: float | None = None,
    accelerator: str | Sequence[str] | None = None,
    retry_failed: bool = False,
    max_failures: int | None = None,
    time_limit: float | None = None,
    max_concurrent: int | None = None,
    until: str | datetime | None = None,
    budget: str | None = None,
    pack: int = 1,
    compiled: bool | None = None,
    data: str | Path | None = None,
    until_separated: tuple[str, str] | None = None,
    max_seeds: int | None = None,
    on_event: Callable[[Event], None] | None = None,
    end_when_hung: bool = False,
    command: str = "",
) -> Plan:
    """Train every trial that has no record yet; returns the plan of what is then done and failed.

    A trial that fails, diverges or runs out of memory or time leaves a record and does not end the
    run: look at `failed` and `missing` of what is returned. A run can be stopped with Ctrl-C and
    called again as often as you like; what is done is never trained twice.

    suite           or a plan of it, to look at first, or a path or the name of a shipped suite
    store           or a folder, or an object-storage URL
    inline          in this process, one trial after the other; else on Ray
    address         of a Ray cluster: "HOST:PORT" or "auto"; None starts Ray on this
                    machine alone
    ship_code       use the code of this process on the machines of the cluster
    cpus_per_trial  CPU cores
    gpus_per_trial  share of a GPU; None: by the memory of finished trials, at first a quarter
    accelerator     types of GPUs, by Ray's names, on whose nodes trials run: "H100,A100" or a list
    retry_failed    train failed and diverged trials again
    max_failures    stop with `TooManyFailures` when more trials than this have failed
    time_limit      seconds that a trial may take; None: no limit
    max_concurrent  number of trials that run at a time at most; None: as there is room for
    until           only trials start that are expected to end by then, and none that runs is ended:
                    a time of day ("07:00"), a date with a time, or a time from now ("8h")
    budget          GPU-hours that all trials of the suite may use in this edition, those of earlier
                    runs included ("40h"); hours of CPU cores, where trials use no GPU
    pack            trials of one problem and recipe that share a process, its memory and its GPU
    compiled        compile networks first; None: where the plan expects it to save time
    data            folder or URL of prepared data sets; None: the suite's `data:`, else the user's
                    cache
    until_separated names of two rows of the suite, ("vs", "la"), which run by themselves: at the
                    suite's seeds and then at further ones, until a sequential test separates them;
                    `separation` has its result
    max_seeds       number of seeds up to which they run; None: 20
    on_event        called with every `Event`: trials that start, proceed and end
    end_when_hung   where an inline trial hangs, record it and end this process with exit code 1;
                    else a note is sent, and another run may take the trial over
    command         what records keep as the command that made them; "" is the equivalent
                    `evenhand run`

    A trial whose record cannot be read or written is blocked, and does not end the run either.

    Raises, before any trial starts, `StoreError`, `DataError`, `BackboneError` or `RunError` where
    the store, the data, a network or the cluster does not fit.

    >>> import tempfile
    >>> suite = open_suite("quickstart", only="method=erm,seed=0")
    >>> after = run(suite, tempfile.mkdtemp(), inline=True)
    >>> len(after.done), len(after.failed)
    (1, 0)
    """
    from evenhand.execution.destinations import refuse_newer
    from evenhand.execution.events import Event
    from evenhand.execution.plan import Plan
    from evenhand.execution.resources import named_types
    from evenhand.execution.retries import RunTracker
    from evenhand.execution.scoring import metrics_of_logits, score_kept
    from evenhand.execution.start import RunOptions, start
    from evenhand.execution.times import moment, seconds

    there = _store(store)
    if isinstance(suite, Plan) and retry_failed:
        raise RunError("a plan is made already: write plan(..., retry_failed=True) and run that")
    rows = _two_rows(suite, until_separated, max_seeds)
    made = (
        _still_missing(suite, there)
        if isinstance(suite, Plan)
        else plan(rows.suite if rows else suite, there, retry_failed=retry_failed)
    )
    options = RunOptions(
        inline=inline,
        address=address,
        ship_code=ship_code,
        cpus_per_trial=cpus_per_trial,
        gpus_per_trial=gpus_per_trial,
        accelerators=named_types(_several(accelerator, "accelerator")),
        max_failures=max_failures,
        time_limit=float("inf") if time_limit is None else time_limit,
        max_concurrent=max_concurrent,
        until=None if until is None else moment(until, "until").timestamp(),
        budget=None if budget is None else seconds(budget, "budget", with_unit=True),
        pack=pack,
        compiled=compiled,
        data=data,
        next_trials=_next_trials(rows, there) if rows else None,
        end_when_hung=end_when_hung,
        command=command or (_command(rows, there, data, inline=inline) if rows else ""),
    )
    refuse_newer(made)
    watch = RunTracker(on_event or (lambda _: None), max_failures, made.labels)
    if made.unscored:
        metrics = metrics_of_logits(made.suite.declaration)
        for cause in score_kept(there, [trial.key for trial in made.unscored], metrics):
            watch(Event("note", cause=cause))
        made = _still_missing(made, there)
    if not options.is_anything_left(made):
        return _reached(rows, made, there)
    after = None
    try:
        after = start(made, there, options, watch)
    except KeyboardInterrupt:
        if not watch.too_many_failures:
            raise
    if after is not None and not watch.too_many_failures:
        return _reached(rows, after, there)
    raise TooManyFailures(
        f"more than {max_failures} trials failed; the run is stopped and finished trials are kept"
    )


def to_frame(suite: Suite | str | Path, store: Store | str | Path = "results") -> pd.DataFrame:
    """Every score of a suite as a tidy pandas frame.

    One row for each trial × split × checkpoint rule × metric, with the settings of problem, method
    and recipe as columns of their own; see `evenhand_reports.formats.frame.to_frame` for all of
    them.

    >>> import tempfile
    >>> suite, store = open_suite("quickstart", only="seed=0"), tempfile.mkdtemp()
    >>> frame = to_frame(suite, store)
    >>> sorted(frame["status"].unique())
    ['missing']
    """
    from evenhand_reports.formats import frame

    return frame.to_frame(_suite(suite), _store(store))


def to_curves(suite: Suite | str | Path, store: Store | str | Path = "results") -> pd.DataFrame:
    """The curves of a suite over the epochs as a tidy pandas frame.

    One row for each trial × series × epoch; see `evenhand_reports.formats.curves.to_curves` for all
    columns. The column `key` is that of `to_frame`.

    >>> import tempfile
    >>> suite, folder = open_suite("quickstart", only="method=erm,seed=0"), tempfile.mkdtemp()
    >>> after = run(suite, folder, inline=True)
    >>> curves = to_curves(suite, folder)
    >>> list(curves.query("series == 'train_loss'")["epoch"].head(2))
    [1, 2]
    """
    from evenhand_reports.formats import curves

    return curves.to_curves(_suite(suite), _store(store))


def leaderboard(suite: Suite | str | Path, store: Store | str | Path = "results") -> Board:
    """The leaderboard of a suite, which shows itself in a notebook and writes itself to files.

    Raises `ReportError` where the store has no record of the suite, and `StoreError` where it
    cannot be read.

    >>> import tempfile
    >>> suite, folder = open_suite("quickstart", only="method=erm,seed=0"), tempfile.mkdtemp()
    >>> after = run(suite, folder, inline=True)
    >>> leaderboard(suite, folder).to_latex(folder + "/tables").name
    'tables'
    """
    from evenhand_reports import Board

    return Board.of(_suite(suite), _store(store))


def separation(
    suite: Suite | str | Path,
    store: Store | str | Path,
    rows: tuple[str, str],
    *,
    max_seeds: int | None = None,
) -> Separated:
    """Two rows at the suite's seeds and further ones, with a sequential test; `print` shows it.

    rows are two names as `contrasts:` takes them. max_seeds is that of `run`, 20 for None: the
    bound of the test depends on it, and it is chosen before the first look.

    Raises `SpecError` where the names are not of two rows, or seeds cannot separate them.

    >>> import tempfile
    >>> found = separation("quickstart", tempfile.mkdtemp(), ("vs", "la"), max_seeds=10)
    >>> [line["verdict"] for line in found.to_lines()]
    ['open']
    """
    from evenhand.suite.two_rows import DEFAULT_MAX_SEEDS, two_rows

    most = DEFAULT_MAX_SEEDS if max_seeds is None else max_seeds
    return _separated(two_rows(_suite(suite), rows, most), _store(store))


def load_plugins(paths: Paths | None) -> None:
    """Run files of methods, data sets and other parts of your own, which register them.

    `open_suite(..., plugins=...)` does it for a suite in a file; a suite that is built in Python
    names parts that are there already. Raises `SpecError` with the line where a file fails.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.py"
    >>> text = "import evenhand as eh\\n@eh.recipe()\\ndef short() -> eh.Recipe: ..."
    >>> _ = path.write_text(text)
    >>> load_plugins(path)
    """
    from evenhand.declared import plugin

    plugin.load_plugins(_several(paths, "plugins", (str, Path)))


def _store(store: Store | str | Path) -> Store:
    from evenhand.store import Store

    if isinstance(store, str | Path):
        return open_store(store)
    if not isinstance(store, Store):
        kind = type(store).__name__
        raise StoreError(f"a store is a Store, a folder or a URL; this is a {kind}")
    return store


def _suite(suite: Suite | str | Path) -> Suite:
    if isinstance(suite, str | Path):
        return open_suite(suite)
    if not isinstance(suite, Suite):
        kind = type(suite).__name__
        raise SpecError(f"a suite is a Suite, a path or a name; this is a {kind}")
    return suite


def _two_rows(
    suite: Suite | Plan | str | Path, names: tuple[str, str] | None, max_seeds: int | None
) -> TwoRows | None:
    """The rows of `until_separated`; None without it. Raises `SpecError` for wrong arguments."""
    from evenhand.execution.plan import Plan
    from evenhand.suite.two_rows import DEFAULT_MAX_SEEDS, two_rows

    if names is None:
        if max_seeds is not None:
            what = f"max_seeds is {max_seeds}, and no rows are to be separated"
            raise SpecError([Mistake(what, (), "add until_separated, or leave max_seeds out")])
        return None
    if isinstance(suite, Plan):
        raise RunError("a plan has its trials already: run the suite itself with until_separated")
    most = DEFAULT_MAX_SEEDS if max_seeds is None else max_seeds
    return two_rows(_suite(suite), names, most)


def _separated(rows: TwoRows, store: Store) -> Separated:
    from evenhand_reports import Separated

    return Separated.of(rows, store)


def _next_trials(rows: TwoRows, store: Store) -> NextTrials:
    """The choice of the trials of the next looks at two rows, by the records of a store."""
    return lambda slots, runnable: _separated(rows, store).next_trials(slots, runnable)


def _reached(rows: TwoRows | None, after: Plan, store: Store) -> Plan:
    """The plan after a run; that of two rows without the further seeds that have no record."""
    return after if rows is None else plan(rows.reached(after.heads.keys()), store)


def _command(rows: TwoRows, store: Store, data: str | Path | None, *, inline: bool) -> str:
    """The command that is equivalent to a run of two rows in Python."""
    from evenhand.suite.commands import Place, suite_command

    separated = (*rows.names, len(rows.seeds))
    place = Place(store.location, store.edition, data, separated=separated)
    return suite_command("run", rows.asked, *(["--inline"] if inline else []), place=place)


def _still_missing(made: Plan, store: Store) -> Plan:
    """The plan as the store is now, without trials that it did not have as missing."""
    wanted = {trial.key for trial in made.missing}
    now = plan(made.suite, store, retry_failed=True)
    missing = tuple(trial for trial in now.missing if trial.key in wanted)
    return replace(now, missing=missing) if missing else plan(made.suite, store)


def _several(values: Any, name: str, kinds: tuple[type, ...] = (str,)) -> list[Any]:
    """The values of an argument that takes one or several. Raises `SpecError` for other types."""
    found = [values] if isinstance(values, kinds) else () if values is None else values
    if isinstance(found, list | tuple) and all(isinstance(value, kinds) for value in found):
        return list(found)
    wanted = " or ".join(kind.__name__ for kind in kinds)
    raise SpecError(f"{name} = {values!r}: write one {wanted}, or a list of several")
