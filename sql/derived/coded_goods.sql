-- Grain: one row a shop, system and code that the range has, or that stands open as unknown, and day from which it is so.
-- Meaning: the SKU that the code is of ours; `?system:code` where it is none that anybody knows: neither mapped nor one of our own
-- SKUs (our list, what codes stand for, sets and their parts), in a system that has a map, or where the list of SKUs is to be
-- whole. Without maps, sets and such a declaration there are no rows, and every code is taken for a SKU.
with
orders as (select * from orders),
refunds as (select * from placed_refunds),
shipments as (select * from placed_shipments),
returns as (select * from placed_returns),
stock_moves as (select * from stock_moves),
stock_snapshots as (select * from stock_snapshots),
stock_counts as (select * from stock_counts),
opening as (select * from opening_claims where kind = 'unmapped'),
shops as (select * from shops),
codes as (select * from sku_codes),
parts as (select * from bundle_parts),
skus as (select * from skus_dated),
settings as (select * from goods_settings),

own as (
    select sku, min(period) as since
    from (
        select sku, period from skus
        union all
        select sku, period from codes where sku <> ''
        union all
        select set_sku, period from parts
        union all
        select sku, period from parts
    ) as o
    group by sku
),

-- from when on a code of any system has to be known
listing as (
    select
        case
            when s.own_skus = 'any' or (select min(period) from skus) is null then null
            when s.own_skus = 'listed' then (select min(period) from skus)
            when coalesce(s.declared_from, (select min(period) from codes), (select min(period) from parts)) is not null
                then greatest(
                    (select min(period) from skus),
                    least(s.declared_from, (select min(period) from codes), (select min(period) from parts))
                )
        end as since
    from settings as s
),

used as (
    select o.shop, case o.origin when 'books' then 'books' else s.platform end as system, o.sku as code
    from orders as o
    left join shops as s on o.shop = s.shop
    union
    select r.shop, case r.origin when 'books' then 'books' else s.platform end, r.sku
    from refunds as r
    left join shops as s on r.shop = s.shop
    union
    select shop, warehouse, sku from shipments
    union
    select shop, warehouse, sku from returns
    union
    select shop, warehouse, sku from stock_moves
    union
    select t.shop, case t.origin when 'warehouse' then t.warehouse else s.platform end, t.sku
    from stock_snapshots as t
    left join shops as s on t.shop = s.shop
    union
    select shop, warehouse, sku from stock_counts
    union
    select shop, counterparty, remark from opening
),

asked as (
    select shop, coalesce(system, '') as system, code
    from used
    where code <> '' and (
        exists (select 1 from codes) or exists (select 1 from parts) or exists (select 1 from listing where since is not null)
    )
),

-- the days on which the answer may change
points as (
    select shop, system, code, date '0001-01-01' as since from asked
    union
    select a.shop, a.system, a.code, c.period
    from asked as a
    inner join codes as c on a.code = c.code
    union
    select a.shop, a.system, a.code, c.period
    from asked as a
    inner join (select distinct system, period from codes) as c on a.system = c.system or c.system = '' and a.system <> 'books'
    union
    select a.shop, a.system, a.code, o.since
    from asked as a
    inner join own as o on a.code = o.sku
    union
    select a.shop, a.system, a.code, l.since
    from asked as a
    cross join listing as l
    where l.since is not null
),

mapped_systems as (
    select system, shop, min(period) as since
    from codes
    group by system, shop
),

found as (
    select
        p.*,
        coalesce(
            nullif(exact.sku, ''), nullif(of_system.sku, ''),
            case when p.system <> 'books' then coalesce(nullif(of_shop.sku, ''), nullif(of_all.sku, '')) end
        ) as sku
    from points as p
    asof left join codes as exact
        on p.system = exact.system and p.shop = exact.shop and p.code = exact.code and p.since >= exact.period
    asof left join codes as of_system
        on p.system = of_system.system and of_system.shop = '' and p.code = of_system.code and p.since >= of_system.period
    asof left join codes as of_shop
        on of_shop.system = '' and p.shop = of_shop.shop and p.code = of_shop.code and p.since >= of_shop.period
    asof left join codes as of_all
        on of_all.system = '' and of_all.shop = '' and p.code = of_all.code and p.since >= of_all.period
),

final as (
    select
        f.shop, f.system, f.code, f.since,
        case
            when f.sku is not null then f.sku
            when exists (select 1 from own as o where o.sku = f.code and o.since <= f.since) then f.code
            when exists (select 1 from listing as l where l.since <= f.since)
                or exists (
                    select 1
                    from mapped_systems as m
                    where m.since <= f.since and m.shop in ('', f.shop)
                        and (m.system = f.system or m.system = '' and f.system <> 'books')
                )
                then concat('?', f.system, ':', f.code)
            else f.code
        end as sku
    from found as f
)

select * from final
