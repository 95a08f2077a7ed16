-- Grain: a line of a file. Meaning: of which another file has something like: most files of one day have nothing to do with each other.
with
facts as (select * from facts),

said as (
    select part, file, line, 'ids' as way, ids as said from facts where ids is not null
    union all
    select part, file, line, 'name', name from facts where name is not null
    union all
    select part, file, line, 'texts', texts from facts where ids is null or balance is not null
    union all
    select part, file, line, 'figures', concat(figures, '/', about) from facts where ids is null or balance is not null
    union all
    select part, file, line, 'cut', name_cut from facts where exists (select 1 from facts as f where f.name_cut <> f.name)
),

shared as (
    select part, way, said
    from said
    group by part, way, said
    having count(distinct file) > 1
),

final as (
    select distinct s.file, s.line
    from said as s
    semi join shared as o on s.part = o.part and s.way = o.way and s.said = o.said
)

select * from final
