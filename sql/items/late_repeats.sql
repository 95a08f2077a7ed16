-- Grain: one row a period and open item that holds claims which had cleared before. Meaning: a claim that says again what an
-- identical claim of the same key said before the key last cleared, no longer ago than the horizon. A refund, a shipment or a
-- return may rightly come twice in the same amount, so it must also bear the same time.
with
open_claims as (select * from open_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),

suspects as (
    select
        period, leg, entity, "key", currency, first_seen, claimed, side, kind, amount, quantity, sku, occurred_at,
        count(*) as times
    from open_claims
    where amount <> 0 and kind not in ('level', 'opening', 'journal', 'subledger', 'correction', 'write_off')
    group by all
),

keys as (
    select distinct leg, entity, "key", currency from suspects
),

earlier as (
    select c.period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, file, line
    from past_claims as c
    semi join keys as k using (leg, entity, "key", currency)
    union all
    select c.period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, file, line
    from claims as c
    semi join keys as k using (leg, entity, "key", currency)
),

repeated as (
    select
        s.period, s.leg, s.entity, s."key", s.currency, s.claimed, s.side, s.kind, s.amount, s.quantity, s.sku,
        s.occurred_at, s.times, max({'period': e.period, 'file': e.file, 'line': e.line}) as original
    from suspects as s
    inner join earlier as e
        on s.leg = e.leg and s.entity = e.entity and s."key" = e."key" and s.currency = e.currency and s.side = e.side
        and s.kind = e.kind and s.amount = e.amount and s.quantity = e.quantity
        and s.sku is not distinct from e.sku
        and e.period < s.first_seen and e.period >= s.claimed - getvariable('repeat_horizon')::int
    where s.kind not in ('refund', 'shipment', 'return') or s.occurred_at is not distinct from e.occurred_at
    group by all
),

final as (
    select
        period, leg, entity, "key", currency,
        sum(case side when 'left' then amount else -amount end * times)::decimal(18, 4) as repeated_amount,
        sum(case side when 'left' then quantity else -quantity end * times)::decimal(18, 4) as repeated_quantity,
        max(original.period) as repeated_period,
        arg_max(original.file, original) as repeated_file,
        arg_max(original.line, original) as repeated_line
    from repeated
    group by period, leg, entity, "key", currency
)

select * from final
