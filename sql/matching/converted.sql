-- Grain: one row a period and open item that no pass has placed and that may be what one item of the other side is in another currency: a
-- payout that the bank converted. Meaning: the other item; only where neither has a second candidate: by the dated rate where both are
-- known, to a twentieth, as banks convert by rates of their own; else by the counterparty that both name.
with
items as (select * from left_over where left_first and one_sided),
rates as (select * from fx_known),
settings as (select * from fx_settings),

valued as (
    select
        i.*,
        case when i.currency = t.currency then i.amount else (i.amount * r.rate)::decimal(28, 4) end as worth
    from items as i
    cross join settings as t
    asof left join rates as r on i.currency = r.base and t.currency = r.quote and i.period >= r.period
),

pairs as (
    select
        l.period, l.leg, l.entity, l."key" as left_key, l.currency as left_currency, l.amount as left_amount, r."key" as right_key,
        r.currency as right_currency, -r.amount as right_amount
    from (select * from valued where amount > 0) as l
    inner join (select * from valued where amount < 0) as r
        on l.period = r.period and l.leg = r.leg and l.entity = r.entity and l.currency <> r.currency
    where r.first_seen - l.first_seen between -1 and l.window_days
        and case
            when l.worth is null or r.worth is null then l.party <> '' and l.party = r.party
            else (l.party = r.party or l.party = '' or r.party = '') and abs(l.worth + r.worth) * 20 <= l.worth
        end
),

alone as (
    select *
    from pairs
    qualify count(*) over (partition by period, leg, entity, left_key, left_currency) = 1
        and count(*) over (partition by period, leg, entity, right_key, right_currency) = 1
),

final as (
    select
        period, leg, entity, left_key as "key", left_currency as currency, right_key as other_key, right_currency as other_currency,
        right_amount as other_amount
    from alone
    union all
    select period, leg, entity, right_key, right_currency, left_key, left_currency, left_amount
    from alone
)

select * from final
