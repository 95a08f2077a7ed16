-- Grain: one item of a candidate group. Meaning: the items that each group of the pass wants to have.
with
ranked as (select * from ranked),

final as (
    select period, leg, entity, currency, rank, len(members) as seats, unnest(members) as "key"
    from ranked
)

select * from final
