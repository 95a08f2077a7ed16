"""The page says what the tables say, each fault once, in one language, without scripts."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from duizhang.cli import cli
from duizhang.cli.cells import screen_width
from duizhang.cli.status import _text, status_of
from duizhang.errors import UserError
from duizhang.ingest.opening.no_bill import _KINDS
from duizhang.layout import SQL
from duizhang.reconcile import LEG_MODELS, load_causes
from duizhang.report import Language, write_report
from duizhang.report.home_books import HomeBooks
from duizhang.report.item_names import item_name
from duizhang.speech import phrases
from duizhang.speech.folding import width_of
from duizhang.speech.labels import Labels, load_labels
from duizhang.speech.language import speaking
from duizhang.speech.phrases import in_language, spoken
from duizhang.yaml_reading import load_yaml
from tests.report.conftest import EVIL, LAST, business, events, item, put, status, summary
from tests.thoroughness import some

Tables = dict[str, list[dict[str, Any]]]
Changed = Callable[[Callable[[Tables], object]], Path]
PHRASES = Path(phrases.__file__).with_suffix(".yaml")
CHINESE = re.compile("[一-鿿]")


class _Page(HTMLParser):
    """Tags, and the text outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and self.inside[-1:] != ["style"]:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(self.words)


def page(home: Path, language: Language = "en", **more: Any) -> _Page:
    return _Page(write_report(home, language=language, **more).read_text(encoding="utf-8"))


def verdict(found: _Page) -> str:
    return next(str(a["class"]).split()[1] for tag, a in found.tags if tag == "div" and str(a.get("class")).startswith("verdict"))


def test_every_word_is_there_in_both_languages() -> None:
    missing = [(group, name) for group, entries in load_labels().items() for name, entry in entries.items() if set(entry) != {"zh", "en"}]
    assert missing == []
    assert set(load_labels()["legs"]) == set(LEG_MODELS)
    assert {cause.who for cause in load_causes().values()} <= set(load_labels()["who"])


def test_a_fault_that_four_legs_show_counts_once_and_currencies_are_not_added(office: Path) -> None:
    found = page(office)
    assert "4 differences have to be dealt with: 30.00 CNY, 12.50 USD, 5 pieces." in found.text
    assert verdict(found) == "watch"
    row = found.text[found.text.index("Look at these first", found.text.index("What has to be done")) :]
    assert "Orders ↔ payments, Payments ↔ settlement, Our lines ↔ statement, Customers" in row, "the legs that show it are named"


def test_rows_for_which_a_table_has_no_room_are_counted_below_it(tmp_path: Path) -> None:
    tables = business()
    [odd], last = tables["anomalies"], tables["anomalies"][0]["period"]
    many = [item(last, "order_payment", f"s/m{n}", "missing_right", "1", shop="s", order_id=f"m{n}") for n in range(203)]
    home = put(tmp_path / "home", {
        **tables, "anomalies": [{**odd, "subject": f"A{n}"} for n in range(34)], "variances": many, "open_items": many,
        "quarantine": [{"period": last, "source": "x", "file": "x.csv", "line": n, "column_name": "amount"} for n in range(55)],
    })
    found = page(home)
    below = [found.text.index(f"… and {n} more") for n in (195, 4, 5, 3)]  # of 8 looked at first, 30 unusual, 50 cells, 200 details
    assert below == sorted(below)
    sheets = load_workbook(write_report(home, language="en", form="xlsx", out=tmp_path / "a.xlsx"), read_only=True)
    assert [row[0].value for row in sheets["Differences one by one"].rows][-1] == "… and 3 more"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_has_one_language_no_script_and_nothing_from_outside(office: Path, language: Language) -> None:
    found = page(office, language)
    raw = write_report(office, language=language).read_text(encoding="utf-8")
    assert ("lang", "zh-CN" if language == "zh" else "en") in next(list(a.items()) for tag, a in found.tags if tag == "html")
    if language == "en":
        assert not CHINESE.search(found.text)
    else:
        assert not re.search(r"Match rate|Deadline|Missing on|Orders", found.text)
    assert EVIL not in raw and "alert(1)" in raw, "text is shown as text"
    assert not [tag for tag, _ in found.tags if tag in ("script", "link", "iframe", "object", "img")]
    assert not [(tag, name) for tag, attrs in found.tags for name in attrs if name.startswith("on") or name in ("src", "xlink:href")]
    assert not re.search(r"https?://|url\(|@import", raw)
    assert "None" not in found.text and "Undefined" not in found.text
    identities = [attrs["id"] for _, attrs in found.tags if attrs.get("id")]
    assert len(identities) == len(set(identities))
    pictures = [attrs for tag, attrs in found.tags if tag == "svg"]
    assert not [tag for tag, attrs in found.tags if str(attrs.get("role")).startswith("graphics")], "a picture is named as a whole"
    assert pictures and all(a.get("role") == "img" and a["aria-labelledby"].split()[0] in identities for a in pictures)  # type: ignore[union-attr]


def test_the_same_data_give_the_same_bytes(office: Path, tmp_path: Path) -> None:
    one, two = (write_report(office, language="zh", out=tmp_path / f"{n}.html").read_bytes() for n in (1, 2))
    assert one == two


def test_a_source_that_fell_silent_is_told_on_the_page(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "pdd_fund of north is silent: it had files on the same weekday of the last 4 weeks"
    monkeypatch.setattr("duizhang.report.writing.quiet_of_home", lambda home, periods: {periods[-1]: (said,)})
    assert f"{LAST} {said}" in page(office).text
    assert "pdd_fund 没有文件" in page(office, "zh").text


def test_a_verdict_is_green_only_where_nothing_speaks_against_it(changed: Changed, tmp_path: Path) -> None:
    def calm(tables: Tables) -> None:
        tables["variances"] = tables["open_items"] = [i for i in tables["variances"] if i["cause"] == "timing"]
        tables["recon_summary"] = [s for s in tables["recon_summary"] if s["currency"] == "CNY"]

    found = page(changed(calm))
    assert verdict(found) == "good" and "1 item is in transit" in found.text
    assert " 0.00%" not in found.text, "what is not due has no rate"


AGAINST: dict[str, tuple[Callable[[Tables], object], str, str]] = {
    "a leg was not run": (lambda t: t["legs_not_run"].append({"period": LAST, "leg": "finance", "missing": "right", "claims": 4}), "watch",
                          "1 leg lacks one side"),
    "a file was refused": (lambda t: t["source_files"].append({"period": LAST, "file": "x", "status": "refused"}), "watch",
                           "1 file has a problem"),
    "a total does not tie": (lambda t: t["source_files"][-1].update(control_totals_ok=False), "watch", "1 file has a problem"),
    "a cell is in quarantine": (lambda t: t["quarantine"].append({"period": LAST, "file": "x", "line": 3}), "watch",
                                "1 cell is in quarantine"),
    "the day is provisional": (lambda t: t["period_status"][-1].update(state="provisional"), "watch", "is provisional"),
    "the day is held": (lambda t: t["period_status"][-1].update(state="held", held_reasons="bill missing"), "bad", "is held"),
    "nothing agrees": (lambda t: (t["recon_summary"].append(summary(LAST, "fee", matched=0, opened=1)),
                                  t["variances"].append(item(LAST, "fee", "k", "fee_rate", "1"))), "bad", "nothing agrees in Fees"),
    "no leg ran": (lambda t: t.update(recon_summary=[], variances=[], open_items=[]), "bad", "No leg has both its sides"),
}


@pytest.mark.parametrize("what", some(AGAINST, "a file was refused", "the day is held", "nothing agrees", "a leg was not run"))
def test_what_speaks_against_a_day_is_in_its_verdict(changed: Changed, what: str) -> None:
    change, level, said = AGAINST[what]

    def make(tables: Tables) -> None:
        tables["variances"] = tables["open_items"] = [i for i in tables["variances"] if i["cause"] == "timing"]
        tables.update(legs_not_run=[], quarantine=[])
        change(tables)

    found = page(changed(make))
    assert verdict(found) == level and said in found.text, found.text[:600]


def test_a_range_adds_up_what_moved_and_shows_what_is_open_at_its_end(office: Path) -> None:
    found = page(office, first=dt.date(2026, 3, 2), last=LAST)
    assert "2026-03-02 – 2026-03-08" in found.text
    legs = found.text[found.text.index("do not add them up") :]
    assert "730.00 700.00 30.00" in legs, "seven days of one leg, and its closing"
    assert "2,100.00" in found.text, "revenue of seven days"
    assert "days were not run" not in found.text
    beyond = page(office, first=LAST, last=LAST + dt.timedelta(days=2))
    assert f"2 of the 3 days were not run; what is shown is as of {LAST}." in beyond.text and verdict(beyond) == "watch", "no whole month"


def test_a_day_that_was_never_published_says_so(changed: Changed) -> None:
    def hold(tables: Tables) -> None:
        tables.clear()
        tables["period_status"] = [status(LAST, "held", version=0, held_reasons="books_orders is missing\nbank is missing")]

    found = page(changed(hold))
    assert verdict(found) == "bad" and "2026-03-08 is not published." in found.text and "bank is missing" in found.text


def test_why_a_day_is_held_and_what_is_proposed_is_in_the_language_of_the_page(changed: Changed) -> None:
    reason = "source_files: every expected file is there / 应有的文件齐全 - alipay_trade of tb-01 is missing for 2026-03-08; and 2 more"

    def hold(tables: Tables) -> None:
        tables["period_status"][-1].update(state="held", held_reasons=reason)

    home = changed(hold)
    assert "source_files：不成立：应有的文件齐全（缺少tb-01 2026-03-08 的文件 alipay_trade；另有 2 条）" in page(home, "zh").text
    assert "not so: every expected file is there (alipay_trade of tb-01 is missing for 2026-03-08; and 2 more)" in page(home).text


SAID = {
    "pairs with a/b, c/d (keyless: 12.5 less 0.01, 2 days apart, same counterparty, one of 3 candidates)":
        "与 a/b, c/d 配对（金额与日期：12.5（少 0.01），相差 2 天，对方相同，3 个候选之一）",
    "closed: books.yaml tolerances changed": "已关账，未采纳：books.yaml 的 tolerances 已变",
    "x/a.csv: the folder 'x' is no shop of books.yaml; did you mean 'xx'? (Move the file.)":
        "x/a.csv：books.yaml 中没有店铺 'x'；是否指 'xx'？请移到 inbox/<店铺>/，公司自己的文件移到 inbox/company/",
    "what nobody has words for": "what nobody has words for",
}


def test_sentences_of_results_are_told_in_chinese_and_what_has_no_words_stands_as_it_is() -> None:
    assert {text: in_language(text, "zh") for text in SAID} == SAID
    assert {text: in_language(text, "en") for text in SAID} == {text: text for text in SAID}


def test_whatever_a_matching_pass_says_has_words_in_chinese() -> None:
    known = " | ".join(phrase["en"] for phrase in load_yaml(PHRASES.read_text(encoding="utf-8")))
    models = [SQL / "variances" / "proposals.sql", *sorted((SQL / "matching").glob("*.sql"))]
    said = {
        (path.name, text.strip(" ,(")) for path in models
        for text in re.findall(r"'([^'\n]*)'", re.sub("--.*", "", path.read_text(encoding="utf-8"))) if re.search("[a-z] | [a-z]", text)
    }
    assert len(said) > 20 and [entry for entry in sorted(said) if entry[1] not in known] == []


def test_a_day_of_which_nothing_is_known_is_an_error(office: Path) -> None:
    with pytest.raises(UserError, match="2020-01-01 was never run"):
        write_report(office, dt.date(2020, 1, 1))


@pytest.mark.parametrize(("language", "word"), [("zh", "缺少"), ("en", "Missing")])
def test_labels_of_causes_are_in_the_language(language: Language, word: str) -> None:
    assert word in Labels(language).cause("missing_right")


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PROBE = "<script>document.title=document.documentElement.scrollWidth+' '+innerWidth</script>"


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_the_page_on_a_phone(office: Path, tmp_path: Path) -> None:
    """No sideways scrolling at 390 pixels, no error, no request: a browser without network shows it."""
    text = write_report(office, language="en", out=tmp_path / "page.html").read_text(encoding="utf-8")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', text)
    assert policy and "default-src 'none'" in policy[0]
    # a page of its own width, whatever the smallest window of the browser is
    frame = '<iframe src="inner.html" style="width:390px;height:900px;border:0"></iframe>'
    (tmp_path / "inner.html").write_text(text.replace(policy[0], "").replace("</body>", _PROBE + "</body>"), encoding="utf-8")
    (tmp_path / "outer.html").write_text(
        f"<!doctype html><title></title>{frame}<script>onload=()=>document.title=frames[0].document.title</script>", encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files",
             "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([str(BROWSER), *flags, "--dump-dom", (tmp_path / "outer.html").as_uri()], capture_output=True, text=True,
                           check=True, timeout=60)
    found = re.search(r"<title>(\d+) (\d+)</title>", shown.stdout)
    assert found and int(found[1]) <= int(found[2]) == 390, shown.stdout[:300]
    assert "CONSOLE" not in shown.stderr and "ERR_" not in shown.stderr, shown.stderr


def test_status_counts_an_order_once_in_whatever_legs_it_shows(office: Path) -> None:
    to_do = {(row["cause"], row["currency"]): (row["differences"], str(row["amount"])) for row in status_of(office)["to_do"]}
    assert to_do["missing_right", "CNY"] == (1, "30.0000")
    assert sum(number for number, _amount in to_do.values()) == len(to_do) == 4  # nothing that is on its way
    with speaking("en"):
        told = list(_text(status_of(office), office, everything=True))
    assert "Missing on the other side" in "".join(told), "a cause is told in words"
    assert not re.search(r"missing_right|order_payment|PCS", "".join(told))
    assert max(width_of(line) for part in told for line in part.splitlines()) <= screen_width()


def _said(node: ast.expr | None) -> str:
    """What a refusal says, with an example in the place of everything that it fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_said(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return EXAMPLES.get(ast.unparse(node.value), "X")
    return str(node.value) if isinstance(node, ast.Constant) else ""


EXAMPLES = {
    "where": " at line 3", "tried": "and none was given", "what": "no statement of a bank account or a card", "words": "",
    "ways": "2026-06-03 (month first) or 2026-03-06 (day first)", "kind": "a PDF",
}


def test_whatever_a_part_of_a_difference_follows_from_has_words_in_chinese() -> None:
    known = " | ".join(phrase["en"] for phrase in load_yaml(PHRASES.read_text(encoding="utf-8")))
    steps = load_yaml((SQL.parent / "duizhang" / "reconcile" / "parts.yaml").read_text(encoding="utf-8"))["steps"]
    models = "".join((SQL / f"{name}.sql").read_text(encoding="utf-8") for name in ("causes/parts", "variances/item_causes"))
    texts = [step["because"] for step in steps] + [line for line in models.splitlines() if "platform by " in line or "what is left" in line]
    said = {part.removeprefix(',"because":"').strip(' "') for text in texts for part in text.split("'")[1::2] if re.search("[a-z]", part)}
    assert len(said) > 15 and {part for part in said if part not in known} == set()


def two_faults(tables: Tables) -> None:
    """An order of which a discount stands on the wrong side, and a cent is left."""
    def claims(because: str) -> str:
        rows = [("left", "90.00", 1), ("left", "45.00", 2), ("right", "45.00", 1), ("right", "100.96", 2)]
        return json.dumps([{"claimed": "2026-03-05", "side": side, "kind": "sale", "amount": amount, "source": "s", "file": f"{side}.csv",
                            "line": line, "because": because} for side, amount, line in rows])

    for cause, difference, because in (("discount_bearer", "-10.97", "a discount of 10.9700 borne by the platform"),
                                       ("rounding", "0.01", "what is left: 0.0100")):
        row = item(LAST, "order_payment", "s/o9", cause, difference, shop="s", order_id="o9", evidence=claims(because))
        tables["variances"].append(row)  # the list of open items is the same
        tables["event_items"].append({**row, "event": cause, "is_booked": True})


def test_an_order_with_two_faults_says_at_each_what_it_follows_from_and_names_the_other(changed: Changed) -> None:
    def change(tables: Tables) -> None:
        tables["event_items"] = events(tables["variances"])
        two_faults(tables)

    home = changed(change)
    english, chinese = page(home).text, page(home, "zh").text
    first = english[english.index("Evidence: file and line") :]
    bearer, left = first.index("a discount of 10.97 borne by the platform"), first.index("what is left: 0.01")
    assert "ours sale 90.00 left.csv:1 2026-03-05 theirs sale 100.96 right.csv:2" in first[bearer : bearer + 200], "not what both agree on"
    cause = Labels("en").cause
    assert f"also of this order: {cause('rounding')} 0.01 CNY" in first[bearer : bearer + 400]
    assert f"also of this order: {cause('discount_bearer')} 10.97 CNY" in first[left : left + 400]
    assert "由平台承担的优惠 10.97" in chinese and "其余：0.01" in chinese and "该订单另有：" in chinese


def test_an_unexplained_item_says_what_it_may_be_and_what_would_show_it(changed: Changed) -> None:
    def change(tables: Tables) -> None:
        told = [{"cause": "missing_right", "tells": ""}, {"cause": "refund_elsewhere", "tells": ""}]
        for row in tables["variances"][:1]:
            row.update(cause="unexplained", candidates=json.dumps(told), proposal="may pair with s/o9 (tolerance: 30 less 0.01)")
        tables["event_items"] = events(tables["variances"])

    home = changed(change)
    paired = {"en": "proposed: may pair with s/o9", "zh": "建议：可能与 s/o9 配对"}
    for language, mark in (("en", "may be: "), ("zh", "可能是：")):
        labels, text = Labels(language), page(home, language).text
        assert text.count(paired[language]) == 2
        for cause in ("missing_right", "refund_elsewhere"):
            # once among what comes first, once in the annex
            assert text.count(f"{mark}{labels.cause(cause)}") == 2 and labels.tells(cause) in text
    said = CliRunner().invoke(cli, ["explain", "s/o1", "--home", str(home), "--lang", "en"]).output
    assert paired["en"] in said
    assert "may be: Refunded another way" in said, "the advice to begin with the candidates names them"


def test_whatever_a_refusal_of_a_file_says_has_words_in_chinese() -> None:
    """Fails if a file is refused with words that a Chinese page shows in English: names, values and commands alone stay as they are."""
    told = {(f"it is {kind}, no bill that can be read", advice) for _, kind, advice in _KINDS}
    for path in sorted((SQL.parent / "duizhang" / "ingest").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if ast.unparse(call.func) in ("RefusedFile", "LockedFile") and _said(call.args[0]) and "bill {member" not in ast.unparse(call):
                told.add((_said(call.args[0]), next((_said(word.value) for word in call.keywords if word.arg == "advice"), "")))
    lines = {f"shop/file.csv: {why} ({advice})" if advice else f"shop/file.csv: {why}" for why, advice in told}
    in_english = {line for line in lines if re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", re.sub("`[^`]*`", "", in_language(line, "zh")))}
    assert len(lines) > 60 and in_english == set()


def test_status_says_in_chinese_why_a_file_is_not_read() -> None:
    problem = "a.csv: it is a PDF, no bill that can be read (Download it again.)"
    with speaking("zh"):
        assert spoken(problem) == "a.csv：这是 PDF，不是可读取的账单（请重新下载。）"
    with speaking("en"):
        assert spoken(problem) == problem


NAMES = [
    ("ledger", "6001.02/2026-03-04", "", "", "6001.02 主营业务收入 · 2026-03-04"),
    ("finance", "tb/revenue", "tb", "", "淘宝一店 收入"),
    ("customer", "p12", "tb", "", "客户 p12"),
    ("order_platform", "tb/A1/9", "tb", "A1", "淘宝一店 A1 · 9"),
    ("order_platform", "tb/A1/other", "tb", "A1", "淘宝一店 A1 · 未写 SKU 的各行（合并核对）"),
    ("order_payment", "tb/A1", "tb", "A1", "淘宝一店 A1"),
    ("fee", "jd/A1/commission", "tb", "A1", "淘宝一店 A1 · 佣金"),
    ("payment_settlement", "alipay/entry/7", "", "", "支付宝 · 分录 · 7"),
    ("stock", "WH-2/SKU1/count", "", "", "WH-2 · SKU1 · 盘点"),
    ("payout_bank", "P1/fx", "", "", "P1 · 汇兑"),
    ("freight", "SF/row/a/b.csv:3", "", "", "顺丰 · a/b.csv:3"),
]


def test_an_item_is_called_what_people_call_it() -> None:
    books = HomeBooks(shops={"tb": ("淘宝一店", "taobao")})
    told = [item_name({"leg": leg, "key": key, "shop": shop, "order_id": order}, Labels("zh"), books, {"6001.02": "主营业务收入"})
            for leg, key, shop, order, _ in NAMES]
    assert told == [name for *_, name in NAMES]
