"""From sign-in to a decision in a real browser, by keyboard; on a telephone nothing sticks out; nothing is asked of anybody else."""

from __future__ import annotations

from pathlib import Path

from duizhang.close import decisions
from duizhang.home.state import State
from duizhang.report import write_report
from tests.review.browser import chromium
from tests.review.conftest import DAY, Serving

PHONE = (390, 844)


def test_from_sign_in_to_a_decision(home: Path, serving: Serving, tmp_path: Path) -> None:
    server = serving(home)
    with chromium(tmp_path) as page:
        page.go(server.entry)
        page.go(f"{server.address}/day/{DAY}/queue?lang=en")
        assert page.run("document.querySelectorAll('tr[data-row]').length") == 50
        for key in "jjx":
            page.key(key)
        assert page.run("document.querySelectorAll('input[name=event]:checked').length") == 1
        assert page.run("document.activeElement.pathname").endswith("/item"), "Enter opens it"
        page.tab_to("[name=decision]")
        page.type("acc")
        page.tab_to("[name=reason]")
        page.type("known")
        page.leave_with("Enter")
        assert "Nothing is stored yet" in page.run("document.body.innerText")
        page.leave_with("Enter")
        [decision] = decisions(State(home, read_only=True))
        assert (decision.decision, decision.reason, decision.decided_by) == ("accept", "known", "Li Na")
        page.resize(*PHONE)
        for path in ("/", f"/day/{DAY}", f"/day/{DAY}/queue", f"/day/{DAY}/files", "/life?key=s/o001",
                     f"/day/{DAY}/item?leg=order_payment&entity=acme&key=s/o001&currency=CNY"):
            page.go(server.address + path)
            assert page.run("document.documentElement.scrollWidth") <= PHONE[0], path
            unnamed = "[...document.querySelectorAll('input:not([type=hidden]), select, button')]" \
                ".filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).length"
            assert page.run(unnamed) == 0, path
        report = write_report(home, language="en", out=tmp_path / "report.html").as_uri()
        for size, shown in ((PHONE, [True, False]), ((1240, 900), [True, True])):
            page.resize(*size)
            page.go(report)
            assert page.run("['todo', 'legs'].map(id => document.getElementById(id).checkVisibility())") == shown, "the rest is folded"
            assert page.run("document.documentElement.scrollWidth") <= size[0]
        assert page.complaints == []
        assert [address for address in page.asked if not address.startswith((server.address, "data:", "file:"))] == []


def test_a_day_is_signed_by_two_and_closed_by_keyboard_alone(home: Path, serving: Serving, tmp_path: Path) -> None:
    with chromium(tmp_path) as page:
        for name, role in (("Li Na", "maker"), ("Wang Wei", "checker")):
            server = serving(home, name)
            page.go(server.entry)
            page.go(f"{server.address}/?lang=en")
            page.tab_to(f"a[href*='/day/{DAY}']")
            page.leave_with("Enter")
            page.tab_to(f"form:has([value={role}]) button")
            page.leave_with("Enter")
            assert f"{role}: {name}" in page.run("document.body.innerText").lower().replace(name.lower(), name)
        page.tab_to("form[action$='/close'] [name=reason]")
        page.type("all is known")
        page.leave_with("Enter")
        assert page.run("document.querySelector('.state').innerText") == "closed"
        assert page.complaints == []
