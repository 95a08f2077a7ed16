-- Grain: one row a day, leg, entity, shop and channel (of the stock: warehouse; of the ledger: account) whose records have no
-- other side at all. Meaning: what was not reconciled, and which canonical tables would be its other side; and, with
-- `refunds` as leg, how many refunds of a provider stand for our own, which were never supplied.
with
runs as (select * from all_leg_runs where not is_run),
feeds as (select * from side_feeds),
refund_sides as (select * from refund_sides where not has_books),

wanted as (
    select leg, side, string_agg(distinct table_name, ', ' order by table_name) as wanted
    from feeds
    group by leg, side
),

final as (
    select
        r.period, r.leg, r.entity, r.scope_shop as shop, r.scope_channel as channel,
        case r.side when 'left' then 'right' else 'left' end as missing, w.wanted, r.claims as claims
    from runs as r
    left join wanted as w on r.leg = w.leg and r.side <> w.side
    union all
    select period, 'refunds', entity, shop, '', 'left', 'refunds', rows_given_back
    from refund_sides
)

select * from final
