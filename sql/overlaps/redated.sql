-- Grain: a row of an older file. Meaning: a newer file has its id, kind and account on another day (within `reach_days`): the newest row
-- that states the same figures, else the newest. `is_covered`: the newer file's range has the older row's time in it; `only_covered`: only
-- such rows are wanted.
with
named as (select * from redating),
ranges as (select * from redating_ranges),

-- a name that a file has on several rows names no movement
once as (
    select *
    from named
    qualify count(*) over (partition by file, name, kind, account) = 1
),

pairs as (
    select
        a.file, a.real_line, a.day, b.file as other, b.real_line as other_line, b.day as other_day,
        trim(regexp_replace(a.name, '\x1f+', ' ', 'g')) as name, a.figures = b.figures as is_equal, coalesce(a.occurred_at between r.first and r.last, false) as is_covered, b.rank
    from once as a
    inner join once as b on a.name = b.name and a.kind = b.kind and a.account = b.account and a.rank < b.rank
    inner join ranges as r on b.file = r.file
    where a.day <> b.day and abs(a.day - b.day) <= getvariable('reach_days')
        -- of two rows that state balances, each of which may follow the other, both are real
        and (a.balance is null or b.balance is null or a.balance = b.balance or a.balance - a.amount = b.balance - b.amount)
),

final as (
    select * exclude (rank)
    from pairs
    where is_covered or not getvariable('only_covered')
    qualify row_number() over (partition by file, real_line order by is_equal desc, rank desc) = 1
)

select * from final
order by all
