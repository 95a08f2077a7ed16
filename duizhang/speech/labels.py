"""The words of the report in one language: everything that is not data comes from labels.yaml, causes.yaml and legs.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from duizhang.declared.legs import load_legs
from duizhang.reconcile import load_causes
from duizhang.shipped_yaml import load_shipped
from duizhang.speech.language import of_one

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def load_labels() -> dict[str, dict[str, dict[str, str]]]:
    """Group -> id -> language -> text."""
    found: dict[str, dict[str, dict[str, str]]] = load_shipped(Path(__file__).with_name("labels.yaml"))[0]
    return {"legs": {leg: {"zh": entry.zh, "en": entry.en} for leg, entry in load_legs().items()}, **found}


@dataclass(frozen=True)
class Labels:
    """Words of one language."""

    language: Language

    def text(self, name: str, **values: object) -> str:
        """A text by its id. An id that is not there is an error of the caller."""
        said: str = load_labels()["text"][name][self.language]
        return (of_one(said, values) if self.language == "en" else said).format(**values)

    def counted(self, name: str, n: int, **values: object) -> str:
        """A text with a number in it, in the singular for 1 where the language has one."""
        singular = f"{name}_one"
        return self.text(singular if n == 1 and singular in load_labels()["text"] else name, n=f"{n:,}", **values)

    def of(self, group: str, name: str) -> str:
        """The label of a name of the data; the name itself where it has none, as those of shops and providers."""
        entry = load_labels()[group].get(name)
        return entry[self.language] if entry else name

    def leg(self, name: str) -> str:
        return self.of("legs", name)

    def cause(self, name: str) -> str:
        cause = load_causes()[name]
        return cause.zh if self.language == "zh" else cause.en

    def action(self, name: str) -> str:
        cause = load_causes()[name]
        return cause.action_zh if self.language == "zh" else cause.action

    def tells(self, name: str) -> str:
        """What would show that a cause is the one; '' of one that nothing shows."""
        cause = load_causes()[name]
        return cause.tells_zh if self.language == "zh" else cause.tells

    def who(self, cause: str) -> str:
        return self.of("who", load_causes()[cause].who)

    def column(self, name: str) -> str:
        """The heading of a column of the report."""
        return load_labels()["columns"][name][self.language]

    def listed(self, parts: Any) -> str:
        return self.text("list").join(str(part) for part in parts)


__all__ = ["LANGUAGES", "Labels", "Language", "load_labels"]
