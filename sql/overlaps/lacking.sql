-- Grain: a row of a file and another file of its day. Meaning: that other file does not have the row as it is.
with
facts as (select * from facts),
differ as (select * from differ),
likely as (select * from likely),

final as (
    select f.*, d.file as other
    from facts as f
    inner join differ as d on f.day = d.day and f.file <> d.file
    semi join likely as l on f.file = l.file and f.line = l.line
    where not exists (
        select 1 from facts as g where g.file = d.file and g.day = f.day and g.part = f.part and g.h = f.h and g.n = f.n
    )
)

select * from final
