-- Grain: one claim of the day `moves_day` in the leg that is being made. Meaning: what stood under unassigned/<account> until the shop of
-- its order was known is taken back there (of kind `moved`) and said again under the shop.
with
held as (select * from held_claims),
places as (select * from order_places where name = order_id),

-- held without a shop, and known by now: whose it is
found as (
    select
        h.*, p.shop as found_shop, p.entity as found_entity, concat('unassigned/', p.account, '/') as head
    from held as h
    inner join places as p on h.shop = concat('unassigned/', p.account) and h.order_id = p.order_id
    where getvariable('moves_day') between p.since and p.until and h.kind <> 'moved'
        and (starts_with(h."key", concat('unassigned/', p.account, '/')) or contains(h."key", concat('/unassigned/', p.account, '/')))
),

let_go as (
    select
        * exclude (found_shop, found_entity, head)
        replace (
            getvariable('moves_day') as period, case side when 'left' then 'right' else 'left' end as side, 'moved' as kind,
            0::decimal(28, 4) as discount, null::decimal(28, 4) as unit_price, '' as customer, null::bigint as sequence
        )
    from found
),

taken_in as (
    select
        * exclude (found_shop, found_entity, head)
        replace (
            getvariable('moves_day') as period, found_shop as shop, found_entity as entity,
            replace("key", head, concat(found_shop, '/')) as "key", null::bigint as sequence
        )
    from found
),

final as (
    select * from let_go
    union all by name
    select * from taken_in
)

select * from final
