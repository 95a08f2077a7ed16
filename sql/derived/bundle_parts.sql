-- Grain: one row a set, day from which it holds, and part. Meaning: the pieces of a part in one set, and which stretch of the
-- set's price it stands for (0..1): from share_before to share_until, the last part until 1, so that the parts of any amount add up
-- to it. What a file says of a set's day wins over books.yaml. last_day: the day before the set is made up anew.
with
filed as (select * from bundles_filed),
declared as (select * from bundles_declared),

unioned as (
    select period, set_sku, sku, sum(quantity)::decimal(28, 4) as quantity, sum(share)::decimal(18, 8) as share
    from filed
    where sku <> set_sku
    group by period, set_sku, sku
    union all
    select d.period, d.set_sku, d.sku, d.quantity, d.share
    from declared as d
    anti join filed as f on d.period = f.period and d.set_sku = f.set_sku
),

days as (
    select set_sku, period, lead(period) over (partition by set_sku order by period) - 1 as last_day
    from (select distinct set_sku, period from unioned) as u
),

final as (
    select
        u.set_sku, u.period, coalesce(d.last_day, date '9999-12-31') as last_day, u.sku, u.quantity,
        coalesce(sum(u.share) over (parts rows between unbounded preceding and 1 preceding), 0)::decimal(18, 8) as share_before,
        case
            when lead(u.sku) over parts is null then 1
            else coalesce(sum(u.share) over (parts rows between unbounded preceding and current row), 0)
        end::decimal(18, 8) as share_until
    from unioned as u
    inner join days as d on u.set_sku = d.set_sku and u.period = d.period
    window parts as (partition by u.set_sku, u.period order by u.sku)
)

select * from final
