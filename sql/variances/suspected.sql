-- Grain: one row a period, open item and cause. Meaning: what the rules may ask about a part of a difference once its cause is
-- named: the item's columns with the part's own difference and cause.
with
allocated as (select * from allocated_variances),
paired as (select * from paired),

final as (
    select p.* exclude (difference), a.cause, a.difference
    from allocated as a
    inner join paired as p using (period, leg, entity, "key", currency)
)

select * from final
