-- Grain: one row a period, open item and cause. Meaning: what the rules may ask about a part of a difference once its cause is
-- named: the item's columns with the part's own difference and cause.
with
allocated as (select * from allocated_variances),
with_cause as (select * from with_cause),

final as (
    select c.* exclude (cause, difference), a.cause, a.difference
    from allocated as a
    inner join with_cause as c using (period, leg, entity, "key", currency)
)

select * from final
