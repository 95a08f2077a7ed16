-- Grain: one candidate group. Meaning: those that are the best for every item that they want, among the groups that are left (`seats`).
with
seats as (select * from seats),

judged as (
    select rank, seats, rank = min(rank) over (partition by period, leg, entity, currency, "key") as is_best
    from seats
),

final as (
    select rank
    from judged
    group by rank, seats
    having count(*) filter (where is_best) = seats
)

select * from final
