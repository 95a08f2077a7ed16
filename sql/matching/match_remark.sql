-- Grain: one row a period and open item whose words name other open items. Meaning: a proposal to take what is named as
-- its counterpart.
with
items as (select * from left_over where 'remark' in (select pass from matching_passes where leg = left_over.leg)),

words as (
    select distinct
        period, leg, entity, currency, "key", amount, tolerance, first_seen,
        unnest(remark_ids(words)) as word
    from items
    where words <> ''
),

named as (
    select
        w.period, w.leg, w.entity, w.currency, w."key", w.amount, w.tolerance, i."key" as named_key,
        i.amount as named_amount, abs(i.first_seen - w.first_seen) as days
    from words as w
    inner join items as i
        on w.period = i.period and w.leg = i.leg and w.entity = i.entity and w.currency = i.currency
        and normal_key(w.word) = split_part(i.normal_key, '/', -1)
    where w."key" <> i."key" and sign(w.amount) = -sign(i.amount)
),

grouped as (
    select
        period, leg, entity, currency, "key", amount, tolerance, list(named_key order by named_key) as named_keys,
        amount + sum(named_amount) as rest, max(days) as days
    from (select distinct * from named) as n
    group by period, leg, entity, currency, "key", amount, tolerance
),

-- a number that names something of another amount is a mistake where something of the right amount is there
mistaken as (
    select g.period, g.leg, g.entity, g.currency, g."key"
    from grouped as g
    semi join items as i
        on g.period = i.period and g.leg = i.leg and g.entity = i.entity and g.currency = i.currency and g.amount = -i.amount
    where abs(g.rest) > g.tolerance
),

final as (
    select
        g.period, g.leg, g.entity, g.currency,
        list_prepend(g."key", g.named_keys) as members,
        case when abs(g.rest) <= g.tolerance then 0 else 100 end + g.days as cost,
        case
            when abs(g.rest) <= g.tolerance then 9000
            -- what was announced less what a bank may have kept of it
            when g.rest > 0 and g.rest * 20 <= greatest(g.amount, g.rest - g.amount) then 7500
            else 5000
        end as points,
        concat('named in the remark', case when g.rest <> 0 then concat(', ', g.rest, ' left over') else '' end) as reason
    from grouped as g
    anti join mistaken as m using (period, leg, entity, currency, "key")
)

select * from final
