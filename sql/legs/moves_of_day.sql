-- Grain: one claim of the day `moves_day` in the leg that is being made, of an order of which a code is not known. Meaning: what can no
-- longer be held against each other by SKU is held by the order: its claims of the day, and what was open of it the evening before
-- (taken back there, of kind `moved`, and said again), stand under <shop>/<order>/*, or where lines have numbers under
-- their line without the SKU. A code itself is one claim a day of kind `unmapped` and no pieces, under <shop>/unmapped/<system>:<code>, until it
-- is known; an order of a set whose parts nobody has listed stands under its code, as its pieces cannot be held against each other. Of a
-- system that has no map at all (of our own: no list of sets), the codes stand together, under <shop>/unmapped/<system>, once there are three.
-- What stood under unassigned/<account> is moved to the shop of its order when that is known.
with
held as (select * from held_claims),
claims as (select * from claims_by_unit),
named as (select * from code_keys),
codes as (select * from coded_goods),
apart as (select * from codes_apart),
found as (select * from moves_found),

-- the code of a set under which an order stands
homes as (
    select
        t.entity, t.unit,
        coalesce(
            min(t."key") filter (where t.is_held and split_part(t."key", '/', 2) = 'unmapped'),
            min(n.code_key) filter (where t.side = 'left' and t.told_sku is not null)
        ) as home_key
    from claims as t
    left join named as n on t.entity = n.of_entity and t.shop = n.of_shop and t.side = n.of_side and t.told_sku = n.named_sku
    where t.leg = 'order_shipment' and not t.is_notice and t.unit = concat_ws('/', t.shop, t.order_id)
    group by t.entity, t.unit
),

plained as (
    select
        t.* replace (t.is_unknown or t.told_sku is not null as is_unknown),
        case
            when t.unit = concat_ws('/', t.shop, t.order_id) then coalesce(h.home_key, concat_ws('/', t.shop, t.order_id, '*'))
            else t."key"
        end as plain_key,
        regexp_replace(t.attribute, '^sku=.* status=', 'status=') as plain_attribute
    from claims as t
    left join homes as h on t.entity = h.entity and t.unit = h.unit
    where not t.is_notice
),

marked as (
    select *, "key" = plain_key and attribute is not distinct from plain_attribute as is_plain
    from plained
),

by_order as (
    select distinct entity, unit
    from marked
    where order_id <> '' and leg in ('order_platform', 'order_shipment', 'return_refund')
        and (is_unknown or is_held and is_plain and kind not in ('correction', 'write_off', 'moved'))
),

in_order as (
    select m.*
    from marked as m
    semi join by_order as b on m.entity = b.entity and m.unit = b.unit
),

-- lines whose pieces cannot be held against each other: one side counts sets and the other their parts
uncounted as (
    select distinct entity, plain_key
    from in_order
    where leg = 'order_platform' and (is_unknown or ends_with(plain_key, '/*'))
),

counted as (
    select o.*, u.plain_key is not null as is_uncounted
    from in_order as o
    left join uncounted as u on o.entity = u.entity and o.plain_key = u.plain_key
),

as_made as (
    select m.* exclude (is_held, is_notice, is_unknown, unit, told_sku, plain_key, plain_attribute, is_plain)
    from marked as m
    anti join by_order as b on m.entity = b.entity and m.unit = b.unit
    where not m.is_held
),

by_order_now as (
    select
        * exclude (is_held, is_notice, is_unknown, unit, told_sku, plain_key, plain_attribute, is_plain, is_uncounted)
        replace (
            plain_key as "key", plain_attribute as attribute,
            case when is_uncounted then 0 else quantity end::decimal(28, 4) as quantity
        )
    from counted
    where not is_held
),

-- what was held by SKU until now, once
to_move as (
    select h.*, h."key" <> h.plain_key as is_elsewhere
    from counted as h
    anti join (select entity, "key" from held where kind = 'moved') as m on h.entity = m.entity and h."key" = m."key"
    where h.is_held and not h.is_plain
),

-- under the same key only the attribute changes
taken_back as (
    select
        * exclude (is_held, is_notice, is_unknown, unit, told_sku, plain_key, plain_attribute, is_plain, is_elsewhere, is_uncounted)
        replace (
            getvariable('moves_day') as period, case side when 'left' then 'right' else 'left' end as side, 'moved' as kind,
            case when is_elsewhere then amount else 0 end::decimal(28, 4) as amount,
            case when is_elsewhere or is_uncounted then quantity else 0 end::decimal(28, 4) as quantity,
            0::decimal(28, 4) as discount, null::decimal(28, 4) as unit_price, '' as customer, null::bigint as sequence
        )
    from to_move
),

said_again as (
    select
        * exclude (is_held, is_notice, is_unknown, unit, told_sku, plain_key, plain_attribute, is_plain, is_elsewhere, is_uncounted)
        replace (
            getvariable('moves_day') as period, plain_key as "key", plain_attribute as attribute,
            case when is_elsewhere then kind else 'moved' end as kind,
            case when is_elsewhere then amount else 0 end::decimal(28, 4) as amount,
            case when is_elsewhere and not is_uncounted then quantity else 0 end::decimal(28, 4) as quantity, null::bigint as sequence
        )
    from to_move
),

unknown as (
    select *
    from marked
    where is_unknown and not is_plain and leg in ('order_platform', 'order_shipment', 'return_refund')
    qualify row_number() over (partition by entity, shop, side, coalesce(told_sku, sku) order by source, file, line, order_id, amount) = 1
),

notices as (
    select
        u.* exclude (is_held, is_notice, is_unknown, unit, told_sku, plain_key, plain_attribute, is_plain)
        replace (
            getvariable('moves_day') as period, n.code_key as "key", 'unmapped' as kind, 0::decimal(28, 4) as amount,
            0::decimal(28, 4) as quantity,
            case when told_sku is null then concat(side, ' ', sku) else concat(side, ' apart ', told_sku) end as attribute,
            coalesce(told_sku, sku) as sku, '' as order_id, 0::decimal(28, 4) as discount,
            null::decimal(28, 4) as unit_price, '' as customer, null::bigint as sequence,
            split_part(coalesce(told_sku, sku)[2:], ':', 1) as counterparty,
            array_to_string(string_split(coalesce(told_sku, sku)[2:], ':')[2:], ':') as remark, '' as record_id
        )
    from unknown as u
    inner join named as n on u.entity = n.of_entity and u.shop = n.of_shop and u.side = n.of_side and coalesce(u.told_sku, u.sku) = n.named_sku
),

codes_now as (
    select *
    from codes
    where since <= getvariable('moves_day')
    qualify row_number() over (partition by shop, system, code order by since desc) = 1
),

-- what was said of a code and not answered yet
pending as (
    select
        *, count(*) over (partition by entity, "key", attribute) - count(*) over (partition by entity, "key", attribute, side) as answers,
        row_number() over (partition by entity, "key", attribute, side order by period, source, file, line, order_id) as number
    from claims
    where is_notice
    qualify number > answers
),

-- codes that are known by now
answered as (
    select
        n.* exclude (is_held, is_notice, is_unknown, unit, told_sku, answers, number)
        replace (getvariable('moves_day') as period, case n.side when 'left' then 'right' else 'left' end as side)
    from pending as n
    left join codes_now as c
        on n.shop = c.shop and n.counterparty = c.system and n.remark = c.code and not starts_with(c.sku, '?')
    left join apart as a on n.entity = a.entity and n.side = a.side and n.counterparty = a.system and n.remark = a.code
    where case
        when contains(coalesce(n.attribute, ''), ' apart ') then coalesce(a.is_answered, false) or coalesce(c.sku <> n.remark, false)
        else c.sku is not null
    end
),

final as (
    select * from as_made
    union all by name
    select * from by_order_now
    union all by name
    select * from taken_back
    union all by name
    select * from said_again
    union all by name
    select * from notices
    union all by name
    select * from answered
    union all by name
    select * from found
)

select * from final
