-- Grain: one row a period and open item. Meaning: other goods stand on the right than on the left of its order or line, under a code
-- that nothing shows to be one of ours: neither a list has it (ours, of codes, of sets), nor does our side name it anywhere, as far
-- back as late duplicates are looked for. One sighting does not tell whether these are other goods or a code that nobody mapped.
with
items as (select * from item_sums),
substituted as (select * from substituted_orders),
open_claims as (select * from item_claims),
claims as (select * from claims),
past_claims as (select * from past_claims),
skus as (select * from skus_known),
filed as (select * from sku_map_filed),
declared as (select * from sku_map_declared),
sets_filed as (select * from bundles_filed),
sets_declared as (select * from bundles_declared),

-- what was sent, or lacks, where other goods were sent than those that the order lacks
sent_otherwise as (
    select i.*
    from items as i
    semi join substituted as s using (period, entity, shop, order_id)
    where i.leg = 'order_shipment' and (i.left_claims = 0 or i.difference > 0)
),

apart as (
    select period, leg, entity, shop, order_id, "key", currency
    from sent_otherwise
    where not is_code and left_claims = 0
    union all
    select period, leg, entity, shop, order_id, "key", currency
    from items
    where leg = 'order_platform' and not is_code and order_id <> '' and difference = 0 and quantity_difference = 0 and left_claims > 0
        and right_claims > 0
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
        and names_goods(c.kind)
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
    select o.period, o.leg, o.entity, o."key", o.currency
    from sent_otherwise as o
    semi join doubted as d using (period, leg, entity, shop, order_id)
)

select * from final
