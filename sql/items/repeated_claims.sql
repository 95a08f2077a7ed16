-- Grain: one row a period and open item with a record that a side says more than once. Meaning: how often, on how many days, and by what
-- amount and pieces too much.
with
open_claims as (select * from item_claims),

repeated as (
    select
        period, leg, entity, "key", currency, side, kind, amount, count(*) as times,
        max(amount) * (count(*) - 1) as extra, max(quantity) * (count(*) - 1) as extra_quantity,
        count(distinct claimed) as on_days
    from open_claims
    where kind not in ('level', 'opening', 'journal', 'subledger', 'correction', 'write_off') and amount <> 0
    -- a payment, refund, parcel or return may rightly come twice in the same amount: only the same one is said again
    group by
        period, leg, entity, "key", currency, side, kind, amount, quantity, sku,
        case when kind in ('refund', 'shipment', 'return', 'order') then coalesce(nullif(record_id, ''), occurred_at::varchar)
            else record_id
        end
    having count(*) > 1
),

final as (
    select
        period, leg, entity, "key", currency,
        max(times) filter (where side = 'left') as left_times,
        max(times) filter (where side = 'right') as right_times,
        max(on_days) filter (where side = 'right') as right_days,
        coalesce(sum(extra) filter (where side = 'left'), 0) as left_extra,
        coalesce(sum(extra) filter (where side = 'right'), 0) as right_extra,
        coalesce(sum(extra_quantity) filter (where side = 'left'), 0)::decimal(28, 4) as left_extra_quantity,
        coalesce(sum(extra_quantity) filter (where side = 'right'), 0)::decimal(28, 4) as right_extra_quantity
    from repeated
    group by all
)

select * from final
