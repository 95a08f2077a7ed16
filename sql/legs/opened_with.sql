-- Grain: one claim of the legs that are being made. Meaning: what was open when the books began, as a file of the company says; claimed
-- whether or not the other side is supplied by then.
with
opening_items as (select * from opening_items where list_contains(getvariable('legs_kept'), leg)),

final as (
    select
        period, leg, entity, "key", currency, side, kind, amount, coalesce(quantity, 0)::decimal(28, 4) as quantity, null::varchar as attribute,
        shop, coalesce(channel, '') as channel, coalesce(order_id, '') as order_id, coalesce(sku, '') as sku,
        0::decimal(28, 4) as discount, null::decimal(28, 4) as unit_price, coalesce(customer, '') as customer, occurred_at, source, file, line,
        null::bigint as sequence, '' as counterparty, coalesce(remark, '') as remark, '' as record_id
    from opening_items
)

select * from final
