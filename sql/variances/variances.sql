-- Grain: one row a period, open item and cause. Meaning: the variances with what else each may be (`candidates`, the likelier
-- first, each with what would tell; `name_candidates` is the runner-ups of causes.yaml) and how sure its cause is: certain,
-- likely where there are candidates, unknown where nothing names it. A sum of lines may be what its largest doubtful line may be.
with
allocated as (select * from allocated_variances),
suspected as (select * from suspected),
parts as (select * from sum_parts),

with_candidates as (
    select period, leg, entity, "key", currency, cause, candidates
    from name_candidates('suspected')
),

of_lines as (
    select
        p.period, p.leg, p.entity, p."key", p.currency, p.cause,
        max({'size': abs(p.left_amount - p.right_amount), 'detail': p.detail, 'candidates': c.candidates})['candidates'] as candidates
    from parts as p
    inner join with_candidates as c
        on p.period = c.period and p.detail_leg = c.leg and p.entity = c.entity and p.detail = c."key" and p.currency = c.currency
        and p.cause = c.cause
    where len(c.candidates) > 0
    group by p.period, p.leg, p.entity, p."key", p.currency, p.cause
),

told as (
    select s.* replace (coalesce(l.candidates, s.candidates) as candidates)
    from with_candidates as s
    left join of_lines as l using (period, leg, entity, "key", currency, cause)
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
    inner join told as s using (period, leg, entity, "key", currency, cause)
)

select * from final
