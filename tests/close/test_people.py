"""Who signs: what cannot be seen makes nobody another person."""

from __future__ import annotations

import pytest

from duizhang.close.people import same_person, signed_name
from duizhang.errors import UserError


@pytest.mark.parametrize("other", [
    "wang  LI", "Ｗａｎｇ Ｌｉ", "Wang\u200b Li", "Wa\u00adng Li", "Wáng Lì", "Wang L\u0131",
    "Li Wang", "Li, Wang", "Wang-Li", "WangLi", "Wang L1",
    "Wang\u3164Li", "Wang Ll", "Wɑng Li",
])
def test_the_same_name_written_otherwise_is_the_same_person(other: str) -> None:
    assert same_person("Wang Li", other)


@pytest.mark.parametrize(("one", "other"), [
    ("王伟", "伟王"), ("王伟", "王 伟"), ("Сора", "Copa"), ("Anna", "Аnnа"), ("ΗΑΝΝΑ", "HANNA"), ("Møller", "Moller"), ("Warner", "Wamer"),
])
def test_look_alikes_and_turned_names_are_the_same_person(one: str, other: str) -> None:
    assert same_person(one, other)


def test_two_people_are_two_people() -> None:
    names = ["Wang Li", "Wang Lin", "Amy", "May", "王伟", "王玮", "A", "B", "Person A", "Person B", "José", "Joshua", "Анна", "Ирина"]
    assert [(a, b) for a in names for b in names if a < b and same_person(a, b)] == []


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u3164", "\u00ad \u2060", "---", "\u0301"])
def test_nobody_signs_nothing(name: str) -> None:
    with pytest.raises(UserError, match="name is needed"):
        signed_name(name)


def test_one_name_has_one_alphabet_and_nothing_invisible() -> None:
    with pytest.raises(UserError, match="Cyrillic and Latin"):
        signed_name("W\u0430ng Li")
    assert signed_name(" Wang\u200b  Li\u00ad ") == "Wang Li"
    assert signed_name("王 Wei") == "王 Wei"
