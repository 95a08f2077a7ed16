-- Grain: one row a base currency, quote currency and day from which a rate holds. Meaning: one unit of base is worth `rate`
-- of quote; a filed rate wins over one that books.yaml declares for the same day, and of several filed ones that which stands
-- last in the newest file.
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

final as (
    select period, base, quote, rate
    from unioned
    qualify row_number() over (
        partition by period, base, quote order by rank desc, file desc, line desc, rate desc
    ) = 1
)

select * from final
