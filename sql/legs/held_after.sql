-- Grain: one claim of the orders and codes that are moved, in the leg that is being made. Meaning: what of them does not net at the end
-- of the day `moves_day`, with what people decided of it: what the next day opens with.
with
held as (select * from held_claims),
moves as (select * from moves_of_day),
corrections as (select * from corrections where leg = getvariable('leg_made') and period = getvariable('moves_day')),

claimed as (
    select * from held
    union all by name
    select * from moves
),

decided as (
    select c.*
    from corrections as c
    semi join claimed as s on c.entity = s.entity and c."key" = s."key" and c.currency = s.currency
),

together as (
    select * from claimed
    union all by name
    select * from decided
),

open_keys as (
    select entity, "key", currency
    from together
    group by entity, "key", currency
    having sum(case side when 'left' then amount else -amount end) <> 0
        or sum(case side when 'left' then quantity else -quantity end) <> 0
        or not bool_or(kind in ('correction', 'write_off'))
        and list_sort(list(attribute order by attribute) filter (side = 'left' and attribute is not null))
            is distinct from list_sort(list(attribute order by attribute) filter (side = 'right' and attribute is not null))
),

final as (
    select t.*
    from together as t
    semi join open_keys as k on t.entity = k.entity and t."key" = k."key" and t.currency = k.currency
)

select * from final
