-- Grain: one row a bank credit of a payout that the bank converted. Meaning: what was sent, worth by the dated rate
-- (`converted`, rounded half away from zero to the smallest unit), against what the bank credited. gain_loss is empty where no rate
-- is known or the bank's rate is further from it than books.yaml tolerates.
with
named_entries as (select * from named_entries),
rates as (select * from fx_known),
settings as (select * from fx_settings),
minor_units as (select * from minor_units),

foreign_entries as (
    select b.*
    from named_entries as b
    where b.reference <> '' and b.original_currency <> '' and b.original_currency <> b.currency
        and b.original_amount is not null
),

converted as (
    select
        b.*,
        (
            round((b.original_amount * r.rate)::decimal(36, 10) * coalesce(u.units, 100), 0) * coalesce(u.unit, 0.01)
        )::decimal(28, 4) as converted
    from foreign_entries as b
    left join minor_units as u on b.currency = u.currency
    asof left join rates as r
        on b.original_currency = r.base and b.currency = r.quote and b.period >= r.period
),

final as (
    select
        c.*,
        case
            when abs(c.amount - c.converted) * 100 <= s.tolerance_percent * abs(c.converted) then c.amount - c.converted
        end::decimal(28, 4) as gain_loss
    from converted as c
    cross join settings as s
)

select * from final
