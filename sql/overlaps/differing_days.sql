-- Grain: a day and a file. Meaning: what a file says of a day, in a number by which files that say the same are known, and its rank.
-- lint: allow hash: numbers of one run that tell equal rows, never stored
with
given as (select * from given),

final as (
    select day, file, min(rank) as rank, count(*) as row_count, sum(hash(part, h, n)::hugeint) as said
    from given
    group by day, file
)

select * from final
order by day, file
