-- Grain: one row a code of the day `moves_day` that its order has on one side only, the order (or line), and a code that the same order
-- has on the other side only (partner; empty where there is none). Meaning: which codes may be ones that nobody has mapped, or sets
-- whose parts nobody knows, in the leg that is being made. system: whose code it is; has_more: more pieces on the right.
with
held as (select * from held_claims),
today as (select * from moving_claims where period = getvariable('moves_day')),
books as (select * from supplied_sides where leg = 'orders' and side = 'left' and since <= getvariable('moves_day')),

unioned as (
    select entity, shop, order_id, "key", side, kind, sku, quantity, attribute, channel, counterparty
    from held
    where names_goods(kind)
    union all
    select entity, shop, order_id, "key", side, kind, sku, quantity, attribute, channel, counterparty
    from today
    where names_goods(kind)
),

-- an order that stands under a code is answered for, and so is what is still sent for it
under_codes as (
    select distinct entity, shop, order_id
    from held
    where order_id <> '' and split_part("key", '/', 2) = 'unmapped'
),

-- and a line that is held by its number alone
said as (
    select
        u.entity, u.shop, u.side, u.sku, u.quantity,
        case
            when u."key" in (
                concat_ws('/', u.shop, u.order_id, u.sku), concat_ws('/', u.shop, u.order_id), concat_ws('/', u.shop, u.order_id, '*')
            ) then concat_ws('/', u.shop, u.order_id)
            else u."key"
        end as unit,
        case
            when u.side = 'right' then coalesce(nullif(u.counterparty, ''), u.channel)
            when exists (
                select 1 from books as b where b.entity in ('', u.entity) and b.shop in ('', u.shop)
            ) then 'books'
            else u.channel
        end as system
    from unioned as u
    anti join under_codes as c on u.entity = c.entity and u.shop = c.shop and u.order_id = c.order_id
    where u.order_id <> '' and u.sku <> '' and not starts_with(u.sku, '?')
        and (u.attribute is null or starts_with(u.attribute, 'sku='))
),

codes as (
    select
        entity, shop, unit, sku as code, max(system) as system,
        coalesce(bool_or(side = 'left'), false) as is_left, coalesce(bool_or(side = 'right'), false) as is_right,
        coalesce(sum(case side when 'right' then quantity else -quantity end), 0) as more
    from said
    group by entity, shop, unit, sku
),

units as (
    select entity, shop, unit, sum(more) > 0 as has_more
    from codes
    group by entity, shop, unit
    having bool_or(is_right)
),

lone as (
    select
        c.entity, c.shop, c.unit, c.code, c.system, case when c.is_left then 'left' else 'right' end as side, u.has_more
    from codes as c
    inner join units as u on c.entity = u.entity and c.shop = u.shop and c.unit = u.unit
    where c.is_left <> c.is_right
),

final as (
    select
        a.entity, a.shop, a.side, a.system, a.code, a.unit, a.has_more, coalesce(b.code, '') as partner,
        coalesce(b.system, '') as partner_system
    from lone as a
    left join lone as b on a.entity = b.entity and a.shop = b.shop and a.unit = b.unit and a.side <> b.side
)

select * from final
