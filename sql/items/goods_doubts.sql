-- Grain: one row a period and open item. Meaning: other goods stand on the right than on the left of its order or line, under a code
-- that nothing shows to be one of ours: neither a list has it (ours, of codes, of sets), nor does our side name it anywhere, as far
-- back as late duplicates are looked for. One sighting does not tell whether these are other goods or a code that nobody mapped.
with
features as (select * from features),
open_claims as (select * from open_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),
skus as (select * from skus_known),
filed as (select * from sku_map_filed),
declared as (select * from sku_map_declared),
sets_filed as (select * from bundles_filed),
sets_declared as (select * from bundles_declared),

apart as (
    select f.period, f.leg, f.entity, f.shop, f.order_id, f."key", f.currency
    from features as f
    where not f.is_code and f.order_id <> '' and (
        f.leg = 'order_shipment' and f.is_substituted and f.left_claims = 0
        or f.leg = 'order_platform' and f.difference = 0 and f.quantity_difference = 0 and f.left_claims > 0 and f.right_claims > 0
    )
),

named as (
    select a.*, c.side, c.sku
    from apart as a
    inner join open_claims as c using (period, leg, entity, "key", currency)
    where c.sku <> '' and c.kind <> 'moved'
),

asked as (
    select period, leg, entity, shop, order_id, "key", currency, sku
    from named
    group by all
    having bool_and(side = 'right')
),

listed as (
    select sku, min(period) as since
    from (
        select sku, period from skus
        union all
        select sku, period from filed
        union all
        select sku, period from declared
        union all
        select unnest([set_sku, sku]), period from sets_filed
        union all
        select unnest([set_sku, sku]), period from sets_declared
    ) as l
    where sku in (select sku from asked)
    group by sku
),

named_by_us as (
    select c.entity, c.sku, c.period
    from (
        select leg, entity, side, kind, sku, period from claims
        union all
        select leg, entity, side, kind, sku, period from past_claims
    ) as c
    semi join asked as a on c.entity = a.entity and c.sku = a.sku
    where c.side = 'left' and c.leg in ('order_platform', 'order_shipment')
        and c.kind not in ('moved', 'unmapped', 'correction', 'write_off', 'gift', 'exchange')
    group by all
),

doubted as (
    select a.*
    from asked as a
    where not exists (select 1 from listed as l where l.sku = a.sku and l.since <= a.period)
        and not exists (
            select 1 from named_by_us as n
            where n.entity = a.entity and n.sku = a.sku
                and n.period between a.period - getvariable('repeat_horizon')::int and a.period
        )
),

-- and what the order lacks for it
final as (
    select period, leg, entity, "key", currency
    from doubted
    union
    select f.period, f.leg, f.entity, f."key", f.currency
    from features as f
    semi join doubted as d
        on f.leg = 'order_shipment' and d.leg = f.leg and f.period = d.period and f.entity = d.entity and f.shop = d.shop
        and f.order_id = d.order_id
    where f.is_substituted
)

select * from final
