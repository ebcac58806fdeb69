"""The entries of `references.bib`, as the reference cites and prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import evenhand

BIB = Path(evenhand.__file__).parent / "references.bib"
ENTRY = re.compile(r"@(\w+)\{([^,]+),\n(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", re.MULTILINE)
ACCENTS = {r"{\'a}": "á", r"{\'e}": "é", r"{\'i}": "í", r"{\'o}": "ó", r"{\"o}": "ö", r"{\"u}": "ü"}


@dataclass(frozen=True)
class Reference:
    """One entry of the bibliography."""

    key: str
    kind: str
    fields: dict[str, str]

    @property
    def short(self) -> str:
        """`Cao et al. 2019`."""
        names = [author.split(",")[0] for author in self.fields["author"].split(" and ")]
        who = {1: names[0], 2: " & ".join(names)}.get(len(names), f"{names[0]} et al.")
        return f"{who} {self.fields['year']}"

    @property
    def full(self) -> str:
        """Authors, title and place as one line of Markdown."""
        authors = "; ".join(self.fields["author"].split(" and "))
        places = ("booktitle", "journal", "institution", "publisher", "note")
        where = [self.fields[name] for name in places if name in self.fields]
        if volume := self.fields.get("volume"):
            where.append(f"volume {volume}")
        if pages := self.fields.get("pages"):
            where.append(f"pages {pages.replace('--', '–')}")
        if eprint := self.fields.get("eprint"):
            where.append(f"[arXiv:{eprint}](https://arxiv.org/abs/{eprint})")
        if doi := self.fields.get("doi"):
            where.append(f"[doi:{doi}](https://doi.org/{doi})")
        where.append(self.fields["year"])
        return f"{authors.rstrip('.')}. *{self.fields['title']}.* {', '.join(where)}."


@cache
def references() -> dict[str, Reference]:
    """All entries by key."""
    found = {}
    for kind, key, body in ENTRY.findall(BIB.read_text(encoding="utf-8") + "\n"):
        fields = {name.lower(): _plain(value) for name, value in FIELD.findall(body)}
        found[key] = Reference(key, kind.lower(), fields)
    return found


def cited(key: str) -> str:
    """A link to the bibliography; the key itself where it is not in `references.bib`."""
    reference = references().get(key)
    if reference is None:
        return key
    return f"[{reference.short}](bibliography.md#{key})"


def _plain(value: str) -> str:
    for tex, letter in ACCENTS.items():
        value = value.replace(tex, letter)
    return value.replace("{", "").replace("}", "")
