-- Grain: a day, a file, another file and a reason. Meaning: how many lines of the file count in the other one.
with
again as (select * from again where reason <> 'contradicted'),

final as (
    select file, day, other, reason, count(distinct line) as n
    from again
    group by file, day, other, reason
)

select * from final
order by all
