-- Grain: a day, an older and a newer file, and an account. Meaning: each has rows that look like some of the other and are not in it, and
-- the balances do not lead through all of them, so nothing tells whether they are one movement or two. `lines`: the first two of them.
with
nameless as (select * from nameless),
facts as (select * from facts),
ranked as (select * from ranked),
again as (select * from again),

stated as (
    select distinct day, account, file, other, statement from nameless
),

pairs as (
    select distinct a.day, a.account, a.file, b.file as other
    from stated as a
    inner join stated as b
        on a.file = b.other and b.file = a.other and a.day = b.day and a.account is not distinct from b.account
        and (a.statement is null or b.statement is null or a.statement = b.statement)
    inner join ranked as x on a.file = x.file
    inner join ranked as y on b.file = y.file
    where x.rank < y.rank
),

shared as (
    select p.day, p.account, p.file, p.other, count(*) as n
    from pairs as p
    inner join facts as f on p.file = f.file and p.day = f.day and p.account is not distinct from f.account
    inner join facts as g on p.other = g.file and p.day = g.day and f.part = g.part and f.h = g.h and f.n = g.n
    group by p.day, p.account, p.file, p.other
),

looks as (
    select p.day, p.account, p.file, p.other, min([a.line, b.line]) as lines
    from pairs as p
    inner join nameless as a on p.file = a.file and p.other = a.other and p.day = a.day and p.account is not distinct from a.account
    inner join nameless as b
        on p.other = b.file and p.file = b.other and p.day = b.day and a.part = b.part and a.account is not distinct from b.account
    where (a.texts = b.texts or (a.figures = b.figures and a.about = b.about))
        and (
            a.balance is null or b.balance is null or a.texts = b.texts and a.figures = b.figures
            or a.balance = b.balance or a.balance - a.amount = b.balance - b.amount
        )
    group by p.day, p.account, p.file, p.other
),

-- the rows of both, once where both have them
together as (
    select distinct on (p.file, p.other, f.day, f.part, f.h, f.n)
        p.file, p.other, f.day, f.account, f.balance, f.balance - f.amount as before
    from pairs as p
    inner join facts as f on f.file in (p.file, p.other) and p.day = f.day and p.account is not distinct from f.account
    where not exists (
        select 1 from again as g
        where g.part = f.part and g.file = f.file and g.line = f.line and g.other in (p.file, p.other) and g.reason <> 'equal'
    )
    order by p.file, p.other, f.day, f.part, f.h, f.n, f.rank, f.line
),

ends as (
    select day, account, file, other, balance as value, balance is not null as is_stated, 1 as step from together
    union all
    select day, account, file, other, before, balance is not null, -1 from together
),

loose as (
    select day, account, file, other, value, bool_and(is_stated) as are_stated, sum(step) as steps
    from ends
    group by day, account, file, other, value
),

led as (
    select day, account, file, other, bool_and(are_stated) and sum(abs(steps)) <= 2 as is_led
    from loose
    group by day, account, file, other
),

counted as (
    select day, account, file, other, count(*) as n
    from nameless
    group by day, account, file, other
),

final as (
    select p.day, p.file, p.other, coalesce(s.n, 0) as shared, l.lines, own.n as own, others.n as others
    from pairs as p
    inner join looks as l on p.day = l.day and p.file = l.file and p.other = l.other and p.account is not distinct from l.account
    left join shared as s on p.day = s.day and p.file = s.file and p.other = s.other and p.account is not distinct from s.account
    left join led as c on p.day = c.day and p.file = c.file and p.other = c.other and p.account is not distinct from c.account
    left join counted as own
        on p.day = own.day and p.file = own.file and p.other = own.other and p.account is not distinct from own.account
    left join counted as others
        on p.day = others.day and p.other = others.file and p.file = others.other and p.account is not distinct from others.account
    where not coalesce(c.is_led, false)
)

select * from final
order by all
