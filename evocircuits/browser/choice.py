"""What a gallery's address asks for: its words are those of `evocircuits ls`, so that an address can be shared."""

from dataclasses import dataclass, fields
from math import isfinite

from starlette.datastructures import QueryParams

from evocircuits.browser.pages import said
from evocircuits.errors import InputError
from evocircuits.library import Query

PAGE = 48
"""Motifs of a page."""
_NUMBERS = {
    "min_score": float,
    "min_neurons": int,
    "max_neurons": int,
    "max_synapses": int,
    "min_ei": float,
    "max_ei": float,
}
_TEXTS = ("task", "run", "text", "structure", "shape")
_LISTS = ("tag", "front")
_USUAL = {"page": 1, "sort": "score"}
"""What need not stand in an address."""


@dataclass(frozen=True)
class Choice:
    """Which motifs, as `Query` has it, and which page of them."""

    task: str | None = None
    run: str | None = None
    sort: str = "score"
    front: tuple[str, ...] = ()
    min_score: float | None = None
    min_neurons: int | None = None
    max_neurons: int | None = None
    max_synapses: int | None = None
    min_ei: float | None = None
    max_ei: float | None = None
    tag: tuple[str, ...] = ()
    text: str | None = None
    structure: str | None = None
    shape: str | None = None
    group: bool = False
    page: int = 1

    @classmethod
    def read(cls, asked: QueryParams) -> "Choice":
        """What an address asks for; words that are empty ask for nothing.

        Raises `InputError` for words that there are not, and for what are no numbers.
        """
        known = [f.name for f in fields(cls)]
        if unknown := [name for name in asked if name not in known]:
            raise InputError(f"address: expected {', '.join(known)}; got {unknown[0]!r}")
        told = {name: value.strip() for name, value in asked.items() if value.strip()}
        values: dict = {name: told[name] for name in _TEXTS if name in told}
        values |= {name: _number(name, told[name], kind) for name, kind in _NUMBERS.items() if name in told}
        values |= {name: tuple(filter(None, map(str.strip, asked.getlist(name)))) for name in _LISTS}
        values["group"] = told.get("group") in ("on", "1", "true")
        values["sort"] = told.get("sort", cls.sort)
        values["page"] = max(1, _number("page", told["page"], int)) if "page" in told else 1
        choice = cls(**values)
        Query.of(**choice.words)  # says what cannot be asked
        return choice

    @property
    def words(self) -> dict:
        """The words of `Library.listing`, without those that page."""
        own = ("page", "min_ei", "max_ei")
        words = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in own}
        bounded = self.min_ei is not None or self.max_ei is not None
        return words | {"ei": (self.min_ei, self.max_ei) if bounded else None}

    @property
    def offset(self) -> int:
        """How many motifs come before this page."""
        return (self.page - 1) * PAGE

    @property
    def narrowed(self) -> bool:
        """Whether anything but the order was chosen."""
        return bool(said(self.address_words(**_USUAL)))

    def address_words(self, **changed) -> dict:
        """What an address of this choice says, with some of it changed; a front needs its task, and goes with it."""
        words = {f.name: getattr(self, f.name) for f in fields(self)} | changed
        if words["task"] is None:
            words["front"] = ()
        told = {name: value for name, value in words.items() if value != _USUAL.get(name)}
        return {name: "on" if value is True else value for name, value in told.items()}


def chips(choice: Choice) -> list[tuple[str, dict]]:
    """What was chosen, each in words and with what an address says without it."""
    told = {
        "task": choice.task,
        "run": choice.run and f"run {choice.run}",
        "text": choice.text and f"“{choice.text}”",
        "structure": choice.structure,
        "shape": choice.shape and f"shaped like {choice.shape[:8]}",
        "min_score": choice.min_score is not None and f"score ≥ {choice.min_score:g}",
        "min_neurons": choice.min_neurons is not None and f"≥ {choice.min_neurons} neurons",
        "max_neurons": choice.max_neurons is not None and f"≤ {choice.max_neurons} neurons",
        "max_synapses": choice.max_synapses is not None and f"≤ {choice.max_synapses} synapses",
        "min_ei": choice.min_ei is not None and f"E:I ≥ {choice.min_ei:g}",
        "max_ei": choice.max_ei is not None and f"E:I ≤ {choice.max_ei:g}",
        "group": choice.group and "one of each shape",
    }
    found = [(text, choice.address_words(**{name: None, "page": 1})) for name, text in told.items() if text]
    for name, wording in (("tag", "#{}"), ("front", "front of score and {}")):
        for value in getattr(choice, name):
            rest = tuple(v for v in getattr(choice, name) if v != value)
            found.append((wording.format(value), choice.address_words(**{name: rest, "page": 1})))
    return found


def _number(name: str, text: str, kind: type) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not isfinite(value):
        raise InputError(f"{name}: expected a {'whole ' if kind is int else ''}number; got {text[:40]!r}")
    if abs(value) > 1e9:
        raise InputError(f"{name}: expected a number of at most nine digits; got {text[:40]!r}")
    return value
