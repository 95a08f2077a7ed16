-- Grain: a row of a file and another file of its day. Meaning: that other file has neither the row nor the movement that it tells.
with
lacking as (select * from lacking),
met as (select * from met),

final as (
    select o.*
    from lacking as o
    where not exists (select 1 from met as m where m.part = o.part and m.file = o.file and m.line = o.line and m.other = o.other)
        and not exists (select 1 from met as m where m.part = o.part and m.other = o.file and m.other_line = o.line and m.file = o.other)
)

select * from final
