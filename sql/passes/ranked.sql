-- Grain: one candidate group of the pass that is being tried. Meaning: its rank in a total order, the best first.
with
candidates as (select * from candidates),

final as (
    select *, row_number() over (order by period, leg, entity, currency, cost, points desc, members) as rank
    from candidates
)

select * from final
