-- Grain: one row a system, shop, code and day from which it holds. Meaning: the SKU that a code of a platform, provider or
-- warehouse stands for; '' ends it. A filed entry wins over one that books.yaml declares for the same day, and of several filed
-- ones that which stands last in the newest file.
with
filed as (select * from sku_map_filed),
declared as (select * from sku_map_declared),
file_ranks as (select * from file_ranks),

unioned as (
    select f.period, f.system, f.shop, f.code, f.sku, coalesce(r.rank, -1) as rank, f.file, f.line
    from filed as f
    left join file_ranks as r on f.file = r.file
    union all
    select period, system, shop, code, sku, -2, '', 0
    from declared
),

final as (
    select period, system, shop, code, sku
    from unioned
    where code <> ''
    qualify row_number() over (
        partition by period, system, shop, code order by rank desc, file desc, line desc, sku desc
    ) = 1
)

select * from final
