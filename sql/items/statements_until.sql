-- Grain: one row a day and entity whose bank credited or drew a payout within the last month. Meaning: the day of the last line, of whatever
-- kind, of an account that was credited within it: what was to arrive later is on its way until the next statement is there. A bank that is
-- silent for longer has said that it has nothing.
with
claims as (select * from claims where leg = 'payout_bank' and side = 'right'),
past_claims as (select * from past_claims where leg = 'payout_bank' and side = 'right'),
of_range as (select * from bank_days),
before as (select * from bank_days_before),
calendar as (select period from calendar),

lines as (
    select entity, '' as bank_account, period, true as is_credited from claims
    union
    select entity, '', period, true from past_claims
    union
    select entity, bank_account, period, is_credited from before
    union
    select entity, bank_account, period, is_credited from of_range
),

accounts as (
    select c.period, l.entity, l.bank_account, max(l.period) as until
    from calendar as c
    inner join lines as l on l.period between c.period - 31 and c.period
    group by c.period, l.entity, l.bank_account
    having bool_or(l.is_credited)
),

final as (
    select period, entity, max(until) as until
    from accounts
    group by period, entity
)

select * from final
