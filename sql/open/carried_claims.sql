-- Grain: one claim of a key that was carried over the end of a period. Meaning: in which period it moved the key (what was open when the range began stands
-- on the day before it) and in which stretch between two clearings it belongs.
with
claims as (select * from claims),
opening as (select * from opening_claims),
positions as (select * from positions),

said as (
    select *, period as moved, period as claimed from claims
    union all by name
    select * exclude (period, first_seen, claimed), claimed, getvariable('period_from') - 1 as moved from opening
),

final as (
    select s.* exclude (period), p.stretch
    from said as s
    inner join positions as p using (leg, entity, "key", currency)
    where p.period = s.moved
)

select * from final
