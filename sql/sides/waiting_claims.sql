-- Grain: one claim that waits for its other side at the end of a day of the range. Meaning: what the next day may claim of the days
-- before a leg was run; forgotten when its counterpart has had as long as legs.yaml says.
with
waiting as (select * from all_waiting),
calendar as (select period from calendar),

final as (
    select w.* exclude (said, waits_days) replace (c.period as period)
    from waiting as w
    inner join calendar as c on w.claimed <= c.period and c.period - w.claimed < w.waits_days
    where w.said is null or w.said > c.period
)

select * from final
