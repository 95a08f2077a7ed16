-- Grain: one line of a bank's statement. Meaning: with the entity whose account it is, and where it has no reference but its words hold the
-- id of a payout that was announced by then, that id as its reference: one of exactly its amount, or a word that is the id of one of which
-- it may be a part or which came in another currency. Marks and case do not count, and a short id could stand in the words by chance. A
-- payout whose id banks do not print (ours begins with the provider's name and a slash) is hardly named: there the words name the provider,
-- and it is the only one of its amount within the days that payouts take; and so are all payouts to an account whose bank prints no numbers.
-- Where two payouts are so named, the line stays without.
with
bank_entries as (select * from bank_entries),
owners as (select * from bank_account_owners),
announced as (select * from announced_payouts),
before as (select * from announced_before),
settings as (select * from matching_settings),
rules as (select * from matching_legs where leg = 'payout_bank'),
silent as (select * from silent_accounts),
providers as (select * from payout_providers),
providers_before as (select * from payout_providers_before),

owned as (
    select
        b.* replace (coalesce(w.entity, b.entity) as entity),
        case when b.original_currency <> '' and b.original_amount is not null then b.original_currency else b.currency end as sent_currency,
        case when b.original_currency <> '' and b.original_amount is not null then b.original_amount else b.amount end as sent_amount
    from bank_entries as b
    left join owners as w on b.bank_account = w.bank_account
),

seen as (
    select period, entity, currency, payout_id, amount from announced
    union all
    select period, entity, currency, payout_id, amount from before
),

-- what is known of a payout from a day on, until more is announced of it
dated as (
    select distinct
        period, entity, currency, payout_id,
        least(
            coalesce(lead(period) over (partition by entity, currency, payout_id order by period) - 1, date '9999-12-31'),
            period + getvariable('repeat_horizon')::int
        ) as until
    from seen
),

totals as (
    select d.period, d.entity, d.currency, d.payout_id, d.until, sum(s.amount)::decimal(28, 4) as amount
    from dated as d
    inner join seen as s
        on d.entity = s.entity and d.currency = s.currency and d.payout_id = s.payout_id
        and s.period between d.period - getvariable('repeat_horizon')::int and d.period
    group by d.period, d.entity, d.currency, d.payout_id, d.until
),

-- an id that begins with its provider may be printed without
called as (
    select *, bare_reference(payout_id) as bare_id from totals
    union
    select *, bare_reference(split_part(payout_id, '/', 2)) from totals where split_part(payout_id, '/', 3) = ''
),

by_name as (
    select c.*
    from called as c
    cross join settings as s
    where length(c.bare_id) >= s.near_length
),

nameless as (
    select distinct
        period, entity, bank_account, currency, amount, counterparty, remark, sent_currency, sent_amount,
        bare_reference(concat(counterparty, ' ', remark)) as bare_words, bank_account in (select bank_account from silent) as is_silent
    from owned
    where reference = '' and concat(counterparty, remark) <> ''
),

paid_by as (
    select entity, payout_id, min(provider) as provider
    from (
        select entity, payout_id, provider from providers
        union all
        select entity, payout_id, provider from providers_before
    ) as p
    group by entity, payout_id
    having min(provider) = max(provider)
),

of_amount as (
    select n.*, t.payout_id
    from nameless as n
    inner join by_name as t
        on n.entity = t.entity and n.sent_currency = t.currency and n.sent_amount = t.amount and n.period between t.period and t.until
    where contains(n.bare_words, t.bare_id)
),

-- a word that names a payout though the amount is another; it is a slip where a payout of that amount is there
worded as (
    select n.*, bare_reference(unnest(remark_ids(concat(n.counterparty, ' ', n.remark)))) as bare_word
    from nameless as n
    where not exists (
        select 1
        from totals as t
        where t.entity = n.entity and t.currency = n.sent_currency and t.amount = n.sent_amount and n.period between t.period and t.until
    )
),

of_provider as (
    select n.*, t.payout_id, lower(concat(n.counterparty, ' ', n.remark)) as words,
        case when contains(t.payout_id, '/') then split_part(t.payout_id, '/', 1) else p.provider end as provider
    from nameless as n
    inner join totals as t
        on n.entity = t.entity and n.sent_currency = t.currency and n.sent_amount = t.amount and n.period between t.period and t.until
    cross join rules as r
    left join paid_by as p on t.entity = p.entity and t.payout_id = p.payout_id
    where (contains(t.payout_id, '/') or n.is_silent) and n.period - t.period <= r.window_days
        -- an id says more than a name
        and not exists (
            select 1
            from of_amount as a
            where a.period = n.period and a.entity = n.entity and a.sent_currency = n.sent_currency and a.sent_amount = n.sent_amount
                and a.bare_words = n.bare_words
        )
),

named as (
    select period, entity, bank_account, currency, amount, counterparty, remark, sent_currency, sent_amount, payout_id from of_amount
    union all
    select period, entity, bank_account, currency, amount, counterparty, remark, sent_currency, sent_amount, payout_id
    from of_provider
    where names_provider(words, provider)
    union all
    -- a part of it, or what a bank has converted without saying so
    select
        w.period, w.entity, w.bank_account, w.currency, w.amount, w.counterparty, w.remark, w.sent_currency, w.sent_amount, t.payout_id
    from worded as w
    inner join by_name as t
        on w.entity = t.entity and w.bare_word = t.bare_id and sign(w.sent_amount) = sign(t.amount) and w.period between t.period and t.until
    where w.sent_currency = t.currency and abs(w.sent_amount) < abs(t.amount)
        or w.sent_currency <> t.currency and w.sent_currency = w.currency
),

alone as (
    select period, entity, bank_account, currency, amount, counterparty, remark, sent_currency, sent_amount, min(payout_id) as payout_id
    from named
    group by period, entity, bank_account, currency, amount, counterparty, remark, sent_currency, sent_amount
    having count(distinct payout_id) = 1
),

-- as a bank may state it apart from its words, with its provider's name or without
stated as (
    select o.period, o.entity, o.sent_currency, o.reference, min(t.payout_id) as payout_id
    from owned as o
    inner join totals as t
        on o.entity = t.entity and o.sent_currency = t.currency and o.period between t.period and t.until
        and (o.reference = t.payout_id or o.reference = split_part(t.payout_id, '/', 2) and split_part(t.payout_id, '/', 3) = '')
    where o.reference <> ''
    group by o.period, o.entity, o.sent_currency, o.reference
    having count(distinct t.payout_id) = 1
),

final as (
    select
        o.* exclude (sent_currency, sent_amount) replace (
            case
                when o.reference = '' then coalesce(n.payout_id, '') else coalesce(s.payout_id, whole_payout_id(o.reference))
            end as reference
        )
    from owned as o
    left join stated as s
        on o.period = s.period and o.entity = s.entity and o.sent_currency = s.sent_currency and o.reference = s.reference
    left join alone as n
        on o.reference = '' and o.period = n.period and o.entity = n.entity and o.bank_account = n.bank_account and o.currency = n.currency and o.amount = n.amount
        and o.counterparty is not distinct from n.counterparty and o.remark is not distinct from n.remark
        and o.sent_currency = n.sent_currency and o.sent_amount = n.sent_amount
)

select * from final
