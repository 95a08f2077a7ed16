-- Grain: a row of a file and another file of its day. Meaning: that other file lacks the row although it lies in its range, and no id says
-- which one it is; so of rows without an id, and of such as a bank's reference may name twice.
with
apart as (select * from apart),
ranges as (select * from ranges),

final as (
    select a.*
    from apart as a
    inner join ranges as r on a.other = r.file and a.account is not distinct from r.account
    where (a.ids is null or a.balance is not null) and a.occurred_at between r.first and r.last
)

select * from final
