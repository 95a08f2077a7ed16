-- Grain: one row an entity, side, system and code. Meaning: the codes that by the day `moves_day` the records themselves show to be
-- without a SKU, in the leg that is being made: in several orders one side has a code where the other has one, or several, that it
-- lacks; it is seldom there without such a partner; and it never occurs on the other side, as far back as late duplicates are looked for. On
-- the right it is a code that nobody has mapped (and its partner none of that system's), on the left a set whose parts nobody has listed, or
-- a name for other goods. Once three codes of a system are such, or hardly a code of it on the day is one of ours, one order is enough for
-- the next. is_answered: one that was told so before is mapped, listed, or seen on the other side by now.
with
doubted as (select * from codes_doubted),
held as (select * from held_claims where kind = 'unmapped' and contains(attribute, ' apart ')),
today as (select * from moving_claims where period = getvariable('moves_day')),
sightings as (select * from code_sightings where period <= getvariable('moves_day')),
named as (select * from codes_named where period = getvariable('moves_day')),
moved as (select * from moved_so_far),
skus as (select * from skus_dated where period <= getvariable('moves_day')),
codes as (select * from sku_codes where period <= getvariable('moves_day')),
parts as (select * from bundle_parts where period <= getvariable('moves_day')),

own as (
    select sku from skus
    union
    select sku from codes
    union
    select set_sku from parts
    union
    select sku from parts
),

sets as (select distinct set_sku from parts),

-- what was answered since stands on the other side as well
told as (
    select entity, split_part(attribute, ' ', 1) as side, counterparty as system, remark as code
    from held
    group by all
    having sum(case when side = split_part(attribute, ' ', 1) then 1 else -1 end) > 0
),

asked as (
    select distinct entity, code from doubted
    union
    select distinct entity, code from told
),

before as (
    select period, entity, side, code, system from sightings
    union all
    select period, entity, side, sku, coalesce(nullif(counterparty, ''), channel)
    from moved
    where names_goods(kind)
),

-- where else each of the codes in question stands; what came back for an exchange, and presents, are on the left by the warehouse's own code
places as (
    select entity, side, sku as code, coalesce(nullif(counterparty, ''), channel) as system
    from today
    where names_goods(kind)
    union
    select b.entity, b.side, b.code, b.system
    from before as b
    semi join asked as a on b.entity = a.entity and b.code = a.code
    where b.period >= getvariable('moves_day') - getvariable('repeat_horizon')::int
),

-- a partner on the left that the other system knows under its own name is sent or sold there as itself
weighed as (
    select
        d.entity, d.side, d.system, d.code, d.unit,
        bool_or(d.partner <> '' and (d.side = 'left' or x.code is null)) as has_partner
    from doubted as d
    left join places as x
        on d.side = 'right' and x.entity = d.entity and x.side = 'right' and x.code = d.partner and x.system = d.system
    group by d.entity, d.side, d.system, d.code, d.unit
),

counted as (
    select
        w.entity, w.side, w.system, w.code, count(*) filter (where w.has_partner) as units, count(*) filter (where not w.has_partner) as alone
    from weighed as w
    group by w.entity, w.side, w.system, w.code
),

candidates as (
    select c.entity, c.side, c.system, c.code, c.units
    from counted as c
    where c.side = 'right' and c.units > 3 * c.alone
        and not exists (select 1 from own as o where o.sku = c.code)
        and not exists (select 1 from places as x where x.entity = c.entity and x.side = 'left' and x.code = c.code)
),

-- which systems speak of goods in codes of their own: three of them were told, or of those that they name today hardly one is ours
named_today as (
    select entity, coalesce(nullif(counterparty, ''), channel) as system, sku as code
    from today
    where side = 'right' and sku <> '' and names_goods(kind)
    union
    select entity, system, code from named
),

established as (
    select entity, system
    from told
    where side = 'right'
    group by entity, system
    having count(*) >= 3
    union
    select entity, system
    from candidates
    group by entity, system
    having count(*) filter (where units > 1) >= 3
    union
    select n.entity, n.system
    from named_today as n
    left join candidates as c on n.entity = c.entity and n.system = c.system and n.code = c.code
    group by n.entity, n.system
    having count(c.code) >= 3 and count(c.code) > 3 * count(*) filter (where c.code is null)
),

foreign_codes as (
    select c.entity, c.side, c.system, c.code
    from candidates as c
    where c.units > 1 or exists (select 1 from established as e where e.entity = c.entity and e.system = c.system)
),

-- of a set or another name: its order has codes that go with it, which are ours, or more pieces than it
sided as (
    select
        d.entity, d.system, d.code, d.unit, bool_or(d.has_more) as has_more,
        bool_or(d.partner <> '' and c.units > 3 * c.alone) as has_partner,
        bool_or(o.sku is not null or x.code is not null) as is_of_ours
    from doubted as d
    left join counted as c on c.side = 'right' and c.entity = d.entity and c.system = d.partner_system and c.code = d.partner
    left join own as o on d.partner = o.sku
    left join (select distinct entity, code from places where side = 'left') as x on d.entity = x.entity and d.partner = x.code
    where d.side = 'left'
    group by d.entity, d.system, d.code, d.unit
),

sets_unknown as (
    select s.entity, 'left' as side, s.system, s.code
    from sided as s
    where not exists (select 1 from sets as b where b.set_sku = s.code)
        and not exists (select 1 from places as x where x.entity = s.entity and x.side = 'right' and x.code = s.code)
    group by s.entity, s.system, s.code
    having count(*) filter (where s.has_partner and (s.has_more or s.is_of_ours)) > greatest(1, 3 * count(*) filter (where not s.has_partner))
),

-- a code that comes with such a set alone is told by it
by_itself as (
    select d.entity, d.system, d.code
    from doubted as d
    left join (
        select entity, code from sets_unknown
        union
        select entity, code from told where side = 'left'
    ) as s on d.entity = s.entity and d.partner = s.code
    where d.side = 'right' and d.partner <> ''
    group by d.entity, d.system, d.code, d.unit
    having count(s.code) = 0
),

final as (
    select
        t.entity, t.side, t.system, t.code, concat('?', t.system, ':', t.code) as sku,
        t.side = 'right' and exists (select 1 from own as o where o.sku = t.code)
        or t.side = 'left' and exists (select 1 from sets as b where b.set_sku = t.code)
        or exists (
            select 1 from sightings as m
            where m.entity = t.entity and m.code = t.code and m.side <> t.side and m.period = getvariable('moves_day')
        )
        or exists (
            select 1 from today as m
            where m.entity = t.entity and m.sku = t.code and m.side <> t.side and names_goods(m.kind)
        ) as is_answered
    from told as t
    union all
    select n.entity, n.side, n.system, n.code, concat('?', n.system, ':', n.code), false
    from (
        select f.* from foreign_codes as f
        semi join by_itself as b on f.entity = b.entity and f.system = b.system and f.code = b.code
        union all
        select entity, side, system, code from sets_unknown
    ) as n
    anti join told as t on n.entity = t.entity and n.side = t.side and n.system = t.system and n.code = t.code
)

select * from final
