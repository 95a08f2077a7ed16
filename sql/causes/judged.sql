-- Grain: one row a period and open item. Meaning: the features with what books.yaml tolerates and declares and with what
-- repeats claims that had cleared; the input of the rules in causes.yaml and parts.yaml.
with
features as (select * from features),
tolerances as (select * from tolerances),
policies as (select * from policy_changes),
late_repeats as (select * from late_repeats),
open_claims as (select * from open_claims),
minor_units as (select * from minor_units),

repeated as (
    select
        period, leg, entity, "key", currency, side, (max(quantity) * (count(*) - 1))::decimal(28, 4) as quantity
    from open_claims
    where kind not in ('level', 'opening', 'journal', 'subledger', 'correction', 'write_off') and amount <> 0
    group by
        period, leg, entity, "key", currency, side, kind, amount, open_claims.quantity, sku,
        case when kind in ('refund', 'shipment', 'return') then coalesce(nullif(record_id, ''), occurred_at::varchar) end
    having count(*) > 1
),

extra as (
    select
        period, leg, entity, "key", currency,
        sum(quantity) filter (where side = 'left') as left_quantity,
        sum(quantity) filter (where side = 'right') as right_quantity
    from repeated
    group by all
),

final as (
    select
        f.*,
        -- where an order adds up lines, each of them was rounded by up to half of the smallest unit
        greatest(
            coalesce(t.tolerance, u.unit, 0.01),
            case when f.leg = 'order_payment' then coalesce(u.unit, 0.01) * 0.5 * f.left_claims else 0 end
        )::decimal(28, 4) as tolerance,
        exists (
            select 1 from policies as p
            where p.leg = f.leg and f.first_seen between p.from_day and coalesce(p.until_day, date '9999-12-31')
                and starts_with(f."key", p.key_prefix)
                and (
                    p.percent is null
                    or f.difference = round(
                        (f.left_amount * p.percent)::decimal(36, 8) * 0.01 * coalesce(u.units, 100), 0
                    ) * coalesce(u.unit, 0.01)
                )
        ) as policy_declared,
        coalesce(e.left_quantity, 0)::decimal(28, 4) as left_extra_quantity,
        coalesce(e.right_quantity, 0)::decimal(28, 4) as right_extra_quantity,
        coalesce(r.repeated_amount, 0)::decimal(28, 4) as repeated_amount,
        coalesce(r.repeated_quantity, 0)::decimal(28, 4) as repeated_quantity,
        r.repeated_period, r.repeated_file, r.repeated_line
    from features as f
    left join late_repeats as r using (period, leg, entity, "key", currency)
    left join extra as e using (period, leg, entity, "key", currency)
    left join tolerances as t on f.leg = t.leg
    left join minor_units as u on f.currency = u.currency
)

select * from final
