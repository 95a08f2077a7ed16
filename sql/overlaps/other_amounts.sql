-- Grain: a row of a file and another file of its day. Meaning: that other file states another amount under its id, another time within
-- the range of both, or not this amount of a line that it has.
with
apart as (select * from apart),
ranges as (select * from ranges),
met as (select * from met),

facing as (
    select
        a.part, a.tbl, a.day, a.file, a.line, a.ids, a.amount, a.currency, a.occurred_at, b.file as other, b.line as other_line,
        b.amount as second, b.currency as second_currency, b.occurred_at as second_at, a.figures, b.figures as second_figures
    from apart as a
    inner join apart as b
        on a.file = b.other and b.file = a.other and a.part = b.part and a.day = b.day and a.ids = b.ids
        and a.kind is not distinct from b.kind
    left join ranges as ra on a.file = ra.file and a.account is not distinct from ra.account
    left join ranges as rb on b.file = rb.file and b.account is not distinct from rb.account
    where a.rank < b.rank
        -- of two rows that state balances, each of which may follow the other, both are real
        and (a.balance is null or b.balance is null or a.balance = b.balance or a.balance - a.amount = b.balance - b.amount)
        and (
            a.figures = b.figures
            or date_trunc('minute', a.occurred_at) is not distinct from date_trunc('minute', b.occurred_at)
            or (a.occurred_at between rb.first and rb.last and b.occurred_at between ra.first and ra.last)
        )
    qualify row_number() over (partition by a.part, a.file, a.line, b.file order by b.line) = 1
),

linked as (
    select day, file, line, other, other_line from met
    union all
    select day, other, other_line, file, line from met
),

-- an amount of a line that the other file has as well, without it
alone as (
    select
        a.part, a.tbl, a.day, a.file, a.line, a.ids, a.amount, a.currency, a.occurred_at, k.other, k.other_line, null as second,
        '' as second_currency, null as second_at, a.figures, '' as second_figures
    from apart as a
    inner join linked as k on a.file = k.file and a.line = k.line and a.other = k.other and a.day = k.day
    where a.ids is not null and a.amount <> 0
        and not exists (
            select 1 from apart as b
            where b.file = a.other and b.other = a.file and b.part = a.part and b.day = a.day and b.ids = a.ids
        )
    qualify row_number() over (partition by a.part, a.file, a.line, a.other order by k.other_line) = 1
),

final as (
    select * from facing
    union all
    select * from alone
)

select * from final
order by file, other, day, line, part
