"""The page on the suites that ship with the package."""

from __future__ import annotations

from evenhand.suite.declaration import SuiteDeclaration, load, shipped
from evenhand.suite.yaml_lines import read
from evenhand_docs.bibliography import cited
from evenhand_docs.docstrings import prose
from evenhand_docs.markup import page, table


def shipped_suites() -> str:
    """Every shipped suite with its question, and its file."""
    intro = (
        "Each of these runs by its name, as in `evenhand run quickstart`. A suite of a paper "
        "follows the paper's protocol, and the paper's printed numbers appear beside the measured "
        "ones in the report. What a paper leaves open is chosen in the suite, and a comment in the "
        "file marks the choice. Suites on digits and on Gaussian mixtures need no preparation; the "
        "others need prepared data ({doc}`/how-to/prepare-data`)."
    )
    suites = {name: load(read(path)) for name, path in shipped().items()}
    rows = [(f"[`{name}`](#{name})", prose(suite.question)) for name, suite in suites.items()]
    parts = [_suite(name, suite) for name, suite in suites.items()]
    return page("Shipped suites", intro, table(("suite", "question"), rows), *parts)


def _suite(name: str, suite: SuiteDeclaration) -> str:
    sources = ", ".join(cited(key) for key in suite.sources)
    lines = [f"## `{name}`", prose(suite.question)]
    lines += [f"Sources: {sources}."] if sources else []
    lines += [f"Cost: {prose(suite.cost)}."] if suite.cost else []
    lines += [f"Expected: {prose(suite.expect)}"] if suite.expect else []
    lines += [f"Measured: {prose(suite.measured)}"] if suite.measured else []
    text = shipped()[name].read_text(encoding="utf-8").rstrip()
    lines.append(f"::::{{dropdown}} {name}.yaml\n```yaml\n{text}\n```\n::::")
    return "\n\n".join(lines)
