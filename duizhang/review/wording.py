"""What the pages say, in Chinese and English. A page speaks one of them."""

from __future__ import annotations

LANGUAGES = ("zh", "en")

WORDS: dict[str, tuple[str, str]] = {
    # pages
    "title": ("对账", "duizhang"),
    "days": ("期间", "Days"),
    "queue": ("待办", "To do"),
    "item": ("事项", "Item"),
    "life": ("订单全程", "One order's life"),
    "files": ("文件", "Files"),
    "close": ("关账", "Close"),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "skip": ("跳到正文", "Skip to content"),
    "other_language": ("English", "中文"),
    # columns
    "period": ("期间", "Day"), "state": ("状态", "State"), "version": ("版本", "Version"), "leg": ("对账关系", "Leg"),
    "entity": ("主体", "Entity"), "shop": ("店铺", "Shop"), "key": ("键", "Key"), "order_id": ("订单", "Order"),
    "currency": ("币种", "Currency"), "cause": ("原因", "Cause"), "left_amount": ("我方", "Ours"), "part_of": ("属于", "Part of"),
    "right_amount": ("对方", "Theirs"), "difference": ("差异", "Difference"), "age_days": ("账龄（天）", "Age (days)"),
    "first_seen": ("首次发现", "First seen"), "status": ("状态", "Status"), "who": ("责任人", "Who acts"),
    "proposal": ("建议", "Proposal"), "confidence": ("把握", "Confidence"), "evidence": ("证据", "Evidence"),
    "opening": ("期初", "Opening"), "cleared": ("已结清", "Cleared"), "closing": ("期末", "Closing"),
    "due_rate": ("应平匹配率", "Match rate of what is due"), "open_keys": ("未平", "Open"), "items": ("件数", "Items"),
    "amount_once": ("金额", "Amount"), "oldest": ("最长账龄（天）", "Oldest (days)"),
    "differences": ("差异", "Differences"), "timing": ("在途", "Timing"), "signed_by": ("签字", "Signed by"),
    "source": ("来源", "Source"), "file": ("文件", "File"), "rows_read": ("读取行", "Rows read"),
    "rows_quarantined": ("隔离行", "Quarantined"), "rows_ignored": ("忽略行", "Ignored"), "rows_parsed": ("解析行", "Parsed"),
    "totals": ("控制总额", "Totals"), "problem": ("问题", "Problem"), "line": ("行", "Line"),
    "column_name": ("列", "Column"), "value": ("值", "Value"), "reason": ("理由", "Reason"), "table": ("表", "Table"),
    "facts": ("内容", "Facts"), "digest": ("摘要", "Digest"),
    "decision": ("处理", "Decision"), "until": ("等待至", "Wait until"), "by": ("操作人", "By"), "at": ("时间", "At"),
    "to": ("对象", "To"),
    "to_text": ("重分类：科目或原因；追索：对方的名称，或“客户”；调价：应有金额；拆分：60 核销; 40 接受",
                "reclassify: an account or cause; chase: a party, or customer; adjust: the amount; split: 60 write_off; 40 accept"),
    "what": ("事项", "What"), "group": ("事件", "Event"), "candidates": ("可能原因", "Candidates"),
    # parts of pages
    "verdict": ("结论", "Verdict"), "legs": ("对账关系", "Legs"), "open_by_cause": ("按原因", "Open by cause"),
    "held_reasons": ("暂扣原因", "Why it is held"),
    "same_event": ("与上方同一事项，一并处理", "the same event as above, decided with it"), "not_run": ("未执行的对账", "Not reconciled"),
    "history": ("历史", "History"), "same_order": ("同一订单的其他差异", "Other differences of this order"),
    "decide": ("处理", "Decide"), "decisions": ("处理记录", "Decisions"), "signatures": ("签字", "Signatures"),
    "quarantine": ("未读入的值", "Values that were not read"), "what_to_do": ("处理办法", "What to do"),
    "lines": ("明细", "Lines"), "log": ("日志", "Log"),
    # buttons and fields
    "filter": ("筛选", "Filter"), "all": ("全部", "All"), "search": ("查找", "Search"), "sort": ("排序", "Order"),
    "by_money": ("金额", "Amount"), "by_age": ("账龄", "Age"), "by_key": ("键", "Key"),
    "keys_text": ("按键：j、k 换行，Enter 打开，x 选择，/ 查找", "Keys: j and k go from line to line, Enter opens, x chooses, / searches"),
    "on_a_page": ("每页行数", "On a page"), "with_timing": ("含在途", "With timing"),
    "next": ("下一页", "Next page"), "first": ("第一页", "First page"), "preview": ("预览", "Preview"),
    "confirm": ("确认", "Confirm"), "back": ("返回", "Back"), "choose_all": ("全选", "Choose all"), "chosen": ("已选", "chosen"),
    "name": ("姓名", "Name"), "passphrase": ("密钥口令（若有）", "Passphrase of the key, if it has one"),
    "key_file": ("您的密钥文件", "The file of your key"), "approve_maker": ("以制单人签字", "Sign as maker"),
    "approve_checker": ("以复核人签字", "Sign as checker"), "close_day": ("关账", "Close this day"),
    "reopen_day": ("重新开账", "Reopen this day"), "order_or_key": ("订单、交易、运单或键", "Order, transaction, parcel or key"),
    "show": ("显示", "Show"),
    "earlier": ("更早", "Earlier days"),
    # sentences
    "nothing_open": ("没有符合条件的差异。", "Nothing that fits is open."),
    "cleared_since": ("此后已平", "cleared since"),
    "none": ("无", "none"),
    "once_text": ("同一笔业务在几个对账关系里的差异只算一件、一次金额；在途的列在最后，无需处理。",
                  "What several legs show of the same order is one item, and its amount counts once. What is on its way comes last."),
    "legs_text": ("期初 + 我方 − 对方 = 期末。各行互有重叠（同一订单出现在多个对账关系中），不能相加。",
                  "Opening + ours − theirs = closing. The rows overlap (an order is in several legs), so do not add them up."),
    "of": ("共", "of"),
    "key_text": ("生成密钥。本服务只在内存中保留到退出为止，用它为您的每项操作签名。",
                 "makes a key. This server keeps it in memory until you sign out, and signs with it what you do."),
    "waits_maker": ("待制单人签署。", "The maker has yet to sign."), "waits_checker": ("待复核人签署。", "The checker has yet to sign."),
    "waits_close": ("已签署，待关账。", "Both have signed; it can be closed."),
    "wrong_key": ("姓名与密钥不符，或口令不对。", "This is not the key of that person, or its passphrase is another."),
    "too_many": ("尝试次数过多，请稍后再试：", "Too many tries; wait:"),
    "use_address": ("请用启动时打印的地址打开本页。", "Open this page by the address that was printed when it was started."),
    "preview_text": ("尚未保存。确认后写入并记入日志。", "Nothing is stored yet. Confirm to store it and write it into the log."),
    "run_after": ("处理将在下次运行时生效：", "It takes effect in the next run:"),
    "not_signed_in": ("未设置人员：任何能打开本页的人都以此姓名操作。",
                      "No people are set up: whoever can open this page acts under this name."),
    "saved": ("已保存", "Stored"),
    "sees": ("签字内容", "What is signed"),
    "shown_in": ("同时显示于", "also in "), "also_here": ("该订单另有：", "also of this order: "), "colon": ("：", ": "),
    "together": ("合计", "together"), "of_once": ("件差异，金额只计一次", "difference, its amount once"),
    "of_once_each": ("件差异，金额每件只计一次", "differences, the amount of each once"),
    "take_back": ("撤回", "Take back"),
    "read_instead": ("更正为", "Read instead"), "correct_cell": ("更正", "Correct"), "was": ("原值（形状）", "Was (shape)"),
    "corrected": ("已更正的值", "Corrected values"), "personal": ("个人信息，请在来源处更正", "personal data: correct it at its source"),
    "correct_text": ("原始文件不变；下次运行按更正后的值读取，并重新计算受影响的期间。文字只显示其形状。",
                     "The raw file stays as it is. The next run reads the new value, and computes what follows. Texts show their shape."),
    "reads_only": ("只读：您没有处理权限。", "You may read, not decide."),
    "object": ("提出异议", "Object"),
    "views": ("视图", "Views"), "keep_view": ("将此视图存为", "Keep this view as"), "keep": ("保存", "Keep"), "remove": ("删除", "Remove"),
    "comments": ("备注", "Comments"), "comment": ("备注", "Comment"), "say_it": ("添加", "Add"),
    # kinds of events
    "commented": ("备注", "commented"), "certified": ("由机器签署", "signed by the machine"),
    "not_certified": ("未由机器签署", "not signed by the machine"),
    "decided": ("处理", "decided"), "taken_back": ("撤回", "taken back"), "cell_corrected": ("更正单元格", "corrected a cell"),
    "cell_restored": ("撤回单元格更正", "took a correction back"), "signed": ("签字", "signed"), "reopened": ("重新开账", "reopened"),
    "published": ("发布", "published"),
    # states and kinds of decision
    "reconciled": ("已核对", "reconciled"), "held": ("暂扣", "held"), "provisional": ("暂定", "provisional"),
    "approved": ("已复核", "approved"), "closed": ("已关账", "closed"), "open": ("待处理", "open"),
    "waiting": ("等待", "waiting"), "accepted": ("已接受", "accepted"), "refused": ("拒收", "refused"), "missing": ("缺失", "missing"),
    "read": ("已读", "read"), "maker": ("制单人", "maker"), "checker": ("复核人", "checker"),
    "accept": ("接受", "accept"), "write_off": ("核销", "write off"), "correct": ("更正", "correct"), "wait": ("等待", "wait"),
    "link": ("关联", "link"), "reclassify": ("重分类", "reclassify"), "chase": ("追索", "chase"), "adjust": ("调价", "adjust"),
    "split": ("拆分", "split"), "chased": ("追索中", "chased"),
    "agrees": ("一致", "agrees"), "differs": ("有差异", "differs"), "nothing agrees": ("全部不符", "nothing agrees"),
    "certain": ("确定", "certain"), "likely": ("很可能", "likely"), "unknown": ("未知", "unknown"),
    "yes": ("是", "yes"), "no": ("否", "no"),
    # records of an order's life and what of them is shown
    "orders": ("订单", "orders"), "payments": ("收款", "payments"), "refunds": ("退款", "refunds"), "returns": ("退货", "returns"),
    "settlements": ("结算明细", "settlements"), "payouts": ("提现", "payouts"), "bank_entries": ("银行流水", "bank entries"),
    "shipments": ("发货", "shipments"), "freight_charges": ("运费账单", "freight charges"), "stock_moves": ("出入库", "stock moves"),
    "stock_snapshots": ("库存快照", "stock snapshots"), "journal_lines": ("凭证分录", "journal lines"),
    "platform_statements": ("平台结算单", "platform statements"),
    "origin": ("来自", "of"), "kind": ("类型", "kind"), "transaction_id": ("交易号", "transaction"), "refund_id": ("退款号", "refund"),
    "line_id": ("明细号", "line"), "sku": ("商品", "SKU"), "quantity": ("数量", "quantity"), "amount": ("金额", "amount"),
    "fee": ("手续费", "fee"), "carrier": ("承运商", "carrier"), "tracking_number": ("运单号", "tracking number"),
    "payout_id": ("提现号", "payout"),
}


# values of records, where their words are codes
VALUES: dict[str, tuple[str, str]] = {
    "books": ("我方", "ours"), "platform": ("平台", "platform"), "provider": ("支付机构", "provider"), "warehouse": ("仓库", "warehouse"),
    "paid": ("已付款", "paid"), "unpaid": ("未付款", "unpaid"), "shipped": ("已发货", "shipped"), "completed": ("已完成", "completed"),
    "closed": ("已关闭", "closed"),
    "sale": ("销售", "sale"), "refund": ("退款", "refund"), "fee": ("手续费", "fee"), "commission": ("佣金", "commission"),
    "service": ("服务及推广费", "service"), "freight": ("运费", "freight"), "dispute": ("拒付", "dispute"),
    "deduction": ("扣款", "deduction"),
    "adjustment": ("调整", "adjustment"),
    "payout": ("提现", "payout"), "transfer": ("调拨", "transfer"), "other": ("其他", "other"),
    "return": ("退货退款", "refund of a return"), "refund_only": ("仅退款", "refund without a return"),
    "purchase_in": ("采购入库", "purchase in"), "sale_out": ("销售出库", "sale out"), "return_in": ("退货入库", "return in"),
    "exchange_in": ("换货入库", "exchange in"), "exchange_out": ("换货出库", "exchange out"), "gift_out": ("赠品出库", "gift out"),
    "sample_out": ("样品出库", "sample out"),
}


def say_value(value: str, language: str) -> str:
    """What a record says of its side, kind or state in a language; as it stands where that is no code."""
    pair = VALUES.get(value)
    return pair[LANGUAGES.index(language)] if pair else value


def say(name: str, language: str) -> str:
    """A word in a language; the name itself where there is none."""
    pair = WORDS.get(name)
    return pair[LANGUAGES.index(language)] if pair else name
