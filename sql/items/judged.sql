-- Grain: one row a period and open item. Meaning: the features with what books.yaml tolerates and declares and with what
-- repeats claims that had cleared; the input of the rules in causes.yaml and parts.yaml.
with
features as (select * from features),
tolerances as (select * from tolerances),
policies as (select * from policy_changes),
late_repeats as (select * from late_repeats),
goods_doubts as (select * from goods_doubts),
instalments as (select * from instalments_declared),
billing as (select * from fee_billing),
settings as (select * from waiting_settings),
minor_units as (select * from minor_units),
statements as (select * from statements_until),

measured as (
    select
        f.*,
        coalesce(u.unit, 0.01)::decimal(28, 4) as unit, coalesce(u.units, 100) as units_of_currency,
        -- where an order adds up lines, each of them was rounded by up to half of the smallest unit
        greatest(
            coalesce(t.tolerance, u.unit, 0.01),
            case when f.leg = 'order_payment' then coalesce(u.unit, 0.01) * 0.5 * f.left_claims else 0 end
        )::decimal(28, 4) as tolerance,
        f.leg = 'order_payment' and f.right_sale > 0 and f.right_sale < f.left_sale and f.difference > 0 as is_paid_in_part,
        -- of what was paid in part, which alone is asked: a case takes its branch for these rows only
        case when f.leg = 'order_payment' and f.right_sale > 0 and f.right_sale < f.left_sale and f.difference > 0
            then mistyped(units(f.left_sale), units(f.left_sale - f.difference)) or misentered(units(f.difference), f.typed_lines)
            else false
        end as is_typed
    from features as f
    left join tolerances as t on f.leg = t.leg
    left join minor_units as u on f.currency = u.currency
),

-- when a balance is due: as books.yaml declares, else where a round share was paid that no slip of the hand explains
balances as (
    select
        m.period, m.leg, m.entity, m."key", m.currency, max(i.days) as declared_days,
        bool_or(deposit_share(units(m.right_sale), units(m.left_sale), units(m.unit))) as is_deposit
    from measured as m
    left join instalments as i
        on (i.shop = '' or i.shop = m.shop) and m.first_seen between i.from_day and coalesce(i.until_day, date '9999-12-31')
    where m.is_paid_in_part
    group by m.period, m.leg, m.entity, m."key", m.currency
),

final as (
    select
        m.* exclude (units_of_currency) replace (
            greatest(
                m.sla_days,
                case when b.declared_days is not null then b.declared_days
                    when b.is_deposit and (m.lines_confirmed or not m.is_typed) then w.deposit_days
                    else 0
                end,
                case when m.is_sent_unpaid and m.right_sale = 0 and not m.is_refused then w.delivery_days else 0 end,
                case
                    when m.days_to_settle > 0 and (
                        m.left_only_refund <> 0 and m.right_only_refund = 0
                        or m.right_claims = 0 and (m.leg = 'return_refund' or m.left_sale = 0 and m.left_refund < 0)
                    ) then m.age_days + m.days_to_settle
                    else 0
                end,
                case when k.days is not null then last_day(m.first_seen) - m.first_seen + k.days else 0 end,
                -- what was sent when the statements end is in none of them, and the days behind them are not counted
                case
                    when m.leg = 'payout_bank' and m.right_claims = 0 and m.first_seen >= st.until then m.sla_days + (m.period - st.until)
                    else 0
                end
            )::bigint as sla_days
        ),
        m.sla_days as leg_sla_days,
        coalesce(b.is_deposit, false) as is_deposit,
        -- a payment whose order may come with its balance, as that of a presale
        m.leg = 'order_payment' and m.left_claims = 0 and m.right_sale > 0 and m.order_id <> '' and m.age_days < w.deposit_days
            and not coalesce(r.was_known, false) as may_be_deposit,
        b.declared_days is not null as is_declared_in_parts,
        coalesce(
            m.platform_difference is not null and abs(m.difference - m.platform_difference) <= m.tolerance
            or m.left_discount <> 0 and abs(m.difference) = abs(m.left_discount), false
        ) as is_told,
        exists (
            select 1 from policies as p
            where p.leg = m.leg and m.first_seen between p.from_day and coalesce(p.until_day, date '9999-12-31')
                and starts_with(m."key", p.key_prefix)
                and (
                    p.percent is null
                    or m.difference = round(
                        (m.left_amount * p.percent)::decimal(36, 8) * 0.01 * m.units_of_currency, 0
                    ) * m.unit
                )
        ) as policy_declared,
        coalesce(r.repeated_amount, 0)::decimal(28, 4) as repeated_amount,
        coalesce(r.repeated_quantity, 0)::decimal(28, 4) as repeated_quantity,
        coalesce(r.was_known, false) as was_known,
        g."key" is not null as is_goods_doubtful,
        r.repeated_period, r.repeated_file, r.repeated_line
    from measured as m
    cross join settings as w
    left join balances as b using (period, leg, entity, "key", currency)
    -- fees of a provider that bills them once a month
    left join billing as k
        on m.channel = k.provider and m.first_seen between k.from_day and k.until_day and (
            m.leg = 'fee' and m.right_claims = 0
            or m.leg = 'payment_settlement' and m.left_sale = m.right_sale and m.left_refund = m.right_refund and m.right_fee = 0
        )
    left join late_repeats as r using (period, leg, entity, "key", currency)
    left join goods_doubts as g using (period, leg, entity, "key", currency)
    left join statements as st on m.period = st.period and m.entity = st.entity
)

select * from final
