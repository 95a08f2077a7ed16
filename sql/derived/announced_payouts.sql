-- Grain: one row a day, payout id, entity and currency. Meaning: what was announced of a payout on the day, by a record of its own or by
-- the lines of a statement that add up to it; by its id a line of a bank's statement finds it, also on later days.
with
payouts as (select * from payouts where payout_id <> ''),
settlements as (select * from settlements where payout_id <> '' and kind <> 'payout'),

announced as (
    select period, entity, currency, payout_id, amount from payouts
    union all
    select period, entity, currency, payout_id, amount from settlements
),

final as (
    select period, entity, currency, payout_id, sum(amount)::decimal(28, 4) as amount
    from announced
    group by period, entity, currency, payout_id
)

select * from final
