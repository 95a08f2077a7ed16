-- Grain: one row a day of the range, basis, place and SKU. Meaning: the levels last observed up to that day; the next
-- day's claims are changes against them. Of several observations of a day the last one counts.
with
calendar as (select period from calendar),
observations as (select * from stock_observations),

daily as (
    select
        basis, entity, place, sku, period,
        max_by(left_level, {'file': file, 'line': line}) as left_level,
        max_by(right_level, {'file': file, 'line': line}) as right_level
    from observations
    group by basis, entity, place, sku, period
),

spans as (
    select
        basis, entity, place, sku, period,
        last_value(left_level ignore nulls) over observed as left_level,
        last_value(right_level ignore nulls) over observed as right_level,
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
