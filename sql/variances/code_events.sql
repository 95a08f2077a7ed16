-- Grain: one row a period and item of goods under a code without a SKU, or of an order's line under another number. Meaning: the event that
-- it belongs to: the codes of a system are one event, in whatever shops and legs they stand, with the transfers that came in under them, as it
-- is the map of that system that lacks them; the lines of a shop are one event, as one entry of books.yaml says what they are held by.
with
lines as (select * from event_lines where cause = 'sku_unmapped' and not is_in_sum),
numbered as (select * from event_lines where cause = 'line_numbers' and not is_in_sum),
claims as (select * from item_claims where kind in ('unmapped', 'transfer')),

unmapped as (
    select period, leg, entity, "key", min(counterparty) as system
    from claims
    where kind = 'unmapped'
    group by all
),

-- which of the warehouses of a transfer has codes without a SKU; where neither is known to, each SKU is one event
transfers as (
    select t.period, t.entity, t.transfer, coalesce(min(u.system), string_agg(distinct t.sku, ' ' order by t.sku)) as system
    from (
        select l.period, l.entity, split_part(l."key", '/', 2) as transfer, split_part(l."key", '/', -2) as sku, c.counterparty as warehouse
        from lines as l
        inner join claims as c on l.period = c.period and l.leg = c.leg and l.entity = c.entity and l."key" = c."key"
        where l.leg = 'stock'
    ) as t
    left join unmapped as u on t.period = u.period and t.entity = u.entity and t.warehouse = u.system
    group by t.period, t.entity, t.transfer
),

final as (
    select
        l.* exclude (is_in_sum, first_seen, subject), concat_ws('|', 'codes', l.entity, coalesce(u.system, t.system)) as event_key, true as is_booked
    from lines as l
    left join unmapped as u
        on l.period = u.period and l.leg = u.leg and l.entity = u.entity and l."key" = u."key"
    left join transfers as t
        on l.leg = 'stock' and l.period = t.period and l.entity = t.entity and split_part(l."key", '/', 2) = t.transfer
    union all by name
    select
        * exclude (is_in_sum, first_seen, subject), concat_ws('|', 'lines', entity, shop, currency) as event_key, true as is_booked
    from numbered
)

select * from final
