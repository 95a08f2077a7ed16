-- Grain: one row a period and open item of which something had been claimed before. was_known: only one side stands open, and the
-- other had said something of the key before that. repeated_*: what it holds of claims which had cleared before. Meaning: a claim that says again what an
-- identical claim of the same key said before the key last cleared, no longer ago than the horizon. A refund, a shipment or a
-- return may rightly come twice in the same amount, so it must also bear the same id, or where it has none the same time.
with
open_claims as (select * from item_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),

suspects as (
    select
        period, leg, entity, "key", currency, first_seen, claimed, side, kind, amount, quantity, coalesce(sku, '') as sku,
        case when kind in ('refund', 'shipment', 'return', 'order') then coalesce(nullif(record_id, ''), occurred_at::varchar, '') else record_id end
            as identity,
        count(*) as times
    from open_claims
    where amount <> 0 and kind not in ('level', 'opening', 'journal', 'subledger', 'correction', 'write_off')
    group by all
),

keys as (
    select distinct leg, entity, "key", currency from suspects
),

past as (
    select period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, record_id, file, line
    from past_claims
    union all
    select period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, record_id, file, line
    from claims
    -- nothing was opened after the last day
    where period < getvariable('period_to')
),

-- one row a day on which the same was said; of several the last of the last file stands for them
earlier as (
    select
        c.period, c.leg, c.entity, c."key", c.currency, c.side, c.kind, c.amount, c.quantity, coalesce(c.sku, '') as sku,
        case when c.kind in ('refund', 'shipment', 'return', 'order')
            then coalesce(nullif(c.record_id, ''), c.occurred_at::varchar, '') else c.record_id
        end as identity,
        max({'file': c.file, 'line': c.line}) as original
    from past as c
    semi join keys as k using (leg, entity, "key", currency)
    group by all
),

-- the last day before the key was opened
repeated as (
    select
        s.period, s.leg, s.entity, s."key", s.currency, s.side, s.amount, s.quantity, s.times,
        {'period': e.period, 'file': e.original.file, 'line': e.original.line} as original
    from suspects as s
    asof inner join earlier as e
        on s.leg = e.leg and s.entity = e.entity and s."key" = e."key" and s.currency = e.currency and s.side = e.side
        and s.kind = e.kind and s.amount = e.amount and s.quantity = e.quantity and s.sku = e.sku and s.identity = e.identity
        and s.first_seen > e.period
    where e.period >= s.claimed - getvariable('repeat_horizon')::int
),

sums as (
    select
        period, leg, entity, "key", currency,
        sum(case side when 'left' then amount else -amount end * times)::decimal(28, 4) as repeated_amount,
        sum(case side when 'left' then quantity else -quantity end * times)::decimal(28, 4) as repeated_quantity,
        max(original)['period'] as repeated_period,
        max(original)['file'] as repeated_file,
        max(original)['line'] as repeated_line
    from repeated
    group by period, leg, entity, "key", currency
),

one_sided as (
    select period, leg, entity, "key", currency, min(side) as side, min(first_seen) as first_seen
    from suspects
    group by period, leg, entity, "key", currency
    having count(distinct side) = 1
),

known as (
    select distinct o.period, o.leg, o.entity, o."key", o.currency, true as was_known
    from one_sided as o
    inner join earlier as e
        on o.leg = e.leg and o.entity = e.entity and o."key" = e."key" and o.currency = e.currency and o.side <> e.side
        and e.period < o.first_seen and e.period >= o.first_seen - getvariable('repeat_horizon')::int
        and e.kind not in ('refund', 'correction', 'write_off')
),

final as (
    select *
    from sums
    full join known using (period, leg, entity, "key", currency)
)

select * from final
