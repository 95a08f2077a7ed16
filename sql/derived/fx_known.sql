-- Grain: one row a base currency, quote currency and day from which a rate holds. Meaning: one unit of base is worth `rate`
-- of quote; a filed rate wins over one that books.yaml declares for the same day, and of several filed ones that which stands
-- last in the newest file. A pair that is only known the other way round is its inverse.
with
filed as (select * from fx_filed),
declared as (select * from fx_declared),
file_ranks as (select * from file_ranks),

unioned as (
    select f.period, f.base, f.quote, f.rate, coalesce(r.rank, -1) as rank, f.file, f.line
    from filed as f
    left join file_ranks as r on f.file = r.file
    union all
    select period, base, quote, rate, -2, '', 0
    from declared
),

known as (
    select period, base, quote, rate
    from unioned
    qualify row_number() over (
        partition by period, base, quote order by rank desc, file desc, line desc, rate desc
    ) = 1
),

final as (
    select * from known
    union all
    select period, quote, base, round(1 / rate::double, 8)::decimal(18, 8)
    from known as k
    where rate > 0 and not exists (select 1 from known as o where o.base = k.quote and o.quote = k.base)
)

select * from final
