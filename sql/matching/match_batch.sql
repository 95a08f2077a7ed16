-- Grain: one row a period, batch of open items and single item. Meaning: a proposal that all items of one counterparty and
-- day together are one deposit.
with
items as (select * from left_over where 'batch' in (select pass from matching_passes where leg = left_over.leg)),

batches as (
    select
        period, leg, entity, currency, party, first_seen, amount > 0 as is_left, sum(amount) as amount,
        max(tolerance) as tolerance, max(window_days) as window_days, bool_or(left_first) as left_first,
        list("key" order by "key") as members
    from items
    group by period, leg, entity, currency, party, first_seen, amount > 0
    having count(*) between 2 and 500
),

pairs as (
    select
        b.period, b.leg, b.entity, b.currency, b.members, i."key", b.amount + i.amount as rest,
        abs(b.first_seen - i.first_seen)::int as days, len(b.members) as lines, b.party <> '' and b.party = i.party as is_same_party,
        b.party <> '' as is_named
    from batches as b
    inner join items as i
        on b.period = i.period and b.leg = i.leg and b.entity = i.entity and b.currency = i.currency
        and (i.amount < 0) = b.is_left
    where abs(b.amount + i.amount) <= b.tolerance and abs(b.first_seen - i.first_seen) <= b.window_days
        and (b.party = '' or i.party = '' or b.party = i.party)
        and (
            not b.left_first
            or case when b.is_left then b.first_seen - i.first_seen else i.first_seen - b.first_seen end <= 1
        )
),

final as (
    select
        period, leg, entity, currency,
        list_prepend("key", members) as members,
        days + 20 * (not is_same_party)::int as cost,
        greatest(
            case
                -- all payouts of one provider and day, and no other batch adds up to the deposit
                when is_named and rest = 0 and count(*) over (partition by period, leg, entity, currency, "key") = 1
                    then case when is_same_party then 8800 else 8300 end - 40 * days
                else (case when is_same_party then 8500 else 6500 end - 300 * days)
                    // count(*) over (partition by period, leg, entity, currency, "key")
            end, 100
        ) as points,
        concat(
            lines, ' items of one day are one, ', days, ' days apart', case when rest <> 0 then concat(', ', rest, ' left over') else '' end
        ) as reason
    from pairs
)

select * from final
