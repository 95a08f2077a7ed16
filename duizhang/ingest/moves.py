"""What the words of a bank's row say of its money: that it came in, that it went out, that it was turned back.

Regexes to look for in the text of a row, put together by `any_of`.
"""

from __future__ import annotations

# what a bank takes, and what it gives
TAKEN = (
    r"手续费|工本费|账户管理费|管理费|年费|短信费|网银服务费|汇划费|扣费|消费|取现|取款|税款|\bcharges\b|\bfee\b|\batm\b|\bwithdrawal\b"
    r"|\bpos\b|\b(?:bank|service|account|monthly|annual|wire|overdraft) (?:service |maintenance )?fees\b|card purchase|direct debit"
    r"|standing order|kontoführung|entgelt|lastschrift|frais (?:bancaires|de tenue)|commissioni?\b|comisi[óo]n(?:es)?\b|prelievo|retiro"
    "|bankkosten")
GIVEN = (
    r"结息|利息|存款|存入|工资|代发|\binterest (?:paid|earned|credit)|\b(?:salary|payroll|deposit)\b|gehalt|lohn\b|\bgutschrift"
    r"|virement re[çc]u|\bpayouts?\b|/PAYOUT/|\bstripe\b|\bshopify\b|\badyen\b|\bpaypal transfer\b"
    "|(?:支付宝|财付通).*(?:提现|结算)|清算款|交收款")
# a payout is money out of a provider's account, which does not name itself, and money in at the bank whose row names the provider
PAID_OUT = (
    r"\b(?:stripe|paypal) transfer\b|\b(?:payout|settlement|disbursement|transfer) from \w|(?:支付宝|财付通|微信支付).*(?:提现|结算)"
    r"|\b(?:stripe|shopify|adyen|paypal|klarna|mollie|amazon|alipay|tiktok|shopee|lazada|square|worldpay|airwallex|payoneer|tenpay"
    r"|wechat ?pay)\b.*\b(?:payouts?|settlement|disbursement|remittance)\b")
CAME_IN = (  # what says of a row by itself that its money came in
    r"\bdeposits?\b|\b(?:bank|giro|direct|ach|wire|transfer|interest) credit\b|\bcredit (?:transfer|interest|advice)\b|\bincoming\b"
    r"|\breceived from\b|\bpayments? received\b|\bmoney in\b|\bgutschr|zahlungseingang|geldeingang|\bhaben(?:zinsen|buchung)"
    r"|\bvirements? (?:re[çc]us?|en votre faveur)|\bvir(?:ement)? re[çc]u|\bencaissement|\bremise de ch[èe]ques?|\bversement\b"
    r"|transferencia (?:recibida|a su favor)|\babono\b|\bingreso\b|bonifico (?:a vostro favore|ricevuto|in entrata)|\baccredito\b"
    r"|bijschrijving|\bontvangen\b|\bstorting\b|przelew przychodz|\bwpłata\b|\buznanie\b|transfer[êe]ncia recebida|pix recebido"
    r"|\brecebimento\b|\bdepósito\b|insättning|innbetaling|indbetaling|příchozí|入金|振込入金|存入|转入|收款|入账|입금")
TURNED = (
    r"returned|reversal|chargeback|\brefund|\bstorno|rückgabe|rücklast|rejet|retour|devoluci|estorno|zwrot|退款|退回|撤销|冲正")
LEFT = r"转出|付款|\bwithdraw|\boutgoing\b|\bsent\b|\bdirect debit\b"
BY_CARD = r"\bcard\b|karte|\bcarte\b|tarjeta|\bfee\b"
CARD_PAID = r"payment\b.{0,14}thank you|thank you\b.{0,14}payment"


def any_of(*words: str) -> str:
    """The pattern of a text that has any of these, in capitals or not."""
    return f"(?i){'|'.join(words)}"
