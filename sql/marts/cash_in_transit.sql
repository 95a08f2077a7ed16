-- Grain: one row a period, entity, shop, provider, stage, day since which it is on its way, and currency. Meaning: money that is
-- ours and has not arrived: `account` was paid by buyers and does not stand on our account at the provider yet, `bank` was
-- announced as a payout and does not stand on the bank's statement yet. Net of what has arrived of it.
with
open_claims as (select * from open_claims where leg in ('payment_settlement', 'payout_bank') and not ends_with("key", '/fx')),

by_key as (
    select
        period, leg, entity, "key", currency, max(shop) filter (where side = 'left') as shop,
        max(channel) filter (where side = 'left') as provider,
        min(claimed) filter (where side = 'left') as since,
        sum(case side when 'left' then amount else -amount end)::decimal(28, 4) as amount
    from open_claims
    group by period, leg, entity, "key", currency
),

final as (
    select
        period, entity, coalesce(shop, '') as shop, coalesce(provider, '') as provider,
        case leg when 'payout_bank' then 'bank' else 'account' end as stage, since, currency, count(*) as items,
        sum(amount)::decimal(28, 4) as amount
    from by_key
    where since is not null and amount > 0
    group by all
)

select * from final
