-- Grain: a day, a file and another that has rows of it. Meaning: how many of these equal rows have neither an id, a balance nor the number
-- of their account, so that they may be of two accounts.
with
unsure as (select * from unsure),
again as (select * from again where reason = 'equal'),

final as (
    select f.file, f.day, a.other, min(f.line) as line, count(*) as n
    from unsure as f
    inner join again as a on f.part = a.part and f.file = a.file and f.line = a.line
    where f.ids is null and f.balance is null and f.amount <> 0 and not regexp_matches(f.account, '[0-9]')
    group by f.file, f.day, a.other
)

select * from final
order by all
