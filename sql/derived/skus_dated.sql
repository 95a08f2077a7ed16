-- Grain: one row a SKU and day from which it holds. Meaning: what the company's own list says of a SKU; of several rows of a
-- day the one that stands last in the newest file counts, whole: a cost never meets the currency of another row.
with
skus as (select * from skus_known),
file_ranks as (select * from file_ranks),

final as (
    select s.*
    from skus as s
    left join file_ranks as r on s.file = r.file
    qualify row_number() over (
        partition by s.period, s.sku
        order by coalesce(r.rank, -1) desc, s.file desc, s.line desc, s.source desc, s.shop desc, s.cost desc, s.currency desc
    ) = 1
)

select * from final
