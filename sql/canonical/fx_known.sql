-- Grain: one row a base currency, quote currency and day from which a rate holds. Meaning: one unit of base is worth `rate`
-- of quote; a filed rate wins over one that books.yaml declares for the same day.
with
filed as (select * from fx_filed),
declared as (select * from fx_declared),

unioned as (
    select period, base, quote, max(rate) as rate, 0 as rank
    from filed
    group by period, base, quote
    union all
    select period, base, quote, rate, 1
    from declared
),

final as (
    select period, base, quote, min_by(rate, rank) as rate
    from unioned
    group by period, base, quote
)

select * from final
