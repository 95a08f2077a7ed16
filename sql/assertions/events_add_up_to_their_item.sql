-- Fails if the events do not have the whole of an item, matters because what no event has nobody can decide about.
with
variances as (select * from variances),
event_items as (select * from event_items),

summed as (
    select period, leg, entity, "key", currency, cause, sum(difference) as difference
    from event_items
    group by all
),

final as (
    select v.period, v.leg, v.entity, v."key", v.currency, v.cause, v.difference, s.difference as of_events
    from variances as v
    left join summed as s using (period, leg, entity, "key", currency, cause)
    where v.difference is distinct from s.difference
)

select * from final
