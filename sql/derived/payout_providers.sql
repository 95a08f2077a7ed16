-- Grain: one row a day, entity and payout id. Meaning: whose payout it is; by it a line of a bank that prints no numbers of payouts is found,
-- also on later days.
with
payouts as (select * from payouts where payout_id <> ''),
settlements as (select * from settlements where payout_id <> '' and kind <> 'payout'),

final as (
    select period, entity, payout_id, provider from payouts
    union
    select period, entity, payout_id, provider from settlements
)

select * from final
