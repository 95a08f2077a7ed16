-- Grain: one row an entity, shop, side and code that is not known, of the leg and the day `moves_day`. Meaning: the key under which the
-- code stands: the one that it has already; else its own, and where its system has no map at all, the one of the system once there are
-- three codes.
with
claims as (select * from claims_by_unit),
map as (select * from sku_codes where period <= getvariable('moves_day')),
sets as (select * from bundle_parts where period <= getvariable('moves_day')),

-- the code that each claim stands for, where it is of one that is not known
naming as (
    select entity, shop, side, counterparty as system, remark as code, "key" as told_key
    from claims
    where is_notice
    union
    select
        entity, shop, side, split_part(coalesce(told_sku, sku)[2:], ':', 1),
        array_to_string(string_split(coalesce(told_sku, sku)[2:], ':')[2:], ':'), null
    from claims
    where not is_notice and (told_sku is not null or is_unknown)
),

without_map as (
    select n.entity, n.system
    from naming as n
    where case
        when n.system = 'books' then not exists (select 1 from sets)
        else not exists (select 1 from map as m where m.system in ('', n.system))
    end
    group by n.entity, n.system
    having count(distinct n.code) >= 3
),

final as (
    select
        n.entity as of_entity, n.shop as of_shop, n.side as of_side, concat('?', n.system, ':', n.code) as named_sku,
        coalesce(
            min(n.told_key),
            concat_ws('/', n.shop, 'unmapped', case when bool_or(w.system is not null) then n.system else concat(n.system, ':', n.code) end)
        ) as code_key
    from naming as n
    left join without_map as w on n.entity = w.entity and n.system = w.system
    group by n.entity, n.shop, n.side, n.system, n.code
)

select * from final
