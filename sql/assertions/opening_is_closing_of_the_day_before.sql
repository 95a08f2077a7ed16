-- Fails if a period does not open with what the period before left open; matters because items would vanish overnight.
with
summary as (select * from recon_summary),

final as (
    select a.*, b.closing as closing_before
    from summary as a
    left join summary as b
        on b.period = a.period - 1 and b.leg = a.leg and b.entity = a.entity and b.currency = a.currency
    where a.period > getvariable('period_from') and a.opening is distinct from coalesce(b.closing, 0)
)

select * from final
