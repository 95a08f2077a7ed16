"""What the columns of banks and platforms are called, in Chinese, Dutch, English, French, German, Italian, Japanese, Polish,
Portuguese and Spanish, and the words in them that tell a side or a state."""

from __future__ import annotations

import re

PERSONAL = re.compile(
    r"姓名|收件人|收货人|买家|昵称|会员名|手机|电话|地址|邮箱|身份证|对方账[户号]|对方户名|客户名|name$|buyer|payer|payee|customer|phone|address|e-?mail"
    r"|\b(first|last|middle|given|family|sur|full|user).?name|\bname \(|recipient|consignee|postcode|\bzip\b"
    r"|vorname|nachname|strasse|straße|\bplz\b"
    r"|auftraggeber|empfänger|begünstigt|beguenstigt|zahlungspflichtig|zahlungsbeteiligt|bénéficiaire|beneficiar|tiers"
    r"|counterparty|tegenpartij|^naam\b"
    r"|controparte|ordinante|contraparte|ordenante|destinatári|kontrahent|nadawca|odbiorca|相手|取引先|お名前", re.I)
# what names goods, places or ways, and ends in a word that else names people
NO_PERSON = re.compile(
    r"(?i)\b(item|product|article|file|shop|store|sku|warehouse|carrier|method|brand|category|service|variant|event)s?\b.?name$")
# columns by which a person is told, the surest last: given names are shared by many
GIVEN_NAME = re.compile(r"(?i)\b(first|last|middle|given|family|sur).?name|vorname|nachname|prénom|apellido|cognome|名字")
# amounts of which another one is the whole
PART = re.compile(
    r"(?i)discount|coupon|voucher|\btax|\bvat\b|mwst|ust\b|shipping|postage|delivery|freight|versand|refund|rabatt|subtotal|zwischensumme"
    r"|remise|livraison|tva\b|iva\b|\btip\b|优惠|折扣|运费|邮费|税|退款|红包")
ID = re.compile(
    r"号$|编号|单号|流水|\bid\b|_id$|\bno\.?$|number$|nummer$|referen[cz]|référence|^ref\b|kenmerk|riferimento|sku"
    r"|编码|番号|iban", re.I)
# what tells a row in words: never its id, be it ever so long
TEXT = re.compile(
    r"text|zweck|descri|omschrijving|mededeling|memo|details|libellé|label|narrative|concepto|causale|opis|tytuł|histórico|remark"
    r"|note|comment|摘要|备注|説明|内容",
    re.I)
MONEY = re.compile(
    r"金额|金額|应付|实付|实收|收入|支出|手续费|手数料|服务费|余额|残高|费|amount|price|fee|net|gross|total|value|debit|credit|balance"
    r"|betrag|bedrag|saldo|solde|importe|importo|montant|montante|valor|kwota|umsatz|soll|haben|débit|crédit|addebit|accredit|entrate"
    r"|uscite|cargo|abono|saída|entrada|obciążeni|uznani|お預|お引|入金|出金|money|paid", re.I)
CURRENCY = re.compile(r"currency|ccy|币种|币别|通貨|währung|waehrung|devise|moneda|moeda|valuta|divisa|waluta|munt$", re.I)
STATE = re.compile(r"status|state$|statut|état|stato$|estado|stan$|状态|状態|info$", re.I)
PENDING = re.compile(r"(?i)pend|vorgemerkt|attente|in attesa|pendiente|in behandeling|oczekuj|待|未|処理中|process")
VOID = re.compile(
    r"(?i)declin|fail|cancel|revert|reject|denied|storniert|abgelehnt|annul|refus|rechaz|odrzuc|anulow|失败|取消|关闭|撤销")
# role -> what the name of its column looks like, the surest first
ROLES: dict[str, tuple[str, ...]] = {
    "debit": (
        r"^(debit|withdrawals?|money out|paid out|debit amount|借方(金额)?|soll|débit|dépenses?|addebiti|dare|uscite|cargos?|debe|débito"
        r"|saídas?|af|obciążeni\w+"
        r"|支出(金额)?|お?引出し?金額|お支払(い)?金額|出金(額)?)(\b|$)",),
    "credit": (
        r"^(credit|deposits?|money in|paid in|credit amount|贷方(金额)?|haben|crédit|recettes?|accrediti|avere|entrate|abonos?|haber"
        r"|crédito|entradas?|bij|uznani\w+"
        r"|收入(金额)?|お?預入れ?金額|お預り金額|入金(額)?)(\b|$)",),
    "fee": (r"手续费|手数料|服务费|\bfees?(\b|_)|commission|gebühr|frais|commissioni|comisión|comissão|tarifa|kosten|prowizja|opłata",),
    "balance": (r"余额|结余|残高|\bbalance\b|saldo|solde|stan konta",),
    "amount": (
        r"^(交易|结算|收支|应付|应收|入账)?金[额額]", r"^amount", r"gross",
        r"amount|betrag|bedrag|importe|importo|montante?|kwota|valor\b|quantia|umsatz|取引金額",
        r"^(value|total)$|应付|实收|实付", r"\bnet\b|净额",
    ),
}
INWARD = {
    "c", "cr", "credit", "crdt", "in", "收入", "收", "贷", "入账", "h", "haben",
    "bij", "crédit", "credito", "crédito", "avere", "uznanie", "入金", "money_in", "+",
}
OUTWARD = {
    "d", "dr", "debit", "dbit", "out", "支出", "支", "借", "出账", "s", "soll",
    "af", "débit", "debito", "débito", "dare", "obciążenie", "出金", "money_out", "-",
}
HEADER_CURRENCY = re.compile(
    r"[(\[]\s*(EUR|USD|GBP|CHF|JPY|CNY|PLN|SEK|NOK|DKK"
    r"|CZK|HUF|RON|BRL|MXN|CAD|AUD|NZD|HKD|SGD|INR|€|£|zł|R\$)\s*[)\]]")
# columns of the number of an order: first the one that the platform and its provider know it by, which an own system has beside its own
ORDER_NUMBERS = (
    r"原始(订?单|交易)|线上(订单|单号)|平台(订单|单号|交易)|网店(订单|单号)|外部(订单|单号)|店铺(订单号|单号)|来源单号"
    r"|(platform|channel|marketplace|external|web|shop|store).?order.?(id|no|number|ref|#|$)",
    r"订单(编?号|号码|id$)|^订单$|\border.?(id|no|nr|num|name|ref|#)|^order$|bestell.?(n|id)|^bestellung$|commande",
    r"订单|\border|bestell",
)
# what stands beside the number of an order and is not it, though it has the word in its name
NO_ORDER_NUMBER = re.compile(
    r"(?i)状态|类型|来源|时间|日期|备注|数量|金额|标记|方式|status|state$|type|source|date|time|note|comment|total|amount|count|currency|channel$")
# numbers of goods, parcels and places, never of orders
ITEM = re.compile(
    r"(?i)sku|商品|货号|商家编码|条码|运单|快递|物流|仓库|手机|电话|item|product|article|artikel|tracking|ean|warehouse|phone")
# role of a list of orders -> the kinds that its column may be of, and what it looks like
ORDER_ROLES: dict[str, tuple[tuple[str, ...], str]] = {
    "paid_at": (("time",), r"付款|支付|\bpaid|payment|bezahl|paiement"),
    "sku": (
        ("id", "text", "number"), r"sku|商品编[码号]|商家编码|货号|款号|物料|\bitem.?(no|code|id)|article|artikel(nr|nummer)"
        r"|product.?(code|id)|référence produit"),
    "quantity": (("number",), r"数量|件数|^qty|quantity|menge|anzahl|quantité|cantidad|quantità|個数"),
    "unit_price": (("money",), r"单价|售价|^price$|unit.?(price|cost)|item.?cost|einzelpreis|prix unitaire|precio unitario|単価"),
    "shop": (("text", "id"), r"店铺|门店|网店|\bshop\b|\bstore\b|^shop|channel|销售渠道|渠道|laden|boutique|tienda|店舗"),
    "product": (("text",), r"商品(名称|标题)?$|宝贝|品名|product|item.?name|^(item.?)?title|bezeichnung|désignation"),
}
# what a state of an order is called here, the surest first
ORDER_STATES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("unpaid", re.compile(r"(?i)unpaid|待付|未付|等待买家付款|pending payment|awaiting payment|offen")),
    ("closed", VOID),
    ("completed", re.compile(r"(?i)complet|finish|完成|成功|已签收|abgeschlossen|terminé")),
    ("paid", re.compile(r"(?i)^paid|processing|已付|待发货|等待卖家发货|bezahlt|payée?$")),
    ("shipped", re.compile(r"(?i)ship|fulfil|已发货|发出|versand|versendet|expédi|enviado")),
)
