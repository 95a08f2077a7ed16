-- Grain: one row a day of the range, basis, place and SKU. Meaning: the levels last observed up to that day; the next
-- day's claims are changes against them. Of several observations of a day the last one counts, by its own time, then the
-- newest file, then the last line.
with
calendar as (select period from calendar),
observations as (select * from stock_observations),

daily as (
    select basis, entity, place, sku, period, left_level, right_level
    from observations
    qualify row_number() over (
        partition by basis, entity, place, sku, period
        order by carried, occurred_at desc nulls last, recency desc, file desc, line desc
    ) = 1
),

spans as (
    select
        basis, entity, place, sku, period,
        left_level,
        right_level,
        coalesce(lead(period) over observed - 1, getvariable('period_to')) as last_period
    from daily
    window observed as (partition by basis, entity, place, sku order by period)
),

final as (
    select c.period, s.basis, s.entity, s.place, s.sku, s.left_level, s.right_level
    from spans as s
    inner join calendar as c on c.period between s.period and s.last_period
)

select * from final
