-- Grain: one row a day of the range, basis, place and SKU. Meaning: the levels last observed up to that day; the next
-- day's claims are changes against them.
with
calendar as (select period from calendar),
observations as (select * from stock_observations),
places as (select distinct basis, entity, place, sku from observations),

final as (
    select
        c.period, p.basis, p.entity, p.place, p.sku,
        max_by(o.left_level, o.period) as left_level, max_by(o.right_level, o.period) as right_level
    from places as p
    cross join calendar as c
    inner join observations as o
        on o.basis = p.basis and o.entity = p.entity and o.place = p.place and o.sku = p.sku and o.period <= c.period
    group by all
)

select * from final
