"""The months as languages write them in dates, and which language a file's months are of: some words are two months in two of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from duizhang.errors import RefusedFile

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ENGLISH = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
# twelve months each, in every form that they have in dates, without dots (`a|b`: either)
_LANGUAGES = {
    "English": "jan|january feb|february mar|march apr|april may jun|june jul|july aug|august sep|sept|september oct|october nov|november"
    " dec|december",
    "German": "jan|januar|jän|jänner feb|februar|feber mär|märz|mrz apr|april mai jun|juni jul|juli aug|august sep|sept|september"
    " okt|oktober nov|november dez|dezember",
    "French": "jan|janv|janvier fév|févr|février|fevrier mars avr|avril mai juin juil|juillet aoû|août|aout sep|sept|septembre"
    " oct|octobre nov|novembre déc|décembre|decembre",
    "Spanish": "ene|enero feb|febrero mar|marzo abr|abril may|mayo jun|junio jul|julio ago|agosto sep|sept|septiembre|setiembre"
    " oct|octubre nov|noviembre dic|diciembre",
    "Italian": "gen|gennaio feb|febbraio mar|marzo apr|aprile mag|maggio giu|giugno lug|luglio ago|agosto set|sett|settembre ott|ottobre"
    " nov|novembre dic|dicembre",
    "Dutch": "jan|januari feb|februari mrt|maart apr|april mei jun|juni jul|juli aug|augustus sep|sept|september okt|oktober nov|november"
    " dec|december",
    "Portuguese": "jan|janeiro fev|fevereiro mar|março|marco abr|abril mai|maio jun|junho jul|julho ago|agosto set|setembro out|outubro"
    " nov|novembro dez|dezembro",
    "Polish": "sty|styczeń|stycznia lut|luty|lutego mar|marzec|marca kwi|kwiecień|kwietnia maj|maja cze|czerwiec|czerwca lip|lipiec|lipca"
    " sie|sierpień|sierpnia wrz|wrzesień|września paź|październik|października lis|listopad|listopada gru|grudzień|grudnia",
    "Czech": "led|leden|ledna úno|únor|února bře|březen|března dub|duben|dubna kvě|květen|května čvn|červen|června čvc|červenec|července"
    " srp|srpen|srpna zář|září říj|říjen|října lis|listopad|listopadu pro|prosinec|prosince",
    "Slovak": "jan|január|januára feb|február|februára mar|marec|marca apr|apríl|apríla máj|mája jún|júna júl|júla aug|august|augusta"
    " sep|september|septembra okt|október|októbra nov|november|novembra dec|december|decembra",
    "Croatian": "sij|siječanj|siječnja velj|vel|veljača|veljače ožu|ožujak|ožujka tra|travanj|travnja svi|svibanj|svibnja lip|lipanj|lipnja"
    " srp|srpanj|srpnja kol|kolovoz|kolovoza ruj|rujan|rujna lis|listopad|listopada stu|studeni|studenog|studenoga pro|prosinac|prosinca",
    "Slovene": "jan|januar feb|februar mar|marec apr|april maj jun|junij jul|julij avg|avgust sep|september okt|oktober nov|november"
    " dec|december",
    "Hungarian": "jan|január feb|febr|február már|márc|március ápr|április máj|május jún|június júl|július aug|augusztus szept|szeptember"
    " okt|október nov|november dec|december",
    "Romanian": "ian|ianuarie feb|februarie mar|martie apr|aprilie mai iun|iunie iul|iulie aug|august sep|sept|septembrie oct|octombrie"
    " nov|noi|noiembrie dec|decembrie",
    "Russian": "янв|январь|января фев|февр|февраль|февраля мар|март|марта апр|апрель|апреля май|мая июн|июнь|июня июл|июль|июля"
    " авг|август|августа сен|сент|сентябрь|сентября окт|октябрь|октября ноя|нояб|ноябрь|ноября дек|декабрь|декабря",
    "Ukrainian": "січ|січень|січня лют|лютий|лютого бер|березень|березня кві|квіт|квітень|квітня тра|трав|травень|травня чер|черв|червень"
    "|червня лип|липень|липня сер|серп|серпень|серпня вер|вересень|вересня жов|жовт|жовтень|жовтня лис|лист|листопад|листопада"
    " гру|груд|грудень|грудня",
    "Bulgarian": "яну|януари фев|февруари мар|март апр|април май юни юли авг|август сеп|септември окт|октомври ное|ноември дек|декември",
    "Turkish": "oca|ocak şub|şubat mar|mart nis|nisan may|mayıs haz|haziran tem|temmuz ağu|ağustos eyl|eylül eki|ekim kas|kasım ara|aralık",
    "Finnish": "tammi|tammikuu|tammikuuta helmi|helmikuu|helmikuuta maalis|maaliskuu|maaliskuuta huhti|huhtikuu|huhtikuuta"
    " touko|toukokuu|toukokuuta kesä|kesäkuu|kesäkuuta heinä|heinäkuu|heinäkuuta elo|elokuu|elokuuta syys|syyskuu|syyskuuta"
    " loka|lokakuu|lokakuuta marras|marraskuu|marraskuuta joulu|joulukuu|joulukuuta",
    "Swedish": "jan|januari feb|februari mar|mars apr|april maj jun|juni jul|juli aug|augusti sep|sept|september okt|oktober nov|november"
    " dec|december",
    "Danish": "jan|januar feb|februar mar|marts apr|april maj jun|juni jul|juli aug|august sep|sept|september okt|oktober nov|november"
    " dec|december",
    "Norwegian": "jan|januar feb|februar mar|mars apr|april mai jun|juni jul|juli aug|august sep|sept|september okt|oktober nov|november"
    " des|desember",
    "Greek": "ιαν|ιανουαρίου φεβ|φεβρουαρίου μαρ|μαρτίου απρ|απριλίου μαΐ|μαΐου|μαιου ιουν|ιουνίου ιουλ|ιουλίου αυγ|αυγούστου"
    " σεπ|σεπτεμβρίου οκτ|οκτωβρίου νοε|νοεμβρίου δεκ|δεκεμβρίου",
    "Lithuanian": "saus|sausio vas|vasario kov|kovo bal|balandžio geg|gegužės birž|birželio liep|liepos rugp|rugpjūčio rugs|rugsėjo"
    " spal|spalio lapkr|lapkričio gruod|gruodžio",
    "Latvian": "janv|janvāris febr|februāris marts apr|aprīlis maijs jūn|jūnijs jūl|jūlijs aug|augusts sept|septembris okt|oktobris"
    " nov|novembris dec|decembris",
    "Estonian": "jaan|jaanuar veebr|veebruar märts apr|aprill mai juuni juuli aug|august sept|september okt|oktoober nov|november"
    " dets|detsember",
    "Indonesian": "jan|januari feb|februari mar|maret apr|april mei jun|juni jul|juli agu|agustus|agt sep|september okt|oktober"
    " nov|november des|desember",
}
# names of columns, without blanks, by which a language shows whose months others have as well
_HEADERS = {
    "Polish": r"kwota|operacji|transakcji|księgowania|tytuł|szczegóły|rachun|obciąż|uznani|nadawc|odbiorc",
    "Croatian": r"iznos|knjiž|uplat|isplat|plaćanj|duguje|potražuje|stanje|primatelj|platitelj|svrha",
    "Czech": r"částka|zaúčt|protiúčt|zůstat|měna|poznámk|zpráva|pohybu|provedení|číslo",
    "Ukrainian": r"операції|рахун|залишок|призначення|сума",
}


@cache
def _words() -> dict[str, dict[str, int]]:
    """By language the words of its months, each with the month's number from 0."""
    return {
        language: {word: n for n, forms in enumerate(text.split()) for word in forms.split("|")} for language, text in _LANGUAGES.items()}


@cache
def all_words() -> frozenset[str]:
    """The words of all languages."""
    return frozenset().union(*_words().values())


def months_of(found: Iterable[str], names: Iterable[str]) -> Mapping[str, str]:
    """What the words of a file's months are in English, and those of its language that it has not. found: its words, in small letters;
    names: those of its columns.

    Raises RefusedFile where a word is one month in one language and another in a second, and neither the file's other words nor the names
    of its columns tell which it is.
    """
    words = set(found) & all_words()
    languages = {name: known for name, known in _words().items() if words <= known.keys()}
    if len({tuple(known[word] for word in sorted(words)) for known in languages.values()}) > 1:
        shown = [name for name in languages if name in _HEADERS and any(re.search(_HEADERS[name], column) for column in names)]
        if len(shown) != 1:
            _refuse(sorted(words), languages)
        languages = {name: languages[name] for name in shown}
    agreed: dict[str, set[int]] = {}
    for known in (languages or _words()).values():
        for word, month in known.items():
            agreed.setdefault(word, set()).add(month)
    return {word: MONTHS[min(months)] for word, months in agreed.items() if len(months) == 1}


def _refuse(words: list[str], languages: Mapping[str, Mapping[str, int]]) -> None:
    word = next(word for word in words if len({known[word] for known in languages.values()}) > 1)
    by_month: dict[int, list[str]] = {}
    for name, known in languages.items():
        by_month.setdefault(known[word], []).append(name)
    ways = " or ".join(f"{ENGLISH[month].title()} in {', '.join(names)}" for month, names in sorted(by_month.items()))
    raise RefusedFile(
        f"dates can be read in two ways: {word!r} is {ways}, and nothing in the file tells",
        advice="Export the dates in digits, or more months at once.")
