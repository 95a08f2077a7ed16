-- Grain: one claim of an open key, for every period of the range at whose end the key is open. Meaning: everything both
-- sides have said since the key was last clear; it is what the next period opens with.
with
carried_claims as (select * from carried_claims),
positions as (select * from positions),
calendar as (select period from calendar),

open_days as (
    select c.period, p.leg, p.entity, p."key", p.currency, p.stretch, p.first_seen, p.period as moved_until
    from positions as p
    inner join calendar as c on c.period between p.period and p.last_period
    where not p.is_clear
),

final as (
    select
        d.period, s.leg, s.entity, s."key", s.currency, s.side, s.kind, s.amount, s.quantity, s.attribute, s.shop,
        s.channel, s.order_id, s.sku, s.discount, s.unit_price, s.customer, s.counterparty, s.remark, s.occurred_at,
        s.source, s.file, s.line, s.sequence, s.record_id, s.instalments, s.zone, s.weight,
        d.first_seen, s.claimed
    from open_days as d
    inner join carried_claims as s
        on d.leg = s.leg and d.entity = s.entity and d."key" = s."key" and d.currency = s.currency
        and d.stretch = s.stretch and s.moved <= d.moved_until
)

select * from final
