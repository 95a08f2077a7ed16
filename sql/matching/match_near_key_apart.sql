-- Grain: one row a period and pair of open items whose references are nearly the same and whose amounts are not. Meaning: a
-- proposal, and, where more than the tolerance is left over, no more than that, as two orders may be called so. Proposed only where
-- no other item is as near to either of them.
with
near as (select * from near_references),

final as (
    select
        period, leg, entity, currency,
        [left_key, right_key] as members,
        distance * 10 + days as cost,
        -- worth the same but for a rounding
        case when distance < 10 then 9000 - 300 * edits - 30 * days else 7000 end as points,
        concat('nearly the same reference, ', days, ' days apart, ', rest, ' left over') as reason
    from near
    where is_nearest and currency = right_currency and left_alike = 1 and right_alike = 1
)

select * from final
