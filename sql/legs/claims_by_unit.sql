-- Grain: one claim of the leg that is being made, of the day `moves_day` or held since an earlier one. Meaning: what it may be held
-- against: the order (`unit`) where its key is the order or an SKU of it, else its key alone; and `told_sku`, the code of a set, where
-- the records themselves show that it is none of our SKUs.
with
held as (select * from held_claims),
today as (select * from moving_claims where period = getvariable('moves_day')),
apart as (select * from codes_apart),

scoped as (
    select
        *, true as is_held, kind = 'unmapped' as is_notice, false as is_unknown,
        case
            when "key" in (
                concat_ws('/', shop, order_id, sku), concat_ws('/', shop, order_id), concat_ws('/', shop, order_id, '*')
            ) or split_part("key", '/', 2) = 'unmapped' and kind <> 'unmapped' and order_id <> '' then concat_ws('/', shop, order_id)
            else "key"
        end as unit
    from held
    union all by name
    select
        *, false as is_held, false as is_notice, starts_with(sku, '?') as is_unknown,
        case
            when "key" in (concat_ws('/', shop, order_id, sku), concat_ws('/', shop, order_id)) then concat_ws('/', shop, order_id)
            else "key"
        end as unit
    from today
),

-- what the records themselves show to be a code without a SKU; a set only once something was sent for it
answerable as (
    select entity, unit
    from scoped
    where side = 'right' and kind <> 'moved' and not is_notice
    group by entity, unit
),

final as (
    select s.*, a.sku as told_sku
    from scoped as s
    left join answerable as r on s.entity = r.entity and s.unit = r.unit
    left join apart as a
        on s.entity = a.entity and s.side = a.side and s.sku = a.code and not a.is_answered and not s.is_notice and s.order_id <> ''
        and s.kind not in ('moved', 'correction', 'write_off', 'gift', 'exchange')
        and case when s.side = 'left' then r.unit is not null else a.system = coalesce(nullif(s.counterparty, ''), s.channel) end
)

select * from final
