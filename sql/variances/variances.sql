-- Grain: one row a period, open item and cause. Meaning: the variances with what else each may be (`candidates`, the likelier
-- first, each with what would tell; `name_candidates` is the runner-ups of causes.yaml) and how sure its cause is: certain,
-- likely where there are candidates, unknown where nothing names it.
with
allocated as (select * from allocated_variances),
suspected as (select * from suspected),

with_candidates as (
    select period, leg, entity, "key", currency, cause, candidates
    from name_candidates('suspected')
),

final as (
    select
        a.* exclude (overdue),
        -- what waits for its day is not overdue
        a.overdue and a.cause <> 'timing' as overdue,
        case
            when a.cause = 'unexplained' then 'unknown'
            when len(s.candidates) = 0 then 'certain'
            else 'likely'
        end as cause_confidence,
        to_json(s.candidates)::varchar as candidates
    from allocated as a
    inner join with_candidates as s using (period, leg, entity, "key", currency, cause)
)

select * from final
