-- Grain: one row a period, entity, shop, currency and SKU of the day's paid orders of our own system, sets as their parts. Meaning:
-- what the goods cost (see goods_lines). sold_amount and sold_cost leave out lines that sell no pieces.
with
lines as (select * from goods_lines where origin = 'books' and is_listed),

final as (
    select
        period, entity, shop, currency, sku,
        sum(cost)::decimal(28, 4) as cost,
        sum(amount) filter (where quantity > 0)::decimal(28, 4) as sold_amount,
        case when bool_and(cost is not null) filter (where quantity > 0)
            then sum(cost) filter (where quantity > 0)
        end::decimal(28, 4) as sold_cost
    from lines
    group by period, entity, shop, currency, sku
)

select * from final
