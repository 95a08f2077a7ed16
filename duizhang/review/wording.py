"""What the pages say, in Chinese and English. A page speaks one of them."""

from __future__ import annotations

LANGUAGES = ("zh", "en")

WORDS: dict[str, tuple[str, str]] = {
    # pages
    "title": ("对账", "duizhang"),
    "days": ("期间", "Days"),
    "queue": ("待办", "To do"),
    "item": ("差异", "Difference"),
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
    "currency": ("币种", "Currency"), "cause": ("原因", "Cause"), "left_amount": ("我方", "Ours"),
    "right_amount": ("对方", "Theirs"), "difference": ("差异", "Difference"), "age_days": ("账龄（天）", "Age (days)"),
    "first_seen": ("首次发现", "First seen"), "status": ("状态", "Status"), "who": ("负责", "Who acts"),
    "proposal": ("建议", "Proposal"), "confidence": ("把握", "Confidence"), "evidence": ("证据", "Evidence"),
    "opening": ("期初", "Opening"), "cleared": ("已核销", "Cleared"), "closing": ("期末", "Closing"),
    "match_rate": ("匹配率", "Match rate"), "open_keys": ("未平", "Open"), "items": ("笔数", "Items"),
    "gross": ("差异合计（绝对值）", "Gross"), "net": ("差异净额", "Net"), "oldest": ("最早（天）", "Oldest (days)"),
    "differences": ("差异", "Differences"), "timing": ("在途", "Timing"), "signed_by": ("签署", "Signed by"),
    "source": ("来源", "Source"), "file": ("文件", "File"), "rows_read": ("读取行", "Rows read"),
    "rows_quarantined": ("隔离行", "Quarantined"), "rows_ignored": ("忽略行", "Ignored"), "rows_parsed": ("解析行", "Parsed"),
    "totals": ("控制总额", "Totals"), "problem": ("问题", "Problem"), "line": ("行", "Line"),
    "column_name": ("列", "Column"), "value": ("值", "Value"), "reason": ("理由", "Reason"), "table": ("表", "Table"),
    "occurred_at": ("时间（UTC）", "Time (UTC)"), "facts": ("内容", "Facts"), "digest": ("摘要", "Digest"),
    "decision": ("处理", "Decision"), "until": ("等待至", "Wait until"), "by": ("操作人", "By"), "at": ("时间", "At"),
    "to": ("对象", "To"),
    "to_text": ("重分类：科目或原因；追索：对方（或 customer）；调价：应有金额；拆分：60 write_off; 40 accept",
                "reclassify: an account or cause; chase: a party, or customer; adjust: the amount; split: 60 write_off; 40 accept"),
    "what": ("事项", "What"), "group": ("事件", "Event"), "candidates": ("可能原因", "Candidates"),
    # parts of pages
    "verdict": ("结论", "Verdict"), "legs": ("对账关系", "Legs"), "open_by_cause": ("按原因", "Open by cause"),
    "held_reasons": ("暂挂原因", "Why it is held"), "not_run": ("未执行的对账", "Not reconciled"),
    "history": ("历史", "History"), "same_order": ("同一订单的其他差异", "Other differences of this order"),
    "decide": ("处理", "Decide"), "decisions": ("处理记录", "Decisions"), "signatures": ("签署", "Signatures"),
    "quarantine": ("未读入的值", "Values that were not read"), "what_to_do": ("怎么办", "What to do"),
    "lines": ("明细", "Lines"), "log": ("日志", "Log"),
    # buttons and fields
    "filter": ("筛选", "Filter"), "all": ("全部", "All"), "search": ("查找", "Search"), "sort": ("排序", "Order"),
    "by_money": ("金额", "Amount"), "by_age": ("账龄", "Age"), "by_key": ("键", "Key"), "with_timing": ("含在途", "With timing"),
    "next": ("下一页", "Next page"), "first": ("第一页", "First page"), "preview": ("预览", "Preview"),
    "confirm": ("确认", "Confirm"), "back": ("返回", "Back"), "choose_all": ("全选", "Choose all"), "chosen": ("已选", "chosen"),
    "name": ("姓名", "Name"), "passphrase": ("密钥口令（若有）", "Passphrase of the key, if it has one"),
    "key_file": ("您的密钥文件", "The file of your key"), "approve_maker": ("作为制单人签署", "Sign as maker"),
    "approve_checker": ("作为复核人签署", "Sign as checker"), "close_day": ("关账", "Close this day"),
    "reopen_day": ("重新开账", "Reopen this day"), "order_or_key": ("订单、交易、运单或键", "Order, transaction, parcel or key"),
    "show": ("显示", "Show"),
    "earlier": ("更早", "Earlier days"),
    # sentences
    "nothing_open": ("没有符合条件的差异。", "Nothing that fits is open."),
    "none": ("无", "none"),
    "of": ("共", "of"),
    "key_text": ("密钥由 duizhang key new 生成；本服务只在内存中保留到退出为止，用它为您的每项操作签名。",
                 "`duizhang key new` makes a key. This server keeps it in memory until you sign out, and signs with it what you do."),
    "wrong_key": ("姓名与密钥不符，或口令不对。", "This is not the key of that person, or its passphrase is another."),
    "too_many": ("尝试次数过多，请稍后再试：", "Too many tries; wait:"),
    "use_address": ("请用启动时打印的地址打开本页。", "Open this page by the address that was printed when it was started."),
    "preview_text": ("尚未保存。确认后写入并记入日志。", "Nothing is stored yet. Confirm to store it and write it into the log."),
    "run_after": ("处理将在下次运行时生效：", "It takes effect in the next run:"),
    "not_signed_in": ("未设置人员：任何能打开本页的人都以此姓名操作。",
                      "No people are set up: whoever can open this page acts under this name."),
    "saved": ("已保存", "Stored"),
    "sees": ("正在签署", "What is signed"),
    "shown_in": ("同时显示于", "also in"),
    "take_back": ("撤回", "Take back"),
    "read_instead": ("更正为", "Read instead"), "correct_cell": ("更正", "Correct"), "was": ("原值（形状）", "Was (shape)"),
    "corrected": ("已更正的值", "Corrected values"), "personal": ("个人信息，请在来源处更正", "personal data: correct it at its source"),
    "correct_text": ("原始文件不变；下次运行按更正后的值读取，并重新计算受影响的期间。文字只显示其形状。",
                     "The raw file stays as it is. The next run reads the new value, and computes what follows. Texts show their shape."),
    "reads_only": ("只读：您没有处理权限。", "You may read, not decide."),
    "object": ("提出异议", "Object"),
    "views": ("视图", "Views"), "keep_view": ("将此视图存为", "Keep this view as"), "keep": ("保存", "Keep"), "remove": ("删除", "Remove"),
    "comments": ("评论", "Comments"), "comment": ("评论", "Comment"), "say_it": ("发表", "Say it"),
    # kinds of events
    "commented": ("评论", "commented"), "certified": ("由机器签署", "signed by the machine"),
    "not_certified": ("未由机器签署", "not signed by the machine"),
    "decided": ("处理", "decided"), "taken_back": ("撤回", "taken back"), "cell_corrected": ("更正单元格", "corrected a cell"),
    "cell_restored": ("撤回单元格更正", "took a correction back"), "signed": ("签署", "signed"), "reopened": ("重新开账", "reopened"),
    "published": ("发布", "published"),
    # states and kinds of decision
    "reconciled": ("已对账", "reconciled"), "held": ("暂挂", "held"), "provisional": ("暂定", "provisional"),
    "approved": ("已复核", "approved"), "closed": ("已关账", "closed"), "open": ("未平", "open"),
    "waiting": ("等待", "waiting"), "accepted": ("已接受", "accepted"), "refused": ("拒收", "refused"), "missing": ("缺失", "missing"),
    "read": ("已读", "read"), "maker": ("制单人", "maker"), "checker": ("复核人", "checker"),
    "accept": ("接受", "accept"), "write_off": ("核销", "write off"), "correct": ("更正", "correct"), "wait": ("等待", "wait"),
    "link": ("关联", "link"), "reclassify": ("重分类", "reclassify"), "chase": ("追索", "chase"), "adjust": ("调价", "adjust"),
    "split": ("拆分", "split"), "chased": ("追索中", "chased"),
    "agrees": ("一致", "agrees"), "differs": ("有差异", "differs"), "nothing agrees": ("全部不符", "nothing agrees"),
    "certain": ("确定", "certain"), "likely": ("很可能", "likely"), "unknown": ("未知", "unknown"),
    "yes": ("是", "yes"), "no": ("否", "no"),
}


def say(name: str, language: str) -> str:
    """A word in a language; the name itself where there is none."""
    pair = WORDS.get(name)
    return pair[LANGUAGES.index(language)] if pair else name
