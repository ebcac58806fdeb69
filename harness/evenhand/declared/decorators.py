"""The decorators that register parts: methods, data sets, backbones, metrics and others.

    @method(cite="kini2021label", title="VS")
    def vs(tau: float = 1.0, gamma: float = 0.15) -> Method: ...

A suite names the part by the name of its function. The function's signature is the only list of its
settings.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import Mistake, SpecError

F = TypeVar("F", bound=Callable[..., Any])

USAGE = """Register the decorated function as a {kind}, by default under its own name.

    The function returns {returns}.

    cite     bib key of the source; a part of your own may have any text
    name     the name that suites use; by default the function's
    title    the name in tables and figures; by default the name
    version  part of every trial key; raise it when a change moves results
    aliases  other names that suites may use
    {facts}
    Raises `SpecError` where the name is taken by another function.
{example}"""


FROM_PROBLEM = ("in_channels", "image_size")
"""Parameters of a backbone that follow from the problem, and are no settings."""


METRIC_FACTS = {"of": ("counts", "logits"), "unit": ("%", "nats", "1")}
"""Facts of a metric besides its direction, each with its possible values, the default first."""


class Decorator(Protocol):
    """A decorator that is written with or without arguments."""

    __name__: str

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(
        self,
        *,
        cite: str = ...,
        name: str | None = ...,
        title: str = ...,
        version: int = ...,
        aliases: tuple[str, ...] = ...,
        **facts: Any,
    ) -> Callable[[F], F]: ...


def _decorator(kind: str, *, returns: str, facts: str = "", example: str = "") -> Decorator:
    def register(
        function: Callable[..., Any] | None = None,
        /,
        *,
        cite: str = "",
        name: str | None = None,
        title: str = "",
        version: int = 1,
        aliases: tuple[str, ...] = (),
        **facts: Any,
    ) -> Any:
        def add(function: Callable[..., Any], module: str = "") -> Callable[..., Any]:
            if not hasattr(function, "__qualname__"):
                what = f"a {kind} is a function, not a {type(function).__name__}"
                raise SpecError([Mistake(what, (), "define a function that calls it")])
            called = name or function.__name__
            if kind == "metric" and facts.get("better") not in ("higher", "lower"):
                right = 'write `@metric(better="higher")` or "lower"'
                what = f"metric {called!r} has no direction `better`"
                raise SpecError([Mistake(what, (), right)])
            for fact, known in METRIC_FACTS.items() if kind == "metric" else ():
                if facts.get(fact, known[0]) not in known:
                    what = f"metric {called!r} has {fact}={facts[fact]!r}"
                    raise SpecError(
                        [Mistake(what, (), f"it may be {' or '.join(map(repr, known))}")]
                    )
            if kind == "metric":
                _check_bounds(called, facts.get("bounds", (None, None)))
            about = facts | (_given_by_problem(function) if kind == "backbone" else {})
            module = module or _caller()
            entry = Registered(
                kind, called, function, cite, title or called, version, aliases, about, module
            )
            REGISTRY.add(entry)
            return function

        if function is not None and not callable(function):
            what = f"@{kind}({function!r}) is not a function"
            raise SpecError([Mistake(what, (), f"write `@{kind}` or `@{kind}(name={function!r})`")])
        return add if function is None else add(function, _caller())

    register.__name__ = register.__qualname__ = kind
    stated = f"**facts  {facts}\n" if facts else ""
    register.__doc__ = USAGE.format(kind=kind, returns=returns, facts=stated, example=example)
    return register


def _check_bounds(metric: str, bounds: Any) -> None:
    """Check that the bounds of a metric are two numbers in ascending order, or None for no bound.

    Raises `SpecError`.
    """
    pair = list(bounds) if isinstance(bounds, tuple | list) else []
    known = [end for end in pair if end is not None]
    is_number = all(isinstance(end, int | float) and math.isfinite(end) for end in known)
    if len(pair) != 2 or not is_number or (len(known) == 2 and not known[0] < known[1]):
        what = f"metric {metric!r} has bounds={bounds!r}"
        right = "write its smallest and its largest value, (0, 1), with None where there is none"
        raise SpecError([Mistake(what, (), right)])


def _caller() -> str:
    """The module that calls the function in which this one is called."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))


def _given_by_problem(function: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    taken = [name for name in FROM_PROBLEM if name in inspect.signature(function).parameters]
    return {"from_problem": tuple(taken)} if taken else {}


method = _decorator(
    "method",
    returns="a `Method` and takes the method's settings as parameters",
    example="""
    >>> from evenhand import Method, Stage, losses
    >>> @method(cite="me2026", title="Mine")
    ... def my_method(tau: float = 1.0) -> Method:
    ...     \"\"\"Logit adjustment under another name.\"\"\"
    ...     return Method(Stage(losses.la(tau)))
    >>> print(REGISTRY.part("method", "my_method"))
    my_method(tau=1)
    """,
)
dataset = _decorator(
    "dataset",
    returns="a `Source` of training and test images, or PyTorch `Dataset`s: `train, test`, or\n"
    "    `train, val, test`, or a dict with these keys",
    facts="n_classes, shape (height, width, channels), classes and n_groups, and per_class or\n"
    "             counts of the training images, as far as they are known without the files",
    example="""
    >>> import numpy as np
    >>> from evenhand import Images, Source
    >>> @dataset(title="Noise", n_classes=2, shape=(8, 8, 1), classes=("a", "b"))
    ... def my_noise() -> Source:
    ...     \"\"\"Two classes of the same noise.\"\"\"
    ...     pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
    ...     images = Images(pixels, np.arange(20) % 2, groups=np.zeros(20, int))
    ...     return Source(train=images, test=images, classes=("a", "b"))
    >>> len(my_noise().train)
    20
    """,
)
backbone = _decorator(
    "backbone",
    returns="an `nn.Module` that maps images to features [n, features], or a `Backbone`, which\n"
    "    names a model of timm's registry. Its parameters `in_channels` and `image_size` follow\n"
    "    from the problem; the others are settings. A class of modules can be decorated, too",
    example="""
    >>> from evenhand.backbones.names import Backbone
    >>> @backbone(cite="he2016deep", title="ResNet-18")
    ... def my_resnet18() -> Backbone:
    ...     \"\"\"The ResNet-18 of timm.\"\"\"
    ...     return Backbone("resnet18")
    >>> print(REGISTRY.part("backbone", "my_resnet18"))
    my_resnet18
    """,
)
metric = _decorator(
    "metric",
    returns="a score, from counts [groups, labels, predictions] and train [labels, groups].\n"
    '    A metric of="logits" takes `Outputs` (logits, labels, groups) in place of counts',
    facts='better="higher" or "lower", which is required; of="logits" for a metric of logits;\n'
    '             unit="nats" or "1" for a score that is not shown in percent; and bounds=(0, 1),\n'
    "             the smallest and largest value (None without one), so that intervals stay inside",
    example="""
    >>> import numpy as np
    >>> from evenhand import metrics
    >>> @metric(better="higher", title="Recall of class 0", bounds=(0, 1))
    ... def first_recall(counts, train) -> float:
    ...     \"\"\"Recall of the first class.\"\"\"
    ...     confusion = counts.sum(0)
    ...     return float(confusion[0, 0] / confusion[0].sum())
    >>> metrics.score("first_recall", metrics.count([0, 0, 1], [0, 1, 1]), [10, 1])
    0.5
    """,
)
recipe = _decorator(
    "recipe",
    returns="a `Recipe` and takes no parameters",
    example="""
    >>> from evenhand import Recipe
    >>> @recipe()
    ... def short_digits() -> Recipe:
    ...     \"\"\"The digits recipe with 10 epochs.\"\"\"
    ...     return REGISTRY.get("recipe", "digits").make().model_copy(update={"epochs": 10})
    >>> short_digits().epochs
    10
    """,
)
profile = _decorator("profile", returns="a `Profile`, the number of images that each class keeps")
schedule = _decorator("schedule", returns="a `Schedule`, the factor on the learning rate by epoch")
optimizer = _decorator(
    "optimizer",
    returns="an `Optimizer`, which makes an optimiser of torch for parameter groups",
    facts='reads=("momentum", "nesterov") where it uses these fields of the recipe',
)
mixing = _decorator("mixing", returns="a `Mixing` of the examples of a batch")
augmentation = _decorator("augmentation", returns="an `Augmentation` of batches of images")
posthoc = _decorator("posthoc", returns="a `PostHoc`, which is applied to kept logits")
