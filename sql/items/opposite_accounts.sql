-- Grain: one row a period and open item of the ledger, or of the stock of a warehouse, that others have what it lacks of: other accounts, or
-- within a week another warehouse of the same SKU, as after a transfer that nobody recorded. Meaning: how many they are, the first of them by
-- key, whether one is of the same account or day, and how many days lie between.
with
item_sums as (select * from item_sums),

items as (
    select *, '' as goods
    from item_sums
    where leg = 'ledger' and difference <> 0
    union all
    select *, substr("key", strpos("key", '/') + 1) as goods
    from item_sums
    where leg = 'stock' and difference <> 0 and split_part("key", '/', -1) in ('count', 'snapshot')
),

-- counted by what they lack, as very many may lack the same
lacking as (
    select period, leg, entity, currency, goods, difference, first_seen, count(*) as items, min("key") as least_key
    from items
    group by period, leg, entity, currency, goods, difference, first_seen
),

lacking_heads as (
    select distinct period, leg, entity, currency, difference, split_part("key", '/', 1) as head
    from items
    where leg = 'ledger'
),

lacking_tails as (
    select distinct period, leg, entity, currency, difference, split_part("key", '/', 2) as tail
    from items
    where leg = 'ledger'
),

final as (
    select
        a.period, a.leg, a.entity, a."key", a.currency,
        min(b.least_key) as opposite_key,
        sum(b.items)::bigint as opposite_count,
        bool_or(h.head is not null) as opposite_same_head,
        bool_or(t.tail is not null) as opposite_same_tail,
        min(abs(a.first_seen - b.first_seen)) as opposite_days
    from items as a
    inner join lacking as b
        on a.period = b.period and a.leg = b.leg and a.entity = b.entity and a.currency = b.currency
        and a.goods = b.goods and a.difference = -b.difference
    left join lacking_heads as h
        on a.period = h.period and a.leg = h.leg and a.entity = h.entity and a.currency = h.currency
        and a.difference = -h.difference and split_part(a."key", '/', 1) = h.head
    left join lacking_tails as t
        on a.period = t.period and a.leg = t.leg and a.entity = t.entity and a.currency = t.currency
        and a.difference = -t.difference and split_part(a."key", '/', 2) = t.tail
    where a.leg = 'ledger' or abs(a.first_seen - b.first_seen) <= 7
    group by a.period, a.leg, a.entity, a."key", a.currency
)

select * from final
