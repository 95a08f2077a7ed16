-- Grain: one row a period and open item of which its claims tell anything. Meaning: what stands on one side more often than on the
-- other, or more often than it should; null where there is nothing to tell.
with
items as (select * from item_sums),
open_claims as (select * from item_claims),
shops as (select * from shops where provider <> ''),
claims as (select * from claims where leg = 'payout_bank' and side = 'left'),
past_claims as (select * from past_claims where leg = 'payout_bank' and side = 'left'),

-- an order that several transactions of the other side paid in one amount
paid_again as (
    select period, leg, entity, "key", currency, sum(amount * (transactions - 1))::decimal(28, 4) as paid_again
    from (
        select period, leg, entity, "key", currency, amount, count(distinct record_id) as transactions
        from open_claims
        where leg = 'order_payment' and side = 'right' and kind = 'sale' and record_id <> '' and amount > 0
        group by all
    ) as t
    where transactions > 1
    group by period, leg, entity, "key", currency
),

-- refunds that one side has more often than the other, amount by amount
refunds_apart as (
    select
        period, leg, entity, "key", currency,
        sum(amount * greatest(left_times - right_times, 0))::decimal(28, 4) as left_only_refund,
        sum(amount * greatest(right_times - left_times, 0))::decimal(28, 4) as right_only_refund
    from (
        select
            period, leg, entity, "key", currency, amount,
            count(*) filter (where side = 'left') as left_times, count(*) filter (where side = 'right') as right_times
        from open_claims
        where kind = 'refund'
        group by all
    ) as a
    group by period, leg, entity, "key", currency
),

-- days on which our own lines of a shop have no statement of the platform beside them
unstated as (
    select period, leg, entity, "key", currency, sum(amount) as unstated_amount
    from (
        select
            period, leg, entity, "key", currency, claimed, sum(amount) filter (where side = 'left') as amount
        from open_claims
        where leg = 'finance'
        group by all
        having count(*) filter (where side = 'right') = 0
    ) as s
    group by all
),

-- parcels with charges of several kinds: whether those of one kind are what the card says
charges_by_kind as (
    select period, leg, entity, "key", currency, record_id, sum(amount)::decimal(28, 4) as amount
    from open_claims
    where leg = 'freight' and side = 'right'
    group by period, leg, entity, "key", currency, record_id
),

other_charges as (
    select d.period, d.leg, d.entity, d."key", d.currency, bool_or(c.amount = d.left_amount) as is_freight_right
    from items as d
    inner join charges_by_kind as c using (period, leg, entity, "key", currency)
    where d.left_amount <> 0
    group by d.period, d.leg, d.entity, d."key", d.currency
    having count(*) > 1
),

-- journal lines of one voucher that were read or posted twice
posted_again as (
    select period, leg, entity, "key", currency, sum(amount * (times - 1))::decimal(28, 4) as posted_again
    from (
        select period, leg, entity, "key", currency, amount, record_id, count(*) as times
        from open_claims
        where leg = 'ledger' and kind = 'journal' and record_id <> ''
        group by all
    ) as j
    where times > 1
    group by period, leg, entity, "key", currency
),

-- providers of our shops, and since when any payout of theirs is announced
announcing as (
    select s.entity, s.provider, coalesce(min(k.since), date '9999-12-31') as since
    from shops as s
    left join (
        select entity, channel, min(period) as since from claims group by entity, channel
        union all
        select entity, channel, min(period) from past_claims group by entity, channel
    ) as k on s.entity = k.entity and s.provider = k.channel
    group by s.entity, s.provider
),

-- bank credits that may be payouts of a provider of whom none was ever announced: of the one that their words name, where they do
credits as (
    select
        c.period, c.leg, c.entity, c."key", c.currency, n.provider,
        coalesce(names_provider(lower(concat(c.counterparty, ' ', c.remark)), lower(n.provider)), false) as is_named
    from open_claims as c
    inner join announcing as n on c.entity = n.entity and c.period < n.since
    where c.leg = 'payout_bank' and c.side = 'right' and c.kind = 'bank' and c.amount > 0
),

unannounced as (
    select
        period, leg, entity, "key", currency, bool_or(is_named) as names_unannounced,
        coalesce(
            string_agg(distinct provider, ', ' order by provider) filter (where is_named), string_agg(distinct provider, ', ' order by provider)
        ) as unannounced
    from credits
    group by period, leg, entity, "key", currency
),

told as (
    select period, leg, entity, "key", currency from paid_again
    union
    select period, leg, entity, "key", currency from refunds_apart
    union
    select period, leg, entity, "key", currency from unstated
    union
    select period, leg, entity, "key", currency from other_charges
    union
    select period, leg, entity, "key", currency from posted_again
    union
    select period, leg, entity, "key", currency from unannounced
),

final as (
    select
        t.*, p.paid_again, r.left_only_refund, r.right_only_refund, u.unstated_amount, c.is_freight_right, j.posted_again,
        c."key" is not null as has_other_charges, n.unannounced, n.names_unannounced
    from told as t
    left join paid_again as p using (period, leg, entity, "key", currency)
    left join refunds_apart as r using (period, leg, entity, "key", currency)
    left join unstated as u using (period, leg, entity, "key", currency)
    left join other_charges as c using (period, leg, entity, "key", currency)
    left join posted_again as j using (period, leg, entity, "key", currency)
    left join unannounced as n using (period, leg, entity, "key", currency)
)

select * from final
