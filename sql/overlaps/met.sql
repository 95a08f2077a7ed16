-- Grain: a row of an older file and one of a newer file. Meaning: both have one name, account, figures and minute, so they are one movement
-- of which the files say other things. `is_whole`: the older one has the seconds that the newer one lost to a spreadsheet.
with
lacking as (select * from lacking),

named as (
    select
        *, date_trunc('minute', occurred_at) as minute, row_number() over (
            partition by part, file, other, day, name, account, currency, figures order by occurred_at, line
        ) as nth
    from lacking
    where name is not null
),

final as (
    select
        a.part, a.day, a.file, a.line, b.file as other, b.line as other_line,
        a.occurred_at is distinct from a.minute and b.occurred_at = a.minute as is_whole
    from named as a
    inner join named as b
        on a.file = b.other and b.file = a.other and a.part = b.part and a.day = b.day and a.name = b.name
        and a.account is not distinct from b.account and a.figures = b.figures and a.nth = b.nth
    where a.rank < b.rank and a.minute is not distinct from b.minute
)

select * from final
