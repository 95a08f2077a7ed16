-- Grain: one row a day and entity whose bank credited or drew a payout within the last month. Meaning: the day of the last of them: what
-- was sent later is on its way until the next statement is there. A bank that is silent for longer has said that it has nothing.
with
claims as (select * from claims where leg = 'payout_bank' and side = 'right'),
past_claims as (select * from past_claims where leg = 'payout_bank' and side = 'right'),
calendar as (select period from calendar),

lines as (
    select entity, period from claims
    union
    select entity, period from past_claims
),

final as (
    select c.period, l.entity, max(l.period) as until
    from calendar as c
    inner join lines as l on l.period between c.period - 31 and c.period
    group by c.period, l.entity
)

select * from final
