-- Grain: one row a period and open item whose key stands open in two currencies, with opposite signs. Meaning: whether they are the same
-- money, by their number or by the rate.
with
items as (select * from item_sums),
rates as (select * from fx_known),
settings as (select * from fx_settings),
minor_units as (select * from minor_units),

in_two as (
    select period, leg, entity, "key", max(first_seen) as both_there
    from items
    group by all
    having count(distinct currency) = 2
),

-- what stands in two currencies under one key, in the currency of the books by the rate of the day on which both were there
valued as (
    select
        d.period, d.leg, d.entity, d."key", d.currency, d.difference, t.currency as home, t.tolerance_percent,
        case when d.currency = t.currency then d.difference
            else (round((d.difference * r.rate)::decimal(36, 10) * coalesce(u.units, 100), 0) * coalesce(u.unit, 0.01))::decimal(28, 4)
        end as worth
    from items as d
    inner join in_two as c using (period, leg, entity, "key")
    cross join settings as t
    left join minor_units as u on t.currency = u.currency
    asof left join rates as r on d.currency = r.base and t.currency = r.quote and c.both_there >= r.period
),

final as (
    select
        a.period, a.leg, a.entity, a."key", a.currency,
        a.difference = -b.difference as fx_same_number,
        coalesce(
            abs(a.worth + b.worth) * 100 <= a.tolerance_percent * greatest(abs(a.worth), abs(b.worth)), false
        ) as fx_fits,
        -- about the same money, and off by more than a rate of the day can be
        coalesce(abs(a.worth + b.worth) * 4 <= greatest(abs(a.worth), abs(b.worth)), false) as fx_is_near,
        b.currency as fx_currency, b.difference as fx_difference, a.home as fx_home, a.worth as fx_worth, b.worth as fx_other_worth
    from valued as a
    inner join valued as b
        on a.period = b.period and a.leg = b.leg and a.entity = b.entity and a."key" = b."key" and a.currency <> b.currency
        and sign(a.difference) = -sign(b.difference) and a.difference <> 0
)

select * from final
